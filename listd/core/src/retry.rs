//! When a copy that did not get through is tried again, and when it is given up.
//!
//! Pure: the clock and the seed of the jitter are arguments. Who tries is the scheduler.

use std::time::Duration;

use crate::outcome::{Outcome, Reply};
use crate::time::Timestamp;

/// Seconds to wait after the n-th failed attempt: the first retries come at once, because most trouble on
/// the way to the relay next door (a restart, a full queue, a lock) is over in seconds.
const PAUSES: [u64; 10] = [5, 10, 20, 40, 60, 120, 300, 600, 900, 1800];

/// Longest pause before a relay that is down is tried again: a relay that was down for a minute costs a minute.
const RELAY_PAUSE: Duration = Duration::from_secs(10);

/// Which command the relay answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Before any transaction: greeting, EHLO.
    Hello,
    Mail,
    Rcpt,
    /// DATA, or the message itself.
    Message,
}

/// How long to wait after this many failed attempts (1 = the first one failed), give or take a fifth.
pub fn pause(attempts: u16, seed: u64) -> Duration {
    let n = usize::from(attempts.saturating_sub(1));
    let seconds = match n {
        0..20 => PAUSES.get(n).copied().unwrap_or(1800),
        20..30 => 3600,
        _ => 7200,
    };
    jitter(Duration::from_secs(seconds), seed.wrapping_add(u64::from(attempts)))
}

/// How long a relay that could not be reached, or that is full, is left alone after this many failures in a row.
pub fn relay_pause(failures: u32, seed: u64) -> Duration {
    let doubled = Duration::from_secs(1 << failures.saturating_sub(1).min(10));
    jitter(doubled.min(RELAY_PAUSE), seed.wrapping_add(u64::from(failures)))
}

/// The outcome of an attempt that failed for now; `attempts` counts it. After `expires` it failed for good;
/// the last attempt is made when that time comes.
pub fn deferred(
    reply: Reply,
    attempts: u16,
    now: Timestamp,
    expires: Timestamp,
    seed: u64,
) -> Outcome {
    if now >= expires {
        return given_up(reply, now);
    }
    let next = (now + pause(attempts, seed)).min(expires);
    Outcome::Deferred { at: now, attempts, next, reply }
}

/// Tried for too long: the last reply says why.
fn given_up(reply: Reply, now: Timestamp) -> Outcome {
    let text = format!("given up, tried for too long (5.4.7); the last time: {}", reply.text);
    Outcome::Failed { at: now, reply: Reply { code: reply.code, text } }
}

/// The outcome of whoever still waits when the time of a mail is over whose delivery was paused: no server ever said
/// anything about it.
pub fn braked(now: Timestamp) -> Outcome {
    let text = "5.4.7 given up: its delivery was paused because many servers refused it".to_owned();
    Outcome::Failed { at: now, reply: Reply { code: 0, text } }
}

/// True where the reply speaks of the relay itself (it is full, busy, going down, or wants something of us),
/// not of this mail or this recipient: then all copies wait a little.
pub fn is_about_relay(at: At, code: u16, text: &str) -> bool {
    match (at, code) {
        (At::Hello, _) | (_, 421) => true,
        // 530: STARTTLS or AUTH first; 452: no room (RFC 5321 4.2.3).
        (At::Mail, 452 | 530) => true,
        (At::Mail | At::Message, 400..500) => text.to_ascii_lowercase().contains("too many"),
        _ => false,
    }
}

/// True where a 5yz says that we are not welcome yet, so that it must not fail the recipients.
pub fn is_for_now(at: At, code: u16) -> bool {
    (400..500).contains(&code) || (at == At::Mail && code == 530)
}

/// How many recipients go into one transaction that were tried `attempts` times before. Where a transaction
/// keeps failing, it is cut in halves: one bad recipient must not hold up the others for ever.
pub fn transaction_size(most: usize, attempts: u16) -> usize {
    let halvings = u32::from(attempts.saturating_sub(2));
    most.checked_shr(halvings).unwrap_or(0).max(1)
}

