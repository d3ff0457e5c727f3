//! One value of one setting: read from text, compared by how much it allows, and put in its place.
//!
//! The texts come from LDAP attributes and from `listctl`; the configuration has a reader of its own with line
//! numbers (`config::value`), for the same words.

use serde::Serialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::{Key, Rejected, Said};
use crate::address::Address;
use crate::config::{size, syntax};
use crate::dn;
use crate::list::{
    Allowed, ArcSet, Archive, AuthorAddress, Copies, FooterSigned, FooterTexts, Forbidden, Form,
    FromPolicy, Moderation, Nonmembers, Pattern, Posters, ReplyTo, Settings, Unsubscribe,
    Unverified,
};
use crate::time::{Timestamp, generalized_time};

/// Most values of one setting that are looked at, and most that are complained of.
const MOST: usize = 100;
const MOST_REJECTED: usize = 5;

/// What a key is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Post(Vec<Posters>),
    Nonmembers(Nonmembers),
    Unverified(Unverified),
    Moderation(Moderation),
    From(FromPolicy),
    ReplyTo(ReplyTo),
    AuthorAddress(AuthorAddress),
    SubjectTag(String),
    Footer(FooterTexts),
    FooterSigned(FooterSigned),
    Copies(Copies),
    Unsubscribe(Unsubscribe),
    MaxSize(u64),
    Archive(Archive),
    Language(String),
    /// In percent.
    ShrinkGuard(u8),
    Arc(ArcSet),
    AttachmentsAllowed(Allowed),
    AttachmentsForbidden(Forbidden),
    /// 0 = none.
    MaxAttachment(u64),
    Form(Form),
    Emergency(bool),
    /// 0 = no limit, here and below.
    MaxLists(u32),
    MaxRecipients(u32),
    MaxOutside(u32),
    PostsPerHour(u32),
    StormReplies(u32),
    StormMinutes(u32),
    StormMembers(u32),
    /// Seconds.
    HoldExpires(u32),
    DeputiesAfter(u32),
    Expires(Option<Timestamp>),
}

impl Value {
    /// Reads what one source says. `place` is where it stands, for messages. `None` where it says nothing.
    pub fn read<'a>(
        key: Key,
        place: &str,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Option<Said> {
        let texts: Vec<&str> = texts.into_iter().take(MOST + 1).collect();
        let rejected = |value: &str, why: String| Rejected {
            place: place.to_owned(),
            value: value.chars().take(100).collect(),
            why,
        };
        let expected = || format!("expected {}", key.expected());
        let alone = |why: String| {
            let value = texts.first().copied().unwrap_or_default();
            Some(Said { value: None, rejected: vec![rejected(value, why)] })
        };
        match texts.as_slice() {
            [] => None,
            many if many.len() > MOST => alone(format!("there are more than {MOST} values")),
            many if key == Key::AttachmentsAllowed => {
                Some(allowed(many, |text| rejected(text, expected())))
            }
            many if key == Key::AttachmentsForbidden => {
                Some(forbidden(many, |text| rejected(text, expected())))
            }
            many if key == Key::Post => Some(posts(many, |text| rejected(text, expected()))),
            // One text for each language.
            many if key == Key::Footer => match FooterTexts::read(many) {
                Ok(texts) => Some(Said { value: Some(Value::Footer(texts)), ..Said::default() }),
                Err(why) => alone(format!("found {why}, {}", expected())),
            },
            [text] => match Value::single(key, text) {
                Some(value) => Some(Said { value: Some(value), rejected: Vec::new() }),
                None => alone(expected()),
            },
            many => alone(format!("there are {} values, expected one", many.len())),
        }
    }

