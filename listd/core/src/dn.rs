//! Distinguished names (RFC 4514) in one normal form, so that two spellings of a name are one key.
//!
//! No schema is known here: every attribute type is compared without case and without runs of spaces,
//! which is how the naming attributes of people and groups are defined.

use crate::entry::folded;

/// Longest DN that is looked at (octets).
const LONGEST: usize = 8 * 1024;

/// Types that have two names (RFC 4519), and the OIDs of the usual ones.
const SAME: [(&str, &str); 13] = [
    ("2.5.4.3", "cn"),
    ("commonname", "cn"),
    ("2.5.4.6", "c"),
    ("countryname", "c"),
    ("2.5.4.10", "o"),
    ("organizationname", "o"),
    ("2.5.4.11", "ou"),
    ("organizationalunitname", "ou"),
    ("0.9.2342.19200300.100.1.1", "uid"),
    ("userid", "uid"),
    ("0.9.2342.19200300.100.1.25", "dc"),
    ("domaincomponent", "dc"),
    ("2.5.4.4", "sn"),
];

/// The normal form of a DN: types and values lower-case, no spaces around separators, escapes undone and then
/// written in one way, values of one RDN in order. `None` where the text is no DN. The empty DN is `""`.
///
/// In the normal form a plain `,` only ever separates two RDNs, so that [`is_under`] may compare ends.
pub fn normal(dn: &str) -> Option<String> {
    if dn.len() > LONGEST {
        return None;
    }
    if dn.trim().is_empty() {
        return Some(String::new());
    }
    let rdns: Option<Vec<String>> = split(dn, &[',', ';']).into_iter().map(normal_rdn).collect();
    Some(rdns?.join(","))
}

/// True where the normal form `dn` is `base` or lies below it; everything lies below `""`.
pub fn is_under(dn: &str, base: &str) -> bool {
    dn == base
        || base.is_empty()
        || dn.strip_suffix(base).is_some_and(|above| above.ends_with(',') && above.len() > 1)
}

/// True where the normal form `dn` lies directly below `base`.
pub fn is_child(dn: &str, base: &str) -> bool {
    dn.split_once(',').map_or(base.is_empty() && !dn.is_empty(), |(_, parent)| parent == base)
}

fn normal_rdn(rdn: &str) -> Option<String> {
    let pairs: Option<Vec<String>> = split(rdn, &['+']).into_iter().map(normal_pair).collect();
    let mut pairs = pairs?;
    pairs.sort();
    Some(pairs.join("+"))
}

fn normal_pair(pair: &str) -> Option<String> {
    let (kind, value) = pair.split_once('=')?;
    let kind = kind.trim().to_ascii_lowercase();
    // However often it stands there: else the normal form would have another one.
    let kind = kind.trim_start_matches("oid.");
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if kind.is_empty() || !kind.bytes().all(fine) {
        return None;
    }
    let kind = SAME.iter().find(|(other, _)| *other == kind).map_or(kind, |(_, name)| name);
    Some(format!("{kind}={}", escaped(&folded(&plain_value(value)?))))
}

/// Splits where a separator stands that is neither escaped nor in quotes (RFC 2253 still knew quotes).
fn split<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut escape, mut quoted) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escape => escape = false,
            '\\' => escape = true,
            '"' => quoted = !quoted,
            c if !quoted && separators.contains(&c) => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// The value itself: escapes (`\,`, `\2C`), quotes and the `#hex` form (RFC 4514 2.4) undone.
fn plain_value(written: &str) -> Option<String> {
    let trimmed = written.trim();
    if let Some(hex) = trimmed.strip_prefix('#') {
        return hex_value(hex);
    }
    let mut bytes = Vec::with_capacity(trimmed.len());
    let mut rest = trimmed.bytes();
    while let Some(b) = rest.next() {
        match b {
            b'"' => {}
            b'\\' => {
                let first = rest.next().unwrap_or(b' ');
                let pair = rest.clone().next().and_then(|second| hex_pair(first, second));
                bytes.push(pair.unwrap_or(first));
                if pair.is_some() {
                    rest.next();
                }
            }
            b => bytes.push(b),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text in a BER string of up to 127 octets, which is what servers write as `#04...`.
fn hex_value(hex: &str) -> Option<String> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?;
    match bytes.as_slice() {
        [_tag, len, text @ ..] if usize::from(*len) == text.len() && *len < 128 => {
            String::from_utf8(text.to_vec()).ok()
        }
        _ => None,
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            ',' | '+' | ';' | '"' | '\\' | '<' | '>' | '=' | '#' => {
                out.push_str(&format!("\\{:02x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_key() {
        let cases = [
            ("uid=anna,ou=People,dc=x", "uid=anna,ou=people,dc=x"),
            (" UID = Anna , OU=people;dc=X ", "uid=anna,ou=people,dc=x"),
            ("OID.oid.2.5.4.3=x", "cn=x"),
            ("cn=Yilmaz\\2C Ayse,dc=x", "cn=yilmaz\\2c ayse,dc=x"),
            ("cn=Yilmaz\\, Ayse,dc=x", "cn=yilmaz\\2c ayse,dc=x"),
            ("cn=\"Yilmaz, Ayse\",dc=x", "cn=yilmaz\\2c ayse,dc=x"),
            ("CN=M\\C3\\BCller,dc=x", "cn=müller,dc=x"),
            ("cn=Müller,dc=x", "cn=müller,dc=x"),
            ("cn=#0404416E6E61,dc=x", "cn=anna,dc=x"),
            ("uid=a+cn=B,dc=x", "cn=b+uid=a,dc=x"),
            ("2.5.4.3=Anna,DC=x", "cn=anna,dc=x"),
            ("OID.2.5.4.3=Anna,domainComponent=x", "cn=anna,dc=x"),
            ("cn=a   b,dc=x", "cn=a b,dc=x"),
            ("cn=a\\=b\\+c,dc=x", "cn=a\\3db\\2bc,dc=x"),
            ("", ""),
        ];
        for (text, expect) in cases {
            assert_eq!(normal(text).as_deref(), Some(expect), "{text:?}");
            assert_eq!(normal(expect).as_deref(), Some(expect), "normal form of {expect:?}");
        }
        for text in ["anna", "cn", "=x", "cn=a,,dc=x", "c n=a", "cn=#04ff41", "cn=\\ff"] {
            assert_eq!(normal(text), None, "{text:?}");
        }
    }

    #[test]
    fn below_means_whole_rdns() {
        assert!(is_under("uid=a,ou=p,dc=x", "dc=x"));
        assert!(is_under("dc=x", "dc=x"));
        assert!(is_under("dc=x", ""));
        assert!(!is_under("uid=a,adc=x", "dc=x"));
        assert!(!is_under("dc=x", "uid=a,dc=x"));
        assert!(is_child("ou=p,dc=x", "dc=x"));
        assert!(!is_child("uid=a,ou=p,dc=x", "dc=x"));
        assert!(is_child("dc=x", ""));
    }
}
