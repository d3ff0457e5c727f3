//! Does the server still show us what we hold? Asked at the start and every few minutes (promise 6).
//!
//! A server tells what changes in its entries, but not what changes in what we may see: neither content sync nor a
//! stamp tells of access rules. So the names of all entries and of their attributes are counted, without a value,
//! and compared with ours. A difference that stays leads to a refresh from nothing, and what follows from that is
//! the safety catch's decision, not this room's.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ldap3::{LdapError, SearchEntry};
use listcore::dn;
use listcore::entry::attribute_name;

use super::follow::guarded;
use super::guard;
use super::live::Mode;
use super::pages::{self, Question};
use super::replica::Replica;
use super::session::Shared;

/// Between two looks whether there is anything to compare with yet.
const LOOK: Duration = Duration::from_millis(250);

/// What is verified, and when.
#[derive(Clone)]
pub struct Plan {
    pub base: String,
    pub filter: String,
    pub every: Duration,
    /// A change that is under way is told within that; after it a difference is one.
    pub settles: Duration,
    /// Where changes are polled for, they may be under way for longer.
    pub poll_interval: Duration,
}

/// For ever.
pub async fn run(shared: Arc<Shared>, plan: Plan) {
    let mut verifier = Verifier::default();
    loop {
        while !is_followed(&shared) {
            tokio::time::sleep(LOOK).await;
        }
        verifier.verify(&shared, &plan).await;
        tokio::time::sleep(plan.every).await;
    }
}

/// A poll for everything needs no verifying.
fn is_followed(shared: &Shared) -> bool {
    shared.listening.load(Ordering::Acquire) || shared.live.health().mode == Mode::PollChanges
}

#[derive(Default)]
struct Verifier {
    /// Differences that a refresh from nothing has not mended.
    excused: HashSet<Difference>,
    /// What led to the last one, and how many there had been then.
    asked: Option<(u64, HashSet<Difference>)>,
    /// The last trouble that was logged.
    trouble: Option<String>,
}

impl Verifier {
    async fn verify(&mut self, shared: &Arc<Shared>, plan: &Plan) {
        if !shared.tells_csn.load(Ordering::Acquire) {
            // Whether the session is deaf cannot be told either: only a whole answer is one.
            shared.live.ask_for_all();
            return;
        }
        match self.differences(shared, plan).await {
            Ok(differences) => {
                self.trouble = None;
                self.conclude(shared, differences);
            }
            Err(Trouble::Partial(error)) => {
                self.say(&format!(
                    "what we hold cannot be verified; everything is asked for instead: {error}"
                ));
                shared.live.ask_for_all();
            }
            // `heartbeat` and `follow` ask as well, and tell.
            Err(Trouble::NoAnswer(error)) => tracing::debug!("verifying: {error}"),
        }
    }

    fn say(&mut self, trouble: &str) {
        if self.trouble.as_deref() != Some(trouble) {
            tracing::warn!("{trouble}");
            self.trouble = Some(trouble.to_owned());
        }
    }

    /// What differs twice, and is not excused.
    async fn differences(
        &mut self,
        shared: &Arc<Shared>,
        plan: &Plan,
    ) -> Result<HashSet<Difference>, Trouble> {
        let first = compared(shared, plan).await?;
        self.excused.retain(|known| first.contains(known));
        let mut news: HashSet<Difference> = first.difference(&self.excused).copied().collect();
        if !news.is_empty() {
            let listening = shared.listening.load(Ordering::Acquire);
            let polls = if listening { Duration::ZERO } else { plan.poll_interval };
            tokio::time::sleep(plan.settles + polls).await;
            let second = compared(shared, plan).await?;
            news.retain(|one| second.contains(one));
        }
        Ok(news)
    }

    fn conclude(&mut self, shared: &Shared, differences: HashSet<Difference>) {
        let wholes = shared.live.wholes();
        if differences.is_empty() {
            self.asked = None;
            return;
        }
        let mended = self.asked.take().filter(|(before, _)| wholes > *before);
        if mended.is_some_and(|(_, before)| differences.is_subset(&before)) {
            tracing::warn!(
                entries = differences.len(),
                "the server shows other entries by name than when it is asked for their content; it is left at that"
            );
            self.excused.extend(differences);
            return;
        }
        let of = |kind: Kind| differences.iter().filter(|d| d.kind == kind).count();
        tracing::warn!(
            hidden = of(Kind::Hidden),
            shown = of(Kind::Shown),
            other = of(Kind::Other),
            "the server shows us other entries than it told of; have its access rules changed? Asking for everything"
        );
        shared.live.ask_for_all();
        self.asked = Some((wholes, differences));
    }
}

enum Trouble {
    /// The server answered with less than all.
    Partial(String),
    NoAnswer(String),
}