    /// A footer whose texts say otherwise which language they are for, `""` for all others.
    pub fn footer<'a>(
        place: &str,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Said> {
        let texts: Vec<(&str, &str)> = texts.into_iter().take(MOST).collect();
        let (_, first) = texts.first()?;
        Some(match FooterTexts::new(texts.iter().copied()) {
            Ok(texts) => Said { value: Some(Value::Footer(texts)), ..Said::default() },
            Err(why) => {
                let value = first.chars().take(100).collect();
                let why = format!("found {why}, expected {}", Key::Footer.expected());
                let rejected = Rejected { place: place.to_owned(), value, why };
                Said { value: None, rejected: vec![rejected] }
            }
        })
    }

    fn single(key: Key, text: &str) -> Option<Value> {
        let trimmed = text.trim();
        Some(match key {
            Key::Post | Key::Footer | Key::AttachmentsAllowed | Key::AttachmentsForbidden => {
                return None;
            }
            Key::Nonmembers => Value::Nonmembers(word(trimmed)?),
            Key::Unverified => Value::Unverified(word(trimmed)?),
            Key::Moderation => Value::Moderation(word(trimmed)?),
            Key::From => match word(trimmed)? {
                FromPolicy::Unproven => return None,
                policy => Value::From(policy),
            },
            Key::ReplyTo => Value::ReplyTo(reply_to(trimmed)?),
            Key::AuthorAddress => Value::AuthorAddress(word(trimmed)?),
            Key::SubjectTag => Value::SubjectTag(plain(trimmed, 60)?),
            Key::FooterSigned => Value::FooterSigned(word(trimmed)?),
            Key::Copies => Value::Copies(word(trimmed)?),
            Key::Unsubscribe => Value::Unsubscribe(word(trimmed)?),
            Key::MaxSize => Value::MaxSize(octets(trimmed)?),
            Key::Archive => Value::Archive(word(trimmed)?),
            Key::Language => Value::Language(language(trimmed)?),
            Key::ShrinkGuard => Value::ShrinkGuard(size::percent(trimmed)?),
            Key::Arc => Value::Arc(word(trimmed)?),
            Key::MaxAttachment if trimmed.is_empty() => Value::MaxAttachment(0),
            Key::MaxAttachment => Value::MaxAttachment(octets(trimmed)?),
            Key::Form => Value::Form(word(trimmed)?),
            Key::Emergency => Value::Emergency(truth(trimmed)?),
            Key::MaxLists => Value::MaxLists(count(key, trimmed)?),
            Key::MaxRecipients => Value::MaxRecipients(count(key, trimmed)?),
            Key::MaxOutside => Value::MaxOutside(count(key, trimmed)?),
            Key::PostsPerHour => Value::PostsPerHour(count(key, trimmed)?),
            Key::StormReplies => Value::StormReplies(count(key, trimmed)?),
            Key::StormMinutes => Value::StormMinutes(count(key, trimmed)?),
            Key::StormMembers => Value::StormMembers(count(key, trimmed)?),
            Key::HoldExpires => Value::HoldExpires(seconds(trimmed)?),
            Key::DeputiesAfter => Value::DeputiesAfter(seconds(trimmed)?),
            Key::Expires => Value::Expires(end(trimmed)?),
        })
    }

