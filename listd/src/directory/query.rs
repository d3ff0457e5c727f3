//! What is asked of the server, and the cookie that says how far we know the answer (RFC 4533).
//!
//! Values only; no connection.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// The one search that covers lists and people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub base: String,
    pub filter: String,
    /// Lower-case; never `*` (rule GD1).
    pub attributes: BTreeSet<String>,
}

impl Query {
    /// Tells whether a stored state answers this query of this server, and not another.
    pub fn fingerprint(&self, url: &str) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [url, &self.base, &self.filter]
            .into_iter()
            .chain(self.attributes.iter().map(String::as_str))
        {
            context.update(part.as_bytes());
            context.update(b"\0");
        }
        let mut print = [0; 32];
        for (to, from) in print.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        print
    }

    /// As the search wants them; the uuid too, which a paged search does not bring by itself.
    pub fn asked(&self) -> Vec<String> {
        let mut asked: Vec<String> = self.attributes.iter().cloned().collect();
        asked.push("entryUUID".to_owned());
        asked
    }
}

/// What the store keeps beside the entries, with a version in front.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCookie {
    version: u8,
    pub fingerprint: [u8; 32],
    /// The server's; empty where it gave none.
    pub cookie: Vec<u8>,
}

const VERSION: u8 = 1;

impl StoredCookie {
    pub fn new(fingerprint: [u8; 32], cookie: Vec<u8>) -> StoredCookie {
        StoredCookie { version: VERSION, fingerprint, cookie }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// `None` for what another version wrote, or nobody.
    pub fn from_bytes(bytes: &[u8]) -> Option<StoredCookie> {
        postcard::from_bytes(bytes).ok().filter(|c: &StoredCookie| c.version == VERSION)
    }
}

/// Change numbers by server id, out of a cookie (`rid=001,csn=A;B`) or the values of contextCSN.
pub fn change_numbers<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut numbers = BTreeMap::new();
    for text in texts {
        let list = text.split(',').find_map(|part| part.strip_prefix("csn=")).unwrap_or(text);
        for csn in list.split(';').map(str::trim) {
            if let Some(sid) = csn.split('#').nth(2) {
                numbers.insert(sid.to_owned(), csn.to_owned());
            }
        }
    }
    numbers
}

/// True where the server has seen a change that we have not.
pub fn is_behind(ours: &BTreeMap<String, String>, server: &BTreeMap<String, String>) -> bool {
    server.iter().any(|(sid, csn)| ours.get(sid).is_none_or(|have| have < csn))
}

/// True where we know a change of a server that the server itself does not know.
pub fn is_ahead(ours: &BTreeMap<String, String>, server: &BTreeMap<String, String>) -> bool {
    ours.iter().any(|(sid, have)| server.get(sid).is_some_and(|csn| csn < have))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_numbers_are_compared_by_server() {
        let a = "20261122010000.000001Z#000000#001#000000";
        let b = "20261122010000.000002Z#000000#001#000000";
        let c = "20261122005959.000000Z#000000#002#000000";
        let cookie = format!("rid=000,sid=001,csn={a};{c}");
        let ours = change_numbers([cookie.as_str()]);
        assert_eq!(ours.len(), 2);
        assert!(!is_behind(&ours, &change_numbers([c, a])));
        assert!(!is_behind(&ours, &change_numbers([])));
        assert!(is_behind(&ours, &change_numbers([c, b])));
        assert!(is_ahead(&change_numbers([b]), &change_numbers([a])));
        assert!(!is_ahead(&ours, &change_numbers([c, b])));
        assert!(!is_ahead(&ours, &change_numbers([])));
        assert!(is_behind(&change_numbers(["rid=000"]), &change_numbers([a])));
    }

    #[test]
    fn a_stored_cookie_is_for_one_question_and_one_version() {
        let query =
            Query { base: "dc=x".into(), filter: "(a=b)".into(), attributes: BTreeSet::new() };
        let print = query.fingerprint("ldap://a");
        assert_ne!(print, query.fingerprint("ldap://b"));
        let stored = StoredCookie::new(print, b"rid=000".to_vec());
        let mut bytes = stored.to_bytes();
        assert_eq!(StoredCookie::from_bytes(&bytes), Some(stored));
        bytes[0] = 9;
        assert_eq!(StoredCookie::from_bytes(&bytes), None);
        assert_eq!(StoredCookie::from_bytes(b""), None);
    }
}
