//! What is due, for whom, and in how many mails: decided from what waits in the store and who may get it now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use listcore::digest::{Period, divide};
use listcore::notice;
use listcore::outcome::{Dropped, Outcome};
use listcore::recipients::Recipient;
use listcore::rewrite::Edition;
use listcore::time::Timestamp;

use super::{Press, Tenant};
use crate::scheduler::{NotNow, Render};
use crate::store::digest::Entry;
use crate::store::{Move, PostId, StoreError, StoredPost};

/// One mail and all who get it: the same mails in the same form.
pub struct Issue {
    pub domain: String,
    /// Of our own words in it.
    pub language: String,
    /// With what they get of each, in the order in which they came.
    pub posts: Vec<(Arc<StoredPost>, Edition)>,
    /// Which of how many, from 1: what is too much for one mail comes in several.
    pub part: (usize, usize),
    pub readers: Vec<Reader>,
}

pub struct Reader {
    pub who: Recipient,
    entries: Vec<Entry>,
}

impl Issue {
    /// What ends with it, of one post or of all.
    pub fn entries(&self, post: Option<PostId>) -> impl Iterator<Item = &Entry> {
        let all = self.readers.iter().flat_map(|reader| &reader.entries);
        all.filter(move |entry| post.is_none_or(|post| entry.batch.post == post))
    }
}

/// What is to be done now.
#[derive(Default)]
pub struct Due {
    pub issues: Vec<Issue>,
    /// The ends of what is not to be sent any more.
    pub gone: Vec<Move>,
    /// Something waits until the members of its list are known for sure.
    pub unsure: bool,
}

/// Domain, language, part, and the posts with their forms.
type Key = (String, String, (usize, usize), Vec<(PostId, Edition)>);

/// By person (or address) and domain: one person is one, however many addresses she has.
type Piles = BTreeMap<(String, String), Pile>;

#[derive(Default)]
struct Pile {
    who: Option<Recipient>,
    entries: Vec<(Entry, Arc<StoredPost>)>,
}

impl Pile {
    /// Takes out what she reads in the same digest already: one mail that named several lists (`domain.once`).
    fn twice(&mut self, now: Timestamp) -> Vec<Move> {
        let mut known = HashSet::new();
        let is_new = |(_, post): &(Entry, Arc<StoredPost>)| {
            post.frozen.once.as_ref().is_none_or(|once| known.insert(once.mail.clone()))
        };
        let (once, twice): (Vec<_>, Vec<_>) = self.entries.drain(..).partition(is_new);
        self.entries = once;
        let gone = Outcome::Dropped { at: now, why: Dropped::Elsewhere };
        let end = |(entry, _): (Entry, _)| Move::Settle {
            batch: entry.batch,
            outcomes: vec![(entry.index, gone.clone())],
        };
        twice.into_iter().map(end).collect()
    }
}

/// Reads what waits, and puts together what is due.
///
/// # Errors
/// The store can't be read.
pub async fn due(
    press: &Press,
    tenants: &BTreeMap<String, Tenant>,
    now: Timestamp,
) -> Result<Due, StoreError> {
    let mut due = Due::default();
    let piles = piles(press, tenants, now, &mut due).await?;
    let mut issues: BTreeMap<Key, Issue> = BTreeMap::new();
    for ((_, domain), mut pile) in piles {
        let (Some(tenant), Some(who)) = (tenants.get(&domain), pile.who.take()) else { continue };
        pile.entries.sort_by_key(|(entry, post)| (post.accepted, entry.batch.post));
        due.gone.extend(pile.twice(now));
        let wanted = who.language.iter().chain([&tenant.language]);
        let language = notice::language(wanted.map(String::as_str));
        let sizes: Vec<u64> = pile.entries.iter().map(|(_, post)| post.size).collect();
        let parts = divide(&sizes, press.most);
        let of = parts.len();
        let mut entries = pile.entries.into_iter();
        for (part, mails) in (1..).zip(parts) {
            let (mut posts, mut waited) = (Vec::new(), Vec::new());
            for (entry, post) in entries.by_ref().take(mails.len()) {
                let plain = press.members.plain(&post.frozen, &who);
                let edition = press.composer.edition(&post.frozen, &who, plain);
                posts.push((post, edition));
                waited.push(entry);
            }
            let ids = posts.iter().map(|(post, edition)| (post.id, edition.clone())).collect();
            let key = (domain.clone(), language.to_owned(), (part, of), ids);
            let issue = issues.entry(key).or_insert_with(|| Issue {
                domain: domain.clone(),
                language: language.to_owned(),
                posts,
                part: (part, of),
                readers: Vec::new(),
            });
            issue.readers.push(Reader { who: who.clone(), entries: waited });
        }
    }
    due.issues = issues.into_values().collect();
    Ok(due)
}

/// What is due and may be sent.
async fn piles(
    press: &Press,
    tenants: &BTreeMap<String, Tenant>,
    now: Timestamp,
    due: &mut Due,
) -> Result<Piles, StoreError> {
    let mut piles = Piles::new();
    let mut posts: HashMap<PostId, Option<Arc<StoredPost>>> = HashMap::new();
    let waiting = press.store.digests().await?;
    for entry in waiting.entries {
        let id = entry.batch.post;
        let post = match posts.get(&id) {
            Some(known) => known.clone(),
            None => posts.entry(id).or_insert(press.store.post(id).await?).clone(),
        };
        let (Some(post), Some(who)) = (post, waiting.people.get(&entry.number)) else { continue };
        let Some(tenant) = tenants.get(&post.frozen.domain) else { continue };
        let period = press.wants.period(&post.frozen.list, who).unwrap_or(Period::Daily);
        if !tenant.schedule.is_due(entry.at, period, now) {
            continue;
        }
        match press.members.still_gets(&post.frozen, who, now) {
            Ok(()) | Err(NotNow::Dropped(Dropped::Digest)) => {
                let pile = piles.entry((whose(who), post.frozen.domain.clone())).or_default();
                // The newest of her addresses counts.
                pile.who = Some(who.clone());
                pile.entries.push((entry, post));
            }
            Err(NotNow::Unsure) => due.unsure = true,
            Err(NotNow::Dropped(why)) => {
                let outcomes = vec![(entry.index, Outcome::Dropped { at: now, why })];
                due.gone.push(Move::Settle { batch: entry.batch, outcomes });
            }
        }
    }
    Ok(piles)
}

fn whose(who: &Recipient) -> String {
    match &who.person {
        Some(person) => format!("person:{}", person.0),
        None => who.address.key(),
    }
}