    /// What `settings` has for a key; they hold no end, so that is "never".
    pub fn of(key: Key, s: &Settings) -> Value {
        match key {
            Key::Post => Value::Post(s.post.clone()),
            Key::Nonmembers => Value::Nonmembers(s.nonmembers),
            Key::Unverified => Value::Unverified(s.unverified),
            Key::Moderation => Value::Moderation(s.moderation),
            Key::From => Value::From(s.from),
            Key::ReplyTo => Value::ReplyTo(s.reply_to.clone()),
            Key::AuthorAddress => Value::AuthorAddress(s.author_address),
            Key::SubjectTag => Value::SubjectTag(s.subject_tag.clone()),
            Key::Footer => Value::Footer(s.footer.clone()),
            Key::FooterSigned => Value::FooterSigned(s.footer_signed),
            Key::Copies => Value::Copies(s.copies),
            Key::Unsubscribe => Value::Unsubscribe(s.unsubscribe),
            Key::MaxSize => Value::MaxSize(s.max_size),
            Key::Archive => Value::Archive(s.archive),
            Key::Language => Value::Language(s.language.clone()),
            Key::ShrinkGuard => Value::ShrinkGuard(s.shrink_guard),
            Key::Arc => Value::Arc(s.arc),
            Key::AttachmentsAllowed => Value::AttachmentsAllowed(s.attachments_allowed.clone()),
            Key::AttachmentsForbidden => {
                Value::AttachmentsForbidden(s.attachments_forbidden.clone())
            }
            Key::MaxAttachment => Value::MaxAttachment(s.max_attachment),
            Key::Form => Value::Form(s.form),
            Key::Emergency => Value::Emergency(s.emergency),
            Key::MaxLists => Value::MaxLists(s.max_lists),
            Key::MaxRecipients => Value::MaxRecipients(s.max_recipients),
            Key::MaxOutside => Value::MaxOutside(s.max_outside),
            Key::PostsPerHour => Value::PostsPerHour(s.posts_per_hour),
            Key::StormReplies => Value::StormReplies(s.storm_replies),
            Key::StormMinutes => Value::StormMinutes(s.storm_minutes),
            Key::StormMembers => Value::StormMembers(s.storm_members),
            Key::HoldExpires => Value::HoldExpires(s.hold_expires),
            Key::DeputiesAfter => Value::DeputiesAfter(s.deputies_after),
            Key::Expires => Value::Expires(None),
        }
    }

    /// What is taken into account where a value makes no sense: the built-in default; for the end "now", and for an
    /// emergency that there is one.
    pub(super) fn strict(key: Key) -> Value {
        match key {
            Key::Expires => Value::Expires(Some(Timestamp(0))),
            // Somebody wanted to stop the list: what waits is lost to nobody.
            Key::Emergency => Value::Emergency(true),
            key => Value::of(key, &Settings::default()),
        }
    }

    pub(super) fn put(self, s: &mut Settings, expires: &mut Option<Timestamp>) {
        match self {
            Value::Post(v) => s.post = v,
            Value::Nonmembers(v) => s.nonmembers = v,
            Value::Unverified(v) => s.unverified = v,
            Value::Moderation(v) => s.moderation = v,
            Value::From(v) => s.from = v,
            Value::ReplyTo(v) => s.reply_to = v,
            Value::AuthorAddress(v) => s.author_address = v,
            Value::SubjectTag(v) => s.subject_tag = v,
            Value::Footer(v) => s.footer = v,
            Value::FooterSigned(v) => s.footer_signed = v,
            Value::Copies(v) => s.copies = v,
            Value::Unsubscribe(v) => s.unsubscribe = v,
            Value::MaxSize(v) => s.max_size = v,
            Value::Archive(v) => s.archive = v,
            Value::Language(v) => s.language = v,
            Value::ShrinkGuard(v) => s.shrink_guard = v,
            Value::Arc(v) => s.arc = v,
            Value::AttachmentsAllowed(v) => s.attachments_allowed = v,
            Value::AttachmentsForbidden(v) => s.attachments_forbidden = v,
            Value::MaxAttachment(v) => s.max_attachment = v,
            Value::Form(v) => s.form = v,
            Value::Emergency(v) => s.emergency = v,
            Value::MaxLists(v) => s.max_lists = v,
            Value::MaxRecipients(v) => s.max_recipients = v,
            Value::MaxOutside(v) => s.max_outside = v,
            Value::PostsPerHour(v) => s.posts_per_hour = v,
            Value::StormReplies(v) => s.storm_replies = v,
            Value::StormMinutes(v) => s.storm_minutes = v,
            Value::StormMembers(v) => s.storm_members = v,
            Value::HoldExpires(v) => s.hold_expires = v,
            Value::DeputiesAfter(v) => s.deputies_after = v,
            Value::Expires(v) => *expires = v,
        }
    }

