//! What came to a return path: whose token it is, and what is kept of it.
//!
//! What the words mean is `listcore::bounce`; what follows from it is the bounces room's.

use bytes::Bytes;
use listcore::bounce::{self, Bounce, Class, Kind};
use listcore::exim_log::without;
use listcore::list::{List, ListId};
use listcore::message::Mail;
use listcore::notice::shown as wording;
use listcore::time::Timestamp;
use listcore::token;

use super::{Incoming, Pipeline};
use crate::store::failures::Failure;
use crate::store::{Against, BounceEvent, RecipientRef, Strange};

/// Characters that tell of a bounce which nobody understands.
const STRANGE_WORDS: usize = 160;

/// Octets that are kept of it.
const STRANGE_MAIL: usize = 64 * 1024;

/// Characters of what another server said that are kept of a bounce.
const SAID: usize = 300;

impl Pipeline {
    /// Whom a bounce is about. A token that says nothing is counted, nothing else (rule V8).
    pub(super) fn bounce(
        &self,
        domain: &str,
        list: Option<&List>,
        text: &str,
        incoming: &Incoming,
        at: Timestamp,
    ) -> BounceEvent {
        let of = |purpose| self.named(purpose, domain, list, text, at);
        let (found, probe) = match of(token::Purpose::Bounces) {
            Some(found) => (Some(found), false),
            None => (of(token::Purpose::Probe), true),
        };
        let bounce = bounce::read(&incoming.bytes);
        let summary = bounce.summary();
        let (list, recipient) = found.map_or((None, None), |(id, who)| (Some(id), Some(who)));
        let failure = list.as_ref().and_then(|list| failure(&bounce, domain, list, probe));
        let strange = recipient.and_then(|_| strange(&bounce, &incoming.bytes));
        let refused = recipient.filter(|_| !probe).and_then(|_| against(&bounce));
        let class = bounce.recipients.first().map(|first| first.class);
        let kind = Some(bounce.kind);
        BounceEvent { at, recipient, list, summary, kind, class, failure, refused, strange }
    }

    /// Which list's recipient a token names.
    pub(super) fn named(
        &self,
        purpose: token::Purpose,
        domain: &str,
        list: Option<&List>,
        text: &str,
        at: Timestamp,
    ) -> Option<(ListId, RecipientRef)> {
        let keys = &self.house.keys;
        let found = match list {
            Some(list) => {
                token::check(keys, purpose, &list.id, text, at).map(|who| (list.id.clone(), who))
            }
            None => {
                let lists = self.members.lists();
                let here = lists.iter().filter(|l| l.address.domain() == domain).map(|l| &l.id);
                token::check_short(keys, purpose, text, at, here).map(|(id, who)| (id.clone(), who))
            }
        };
        found.ok().map(|(list, who)| (list, RecipientRef(who)))
    }
}

/// What a bounce says that may count: not of delays and answers (rule A6), nor of what they have against us or the mail
/// (promise 11). Whom its words name is of no matter, the token says who it is (rule V5).
fn failure(bounce: &Bounce, domain: &str, list: &ListId, probe: bool) -> Option<Failure> {
    let first = bounce.recipients.first();
    let class = match (bounce.kind, first) {
        (Kind::Bounce, Some(first)) => first.class,
        (Kind::Bounce, None) => Class::Soft,
        _ => return None,
    };
    let counts = matches!(class, Class::Hard | Class::Full | Class::Soft);
    let said = first.and_then(|first| first.diagnostic.clone()).unwrap_or_default();
    let (domain, list, said) = (domain.to_owned(), list.clone(), wording::line(&said, SAID));
    counts.then_some(Failure { domain, list, class, probe, said })
}

/// What a bounce has against us or the mail: it counts about the mail (promise 11).
fn against(bounce: &Bounce) -> Option<Against> {
    let first = bounce.recipients.first().filter(|_| bounce.kind == Kind::Bounce)?;
    let counts = matches!(first.class, Class::Policy | Class::Content);
    let message_id = bounce.about.clone().filter(|_| counts)?;
    let said = first.diagnostic.clone().unwrap_or_default();
    let said = wording::line(&without(&said, &first.address.to_string()), SAID);
    Some(Against { message_id, class: first.class, said })
}

/// What a human is to see: what nobody understands, and complaints. In a few words, from whose server and about what;
/// no address, since that may be a member's.
fn strange(bounce: &Bounce, raw: &Bytes) -> Option<Strange> {
    let unknown = |one: &bounce::Failed| one.rule == bounce::UNKNOWN;
    let wanted = match bounce.kind {
        Kind::Bounce => bounce.recipients.iter().all(unknown),
        Kind::Other | Kind::Feedback => true,
        Kind::Delayed | Kind::Vacation | Kind::Challenge => false,
    };
    if !wanted {
        return None;
    }
    let mail = Mail::parse(raw).ok();
    let subject = mail.as_ref().and_then(|mail| mail.text("Subject")).unwrap_or_default();
    let from = mail.as_ref().and_then(|mail| mail.from.first());
    let from = from.map_or("?", |from| from.address.domain());
    let subject = subject.split_whitespace().filter(|word| !word.contains('@'));
    let words = subject.collect::<Vec<_>>().join(" ");
    let what = wording::line(&format!("{from}: {words}"), STRANGE_WORDS);
    let mail = raw.slice(..raw.len().min(STRANGE_MAIL));
    Some(Strange { kind: bounce.kind, what, mail })
}