/// One entry that we hold and the server does not show alike.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
struct Difference {
    dn: u64,
    kind: Kind,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// We hold it, the server shows nothing of it.
    Hidden,
    /// The server shows it, and we do not hold it.
    Shown,
    /// It has other attributes than with us.
    Other,
}

/// A digest of each entry's DN in normal form, and one of the names of its attributes.
type Outline = HashMap<u64, u64>;

fn outline_of<'a>(dn: &str, names: impl Iterator<Item = &'a str>) -> (u64, u64) {
    let digest = |what: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        what(&mut hasher);
        hasher.finish()
    };
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    (digest(&|h| dn.hash(h)), digest(&|h| names.hash(h)))
}

async fn compared(shared: &Arc<Shared>, plan: &Plan) -> Result<HashSet<Difference>, Trouble> {
    // A task of its own: a malformed answer panics in ldap3.
    let shown = guarded(shown(shared.clone(), plan.clone())).await;
    let shown = shown.unwrap_or_else(|| Err(Trouble::NoAnswer("malformed".to_owned())))?;
    Ok(shared.live.read(|replica| differences(&held(replica), &shown)))
}

/// The server's word.
async fn shown(shared: Arc<Shared>, plan: Plan) -> Result<Outline, Trouble> {
    let mut ldap = shared.server.connect().await.map_err(Trouble::NoAnswer)?;
    let wanted = shared.live.read(Replica::wanted);
    let question = Question {
        base: &plan.base,
        filter: &plan.filter,
        attributes: wanted.iter().cloned().collect(),
        names_only: true,
    };
    let mut outline = Outline::new();
    let asked = pages::each(&mut ldap, shared.server.timeout, question, |message| {
        let entry = SearchEntry::construct(message);
        let names: Vec<String> = entry.attrs.keys().map(|name| attribute_name(name)).collect();
        let names = names.iter().map(String::as_str).filter(|name| wanted.contains(*name));
        outline.extend(dn::normal(&entry.dn).map(|dn| outline_of(&dn, names)));
    });
    asked.await.map_err(|error| {
        let said = shared.server.explain(&error);
        match error {
            LdapError::LdapResult { result } if guard::is_partial(result.rc) || result.rc == 53 => {
                Trouble::Partial(said)
            }
            _ => Trouble::NoAnswer(said),
        }
    })?;
    Ok(outline)
}

/// Ours.
fn held(replica: &Replica) -> Outline {
    let wanted = replica.wanted();
    let entries = replica.entries().filter_map(|(uuid, entry)| {
        let names = entry.names().filter(|name| wanted.contains(*name));
        Some(outline_of(replica.dn(uuid)?, names))
    });
    entries.collect()
}

fn differences(held: &Outline, shown: &Outline) -> HashSet<Difference> {
    let hidden = held.keys().filter(|dn| !shown.contains_key(dn)).map(|dn| (dn, Kind::Hidden));
    let others = shown.iter().filter_map(|(dn, names)| match held.get(dn) {
        None => Some((dn, Kind::Shown)),
        Some(have) if have != names => Some((dn, Kind::Other)),
        Some(_) => None,
    });
    hidden.chain(others).map(|(dn, kind)| Difference { dn: *dn, kind }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(entries: &[(&str, &[&str])]) -> Outline {
        entries.iter().map(|(dn, names)| outline_of(dn, names.iter().copied())).collect()
    }

    /// Promise 6: what is hidden, shown again, or shown in part is found; the order of attributes is no difference.
    #[test]
    fn what_is_shown_otherwise_is_found() {
        let ours = outline(&[("cn=a", &["cn", "member"]), ("uid=b", &["mail", "uid"])]);
        let cases: [(&str, Outline, &[Kind]); 5] = [
            (
                "same",
                outline(&[("uid=b", &["uid", "mail"]), ("cn=a", &["member", "cn", "cn"])]),
                &[],
            ),
            ("a person is hidden", outline(&[("cn=a", &["cn", "member"])]), &[Kind::Hidden]),
            (
                "the members are hidden",
                outline(&[("cn=a", &["cn"]), ("uid=b", &["mail", "uid"])]),
                &[Kind::Other],
            ),
            (
                "one more",
                outline(&[
                    ("cn=a", &["cn", "member"]),
                    ("uid=b", &["mail", "uid"]),
                    ("uid=c", &[]),
                ]),
                &[Kind::Shown],
            ),
            ("nothing", Outline::new(), &[Kind::Hidden, Kind::Hidden]),
        ];
        for (what, shown, expect) in cases {
            let mut kinds: Vec<Kind> = differences(&ours, &shown).iter().map(|d| d.kind).collect();
            kinds.sort_by_key(|kind| *kind as u8);
            assert_eq!(kinds, expect, "{what}");
        }
    }
}