    /// A value that allows nothing that one of the two does not allow; `self` where a key opens nothing.
    pub(super) fn stricter(self, other: Value) -> Value {
        match (self, other) {
            (Value::Post(a), Value::Post(b)) => Value::Post(both(&a, &b)),
            (Value::Nonmembers(a), Value::Nonmembers(b)) => {
                let rank = |v: &Nonmembers| match v {
                    Nonmembers::Reject => 0,
                    Nonmembers::Discard => 1,
                    Nonmembers::Hold => 2,
                };
                Value::Nonmembers(std::cmp::min_by_key(a, b, rank))
            }
            (Value::Unverified(a), Value::Unverified(b)) => {
                let rank = |v: &Unverified| match v {
                    Unverified::Reject => 0,
                    Unverified::Hold => 1,
                    Unverified::Confirm => 2,
                    Unverified::Accept => 3,
                };
                Value::Unverified(std::cmp::min_by_key(a, b, rank))
            }
            (Value::Moderation(a), Value::Moderation(b)) => Value::Moderation(match (a, b) {
                (a, b) if a == b => a,
                (Moderation::None, some) | (some, Moderation::None) => some,
                _ => Moderation::All,
            }),
            (Value::AuthorAddress(a), Value::AuthorAddress(b)) => {
                Value::AuthorAddress(if a == AuthorAddress::Hidden { a } else { b })
            }
            (Value::MaxSize(a), Value::MaxSize(b)) => Value::MaxSize(a.min(b)),
            (Value::AttachmentsAllowed(a), Value::AttachmentsAllowed(b)) => {
                Value::AttachmentsAllowed(a.both(&b))
            }
            (Value::AttachmentsForbidden(a), Value::AttachmentsForbidden(b)) => {
                Value::AttachmentsForbidden(a.either(b))
            }
            (Value::MaxAttachment(a), Value::MaxAttachment(b)) => {
                Value::MaxAttachment(if a == 0 || b == 0 { a.max(b) } else { a.min(b) })
            }
            (Value::Emergency(a), Value::Emergency(b)) => Value::Emergency(a || b),
            (Value::MaxLists(a), Value::MaxLists(b)) => Value::MaxLists(lower(a, b)),
            (Value::MaxRecipients(a), Value::MaxRecipients(b)) => Value::MaxRecipients(lower(a, b)),
            (Value::MaxOutside(a), Value::MaxOutside(b)) => Value::MaxOutside(lower(a, b)),
            (Value::PostsPerHour(a), Value::PostsPerHour(b)) => Value::PostsPerHour(lower(a, b)),
            (Value::StormReplies(a), Value::StormReplies(b)) => Value::StormReplies(lower(a, b)),
            (Value::StormMinutes(a), Value::StormMinutes(b)) => Value::StormMinutes(a.max(b)),
            (Value::StormMembers(a), Value::StormMembers(b)) => Value::StormMembers(a.min(b)),
            (Value::HoldExpires(a), Value::HoldExpires(b)) => Value::HoldExpires(a.min(b)),
            (Value::DeputiesAfter(a), Value::DeputiesAfter(b)) => Value::DeputiesAfter(a.min(b)),
            (Value::Archive(a), Value::Archive(b)) => {
                Value::Archive(if a == Archive::Off { a } else { b })
            }
            (Value::ShrinkGuard(a), Value::ShrinkGuard(b)) => Value::ShrinkGuard(a.min(b)),
            (Value::Expires(a), Value::Expires(b)) => Value::Expires(a.into_iter().chain(b).min()),
            (next, _) => next,
        }
    }
}

/// Reads each value of `post` for itself: a value only ever adds people, so the good ones may stand.
fn posts(texts: &[&str], rejected: impl Fn(&str) -> Rejected) -> Said {
    let (mut found, mut said) = (Vec::new(), Said::default());
    let mut good = false;
    for text in texts {
        match posters(text.trim()) {
            Some(Some(posters)) if found.contains(&posters) => {}
            Some(posters) => {
                good = true;
                found.extend(posters);
            }
            None if said.rejected.len() < MOST_REJECTED => said.rejected.push(rejected(text)),
            None => {}
        }
    }
    said.value = good.then_some(Value::Post(found));
    said
}

