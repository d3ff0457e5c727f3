//! What people read from us, in German and English: refusals in plain words, and words in headers.
//!
//! The texts stand in `locales/*.ftl` (Fluent) and are built in. Which refusal it is decides `policy`.

mod alarm;
mod attachment;
mod bounced;
mod braked;
mod command;
mod digest;
mod footer;
mod frame;
mod held;
mod help;
pub mod letter;
pub mod mail;
mod originals;
mod phrases;
mod settings;
pub mod shown;
mod strange;
mod when;
mod wish;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use crate::address::Address;
use crate::dn;
use crate::list::{Posters, Role};
use crate::message::Malformed;
use crate::policy::{Refusal, Unproven};
use crate::rewrite::role_address;

pub use alarm::{Alarm, Shrunk, alarm, resolved};
pub use attachment::{Why, ask, pictures, removed};
pub use bounced::{ComplainedOf, PausedAddress, complained, paused, probe};
pub use braked::{BrakedMail, braked};
pub use command::{Mine, changed, how, is_it_hers, status, wanted};
pub use digest::{Chapter, Line, digest};
pub use footer::footer;
pub use frame::{Frame, Post};
pub use held::{
    Announcement, Question, Scanned, Storm, Waits, already_decided, confirm_question, decided,
    ended, expired_for_moderators, held_for_author, held_for_moderators, reason, storm, taken,
    unclear,
};
pub use help::{NoHelp, help, no_help};
pub use originals::{Original, with_originals};
pub(crate) use phrases::phrases;
pub use settings::{leaves, settings_link, unsubscribed};
pub use strange::{StrangeMail, strange};
pub use when::{day, moment};
pub use wish::{
    Wish, already_on, wish_already, wish_decided, wish_for_owners, wish_taken, wish_undecided,
    wish_waits,
};

/// Longest refusal, octets: with code and CRLF it fits one reply line of 512 (RFC 5321 4.5.3.1.5).
pub const MAX_REPLY: usize = 400;

/// The languages and their texts, English first; `build.rs` lists the files.
const SOURCES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/locales.rs"));

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<Vec<(&str, Bundle)>> = LazyLock::new(|| {
    SOURCES.iter().map(|(language, source)| (*language, bundle(language, source))).collect()
});

/// A built-in text; a test holds that all of it parses, so what does not is left out.
fn bundle(language: &str, source: &str) -> Bundle {
    let mut bundle = Bundle::new_concurrent(language.parse().into_iter().collect());
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(parsed, _)| parsed);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The list that a refusal speaks of.
#[derive(Copy, Clone, Debug)]
pub struct About<'a> {
    /// What a person calls it, e.g. `Klasse 5b`.
    pub title: &'a str,
    pub address: &'a Address,
}

/// A refusal for an SMTP or LMTP reply: one line of printable ASCII, at most [`MAX_REPLY`] octets, without codes.
///
/// `language` is e.g. `de` or `de-AT`; English where there is no such text.
pub fn refusal(language: &str, refusal: &Refusal, about: &About<'_>) -> String {
    let mut args = about_args(about);
    let key = key(language, refusal, &mut args);
    clip(&ascii(&format(language, key, &args)), MAX_REPLY)
}

/// The variables of all replies about a list.
fn about_args(about: &About<'_>) -> FluentArgs<'static> {
    let mut args = FluentArgs::new();
    let title = clip(&ascii(about.title), 60);
    let address = clip(&ascii(&about.address.to_string()), 100);
    // A title in another script would be question marks only: then the address says more.
    let readable = title.bytes().filter(|b| *b == b'?').count() * 2 < title.len();
    args.set("list", if readable { title } else { address.clone() });
    let owner = role_address(about.address, Role::Owner)
        .map_or(address.clone(), |a| clip(&ascii(&a.to_string()), 100));
    args.set("owner", owner);
    args.set("address", address);
    args
}

/// A short answer of ours for an SMTP or LMTP reply, e.g. `reply-waits-author`: as [`refusal`], without a list.
pub fn reply(language: &str, key: &str) -> String {
    clip(&ascii(&word(language, key)), MAX_REPLY)
}

/// One word or phrase of ours for a header, e.g. `from-via`; not ASCII.
pub fn word(language: &str, key: &str) -> String {
    format(language, key, &FluentArgs::new())
}

/// A text of ours with variables, for a page; not ASCII.
pub fn phrase(language: &str, key: &str, variables: &[(&str, &str)]) -> String {
    let mut args = FluentArgs::new();
    for (name, value) in variables {
        args.set(*name, (*value).to_owned());
    }
    format(language, key, &args)
}

/// The languages that there are texts in, e.g. `de`; English first.
pub fn languages() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(language, _)| *language)
}

