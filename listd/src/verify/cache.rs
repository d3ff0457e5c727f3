//! DNS answers in memory, parsed, bounded in number and age.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mail_auth::{DnsCache, Negative, NoCache, RecordSet, ResolverCache, TxtRecord};

/// Most answers of one kind; about 500 octets each.
const CAPACITY: usize = 8192;

/// Kept at most this long, whatever the record says: a key that was withdrawn stops counting.
const MAX_TTL: Duration = Duration::from_secs(3600);

/// What mail-auth looks up for DKIM and DMARC: TXT records, and A records for `np=` (RFC 9989 4.10).
#[derive(Default)]
pub struct Cache {
    txt: Bounded<TxtRecord>,
    ipv4: Bounded<Result<RecordSet<Ipv4Addr>, Negative>>,
}

#[cfg(test)]
impl Cache {
    /// Puts an answer in that DNS never gave.
    pub fn insert_txt(&self, name: Box<str>, value: TxtRecord, until: Instant) {
        self.txt.insert(name, value, until);
    }
}

impl DnsCache for Cache {
    type Txt = Bounded<TxtRecord>;
    type Mx = NoCache;
    type Ipv4 = Bounded<Result<RecordSet<Ipv4Addr>, Negative>>;
    type Ipv6 = NoCache;
    type Ptr = NoCache;

    fn txt(&self) -> Option<&Self::Txt> {
        Some(&self.txt)
    }

    fn mx(&self) -> Option<&Self::Mx> {
        None
    }

    fn ipv4(&self) -> Option<&Self::Ipv4> {
        Some(&self.ipv4)
    }

    fn ipv6(&self) -> Option<&Self::Ipv6> {
        None
    }

    fn ptr(&self) -> Option<&Self::Ptr> {
        None
    }
}

/// A map by name whose entries expire. When it is full, what has expired goes, else any eighth of it: names that
/// matter come back with the next mail.
pub struct Bounded<V>(Mutex<HashMap<Box<str>, (V, Instant)>>);

impl<V> Default for Bounded<V> {
    fn default() -> Bounded<V> {
        Bounded(Mutex::default())
    }
}

impl<V: Clone> ResolverCache<Box<str>, V> for Bounded<V> {
    fn get<Q>(&self, name: &Q) -> Option<V>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(name).filter(|(_, until)| *until > Instant::now()).map(|(value, _)| value.clone())
    }

    fn remove<Q>(&self, name: &Q) -> Option<V>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(name).map(|(value, _)| value)
    }

    fn insert(&self, name: Box<str>, value: V, until: Instant) {
        let now = Instant::now();
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= CAPACITY {
            map.retain(|_, (_, until)| *until > now);
        }
        if map.len() >= CAPACITY {
            let some: Vec<Box<str>> = map.keys().take(CAPACITY / 8).cloned().collect();
            for name in some {
                map.remove(&name);
            }
        }
        map.insert(name, (value, until.min(now + MAX_TTL)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 10: the number of answers is bounded; an old one is none.
    #[test]
    fn full_and_expired() {
        let cache = Bounded::<usize>::default();
        let later = Instant::now() + Duration::from_secs(60);
        for n in 0..3 * CAPACITY {
            cache.insert(n.to_string().into(), n, later);
        }
        let held = cache.0.lock().expect("lock").len();
        assert!(held <= CAPACITY && held > CAPACITY / 2, "{held}");
        assert_eq!(cache.get((3 * CAPACITY - 1).to_string().as_str()), Some(3 * CAPACITY - 1));

        cache.insert("old".into(), 1, Instant::now());
        assert_eq!(cache.get("old"), None);
        cache.insert("far".into(), 2, Instant::now() + Duration::from_secs(1_000_000));
        let until = cache.0.lock().expect("lock").get("far").map(|(_, until)| *until);
        assert!(until.is_some_and(|u| u <= Instant::now() + MAX_TTL));
    }
}