/// Each value allows something more, so the good ones may stand.
fn allowed(texts: &[&str], rejected: impl Fn(&str) -> Rejected) -> Said {
    let (good, said) = patterns(texts, rejected, |one| Allowed::read(&[one]).is_ok());
    Said {
        value: good.and_then(|good| Allowed::read(&good).ok()).map(Value::AttachmentsAllowed),
        ..said
    }
}

/// Each value forbids something more: the good ones hold, and with them what the other sources forbid.
fn forbidden(texts: &[&str], rejected: impl Fn(&str) -> Rejected) -> Said {
    let (good, said) = patterns(texts, rejected, |one| Forbidden::read(&[one]).is_ok());
    let value = good.and_then(|good| Forbidden::read(&good).ok());
    Said { value: value.map(Value::AttachmentsForbidden), ..said }
}

/// The values that make sense, and what is said of the others; words for all or nothing stand alone.
fn patterns<'a>(
    texts: &[&'a str],
    rejected: impl Fn(&str) -> Rejected,
    alone: impl Fn(&str) -> bool,
) -> (Option<Vec<&'a str>>, Said) {
    let fine = |text: &&&str| match texts.len() {
        1 => alone(text),
        _ => text.parse::<Pattern>().is_ok(),
    };
    let good: Vec<&str> = texts.iter().filter(fine).copied().collect();
    let bad = texts.iter().filter(|text| !fine(text)).take(MOST_REJECTED);
    let said = Said { value: None, rejected: bad.map(|text| rejected(text)).collect() };
    ((!good.is_empty()).then_some(good), said)
}

/// `Some(None)` for `nobody`.
fn posters(text: &str) -> Option<Option<Posters>> {
    Some(Some(match text.to_lowercase().as_str() {
        "nobody" => return Some(None),
        "members" => Posters::Members,
        "owners" => Posters::Owners,
        "moderators" => Posters::Moderators,
        "people" => Posters::People,
        "anyone" => Posters::Anyone,
        _ => Posters::Group(named(text)?),
    }))
}

/// A DN, or `ldap:///DN` as other mail systems write it.
fn named(text: &str) -> Option<String> {
    let bare = match text.get(..8) {
        Some(start) if start.eq_ignore_ascii_case("ldap:///") => text.get(8..)?,
        _ => text,
    };
    let plain = !bare.contains(|c: char| c.is_control() || c == '\u{fffd}');
    let fine = plain && dn::normal(bare).is_some_and(|dn| !dn.is_empty());
    // A search, or escapes of a URL, would be another set of people.
    let search = bare.len() < text.len() && bare.contains(['?', '%']);
    (fine && !search).then(|| bare.to_owned())
}

/// Who may post by both. Owners and moderators always may, so they open nothing.
fn both(a: &[Posters], b: &[Posters]) -> Vec<Posters> {
    let within = |one: &Posters, all: &[Posters]| {
        matches!(one, Posters::Owners | Posters::Moderators)
            || all.contains(one)
            || all.contains(&Posters::Anyone)
    };
    let mut out: Vec<Posters> = a.iter().filter(|one| within(one, b)).cloned().collect();
    for one in b.iter().filter(|one| within(one, a)) {
        if !out.contains(one) {
            out.push(one.clone());
        }
    }
    out
}

fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let text = text.to_lowercase();
    let word: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
    T::deserialize(word).ok()
}

/// Empty: the domain's.
fn language(text: &str) -> Option<String> {
    (text.is_empty() || syntax::is_language(text)).then(|| text.to_owned())
}

fn reply_to(text: &str) -> Option<ReplyTo> {
    Some(match text.to_lowercase().as_str() {
        "author" => ReplyTo::Author,
        "list" => ReplyTo::List,
        "both" => ReplyTo::Both,
        _ => ReplyTo::Address(Address::parse(text).ok()?),
    })
}

