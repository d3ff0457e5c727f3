//! When a copy that did not get through is tried again, and when it is given up.
//!
//! Pure: the clock and the seed of the jitter are arguments. Who tries is the scheduler.

use std::time::Duration;

use crate::bounce;
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

/// What relays say beside "relaying denied" where the fault is in how they are set up for us. In lower case.
const SETUP: [&str; 5] = [
    // Exim, where an ACL denies without words of its own.
    "administrative prohibition",
    // It does not believe our own sender.
    "sender verify failed",
    "client host rejected",
    "authentication required",
    // Exchange: "5.7.54 SMTP; Unable to relay recipient in non-accepted domain".
    "unable to relay",
];

/// The words of another server, which the relay asked or passes on: they are about the recipient.
const QUOTED: [&str; 5] = [" said:", "callout", "callback", "in reply to", "remote "];

/// True where the reply speaks of the relay itself (it is full, busy, going down, or wants something of us),
/// not of this mail or this recipient: then all copies wait a little.
pub fn is_about_relay(at: At, code: u16, text: &str) -> bool {
    match (at, code) {
        (At::Hello, _) | (_, 421) => true,
        // No room (RFC 5321 4.2.3).
        (At::Mail, 452) => true,
        (At::Mail | At::Message, 400..500) if text.to_ascii_lowercase().contains("too many") => {
            true
        }
        (At::Mail, _) => denies_us(at, code, text),
        _ => false,
    }
}

/// True where the relay turns us away, by a 4yz or a 5yz: it wants a login, does not relay for us, does not believe our
/// sender. A line is missing in its configuration, or one of ours, and no recipient is to blame, though it may be
/// said to each of them (promise 5).
pub fn denies_us(at: At, code: u16, text: &str) -> bool {
    match (at, code) {
        (At::Hello, _) => false,
        // STARTTLS or AUTH first, a login it does not know, encryption first (RFC 3207 4, RFC 4954 6).
        (_, 530 | 535 | 538) => true,
        (At::Mail | At::Rcpt, 400..600) => {
            let text = text.to_ascii_lowercase();
            let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
            !has(&QUOTED) && (has(&SETUP) || bounce::is_about_relaying(&text))
        }
        _ => false,
    }
}

/// True where a reply must not fail the recipients, whatever its first digit.
pub fn is_for_now(at: At, code: u16, text: &str) -> bool {
    (400..500).contains(&code) || denies_us(at, code, text)
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
        assert!(is_for_now(At::Rcpt, 451, "later") && !is_for_now(At::Mail, 550, "no"));
    }

    /// Promise 5: what our relay's own setup refuses is no recipient's failure; what it says of a recipient, or what
    /// another server said of her, is.
    #[test]
    fn a_relay_that_turns_us_away() {
        let cases = [
            (At::Rcpt, 550, "relay not permitted", true),
            (At::Rcpt, 550, "Administrative prohibition", true),
            (At::Rcpt, 550, "Sender verify failed", true),
            (At::Rcpt, 554, "5.7.1 <a@gmx.example>: Relay access denied", true),
            (At::Rcpt, 454, "4.7.1 <a@gmx.example>: Relay access denied", true),
            (At::Rcpt, 554, "5.7.1 <mx[192.0.2.1]>: Client host rejected: Access denied", true),
            (At::Rcpt, 550, "5.7.1 <a@gmx.example>... Relaying denied", true),
            (At::Rcpt, 550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain", true),
            (At::Rcpt, 553, "sorry, that domain isn't in my list of allowed rcpthosts", true),
            (At::Rcpt, 530, "5.7.0 Authentication required", true),
            (At::Mail, 530, "5.7.0 Must issue a STARTTLS command first", true),
            (At::Mail, 535, "5.7.8 Error: authentication failed", true),
            (At::Message, 530, "5.7.0 Authentication required", true),
            (At::Mail, 550, "5.7.1 relaying not allowed", true),
            (At::Rcpt, 550, "5.1.1 <a@x>: User unknown in relay recipient table", false),
            (At::Rcpt, 550, "5.1.1 no such user", false),
            (At::Rcpt, 550, "5.7.1 this address takes no mail from lists", false),
            (
                At::Rcpt,
                550,
                "5.1.1 <a@x>: Recipient address rejected: host mx.x said: 554 5.7.1 Relay access denied",
                false,
            ),
            (At::Rcpt, 550, "Callout verification failed: 550 relay not permitted", false),
            // Of the mail itself, a filter in front of others says such things.
            (At::Message, 550, "5.7.1 relaying denied", false),
            (At::Hello, 550, "relaying denied", false),
        ];
        for (at, code, text, expect) in cases {
            assert_eq!(denies_us(at, code, text), expect, "{at:?} {code} {text}");
            assert!(!expect || is_for_now(at, code, text), "{at:?} {code} {text}");
            assert_eq!(
                is_about_relay(at, code, text),
                at == At::Hello || (expect && at == At::Mail)
            );
        }
    }

    #[test]
    fn transactions_that_keep_failing_shrink() {
        let sizes: Vec<_> = [0, 1, 2, 3, 4, 9, 80, 999].map(|n| transaction_size(100, n)).into();
        assert_eq!(sizes, [100, 100, 100, 50, 25, 1, 1, 1]);
        assert_eq!(transaction_size(0, 0), 1);
    }
}