/// `base` give or take a fifth.
fn jitter(base: Duration, seed: u64) -> Duration {
    // splitmix64: spreads seeds that differ in one bit only.
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let permille = 800 + u32::try_from((z ^ (z >> 31)) % 401).unwrap_or(0);
    base.saturating_mul(permille) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn reply(code: u16) -> Reply {
        Reply { code, text: "4.2.1 later".to_owned() }
    }

    /// The first retries come after seconds, none waits for more than about two hours, and it ends.
    #[test]
    fn five_days_of_retries() {
        for seed in 0..50 {
            let (mut now, expires) = (Timestamp(0), Timestamp(5 * DAY));
            let mut at = vec![];
            for attempts in 1..=u16::MAX {
                match deferred(reply(451), attempts, now, expires, seed) {
                    Outcome::Deferred { next, attempts: counted, .. } => {
                        assert_eq!(counted, attempts);
                        assert!(next > now && next.since(now) <= Duration::from_secs(8640));
                        now = next;
                        at.push(now.seconds());
                    }
                    Outcome::Failed { at, reply } => {
                        assert_eq!((at, reply.code), (expires, 451));
                        assert!(reply.text.contains("4.2.1 later"), "{reply:?}");
                        break;
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert!((4..=6).contains(&at[0]), "{at:?}");
            assert!(at.iter().filter(|s| **s < 60).count() >= 3, "{at:?}");
            assert!((60..120).contains(&at.len()), "{} attempts", at.len());
        }
    }

    #[test]
    fn jitter_spreads_and_repeats() {
        let pauses: std::collections::HashSet<_> = (0..100).map(|seed| pause(5, seed)).collect();
        assert!(pauses.len() > 50);
        assert!(pauses.iter().all(|p| (48_000..=72_000).contains(&p.as_millis())));
        assert_eq!(pause(5, 7), pause(5, 7));
    }

    /// A relay that was down for a minute costs a minute and seconds.
    #[test]
    fn a_relay_is_tried_again_soon() {
        let seconds = |n| relay_pause(n, 1).as_secs_f32().round();
        assert!(seconds(1) <= 2.0 && seconds(1) >= 1.0);
        for failures in [4, 5, 20, 1000, u32::MAX] {
            assert!((8.0..=12.0).contains(&seconds(failures)), "{failures}");
        }
    }

    #[test]
    fn whose_fault() {
        let cases = [
            (At::Hello, 554, "no", true),
            (At::Mail, 421, "bye", true),
            (At::Message, 421, "bye", true),
            (At::Mail, 452, "4.3.1 no space", true),
            (At::Mail, 530, "5.7.0 Must issue STARTTLS first", true),
            (At::Mail, 451, "4.7.1 too many messages", true),
            (At::Mail, 451, "greylisted", false),
            (At::Mail, 550, "too many", false),
            (At::Rcpt, 452, "4.2.2 mailbox full", false),
            (At::Rcpt, 452, "4.5.3 too many recipients", false),
            (At::Message, 451, "scanner", false),
        ];
        for (at, code, text, expect) in cases {
            assert_eq!(is_about_relay(at, code, text), expect, "{at:?} {code} {text}");
        }
        assert!(is_for_now(At::Mail, 530) && is_for_now(At::Rcpt, 451));
        assert!(!is_for_now(At::Rcpt, 530) && !is_for_now(At::Mail, 550));
    }

    #[test]
    fn transactions_that_keep_failing_shrink() {
        let sizes: Vec<_> = [0, 1, 2, 3, 4, 9, 80, 999].map(|n| transaction_size(100, n)).into();
        assert_eq!(sizes, [100, 100, 100, 50, 25, 1, 1, 1]);
        assert_eq!(transaction_size(0, 0), 1);
    }
}