fn key(language: &str, refusal: &Refusal, args: &mut FluentArgs<'_>) -> &'static str {
    match refusal {
        Refusal::Loop => "refused-loop",
        Refusal::Hops(count) => {
            args.set("count", count.to_string());
            "refused-hops"
        }
        Refusal::Malformed(malformed) => match malformed {
            Malformed::HeaderTooBig(_) => "refused-header-too-big",
            Malformed::Twice(field) => {
                args.set("field", *field);
                "refused-twice"
            }
            Malformed::NoFrom | Malformed::BadFrom => "refused-no-author",
            Malformed::SeveralFrom => "refused-several-authors",
            Malformed::BareLineEnd | Malformed::Nul => "refused-line-ends",
        },
        Refusal::TooBig { size, limit } => {
            args.set("size", megabytes(language, *size));
            args.set("limit", megabytes(language, *limit));
            "refused-too-big"
        }
        Refusal::Expired => "refused-expired",
        Refusal::Unverified(Unproven::Nothing) => "refused-unverified",
        Refusal::Unverified(Unproven::OtherLogin) => "refused-other-login",
        Refusal::Unverified(Unproven::Forbidden) => "refused-forbidden",
        Refusal::NotAllowed(post) => match post.as_slice() {
            [] | [Posters::Owners] => "refused-not-allowed-owners",
            [Posters::Members] => "refused-not-allowed-members",
            [Posters::People] => "refused-not-allowed-people",
            post => match who(language, post) {
                Some(who) => {
                    args.set("who", who);
                    "refused-not-allowed-these"
                }
                None => "refused-not-allowed-some",
            },
        },
        Refusal::NotYet(setting) => {
            args.set("setting", *setting);
            "refused-not-yet"
        }
        Refusal::UnknownList => "refused-unknown",
        Refusal::LongLineSigned => "refused-signed-long-line",
        Refusal::Unsendable => "refused-unsendable",
        Refusal::BadStructure => "refused-structure",
        Refusal::AddressShown(field) => {
            args.set("field", field.clone());
            "refused-address-shown"
        }
        Refusal::TooMany => "refused-too-many",
        Refusal::Virus(Some(name)) => {
            args.set("virus", clip(&ascii(name), 80));
            "refused-virus"
        }
        Refusal::Virus(None) => "refused-virus-unnamed",
        Refusal::Spam => "refused-spam",
        Refusal::Suspect => "refused-suspect",
        Refusal::Filter => "refused-filter",
        Refusal::AttachmentSigned(name) => {
            args.set("name", clip(&ascii(name), 100));
            "refused-attachment-signed"
        }
        Refusal::PasswordSigned => "refused-password-signed",
    }
}

/// Most groups that a refusal names.
const MOST_GROUPS: usize = 3;

/// Who may write to a list, in words; `None` where some of them have no name that a stranger may hear: a group is
/// named by its title, never by its DN, and a person not at all (promise 7).
fn who(language: &str, post: &[Posters]) -> Option<String> {
    let mut names = Vec::new();
    for posters in post {
        names.push(match posters {
            Posters::Members => word(language, "who-members"),
            Posters::Owners => word(language, "who-owners"),
            Posters::Moderators => word(language, "who-moderators"),
            Posters::People => word(language, "who-people"),
            Posters::Anyone => return None,
            Posters::Group(title) => {
                let title = clip(&ascii(title), 60);
                let hidden =
                    title.is_empty() || title.contains('@') || dn::normal(&title).is_some();
                format!("\"{}\"", Some(title).filter(|_| !hidden)?)
            }
        });
    }
    (names.len() <= MOST_GROUPS + 2).then(|| names.join(", "))
}

/// The language in which there are texts for a tag, e.g. `de` for `de-AT`; `None` where there are none.
pub fn spoken(tag: &str) -> Option<&'static str> {
    let first = tag.split(['-', '_']).next().unwrap_or_default();
    SOURCES.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(first))
}

