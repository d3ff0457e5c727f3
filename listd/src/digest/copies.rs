//! The mails of a digest: each as the copy that its readers would have got, and what of it the words of the digest show.
//!
//! Nothing personal is in them (promise 9): they are what a list with shared copies sends, the same for all of a language who want plain text, or do not.
//! So each is made once for all digests.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use listcore::digest::{Item, order};
use listcore::list::{self, ListId};
use listcore::message::{Mail, readable, text};
use listcore::notice::letter::Words;
use listcore::notice::{self, About, Chapter, Frame, Line, Original};
use listcore::outcome::Reply;
use listcore::rewrite::Edition;
use listcore::time::Timestamp;

use super::issue::Issue;
use super::{Press, Tenant};
use crate::clock;
use crate::compose::Composer;
use crate::delivery::{Can, Payload};
use crate::scheduler::{NoCopy, Render};
use crate::store::{Body, StoreError, StoredPost};

/// Most characters of a mail's text in the overview.
const TEXT: usize = 1_500;

/// Octets of copies that are kept while digests are made.
const BUDGET: usize = 64 << 20;

/// A digest is a mail that goes through the same relay: what that can't take is encoded anew with the digest.
const RELAY: Can = Can { eight_bit: true, utf8: false, chunking: true, size: None };

/// One mail in digests.
pub struct Copy {
    pub post: Arc<StoredPost>,
    pub original: Original,
    item: Item,
    author: String,
    subject: String,
    text: String,
}

/// Why there is none.
#[derive(Clone)]
pub enum Lost {
    Never(Reply),
    Later(String),
}

/// Those that are made already.
#[derive(Default)]
pub struct Copies {
    made: HashMap<(u64, Edition), Result<Arc<Copy>, Lost>>,
    octets: usize,
}

impl Copies {
    /// The copy of a post in one form.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn get(
        &mut self,
        press: &Press,
        post: &Arc<StoredPost>,
        edition: &Edition,
        now: Timestamp,
    ) -> Result<Result<Arc<Copy>, Lost>, StoreError> {
        let key = (post.id.0, edition.clone());
        if let Some(known) = self.made.get(&key) {
            return Ok(known.clone());
        }
        let Some(body) = press.store.body(post.mail).await? else {
            return Ok(Err(never("its body is gone")));
        };
        let (composer, post, edition) = (press.composer.clone(), post.clone(), edition.clone());
        let made =
            tokio::task::spawn_blocking(move || copy(&composer, &post, &body, &edition, now));
        let made = made.await.unwrap_or_else(|panic| Err(never(&panic.to_string())));
        let size = made.as_ref().map_or(0, |copy| copy.original.octets.len());
        if self.octets.saturating_add(size) > BUDGET {
            self.made.clear();
            self.octets = 0;
        }
        self.octets += size;
        let made = made.map(Arc::new);
        self.made.insert(key, made.clone());
        Ok(made)
    }
}

fn copy(
    composer: &Composer,
    post: &Arc<StoredPost>,
    body: &Body,
    edition: &Edition,
    now: Timestamp,
) -> Result<Copy, Lost> {
    let mut shared = StoredPost::clone(post);
    shared.frozen.settings.copies = list::Copies::Shared;
    // UTF-8 in a header only where there is no other way (RFC 6532 3.7).
    let (variant, global) = match composer.variant(&shared, body, &RELAY, edition) {
        Ok(variant) => (variant, false),
        Err(NoCopy::Never(_)) => {
            let any = Can { utf8: true, ..RELAY };
            let variant = composer.variant(&shared, body, &any, edition).map_err(lost)?;
            let global = variant.needs_utf8();
            (variant, global)
        }
        Err(why) => return Err(lost(why)),
    };
    let copy = composer.copy(&variant, &[], now).map_err(lost)?;
    let octets = whole(&copy.head, &copy.body).map_err(|e| Lost::Later(e.to_string()))?;
    let mail = Mail::parse(&octets).ok();
    let author = mail.as_ref().and_then(|mail| mail.from.first());
    let author = author.map(|from| match from.name.is_empty() {
        true => from.address.to_string(),
        false => from.name.clone(),
    });
    let subject = mail.as_ref().and_then(|mail| mail.values("Subject").next().map(text::decode));
    Ok(Copy {
        post: post.clone(),
        item: item(post, mail.as_ref()),
        author: author.unwrap_or_default(),
        subject: subject.unwrap_or_default(),
        text: readable::excerpt(&octets, TEXT),
        original: Original { octets: octets.into(), global },
    })
}

