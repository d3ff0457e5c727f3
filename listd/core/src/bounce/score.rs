//! What follows from failures over time: nothing, a probe, or a pause (rules V6, V7).
//!
//! Pure: events and times go in. A failure alone never pauses anybody, since whoever has seen a return path can forge
//! one; it can only lead to a probe, a letter to that address alone with a token of its own, and only the failure of
//! that probe pauses. Whose events they are and what is kept of them is the store's.

use serde::{Deserialize, Serialize};

use super::Class;
use crate::time::Timestamp;

/// Milliseconds.
const DAY: i64 = 24 * 3600 * 1000;

/// How many days with a failure of a class, within how many, make a probe due (rule V7).
struct Limit {
    days: usize,
    within: i64,
}

/// No such address.
const HARD: Limit = Limit { days: 5, within: 21 };
/// A mailbox that is full for a week is a holiday.
const FULL: Limit = Limit { days: 21, within: 30 };
/// What may pass has long to do so.
const SOFT: Limit = Limit { days: 21, within: 30 };

/// So long a probe may take to come back; after it the address works.
pub const PROBE_DAYS: i64 = 7;

/// One failure to deliver to an address.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    pub class: Class,
    /// It is the probe that failed: its own token came back, or the relay refused it.
    pub probe: bool,
}

/// What is known of an address beside its failures.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// What was before is forgiven: somebody said that the address works.
    pub forgiven: Option<Timestamp>,
    /// The last probe was sent then.
    pub probed: Option<Timestamp>,
}

/// What is to be done now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// Send a probe, because of failures of this class.
    Probe(Class),
    /// No copies any more until somebody says otherwise.
    Pause(Class),
}

/// What follows from these failures of one address at one tenant, in any order. Those of policy and content never count
/// (promise 11), nor does what lies in the future.
pub fn next(events: &[Event], since: Since, now: Timestamp) -> Next {
    let forgiven = since.forgiven.unwrap_or(Timestamp(i64::MIN));
    let probed = since.probed.filter(|at| *at > forgiven);
    if let Some(probed) = probed {
        let of_probe = |event: &&Event| {
            event.probe
                && event.at >= probed
                && event.at.0 <= probed.0.saturating_add(PROBE_DAYS * DAY)
        };
        let failed = events.iter().filter(of_probe).map(|event| event.class);
        if let Some(class) = failed
            .filter(|c| matches!(c, Class::Hard | Class::Full))
            .min_by_key(|c| *c != Class::Hard)
        {
            return Next::Pause(class);
        }
        if now.0 <= probed.0.saturating_add(PROBE_DAYS * DAY) {
            return Next::Nothing;
        }
    }
    // A probe that arrived speaks for the address: what was before it counts no more.
    let from = probed.map_or(forgiven, |probed| probed.max(forgiven));
    let due =
        |(class, limit): &(Class, Limit)| score(events, *class, limit, from, now) >= limit.days;
    let limits = [(Class::Hard, HARD), (Class::Full, FULL), (Class::Soft, SOFT)];
    limits.iter().find(|of| due(of)).map_or(Next::Nothing, |(class, _)| Next::Probe(*class))
}

