//! LDAP search filters (RFC 4515), parsed and evaluated by us: dynamic groups, inactive accounts, LDIF files.
//!
//! No schema: values compare without case, numbers as numbers, DNs as DNs. Extensible matches are understood
//! but undecided, so that such a filter matches nothing by accident.

use std::collections::BTreeSet;

use crate::dn;
use crate::entry::{Entry, attribute_name, folded};

/// Deepest nesting, and longest text (octets), that is accepted.
const DEEPEST: usize = 32;
const LONGEST: usize = 64 * 1024;

/// A parsed filter. Attribute names are lower-case, values have their escapes undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Present(String),
    Equal(String, String),
    AtLeast(String, String),
    AtMost(String, String),
    Substring {
        attribute: String,
        initial: Option<String>,
        any: Vec<String>,
        last: Option<String>,
    },
    /// Neither true nor false for us (extensible match).
    Undecided,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("\"(\" was expected at character {0}")]
    NoOpen(usize),
    #[error("\")\" is missing at character {0}")]
    NoClose(usize),
    #[error("there is more behind the end of the filter, from character {0} on")]
    Trailing(usize),
    #[error("\"attribute=value\" was expected, not {0:?}")]
    NoItem(String),
    #[error("a \\ must be followed by two hexadecimal digits, in {0:?}")]
    BadEscape(String),
    #[error("it is nested too deeply or too long")]
    TooBig,
}

impl Filter {
    /// Parses `(...)`; a bare `attribute=value` is accepted too, as the usual tools do.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(FilterError::TooBig);
        }
        if !text.starts_with('(') {
            return item(text);
        }
        let mut parser = Parser { text, at: 0 };
        let filter = parser.filter(0)?;
        if parser.at < text.len() { Err(FilterError::Trailing(parser.at)) } else { Ok(filter) }
    }

    /// True where the entry matches; a filter that is undecided as a whole does not.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.decide(entry) == Some(true)
    }

    /// Lower-case names of all attributes that it looks at.
    pub fn attributes(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.collect(&mut names);
        names
    }

    fn collect(&self, names: &mut BTreeSet<String>) {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|p| p.collect(names)),
            Filter::Not(part) => part.collect(names),
            Filter::Present(a)
            | Filter::Equal(a, _)
            | Filter::AtLeast(a, _)
            | Filter::AtMost(a, _)
            | Filter::Substring { attribute: a, .. } => {
                names.insert(a.clone());
            }
            Filter::Undecided => {}
        }
    }

    /// Three-valued, as RFC 4511 4.5.1.7 wants it.
    fn decide(&self, entry: &Entry) -> Option<bool> {
        let any =
            |a: &str, test: &dyn Fn(&str) -> bool| Some(entry.values(a).iter().any(|v| test(v)));
        match self {
            Filter::And(parts) => combine(parts, entry, false),
            Filter::Or(parts) => combine(parts, entry, true),
            Filter::Not(part) => part.decide(entry).map(|yes| !yes),
            Filter::Present(a) => Some(a == "objectclass" || !entry.values(a).is_empty()),
            Filter::Equal(a, v) => any(a, &|have| equal(have, v)),
            Filter::AtLeast(a, v) => any(a, &|have| order(have, v).is_ge()),
            Filter::AtMost(a, v) => any(a, &|have| order(have, v).is_le()),
            Filter::Substring { attribute, initial, any: parts, last } => {
                any(attribute, &|have| substring(have, initial.as_deref(), parts, last.as_deref()))
            }
            Filter::Undecided => None,
        }
    }
}

/// And (`decisive` false) or Or (`decisive` true) over three values.
fn combine(parts: &[Filter], entry: &Entry, decisive: bool) -> Option<bool> {
    let mut result = Some(!decisive);
    for part in parts {
        match part.decide(entry) {
            Some(yes) if yes == decisive => return Some(decisive),
            None => result = None,
            Some(_) => {}
        }
    }
    result
}

fn equal(have: &str, want: &str) -> bool {
    let same = folded(have) == folded(want);
    same || (want.contains('=')
        && dn::normal(want).is_some_and(|want| dn::normal(have).is_some_and(|have| have == want)))
}

/// Numbers as numbers, everything else (generalized time too) as folded text.
fn order(have: &str, want: &str) -> std::cmp::Ordering {
    match (have.trim().parse::<i64>(), want.trim().parse::<i64>()) {
        (Ok(have), Ok(want)) => have.cmp(&want),
        _ => folded(have).cmp(&folded(want)),
    }
}

