//! Who a copy is from and where answers go (rules F1 to F6, P1 to P4, RFC 9057).

use crate::address::Address;
use crate::list::{FromPolicy, ReplyTo, Role};
use crate::message::lines::MAX_LINE;
use crate::message::{Field, Mail, Mailbox, Malformed, address, lines};
use crate::rewrite::{Frozen, Ours, PostKind, Unsendable, eight_bit, encode, role_address};

mod arrival;
mod names;

pub use arrival::{Arrival, Dmarc, SignatureName};
use arrival::{Way, way};

/// What happens to the fields about people. Whole fields, each ending in CRLF.
pub(super) struct Plan {
    /// The address that From shows.
    pub address: Address,
    from: Option<Vec<u8>>,
    reply_to: Option<Vec<u8>>,
    cc: Option<Vec<u8>>,
    /// From is the list's: what else says who wrote the mail goes, and comes back in our own fields.
    rewritten: bool,
    /// New fields for which there is no old one to stand in for.
    pub added: Vec<u8>,
}

impl Plan {
    /// The field that stands where this one stood.
    pub fn replacement(&self, mail: &Mail, field: &Field) -> Option<&[u8]> {
        if field.is(&mail.head, "From") {
            return self.from.as_deref();
        }
        if field.is(&mail.head, "Cc") {
            return self.cc.as_deref();
        }
        let reply_to = self.reply_to.as_deref();
        reply_to.filter(|_| field.is(&mail.head, "Reply-To"))
    }

    /// F1: with a rewritten From, a Sender only says "on behalf of" somebody else. An Author field of somebody's is
    /// a claim that nobody verified; ours takes its place.
    pub fn drops(&self, mail: &Mail, field: &Field) -> bool {
        self.rewritten && (field.is(&mail.head, "Sender") || field.is(&mail.head, "Author"))
    }
}

/// True where From stays only if the author's signature survives: [`plan`] has to be told.
pub(super) fn needs_signature(
    mail: &Mail,
    author: &Mailbox,
    frozen: &Frozen,
    ours: &Ours<'_>,
) -> bool {
    mail.from.len() == 1
        && frozen.hidden.is_none()
        && !(ours.signs_for)(author.address.domain())
        && way(frozen.settings.from, &frozen.arrival) == Way::KeepIfSigned
}

/// Whether From becomes the list's. Of several authors only one is verified, and a From that names the others is
/// never made valid, also not for an address of ours (promise 8); nor can DMARC evaluate it (rule T7).
fn is_rewritten(
    mail: &Mail,
    author: &Mailbox,
    frozen: &Frozen,
    ours: &Ours<'_>,
    signed: bool,
) -> Result<bool, Unsendable> {
    let policy = frozen.settings.from;
    if frozen.hidden.is_some() {
        // Whatever the list's policy: the relay address is all that there is.
        return Ok(true);
    }
    if mail.from.len() > 1 {
        return match policy {
            FromPolicy::Keep | FromPolicy::Unproven => {
                Err(Unsendable::Malformed(Malformed::SeveralFrom))
            }
            FromPolicy::Rewrite | FromPolicy::Policy | FromPolicy::Broken => Ok(true),
        };
    }
    let rewritten = match way(policy, &frozen.arrival) {
        Way::Keep => false,
        Way::Rewrite => true,
        Way::KeepIfSigned => !signed,
    };
    Ok(rewritten && !(ours.signs_for)(author.address.domain()))
}

/// `signed`: one of the author's signatures survives what is done to this copy, if From stays.
pub(super) fn plan(
    mail: &Mail,
    author: &Mailbox,
    frozen: &Frozen,
    ours: &Ours<'_>,
    signed: bool,
) -> Result<Plan, Unsendable> {
    let rewritten = is_rewritten(mail, author, frozen, ours, signed)?;
    if !rewritten && !ours.utf8 && !author.address.is_ascii() {
        return Err(Unsendable::NeedsUtf8);
    }
    let (reply_to, cc) = answers(mail, frozen, rewritten);
    // Names that we write down anew say nothing about another address (F5).
    let named = |m: &Mailbox| Mailbox { name: names::harmless(&m.name), ..m.clone() };
    let tokens = |people: &[Mailbox]| {
        encode::list(people.iter().map(|m| eight_bit::mailbox(&named(m), ours.utf8)))
    };
    let mut added = match rewritten && frozen.hidden.is_none() {
        true => author_field(mail, ours.utf8),
        false => Vec::new(),
    };
    let reply_to = reply_to.map(|people| encode::field("Reply-To", &tokens(&people)));
    if let (Some(new), 0) = (&reply_to, mail.count("Reply-To")) {
        added.extend_from_slice(new);
    }
    let cc = (!cc.is_empty()).then(|| with_authors(mail, tokens(&cc), ours.utf8));
    if let (Some(new), 0) = (&cc, mail.count("Cc")) {
        added.extend_from_slice(new);
    }
    let via = via_address(frozen);
    Ok(Plan {
        from: rewritten.then(|| {
            encode::field("From", &encode::mailbox(&names::via(&mail.from, frozen), &via))
        }),
        address: if rewritten { via } else { author.address.clone() },
        rewritten,
        reply_to,
        cc,
        added,
    })
}

