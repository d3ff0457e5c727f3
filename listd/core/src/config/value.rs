//! One TOML value as one typed value: the kinds of values that the keys have.
//!
//! Pure and without context: a function here knows neither its key nor the others.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::source::Raw;
use super::{Admin, DirectorySource, Endpoint, StoreUrl, credential, size, syntax};
use crate::address::{Address, normal_domain};
use crate::bounce::complaint::Source;
use crate::digest::{Day, TimeOfDay};
use crate::list::{
    Allowed, FooterTexts, Forbidden, FromPolicy, NoPattern, Pattern, Posters, ReplyTo,
};

/// Why a value is none, to stand before "expected ..."; `at` where not the whole value is wrong.
pub(super) struct Wrong {
    pub at: Option<usize>,
    pub found: String,
}

pub(super) type Read<T> = Result<T, Wrong>;

fn wrong<T>(found: impl Into<String>) -> Read<T> {
    Err(Wrong { at: None, found: found.into() })
}

/// A value in words, e.g. `a list`.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number without quotes",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn str_of<'a>(raw: &'a Raw<'_>) -> Read<&'a str> {
    match raw.get_ref() {
        DeValue::String(text) => Ok(text),
        other => wrong(kind(other)),
    }
}

/// Reads a text with `parse`; what it does not take is shown back.
fn text<T>(raw: &Raw<'_>, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
    let text = str_of(raw)?;
    parse(text).ok_or_else(|| Wrong { at: None, found: format!("{text:?}") })
}

/// A list whose items `item` reads, with the place of the first wrong one.
pub(super) fn list<T>(raw: &Raw<'_>, item: impl Fn(&Raw<'_>) -> Read<T>) -> Read<Vec<T>> {
    let DeValue::Array(items) = raw.get_ref() else { return wrong(kind(raw.get_ref())) };
    let read = |one: &Raw<'_>| {
        item(one).map_err(|w| Wrong { at: w.at.or(Some(one.span().start)), found: w.found })
    };
    items.iter().map(read).collect()
}

pub(super) fn boolean(raw: &Raw<'_>) -> Read<bool> {
    raw.get_ref().as_bool().map_or_else(|| wrong(kind(raw.get_ref())), Ok)
}

pub(super) fn number(raw: &Raw<'_>, least: usize, most: usize) -> Read<usize> {
    let DeValue::Integer(written) = raw.get_ref() else { return wrong(kind(raw.get_ref())) };
    match usize::from_str_radix(written.as_str(), written.radix()) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => wrong(written.to_string()),
    }
}

/// As [`number`], within bounds that are known elsewhere.
pub(super) fn count(raw: &Raw<'_>, bounds: Option<RangeInclusive<u32>>) -> Read<u32> {
    let bounds = bounds.unwrap_or(0..=u32::MAX);
    let found = number(raw, 0, usize::MAX)?;
    match u32::try_from(found) {
        Ok(count) if bounds.contains(&count) => Ok(count),
        _ => wrong(found.to_string()),
    }
}

/// One of a few words, by their serde names.
pub(super) fn word<T: serde::de::DeserializeOwned>(raw: &Raw<'_>) -> Read<T> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    text(raw, |word| {
        let word: StrDeserializer<'_, Error> = word.into_deserializer();
        T::deserialize(word).ok()
    })
}

/// One of the four words of `from`; what is frozen for an unproven author is no setting.
pub(super) fn from_policy(raw: &Raw<'_>) -> Read<FromPolicy> {
    match word(raw)? {
        FromPolicy::Unproven => wrong("something that is no setting"),
        policy => Ok(policy),
    }
}