/// Days with a failure of this class, within the limit's time: several a day are one, and what is old is forgotten.
fn score(events: &[Event], class: Class, limit: &Limit, from: Timestamp, now: Timestamp) -> usize {
    let start = now.0.saturating_sub(limit.within * DAY);
    let counts = |event: &&Event| {
        event.class == class && event.at > from && event.at.0 > start && event.at <= now
    };
    let mut days: Vec<i64> = events.iter().filter(counts).map(|e| e.at.0.div_euclid(DAY)).collect();
    days.sort_unstable();
    days.dedup();
    days.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(days: impl IntoIterator<Item = i64>, class: Class) -> Vec<Event> {
        days.into_iter()
            .map(|day| Event { at: Timestamp(day * DAY + 1), class, probe: false })
            .collect()
    }

    fn at(day: i64) -> Timestamp {
        Timestamp(day * DAY + 2)
    }

    /// V7: one a day, five within three weeks, then a probe; old ones are forgotten.
    #[test]
    fn hard_failures_lead_to_a_probe() {
        let none = Since::default();
        let cases = [
            (on([1, 2, 3, 4], Class::Hard), 4, Next::Nothing),
            (on([1, 1, 1, 1, 1, 1, 2], Class::Hard), 2, Next::Nothing),
            (on([1, 2, 3, 4, 5], Class::Hard), 5, Next::Probe(Class::Hard)),
            (on([1, 8, 12, 16, 21], Class::Hard), 21, Next::Probe(Class::Hard)),
            (on([1, 8, 12, 16, 23], Class::Hard), 23, Next::Nothing),
            (on([1, 2, 3, 4, 5], Class::Hard), 40, Next::Nothing),
            (on(1..=7, Class::Full), 7, Next::Nothing),
            (on(1..=20, Class::Full), 20, Next::Nothing),
            (on(1..=21, Class::Full), 21, Next::Probe(Class::Full)),
            (on(1..=20, Class::Soft), 20, Next::Nothing),
            (on(1..=300, Class::Policy), 300, Next::Nothing),
        ];
        for (events, day, expect) in cases {
            assert_eq!(next(&events, none, at(day)), expect, "{events:?}");
        }
    }

    /// A probe that fails pauses, one that arrives forgives; a forged bounce is no failed probe.
    #[test]
    fn the_probe_decides() {
        let events = on(1..=5, Class::Hard);
        let probed = Since { probed: Some(at(5)), ..Since::default() };
        let with = |day: i64, class: Class, probe: bool| {
            let mut events = events.clone();
            events.push(Event { at: at(day), class, probe });
            events
        };
        assert_eq!(next(&events, probed, at(6)), Next::Nothing);
        assert_eq!(next(&with(6, Class::Hard, true), probed, at(6)), Next::Pause(Class::Hard));
        assert_eq!(next(&with(6, Class::Full, true), probed, at(6)), Next::Pause(Class::Full));
        for class in [Class::Policy, Class::Content, Class::Soft] {
            assert_eq!(next(&with(6, class, true), probed, at(6)), Next::Nothing, "{class:?}");
        }
        // Anybody can say so with a copied token.
        assert_eq!(next(&with(6, Class::Hard, false), probed, at(6)), Next::Nothing);
        // It came through: five new days are needed.
        assert_eq!(next(&with(13, Class::Hard, false), probed, at(13)), Next::Nothing);
        let mut again = events.clone();
        again.extend(on(13..=17, Class::Hard));
        assert_eq!(next(&again, probed, at(17)), Next::Probe(Class::Hard));
        // Somebody said that it works.
        let forgiven = Since { forgiven: Some(at(7)), ..probed };
        assert_eq!(next(&with(6, Class::Hard, true), forgiven, at(8)), Next::Nothing);
    }

    fn any_class() -> impl Strategy<Value = Class> {
        use Class::{Content, Full, Hard, Policy, Soft};
        prop_oneof![Just(Hard), Just(Soft), Just(Full), Just(Policy), Just(Content)]
    }

    fn any_event() -> impl Strategy<Value = Event> {
        (0..60 * DAY, any_class(), any::<bool>()).prop_map(|(at, class, probe)| Event {
            at: Timestamp(at),
            class,
            probe,
        })
    }

    fn any_since() -> impl Strategy<Value = Since> {
        let time = || proptest::option::of((0..60 * DAY).prop_map(Timestamp));
        (time(), time()).prop_map(|(forgiven, probed)| Since { forgiven, probed })
    }

    proptest! {
        /// Promise 11: what they say of us or of a mail never does anything to a member.
        #[test]
        fn policy_and_content_never_count(
            events in proptest::collection::vec(any_event(), 0..80), since in any_since(), now in 0..90 * DAY,
        ) {
            let ours = |e: &Event| matches!(e.class, Class::Policy | Class::Content);
            let only: Vec<Event> = events.iter().copied().filter(ours).collect();
            prop_assert_eq!(next(&only, since, Timestamp(now)), Next::Nothing);
            let without: Vec<Event> = events.iter().copied().filter(|e| !ours(e)).collect();
            prop_assert_eq!(next(&events, since, Timestamp(now)), next(&without, since, Timestamp(now)));
        }

        /// No pause without a probe that was sent and failed, whatever else comes in.
        #[test]
        fn only_a_failed_probe_pauses(
            events in proptest::collection::vec(any_event(), 0..80), since in any_since(), now in 0..90 * DAY,
        ) {
            let told: Vec<Event> = events.iter().map(|e| Event { probe: false, ..*e }).collect();
            prop_assert!(!matches!(next(&told, since, Timestamp(now)), Next::Pause(_)));
            let never = Since { probed: None, ..since };
            prop_assert!(!matches!(next(&events, never, Timestamp(now)), Next::Pause(_)));
        }

        /// Soft failures and a full mailbox below their limit do nothing at all.
        #[test]
        fn soft_under_its_limit_does_nothing(days in proptest::collection::vec(0..400i64, 0..20), full: bool) {
            let class = if full { Class::Full } else { Class::Soft };
            prop_assert_eq!(next(&on(days, class), Since::default(), at(400)), Next::Nothing);
        }
    }
}