fn lost(why: NoCopy) -> Lost {
    match why {
        NoCopy::Never(reply) => Lost::Never(reply),
        NoCopy::Later(why) => Lost::Later(why),
    }
}

fn never(why: &str) -> Lost {
    Lost::Never(Reply { code: 0, text: why.to_owned() })
}

fn whole(head: &[u8], body: &Payload) -> std::io::Result<Vec<u8>> {
    let mut out = head.to_vec();
    for piece in body.pieces() {
        match piece {
            Payload::Memory(bytes) => out.extend_from_slice(bytes),
            Payload::File { path, offset, len } => {
                let mut file = std::fs::File::open(path.as_ref())?;
                file.seek(SeekFrom::Start(*offset))?;
                file.take(*len).read_to_end(&mut out)?;
            }
            Payload::Pieces(_) => return Err(std::io::ErrorKind::InvalidData.into()),
        }
    }
    Ok(out)
}

fn item(post: &StoredPost, mail: Option<&Mail>) -> Item {
    let frozen = &post.frozen;
    let ids = |name: &str| -> Vec<String> {
        let values = mail.into_iter().flat_map(|mail| mail.values(name));
        let text: String =
            values.map(|value| String::from_utf8_lossy(value).into_owned() + " ").collect();
        let marked = |word: &str| Some(word.strip_prefix('<')?.strip_suffix('>')?.to_owned());
        text.split_whitespace().filter_map(marked).take(100).collect()
    };
    let mut answers = ids("References");
    answers.extend(ids("In-Reply-To"));
    Item {
        list: (frozen.title().to_owned(), frozen.address.to_string()),
        id: Some(post.message_id.clone()),
        answers,
        came: post.accepted,
    }
}

/// The lists that they are of, each once, in their order.
pub fn lists(copies: &[Arc<Copy>]) -> Vec<ListId> {
    let mut lists: Vec<ListId> = Vec::new();
    for copy in copies {
        if !lists.contains(&copy.post.frozen.list) {
            lists.push(copy.post.frozen.list.clone());
        }
    }
    lists
}

/// What the digest says.
pub fn words(issue: &Issue, tenant: &Tenant, copies: &[Arc<Copy>]) -> Words {
    let Some(first) = copies.first() else { return notice::letter::words("en", "", &[]) };
    let frozen = &first.post.frozen;
    let frame = Frame {
        language: notice::language([issue.language.as_str()]),
        list: About { title: frozen.title(), address: &frozen.address },
        help: tenant.help.as_deref(),
        imprint: tenant.links.imprint.as_deref(),
        privacy: tenant.links.privacy.as_deref(),
    };
    let items: Vec<Item> = copies.iter().map(|copy| copy.item.clone()).collect();
    let chapter = |threads: Vec<Vec<usize>>| {
        let first = copies.get(*threads.iter().flatten().next()?)?;
        let of = &first.post.frozen;
        let line = |index: usize| Some(line(copies.get(index)?, tenant));
        let thread = |mails: Vec<usize>| mails.into_iter().filter_map(line).collect();
        Some(Chapter {
            title: of.title().to_owned(),
            page: tenant
                .links
                .pages
                .as_deref()
                .map(|url| listcore::links::list_url(url, &of.address)),
            threads: threads.into_iter().map(thread).collect(),
        })
    };
    let chapters: Vec<Chapter> = order(&items).into_iter().filter_map(chapter).collect();
    notice::digest(&frame, &chapters, issue.part)
}

fn line(copy: &Copy, tenant: &Tenant) -> Line {
    Line {
        author: copy.author.clone(),
        subject: copy.subject.clone(),
        came: clock::local(&tenant.zone, copy.post.accepted),
        text: copy.text.clone(),
    }
}