/// What stood in From, under the name that RFC 9057 gives it: the same octets, wherever they can be sent.
fn author_field(mail: &Mail, utf8: bool) -> Vec<u8> {
    let Some(from) = mail.values("From").next() else { return Vec::new() };
    if !from.is_ascii() {
        let people = mail.from.iter().map(|m| eight_bit::mailbox(m, utf8));
        return encode::field("Author", &encode::list(people));
    }
    let raw = [b"Author:", from, b"\r\n"].concat();
    let counted = lines(&raw);
    if counted.longest <= MAX_LINE && !counted.bare {
        return raw;
    }
    let mut folded = Vec::new();
    encode::fold_raw(&raw, &mut folded);
    folded
}

/// The new Reply-To, if it changes, and the authors for Cc to whom no Reply-To leads (F6, P1 to P3).
fn answers(mail: &Mail, frozen: &Frozen, rewritten: bool) -> (Option<Vec<Mailbox>>, Vec<Mailbox>) {
    let authors = || mail.from.clone();
    let list = || Mailbox { name: String::new(), address: frozen.address.clone() };
    let setting = match frozen.kind {
        PostKind::List => frozen.settings.reply_to.clone(),
        PostKind::Role(_) => ReplyTo::Author,
        PostKind::Author(_) => match frozen.hidden.as_ref().and_then(|h| h.answers.clone()) {
            Some(address) => ReplyTo::Address(address),
            None => ReplyTo::Author,
        },
    };
    let own = &mail.reply_to;
    let reply_to = match setting {
        // P2: the author's own one stays as it is.
        ReplyTo::Author if !own.is_empty() => None,
        ReplyTo::Author if rewritten => Some(authors()),
        ReplyTo::Author if mail.count("Reply-To") > 0 => Some(authors()),
        ReplyTo::Author => None,
        ReplyTo::List => Some(vec![list()]),
        ReplyTo::Both if own.is_empty() => Some(authors().into_iter().chain([list()]).collect()),
        ReplyTo::Both => Some(own.iter().cloned().chain([list()]).collect()),
        ReplyTo::Address(address) => Some(vec![Mailbox { name: String::new(), address }]),
    };
    let reply_to = reply_to.map(once);
    let answered = reply_to.as_ref().unwrap_or(own);
    let reached = |author: &Mailbox| {
        answered.iter().chain(&mail.to).any(|m| m.address.same_as(&author.address))
    };
    // A hidden author is reached by the From itself.
    let shown = rewritten && frozen.hidden.is_none();
    let missing = authors().into_iter().filter(|author| shown && !reached(author));
    let cc = once(missing.collect());
    (reply_to, cc)
}

/// Each address once (P2).
fn once(people: Vec<Mailbox>) -> Vec<Mailbox> {
    let mut kept: Vec<Mailbox> = Vec::new();
    for person in people {
        if !kept.iter().any(|k| k.address.same_as(&person.address)) {
            kept.push(person);
        }
    }
    kept
}

/// The whole Cc field with more mailboxes; what stood there stays as it was where that can be sent.
fn with_authors(mail: &Mail, authors: Vec<String>, utf8: bool) -> Vec<u8> {
    let Some(old) = mail.values("Cc").next() else { return encode::field("Cc", &authors) };
    let listed = address::mailboxes(old);
    let fine = old.is_ascii() && listed.bad == 0 && !listed.mailboxes.is_empty();
    if !fine {
        let people = listed.mailboxes.iter().map(|m| eight_bit::mailbox(m, utf8));
        return encode::field("Cc", &encode::list(people.chain([authors])));
    }
    let kept = old.trim_ascii();
    let kept = kept.strip_suffix(b",").unwrap_or(kept);
    let added = encode::field(" ", &authors);
    let added = added.strip_prefix(b" :").unwrap_or(&added);
    let mut raw = [b"Cc: ", kept, b",\r\n", added].concat();
    if crate::message::lines(&raw).longest > crate::message::lines::MAX_LINE {
        let mut folded = Vec::new();
        encode::fold_raw(&raw, &mut folded);
        raw = folded;
    }
    raw
}

/// A hidden author's relay address; else the list's address, or the role's for mail to the owners, so that an answer by mistake is no post.
fn via_address(frozen: &Frozen) -> Address {
    if let Some(hidden) = &frozen.hidden {
        return hidden.relay.clone();
    }
    match frozen.kind {
        PostKind::List | PostKind::Author(_) => frozen.address.clone(),
        PostKind::Role(_) => {
            role_address(&frozen.address, Role::Owner).unwrap_or_else(|| frozen.address.clone())
        }
    }
}