/// One of a few words that serde does not know.
pub(super) fn choice<T: Copy>(raw: &Raw<'_>, words: &[(&str, T)]) -> Read<T> {
    text(raw, |text| words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
}

/// Octets; at least 1 kB, at most 2 GB.
pub(super) fn octets(raw: &Raw<'_>) -> Read<u64> {
    let octets = text(raw, size::size)?;
    match octets {
        0..1_000 => wrong("less than 1 kB"),
        1_000..=2_000_000_000 => Ok(octets),
        _ => wrong("more than 2 GB"),
    }
}

/// `""` is no limit: 0.
pub(super) fn octets_or_empty(raw: &Raw<'_>) -> Read<u64> {
    match raw.get_ref() {
        DeValue::String(text) if text.is_empty() => Ok(0),
        _ => octets(raw),
    }
}

pub(super) fn allowed(raw: &Raw<'_>) -> Read<Allowed> {
    patterns(raw, Allowed::read)
}

pub(super) fn forbidden(raw: &Raw<'_>) -> Read<Forbidden> {
    patterns(raw, Forbidden::read)
}

/// A list of texts, with the place of the first that is no pattern.
fn patterns<T>(raw: &Raw<'_>, read: impl Fn(&[&str]) -> Result<T, NoPattern>) -> Read<T> {
    let texts = list(raw, |one| str_of(one).map(str::to_owned))?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    read(&texts).or_else(|why| {
        if texts.len() > 1 {
            list(raw, |one| text(one, |text| text.parse::<Pattern>().ok()))?;
        }
        wrong(why.to_string())
    })
}

/// At least one second, at most 30 days.
pub(super) fn duration(raw: &Raw<'_>) -> Read<Duration> {
    let duration = text(raw, size::duration)?;
    match duration.as_secs() {
        0 => wrong("less than a second"),
        1..=2_592_000 => Ok(duration),
        _ => wrong("more than 30 days"),
    }
}

/// [`duration`] in seconds.
pub(super) fn seconds(raw: &Raw<'_>) -> Read<u32> {
    let duration = duration(raw)?;
    u32::try_from(duration.as_secs()).or_else(|_| wrong("more than 30 days"))
}

pub(super) fn percent(raw: &Raw<'_>) -> Read<u8> {
    text(raw, size::percent)
}

/// `klasse-5b@schule.example 80 %`
pub(super) fn address_share(raw: &Raw<'_>) -> Read<(Address, u8)> {
    let text = str_of(raw)?;
    let both = text.split_once(' ').and_then(|(address, share)| {
        Some((Address::parse(address).ok()?, size::percent(share.trim())?))
    });
    both.map_or_else(|| wrong(format!("{text:?}")), Ok)
}

/// One line of at most `most` characters.
pub(super) fn plain(raw: &Raw<'_>, most: usize) -> Read<String> {
    let text = str_of(raw)?;
    if text.chars().count() > most {
        return wrong(format!("{} characters", text.chars().count()));
    }
    if text.chars().any(char::is_control) {
        return wrong("a text with a control character or a line break");
    }
    Ok(text.to_owned())
}

/// One text, or a table of languages with a text each.
pub(super) fn footer(raw: &Raw<'_>) -> Read<FooterTexts> {
    let texts = match raw.get_ref() {
        DeValue::String(text) => FooterTexts::new([("", text.as_ref())]),
        DeValue::Table(table) => {
            let mut texts = Vec::new();
            for (tag, text) in table {
                let text = str_of(text)
                    .map_err(|w| Wrong { at: Some(text.span().start), found: w.found })?;
                texts.push((tag.get_ref().as_ref(), text));
            }
            FooterTexts::new(texts)
        }
        other => return wrong(kind(other)),
    };
    texts.or_else(|why| wrong(why.to_string()))
}

/// An absolute path: what a relative one means depends on who starts the daemon.
pub(super) fn path(raw: &Raw<'_>) -> Read<PathBuf> {
    let path = str_of(raw)?;
    absolute(path).map_or_else(|| wrong(format!("{path:?}")), Ok)
}

/// A file that holds a secret: a path, or `credential:NAME`.
pub(super) fn secret(raw: &Raw<'_>) -> Read<PathBuf> {
    text(raw, |text| absolute(text).or_else(|| credential::read(text)))
}

fn absolute(path: &str) -> Option<PathBuf> {
    let fine = path.starts_with('/') && !path.ends_with('/') && !path.chars().any(char::is_control);
    fine.then(|| PathBuf::from(path))
}

/// Host name or mail domain: lower-case, as A-label; no address literal.
pub(super) fn domain(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| match normal_domain(text) {
        Ok(domain) if !domain.starts_with('[') => Some(domain),
        _ => None,
    })
}

pub(super) fn endpoint(raw: &Raw<'_>) -> Read<Endpoint> {
    text(raw, |text| text.parse().ok())
}

pub(super) fn socket(raw: &Raw<'_>) -> Read<SocketAddr> {
    text(raw, |text| text.parse().ok())
}

/// `host:port` or `[v6]:port`, as written.
pub(super) fn host_port(raw: &Raw<'_>) -> Read<String> {
    text(raw, is_host_port)
}

/// `http://host:port`, as `host:port`.
pub(super) fn http(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| is_host_port(text.strip_prefix("http://")?.trim_end_matches('/')))
}

fn is_host_port(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let literal = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let fine = match literal {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => normal_domain(host).is_ok(),
    };
    (fine && port > 0).then(|| text.to_owned())
}

pub(super) fn web_url(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| syntax::is_web_url(text).then(|| text.to_owned()))
}

/// The pages' own: what is in such a link acts for the person whom it was sent to (RFC 8058, section 3.1: https).
pub(super) fn private_url(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| syntax::is_private_url(text).then(|| text.to_owned()))
}

