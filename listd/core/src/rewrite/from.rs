//! Who a copy is from and where answers go (rules F1 to F6, P1 to P4).

use crate::address::Address;
use crate::list::{FromPolicy, ReplyTo, Role};
use crate::message::{Field, Mail, Mailbox, address};
use crate::notice;
use crate::rewrite::{Frozen, Ours, PostKind, Unsendable, eight_bit, encode, role_address};

/// Longest name and title in a rewritten From, in user-visible characters (rule F5).
const MAX_NAME: usize = 60;

/// What happens to the fields about people. Whole fields, each ending in CRLF.
pub(super) struct Plan {
    /// The address that From shows.
    pub address: Address,
    from: Option<Vec<u8>>,
    reply_to: Option<Vec<u8>>,
    cc: Option<Vec<u8>>,
    drop_sender: bool,
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

    /// F1: with a rewritten From, a Sender only says "on behalf of" somebody else.
    pub fn drops(&self, mail: &Mail, field: &Field) -> bool {
        self.drop_sender && field.is(&mail.head, "Sender")
    }
}

pub(super) fn plan(
    mail: &Mail,
    author: &Mailbox,
    frozen: &Frozen,
    ours: &Ours<'_>,
) -> Result<Plan, Unsendable> {
    let rewritten = match frozen.settings.from {
        // Whatever the list's policy: the relay address is all that there is.
        _ if frozen.hidden.is_some() => true,
        FromPolicy::Keep | FromPolicy::Unproven => false,
        // `policy` and `broken` are later; until then they do as the one that is always safe.
        FromPolicy::Rewrite | FromPolicy::Policy | FromPolicy::Broken => {
            !(ours.signs_for)(author.address.domain())
        }
    };
    if !rewritten && !ours.utf8 && !author.address.is_ascii() {
        return Err(Unsendable::NeedsUtf8);
    }
    let (reply_to, cc) = answers(mail, author, frozen, rewritten);
    let tokens =
        |people: &[Mailbox]| encode::list(people.iter().map(|m| eight_bit::mailbox(m, ours.utf8)));
    let mut added = Vec::new();
    let reply_to = reply_to.map(|people| encode::field("Reply-To", &tokens(&people)));
    if let (Some(new), 0) = (&reply_to, mail.count("Reply-To")) {
        added.extend_from_slice(new);
    }
    let cc = cc.map(|author| with_author(mail, tokens(&[author]), ours.utf8));
    if let (Some(new), 0) = (&cc, mail.count("Cc")) {
        added.extend_from_slice(new);
    }
    let via = via_address(frozen);
    Ok(Plan {
        from: rewritten
            .then(|| encode::field("From", &encode::mailbox(&via_name(author, frozen), &via))),
        address: if rewritten { via } else { author.address.clone() },
        drop_sender: rewritten,
        reply_to,
        cc,
        added,
    })
}

/// The new Reply-To, if it changes, and the author for Cc, where no Reply-To leads to the author (F6, P1 to P3).
fn answers(
    mail: &Mail,
    author: &Mailbox,
    frozen: &Frozen,
    rewritten: bool,
) -> (Option<Vec<Mailbox>>, Option<Mailbox>) {
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
        ReplyTo::Author if rewritten => Some(vec![author.clone()]),
        ReplyTo::Author if mail.count("Reply-To") > 0 => Some(vec![author.clone()]),
        ReplyTo::Author => None,
        ReplyTo::List => Some(vec![list()]),
        ReplyTo::Both if own.is_empty() => Some(vec![author.clone(), list()]),
        ReplyTo::Both => Some(own.iter().cloned().chain([list()]).collect()),
        ReplyTo::Address(address) => Some(vec![Mailbox { name: String::new(), address }]),
    };
    let reply_to = reply_to.map(once);
    let reachable = reply_to
        .as_ref()
        .unwrap_or(own)
        .iter()
        .chain(&mail.to)
        .any(|m| m.address.same_as(&author.address));
    // A hidden author is reached by the From itself.
    let cc = (rewritten && !reachable && frozen.hidden.is_none()).then(|| author.clone());
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

/// The whole Cc field with one more mailbox; what stood there stays as it was where that can be sent.
fn with_author(mail: &Mail, author: Vec<String>, utf8: bool) -> Vec<u8> {
    let Some(old) = mail.values("Cc").next() else { return encode::field("Cc", &author) };
    let listed = address::mailboxes(old);
    let fine = old.is_ascii() && listed.bad == 0 && !listed.mailboxes.is_empty();
    if !fine {
        let people = listed.mailboxes.iter().map(|m| eight_bit::mailbox(m, utf8));
        return encode::field("Cc", &encode::list(people.chain([author])));
    }
    let kept = old.trim_ascii();
    let kept = kept.strip_suffix(b",").unwrap_or(kept);
    let added = encode::field(" ", &author);
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

/// F4, F5: `Ayse Yilmaz über Klasse 5b`.
fn via_name(author: &Mailbox, frozen: &Frozen) -> String {
    let title = encode::cut(&harmless(frozen.title()), MAX_NAME);
    let suffix = format!(" {} {title}", notice::word(&frozen.language, "from-via"));
    let mut name = harmless(&author.name);
    // An answer to a copy carries the addition already.
    while let Some(shorter) = name.strip_suffix(&suffix) {
        name = shorter.trim_end().to_owned();
    }
    if name.is_empty() {
        name = harmless(author.address.local());
    }
    format!("{}{suffix}", encode::cut(&name, MAX_NAME))
}

/// A name without anything that looks like an address (rule F4, RFC 9989 11.4): of `anna@gmx.de` only `anna` stays.
fn harmless(text: &str) -> String {
    let text = encode::clean(text);
    let ats = ['@', '\u{ff20}', '\u{fe6b}'];
    let words = text.split(' ').map(|word| match word.split_once(ats) {
        Some((before, _)) => before.trim_matches(|c: char| "<>(\"'[".contains(c)),
        None => word,
    });
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