fn substring(have: &str, initial: Option<&str>, any: &[String], last: Option<&str>) -> bool {
    let have = folded(have);
    let mut rest = have.as_str();
    if let Some(initial) = initial {
        match rest.strip_prefix(folded_part(initial).as_str()) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    for part in any {
        let part = folded_part(part);
        match rest.split_once(part.as_str()) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    last.is_none_or(|last| rest.ends_with(folded_part(last).as_str()))
}

/// A piece of a value: its outer spaces count, since text stood around it.
fn folded_part(part: &str) -> String {
    part.chars().flat_map(char::to_lowercase).collect()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEEPEST {
            return Err(FilterError::TooBig);
        }
        self.skip_spaces();
        if !self.rest().starts_with('(') {
            return Err(FilterError::NoOpen(self.at));
        }
        self.at += 1;
        self.skip_spaces();
        let filter = match self.rest().chars().next() {
            Some('&') => Filter::And(self.parts(depth)?),
            Some('|') => Filter::Or(self.parts(depth)?),
            Some('!') => {
                self.at += 1;
                Filter::Not(Box::new(self.filter(depth + 1)?))
            }
            _ => {
                let end = self.rest().find(')').ok_or(FilterError::NoClose(self.text.len()))?;
                let parsed = item(self.rest().get(..end).unwrap_or_default())?;
                self.at += end;
                parsed
            }
        };
        self.skip_spaces();
        if !self.rest().starts_with(')') {
            return Err(FilterError::NoClose(self.at));
        }
        self.at += 1;
        Ok(filter)
    }

    fn parts(&mut self, depth: usize) -> Result<Vec<Filter>, FilterError> {
        self.at += 1;
        let mut parts = Vec::new();
        self.skip_spaces();
        while self.rest().starts_with('(') {
            parts.push(self.filter(depth + 1)?);
            self.skip_spaces();
        }
        Ok(parts)
    }
}

/// `attribute op value` without its parentheses.
fn item(text: &str) -> Result<Filter, FilterError> {
    let bad = || FilterError::NoItem(text.chars().take(80).collect());
    let (left, value) = text.split_once('=').ok_or_else(bad)?;
    if left.ends_with(':') {
        return Ok(Filter::Undecided);
    }
    let (left, operator) = match left.char_indices().next_back() {
        Some((at, c @ ('>' | '<' | '~'))) => (left.get(..at).unwrap_or_default(), c),
        _ => (left, '='),
    };
    let name = attribute_name(left);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err(bad());
    }
    Ok(match operator {
        '>' => Filter::AtLeast(name, unescaped(value)?),
        '<' => Filter::AtMost(name, unescaped(value)?),
        '~' => Filter::Equal(name, unescaped(value)?),
        _ if value == "*" => Filter::Present(name),
        _ if value.contains('*') => with_stars(name, value)?,
        _ => Filter::Equal(name, unescaped(value)?),
    })
}

fn with_stars(attribute: String, value: &str) -> Result<Filter, FilterError> {
    let pieces: Result<Vec<String>, FilterError> = value.split('*').map(unescaped).collect();
    let mut pieces = pieces?;
    let some = |piece: String| Some(piece).filter(|p| !p.is_empty());
    let last = pieces.pop().and_then(some);
    let mut pieces = pieces.into_iter();
    let initial = pieces.next().and_then(some);
    let any = pieces.filter(|p| !p.is_empty()).collect();
    Ok(Filter::Substring { attribute, initial, any, last })
}

fn unescaped(text: &str) -> Result<String, FilterError> {
    let bad = || FilterError::BadEscape(text.chars().take(80).collect());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'\\' {
            bytes.push(b);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Entry {
        let mut e = Entry::new("uid=anna,dc=x");
        for (name, value) in [
            ("objectClass", "inetOrgPerson"),
            ("cn", "Anna  Müller"),
            ("ou", "5b"),
            ("ou", "Chor (alt)"),
            ("uidNumber", "900"),
            ("memberOf", "cn=A,dc=X"),
        ] {
            e.push(name, value.as_bytes());
        }
        e
    }

    #[test]
    fn filters_say_who_matches() {
        let cases = [
            ("(objectClass=INETORGPERSON)", true),
            ("objectClass=inetOrgPerson", true),
            ("(objectClass=*)", true),
            ("(mail=*)", false),
            ("(!(mail=*))", true),
            ("(cn=anna müller)", true),
            ("(cn=anna m\\c3\\bcller)", true),
            ("(&(ou=5b)(cn=anna*))", true),
            ("(&(ou=5a)(cn=anna*))", false),
            ("(|(ou=5a)(cn=*LLER))", true),
            ("(cn=a*na*m*ller)", true),
            ("(cn=a*na*na*r)", false),
            ("(ou=Chor \\28alt\\29)", true),
            ("(ou=*\\28*)", true),
            ("(uidNumber>=1000)", false),
            ("(uidNumber<=1000)", true),
            ("(uidNumber>=90)", true),
            ("(memberOf=CN=a, DC=x)", true),
            ("(ou~=5B)", true),
            ("(ou:dn:=5b)", false),
            ("(!(ou:dn:=5b))", false),
            ("(|(ou:dn:=5b)(ou=5b))", true),
            ("(&)", true),
            ("(|)", false),
            (" ( & ( ou=5b ) (cn=Anna*) ) ", true),
            ("(cn;lang-de=Anna Müller)", true),
        ];
        for (text, expect) in cases {
            let filter = Filter::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(filter.matches(&anna()), expect, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_the_place() {
        let cases = [
            ("(ou=5b", FilterError::NoClose(6)),
            ("(&(ou=5b)", FilterError::NoClose(9)),
            ("(ou=5b))", FilterError::Trailing(7)),
            ("(!ou=5b)", FilterError::NoOpen(2)),
            ("(5b)", FilterError::NoItem("5b".into())),
            ("", FilterError::NoItem("".into())),
            ("(=x)", FilterError::NoItem("=x".into())),
            ("(ou=\\2)", FilterError::BadEscape("\\2".into())),
        ];
        for (text, expect) in cases {
            assert_eq!(Filter::parse(text), Err(expect), "{text}");
        }
        let deep = "(!".repeat(40) + "(a=b)" + &")".repeat(40);
        assert_eq!(Filter::parse(&deep), Err(FilterError::TooBig));
    }

    /// GD1: the attributes to ask for are those that the filter names, no more.
    #[test]
    fn a_filter_names_its_attributes() {
        let filter = Filter::parse("(&(OU=5b)(|(!(mail=*))(cn=a*)(uidNumber>=1)))").unwrap();
        let names: Vec<_> = filter.attributes().into_iter().collect();
        assert_eq!(names, ["cn", "mail", "ou", "uidnumber"]);
    }
}