/// Rule X4: one line without control characters.
fn plain(text: &str, most: usize) -> Option<String> {
    let bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffd}');
    (text.chars().count() <= most && !text.contains(bad)).then(|| text.to_owned())
}

/// With a unit, or plain octets as other mail systems write them.
fn octets(text: &str) -> Option<u64> {
    let octets = text.parse().ok().or_else(|| size::size(text))?;
    (1_000..=2_000_000_000).contains(&octets).then_some(octets)
}

/// As LDAP writes it (RFC 4517 3.3.3), in any case.
fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A whole number within the key's bounds.
fn count(key: Key, text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let count = text.parse().ok().filter(|_| digits)?;
    key.bounds()?.contains(&count).then_some(count)
}

/// At most 30 days.
fn seconds(text: &str) -> Option<u32> {
    let seconds = size::duration(text)?.as_secs();
    u32::try_from(seconds).ok().filter(|seconds| (1..=2_592_000).contains(seconds))
}

/// The lower of two limits, where 0 is none.
fn lower(a: u32, b: u32) -> u32 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

/// `never`, a day (its beginning), generalized time, or seconds since 1970 as FusionDirectory writes them.
fn end(text: &str) -> Option<Option<Timestamp>> {
    if text.eq_ignore_ascii_case("never") {
        return Some(None);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Some(Timestamp(seconds.checked_mul(1000).filter(|ms| *ms >= 0)?)));
    }
    let day = match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if text.len() == 10 => Some(format!("{year}{month}{day}000000Z")),
        _ => None,
    };
    generalized_time(day.as_deref().unwrap_or(text)).map(Some)
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = match self {
            Value::Post(posters) if posters.is_empty() => "nobody".to_owned(),
            Value::Post(posters) => {
                posters.iter().map(shown_posters).collect::<Vec<_>>().join(", ")
            }
            Value::Nonmembers(v) => shown_word(v),
            Value::Unverified(v) => shown_word(v),
            Value::Moderation(v) => shown_word(v),
            Value::From(v) => shown_word(v),
            Value::ReplyTo(ReplyTo::Address(address)) => address.to_string(),
            Value::ReplyTo(v) => shown_word(v),
            Value::AuthorAddress(v) => shown_word(v),
            Value::SubjectTag(v) | Value::Language(v) => format!("{v:?}"),
            Value::Footer(v) => v.to_string(),
            Value::FooterSigned(v) => shown_word(v),
            Value::Copies(v) => shown_word(v),
            Value::Unsubscribe(v) => shown_word(v),
            Value::MaxSize(v) => format!("{v} B"),
            Value::Archive(v) => shown_word(v),
            Value::ShrinkGuard(v) => format!("{v} %"),
            Value::Arc(v) => shown_word(v),
            Value::AttachmentsAllowed(v) => v.to_string(),
            Value::AttachmentsForbidden(v) => v.to_string(),
            Value::MaxAttachment(0) => "\"\"".to_owned(),
            Value::MaxAttachment(v) => format!("{v} B"),
            Value::Form(v) => shown_word(v),
            Value::Emergency(v) => v.to_string(),
            Value::MaxLists(v)
            | Value::MaxRecipients(v)
            | Value::MaxOutside(v)
            | Value::PostsPerHour(v)
            | Value::StormReplies(v)
            | Value::StormMinutes(v)
            | Value::StormMembers(v) => v.to_string(),
            Value::HoldExpires(v) | Value::DeputiesAfter(v) => format!("{v} s"),
            Value::Expires(None) => "never".to_owned(),
            Value::Expires(Some(Timestamp(..=0))) => "closed".to_owned(),
            Value::Expires(Some(at)) => format!("{} seconds after 1970", at.seconds()),
        };
        f.write_str(&shown)
    }
}

fn shown_posters(posters: &Posters) -> &str {
    match posters {
        Posters::Members => "members",
        Posters::Owners => "owners",
        Posters::Moderators => "moderators",
        Posters::People => "people",
        Posters::Anyone => "anyone",
        Posters::Group(dn) => dn,
    }
}

fn shown_word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