/// The first of these languages that there are texts in: the person's, the list's, the domain's (LA2); else English.
pub fn language<'a>(wanted: impl IntoIterator<Item = &'a str>) -> &'static str {
    wanted.into_iter().find_map(spoken).unwrap_or("en")
}

/// The text in the language, else in English; the key itself where a text is missing, which a test excludes.
fn format(language: &str, key: &str, args: &FluentArgs<'_>) -> String {
    let known = spoken(language).unwrap_or("en");
    let fitting = BUNDLES.iter().find(|(l, _)| *l == known);
    let text = fitting.and_then(|(_, bundle)| {
        let pattern = bundle.get_message(key)?.value()?;
        Some(bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned())
    });
    text.unwrap_or_else(|| key.to_owned())
}

/// `10 MB`, `10.4 MB`, `10,4 MB`: rounded up to one decimal, so that too large never reads like the limit.
fn megabytes(language: &str, octets: u64) -> String {
    let tenths = octets.div_ceil(100_000);
    let comma = if language.starts_with("de") { ',' } else { '.' };
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} MB"),
        (whole, rest) => format!("{whole}{comma}{rest} MB"),
    }
}

/// `12 kB`, and from a megabyte on like [`megabytes`].
pub fn size(language: &str, octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} B"),
        1_000..1_000_000 => format!("{} kB", octets.div_ceil(1_000)),
        _ => megabytes(language, octets),
    }
}

/// Text in ASCII letters where that stays readable: at most one character in ten has none of its own.
pub(crate) fn in_ascii(text: &str) -> Option<String> {
    let written: String = text.split_inclusive(['\r', '\n']).map(line_in_ascii).collect();
    let lost = written.matches('?').count() - text.matches('?').count();
    (lost * 10 <= text.chars().count()).then_some(written)
}

/// With the line end, which is no letter.
fn line_in_ascii(line: &str) -> String {
    let text = line.trim_end_matches(['\r', '\n']);
    ascii(text) + line.get(text.len()..).unwrap_or_default()
}

/// What a typewriter has for a typographic quote, dash or dots; `None` for anything else.
pub(crate) fn punctuation(c: char) -> Option<&'static str> {
    let plain = Some(transliterated(c)).filter(|plain| *plain != "?");
    plain.filter(|plain| !plain.contains(|c: char| c.is_ascii_alphanumeric()))
}

/// Printable ASCII on one line: German letters by custom, other Latin letters by their base, the rest `?`.
fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() => {}
            c => out.push_str(transliterated(c)),
        }
    }
    out
}

fn transliterated(c: char) -> &'static str {
    match c {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'Ä' | 'Æ' => "Ae",
        'Ö' | 'Œ' => "Oe",
        'Ü' => "Ue",
        'ß' => "ss",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' => "E",
        'ğ' => "g",
        'Ğ' => "G",
        'ì'..='ï' | 'ı' => "i",
        'Ì'..='Ï' | 'İ' => "I",
        'ł' => "l",
        'Ł' => "L",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ò'..='õ' | 'ø' | 'ő' => "o",
        'Ò'..='Õ' | 'Ø' | 'Ő' => "O",
        'ř' => "r",
        'Ř' => "R",
        'ś' | 'ş' | 'š' | 'ș' => "s",
        'Ś' | 'Ş' | 'Š' | 'Ș' => "S",
        'ţ' | 'ț' | 'ť' => "t",
        'ù' | 'ú' | 'û' | 'ů' | 'ű' => "u",
        'Ù' | 'Ú' | 'Û' | 'Ů' | 'Ű' => "U",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        '„' | '“' | '”' | '«' | '»' => "\"",
        '‘' | '’' | '‚' => "'",
        '–' | '—' => "-",
        '…' => "...",
        '€' => "EUR",
        _ => "?",
    }
}

/// The first `max` octets of an ASCII text.
fn clip(ascii: &str, max: usize) -> String {
    ascii.get(..max).unwrap_or(ascii).trim().to_owned()
}

#[cfg(test)]
mod tests;
