//! LDAP URLs as groups carry them in `memberURL` (RFC 4516): base, scope and filter of a search.
//!
//! Host and attribute list are read over: the search is answered from our replica. Not the URL of the server.

use crate::dn;
use crate::entry::Entry;
use crate::filter::{Filter, FilterError};

/// A search for members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberUrl {
    /// In normal form.
    pub base: String,
    pub scope: Scope,
    pub filter: Filter,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Base,
    One,
    Sub,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it does not begin with ldap:///")]
    NotLdap,
    #[error("a % is not followed by two hexadecimal digits")]
    BadEscape,
    #[error("its base is no DN")]
    BadBase,
    #[error("its scope is none of base, one, sub")]
    BadScope,
    #[error("its filter is wrong: {0}")]
    BadFilter(#[from] FilterError),
    #[error("it has a critical extension, which nobody here knows")]
    Critical,
}

impl MemberUrl {
    /// `ldap:///base?attributes?scope?filter?extensions`; the scope is `base` where none is given.
    pub fn parse(url: &str) -> Result<MemberUrl, UrlError> {
        let url = url.trim();
        let scheme = url.get(..7).map(str::to_ascii_lowercase);
        let rest = match scheme.as_deref() {
            Some("ldap://") => url.get(7..).unwrap_or_default(),
            Some("ldaps:/") => {
                url.get(7..).and_then(|r| r.strip_prefix('/')).ok_or(UrlError::NotLdap)?
            }
            _ => return Err(UrlError::NotLdap),
        };
        let path = rest.split_once('/').map_or("", |(_host, path)| path);
        let mut parts = path.splitn(5, '?');
        let mut next = || decoded(parts.next().unwrap_or_default());
        let (base, _attributes, scope, filter, extensions) =
            (next()?, next()?, next()?, next()?, next()?);
        if extensions.split(',').any(|e| e.trim_start().starts_with('!')) {
            return Err(UrlError::Critical);
        }
        let scope = match scope.to_ascii_lowercase().as_str() {
            "" | "base" => Scope::Base,
            "one" => Scope::One,
            "sub" => Scope::Sub,
            _ => return Err(UrlError::BadScope),
        };
        let filter = if filter.is_empty() { "(objectClass=*)" } else { &filter };
        Ok(MemberUrl {
            base: dn::normal(&base).ok_or(UrlError::BadBase)?,
            scope,
            filter: Filter::parse(filter)?,
        })
    }

    /// True where the search would find the entry; `dn` is its DN in normal form.
    pub fn finds(&self, dn: &str, entry: &Entry) -> bool {
        let there = match self.scope {
            Scope::Base => dn == self.base,
            Scope::One => dn::is_child(dn, &self.base),
            Scope::Sub => dn::is_under(dn, &self.base),
        };
        there && self.filter.matches(entry)
    }
}

fn decoded(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'%' {
            bytes.push(b);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(UrlError::BadEscape) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| UrlError::BadEscape)?);
    }
    String::from_utf8(bytes).map_err(|_| UrlError::BadEscape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_find_whom_they_name() {
        let mut anna = Entry::new("uid=anna,ou=People,dc=x");
        anna.push("ou", b"5b");
        let key = dn::normal(&anna.dn).unwrap();
        let cases = [
            ("ldap:///ou=people,dc=x??sub?(ou=5b)", Ok(true)),
            ("LDAP://ldap.x.example:389/ou=people,dc=x?mail?one?(ou=5b)", Ok(true)),
            ("ldaps://h/ou=people,dc=x??sub?(ou=5b)", Ok(true)),
            ("ldap:///dc=x??one?(ou=5b)", Ok(false)),
            ("ldap:///dc=x??sub?(ou=5a)", Ok(false)),
            ("ldap:///dc=x??sub", Ok(true)),
            ("ldap:///uid=anna,ou=people,dc=x", Ok(true)),
            ("ldap:///ou=people,dc=x", Ok(false)),
            ("ldap:///??sub?(ou=5%62)", Ok(true)),
            ("ldap:///ou=people%2Cdc=x??sub?%28ou=5b%29", Ok(true)),
            ("http://x", Err(UrlError::NotLdap)),
            ("ldap:///dc=x??all?(ou=5b)", Err(UrlError::BadScope)),
            ("ldap:///x??sub?(ou=5b)", Err(UrlError::BadBase)),
            ("ldap:///dc=%4??sub", Err(UrlError::BadEscape)),
            ("ldap:///dc=x??sub?(ou=5b)?!x=1", Err(UrlError::Critical)),
            ("ldap:///dc=x??sub?(ou=5b", Err(UrlError::BadFilter(FilterError::NoClose(6)))),
        ];
        for (url, expect) in cases {
            assert_eq!(MemberUrl::parse(url).map(|u| u.finds(&key, &anna)), expect, "{url}");
        }
    }
}
