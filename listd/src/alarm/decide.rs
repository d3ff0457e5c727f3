//! When the admins of a domain are told, and when not again. Values only.

use std::collections::BTreeMap;
use std::time::Duration;

use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a domain's admins were told; kept in the store, so that a restart tells nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Names of what they were told of and what is still held.
    pub of: Vec<String>,
    /// When the last alarm went out.
    pub at: Timestamp,
}

/// How long trouble must last before it is told, and how far apart two alarms are.
#[derive(Copy, Clone, Debug)]
pub struct Patience {
    pub ripe: Duration,
    pub apart: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { ripe: Duration::from_secs(10), apart: Duration::from_secs(600) }
    }
}

/// What is to be done now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Say {
    Nothing,
    Alarm,
    Resolved,
}

/// `trouble`: by name, since when we know of it. What is told is noted in `told`.
pub fn decide(
    told: &mut Told,
    trouble: &BTreeMap<String, Timestamp>,
    patience: Patience,
    now: Timestamp,
) -> Say {
    if trouble.is_empty() {
        let had = !std::mem::take(&mut told.of).is_empty();
        return if had { Say::Resolved } else { Say::Nothing };
    }
    told.of.retain(|name| trouble.contains_key(name));
    let ripe = |since: &Timestamp| now.since(*since) >= patience.ripe;
    let new = trouble.iter().any(|(name, since)| ripe(since) && !told.of.contains(name));
    // All that changes at once is told at once: nobody is told while more may still come.
    let rest = trouble.iter().all(|(name, since)| ripe(since) || told.of.contains(name));
    if !new || !rest || now.since(told.at) < patience.apart {
        return Say::Nothing;
    }
    told.of = trouble.keys().cloned().collect();
    told.at = now;
    Say::Alarm
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6: told once for each event, not each minute; and once when it is over.
    #[test]
    fn an_event_is_told_once() {
        let patience = Patience::default();
        let mut told = Told::default();
        // Second, names with the second since when, what is said.
        type Case = (i64, &'static [(&'static str, i64)], Say);
        let cases: [Case; 13] = [
            (0, &[], Say::Nothing),
            (1000, &[("a", 1000)], Say::Nothing),
            (1005, &[("a", 1000), ("b", 1004)], Say::Nothing),
            (1012, &[("a", 1000), ("b", 1004)], Say::Nothing),
            (1015, &[("a", 1000), ("b", 1004)], Say::Alarm),
            (1100, &[("a", 1000), ("b", 1004)], Say::Nothing),
            (9000, &[("a", 1000)], Say::Nothing),
            (9001, &[("a", 1000), ("c", 9001)], Say::Nothing),
            (9020, &[("a", 1000), ("c", 9001)], Say::Alarm),
            (9021, &[("a", 1000), ("b", 9021)], Say::Nothing),
            (9040, &[("a", 1000), ("b", 9021)], Say::Nothing),
            (9700, &[("a", 1000), ("b", 9021)], Say::Alarm),
            (9701, &[], Say::Resolved),
        ];
        for (at, trouble, expect) in cases {
            let trouble = trouble
                .iter()
                .map(|(name, since)| ((*name).to_owned(), Timestamp(since * 1000)))
                .collect();
            let said = decide(&mut told, &trouble, patience, Timestamp(at * 1000));
            assert_eq!(said, expect, "at {at}");
        }
        // Trouble that goes before it was told is told of neither way.
        let short = BTreeMap::from([("d".to_owned(), Timestamp(99_000_000))]);
        assert_eq!(decide(&mut told, &short, patience, Timestamp(99_001_000)), Say::Nothing);
        assert_eq!(
            decide(&mut told, &BTreeMap::new(), patience, Timestamp(99_002_000)),
            Say::Nothing
        );
    }
}