pub(super) fn store(raw: &Raw<'_>) -> Read<StoreUrl> {
    let url = str_of(raw)?;
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return wrong("PostgreSQL, which comes in a later release");
    }
    match url.strip_prefix("sqlite://").and_then(absolute) {
        Some(path) => Ok(StoreUrl::Sqlite(path)),
        None => wrong(format!("{url:?}")),
    }
}

/// Where the directory is. A relative `file:` starts at the folder of the configuration, `home`.
pub(super) fn directory(raw: &Raw<'_>, home: &Path) -> Read<DirectorySource> {
    text(raw, |text| match text.strip_prefix("file:") {
        Some(path) if path.is_empty() || path.ends_with('/') => None,
        // file:///etc/school.ldif means the same as file:/etc/school.ldif.
        Some(path) => {
            let path = path.strip_prefix("//").filter(|p| p.starts_with('/')).unwrap_or(path);
            Some(DirectorySource::File(home.join(path)))
        }
        None => syntax::is_ldap_url(text).then(|| DirectorySource::Ldap(text.to_owned())),
    })
}

pub(super) fn dn(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| syntax::is_dn(text).then(|| text.to_owned()))
}

pub(super) fn attribute(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| syntax::is_attribute(text).then(|| text.to_owned()))
}

/// As [`attribute`], where nothing means "none".
pub(super) fn attribute_or_empty(raw: &Raw<'_>) -> Read<String> {
    if str_of(raw)?.is_empty() { Ok(String::new()) } else { attribute(raw) }
}

pub(super) fn filter(raw: &Raw<'_>) -> Read<String> {
    let filter = str_of(raw)?;
    match syntax::check_filter(filter) {
        Ok(()) => Ok(filter.to_owned()),
        Err(why) => wrong(format!("{filter:?} ({why})")),
    }
}

/// As [`filter`], where nothing means "none".
pub(super) fn filter_or_empty(raw: &Raw<'_>) -> Read<String> {
    if str_of(raw)?.is_empty() { Ok(String::new()) } else { filter(raw) }
}

pub(super) fn address_template(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| (text.is_empty() || syntax::is_template(text)).then(|| text.to_owned()))
}

/// As [`language`], where nothing means "another one says it".
pub(super) fn language_or_empty(raw: &Raw<'_>) -> Read<String> {
    if str_of(raw)?.is_empty() { Ok(String::new()) } else { language(raw) }
}

pub(super) fn language(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| syntax::is_language(text).then(|| text.to_owned()))
}

/// One that the built-in tz database knows: so it is known everywhere, whatever the machine has.
pub(super) fn zone(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(text).ok()?;
        zone.iana_name().map(str::to_owned)
    })
}

/// `18:00`
pub(super) fn time_of_day(raw: &Raw<'_>) -> Read<TimeOfDay> {
    let digits = |text: &str, below: u8| -> Option<u8> {
        let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse().ok())?.filter(|number| *number < below)
    };
    text(raw, |text| {
        let (hour, minute) = text.split_once(':')?;
        Some(TimeOfDay { hour: digits(hour, 24)?, minute: digits(minute, 60)? })
    })
}

pub(super) fn day(raw: &Raw<'_>) -> Read<Day> {
    text(raw, Day::read)
}

pub(super) fn selector(raw: &Raw<'_>) -> Read<String> {
    text(raw, |text| match normal_domain(text) {
        Ok(selector) if !selector.starts_with('[') && text.is_ascii() => Some(selector),
        _ => None,
    })
}

pub(super) fn posters(raw: &Raw<'_>) -> Read<Posters> {
    text(raw, |text| match text {
        "members" => Some(Posters::Members),
        "owners" => Some(Posters::Owners),
        "moderators" => Some(Posters::Moderators),
        "people" => Some(Posters::People),
        "anyone" => Some(Posters::Anyone),
        dn => syntax::is_dn(dn).then(|| Posters::Group(dn.to_owned())),
    })
}

pub(super) fn reply_to(raw: &Raw<'_>) -> Read<ReplyTo> {
    text(raw, |text| match text {
        "author" => Some(ReplyTo::Author),
        "list" => Some(ReplyTo::List),
        "both" => Some(ReplyTo::Both),
        address => Address::parse(address).ok().map(ReplyTo::Address),
    })
}

/// An address, or else the DN of a group.
pub(super) fn source(raw: &Raw<'_>) -> Read<Source> {
    text(raw, Source::parse)
}

pub(super) fn admin(raw: &Raw<'_>) -> Read<Admin> {
    text(raw, |text| match Address::parse(text) {
        Ok(address) => Some(Admin::Address(address)),
        Err(_) => syntax::is_dn(text).then(|| Admin::Group(text.to_owned())),
    })
}
