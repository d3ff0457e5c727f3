//! Tokens in addresses: who a bounce or an answer is about, so that nobody can forge or guess it.
//!
//! `period, number, HMAC` as lower-case base32. Bound to list, purpose, number and a 30-day period; the same for a
//! list and recipient within a period, so that greylisting learns it. Secrets come in as text; no randomness here.

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER_PERMISSIVE};

use crate::address::{Address, AddressError};
use crate::list::ListId;
use crate::time::Timestamp;

mod author;
mod link;
mod ticket;

pub use author::{RelayAddress, opaque_id, relay_address};
pub use link::{Digested, LONGEST_LINK, check_digest, check_member, in_digest, member};
pub use ticket::{answer_address, check_ticket, ticket};

/// What a token may be used for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Return path of a copy.
    Bounces,
    /// The question to an author.
    Confirm,
    /// The relay address of a hidden author.
    Author,
    /// Leaving by a link or mail.
    Unsubscribe,
    /// A question that we asked somebody; bound to no list.
    Ticket,
    /// Return path of a probe: only whoever gets the probe has it.
    Probe,
}

/// The token says nothing to us: mistyped, forged, too old, or of another list. No more is told.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct BadToken;

/// Why a text holds no keys; the text itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("line {0} is neither hexadecimal nor base64")]
    NotEncoded(usize),
    #[error("line {0} has fewer than 16 octets")]
    TooShort(usize),
    #[error("there is no key in it")]
    Empty,
}

/// HMAC keys: the newest signs, all of them verify.
pub struct Keys(Vec<hmac::Key>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// One key per line, hexadecimal or base64, newest first; empty lines and `#` comments are skipped.
    pub fn parse(text: &str) -> Result<Keys, KeyError> {
        let mut keys = Vec::new();
        for (i, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let hex = HEXLOWER_PERMISSIVE.decode(line.as_bytes());
            let secret = hex
                .or_else(|_| BASE64.decode(line.as_bytes()))
                .map_err(|_| KeyError::NotEncoded(i + 1))?;
            if secret.len() < 16 {
                return Err(KeyError::TooShort(i + 1));
            }
            keys.push(hmac::Key::new(hmac::HMAC_SHA256, &secret));
        }
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(Keys(keys)) }
    }
}

/// Octets of the truncated HMAC: 80 bits.
const MAC: usize = 10;
/// Octets of the list hash in a short token.
const HASH: usize = 8;
/// Length of a period, milliseconds.
const PERIOD: i64 = 30 * 24 * 3600 * 1000;
/// Periods after its own in which a token is still taken: at least 90 days.
const OLD: i64 = 3;

/// The token for `who` (a number of the store) on a list, at most 31 characters.
pub fn make(keys: &Keys, purpose: Purpose, list: &ListId, who: u64, now: Timestamp) -> String {
    encode(&payload(keys, purpose, list, who, now))
}

/// Whose token it is. `text` in any case; valid for 90 to 120 days.
pub fn check(
    keys: &Keys,
    purpose: Purpose,
    list: &ListId,
    text: &str,
    now: Timestamp,
) -> Result<u64, BadToken> {
    verify(keys, purpose, list, &decode(text)?, now)
}

/// The return path of a copy: `list-bounces+TOKEN@d`, or `b+TOKEN@d` where that is over 64 octets (RFC 5321 4.5.3.1.1).
pub fn return_path(
    keys: &Keys,
    list: &ListId,
    address: &Address,
    who: u64,
    now: Timestamp,
) -> Result<Address, AddressError> {
    address_with(keys, (Purpose::Bounces, "bounces"), list, address, who, now)
}

/// The return path of a probe: it looks like [`return_path`]'s, and is not to be had from any copy.
pub fn probe_path(
    keys: &Keys,
    list: &ListId,
    address: &Address,
    who: u64,
    now: Timestamp,
) -> Result<Address, AddressError> {
    address_with(keys, (Purpose::Probe, "bounces"), list, address, who, now)
}

/// An address of a list with a token behind its role word, or the short form.
fn address_with(
    keys: &Keys,
    (purpose, word): (Purpose, &str),
    list: &ListId,
    address: &Address,
    who: u64,
    now: Timestamp,
) -> Result<Address, AddressError> {
    let long = format!("{}-{word}+{}", address.local(), make(keys, purpose, list, who, now));
    if long.len() <= 64 {
        return Address::new(long, address.domain());
    }
    Address::new(format!("b+{}", make_short(keys, purpose, list, who, now)), address.domain())
}

/// A token that names its list by itself, for [`check_short`]; at most 44 characters.
fn make_short(keys: &Keys, purpose: Purpose, list: &ListId, who: u64, now: Timestamp) -> String {
    let mut named = hash(list).to_vec();
    named.extend(payload(keys, purpose, list, who, now));
    encode(&named)
}

/// Which of `candidates` and whose a short token (`b+TOKEN@d`) is.
pub fn check_short<'a>(
    keys: &Keys,
    purpose: Purpose,
    text: &str,
    now: Timestamp,
    candidates: impl Iterator<Item = &'a ListId>,
) -> Result<(&'a ListId, u64), BadToken> {
    let bytes = decode(text)?;
    let (wanted, payload) = bytes.split_at_checked(HASH).ok_or(BadToken)?;
    let mut named = candidates.filter(|list| hash(list) == wanted);
    let list = named.next().ok_or(BadToken)?;
    verify(keys, purpose, list, payload, now).map(|who| (list, who))
}

fn payload(keys: &Keys, purpose: Purpose, list: &ListId, who: u64, now: Timestamp) -> Vec<u8> {
    let period = period(list, who, now);
    let mut out = vec![low_byte(period)];
    out.extend(short_number(who));
    if let Some(key) = keys.0.first() {
        out.extend(mac(key, purpose, list, who, period));
    }
    out
}

fn verify(
    keys: &Keys,
    purpose: Purpose,
    list: &ListId,
    bytes: &[u8],
    now: Timestamp,
) -> Result<u64, BadToken> {
    let (numbers, given) =
        bytes.len().checked_sub(MAC).and_then(|at| bytes.split_at_checked(at)).ok_or(BadToken)?;
    let (low, number) = numbers.split_first().ok_or(BadToken)?;
    let who = long_number(number).ok_or(BadToken)?;
    let current = period(list, who, now);
    // One period ahead: another node's clock may be a little faster.
    let period = (current - OLD..=current + 1).find(|p| low_byte(*p) == *low).ok_or(BadToken)?;
    let mut valid = false;
    for key in &keys.0 {
        let expect = mac(key, purpose, list, who, period);
        valid |= constant_time::verify_slices_are_equal(&expect, given).is_ok();
    }
    if valid { Ok(who) } else { Err(BadToken) }
}

fn mac(key: &hmac::Key, purpose: Purpose, list: &ListId, who: u64, period: i64) -> [u8; MAC] {
    let mut context = hmac::Context::with_key(key);
    context.update(b"verteiler token 1\0");
    context.update(&[match purpose {
        Purpose::Bounces => 1,
        Purpose::Confirm => 2,
        Purpose::Author => 3,
        Purpose::Unsubscribe => 4,
        Purpose::Ticket => 5,
        Purpose::Probe => 6,
    }]);
    context.update(&who.to_be_bytes());
    context.update(&period.to_be_bytes());
    context.update(list.0.as_bytes());
    let tag = context.sign();
    let mut out = [0; MAC];
    out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// The number of the 30-day period. Each list and recipient has its own phase, so that not all tokens of a school
/// change on one night and meet every greylisting at once.
fn period(list: &ListId, who: u64, now: Timestamp) -> i64 {
    let mut input = list.0.as_bytes().to_vec();
    input.extend(who.to_be_bytes());
    let digest = digest::digest(&digest::SHA256, &input);
    let phase = digest.as_ref().iter().take(4).fold(0i64, |sum, b| sum * 256 + i64::from(*b));
    now.0.saturating_add(phase % PERIOD).div_euclid(PERIOD)
}

fn low_byte(period: i64) -> u8 {
    period.to_le_bytes()[0]
}

fn hash(list: &ListId) -> [u8; HASH] {
    let mut out = [0; HASH];
    let digest = digest::digest(&digest::SHA256, list.0.as_bytes());
    out.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// Little-endian without trailing zeros, at least one octet.
fn short_number(who: u64) -> Vec<u8> {
    let mut bytes = who.to_le_bytes().to_vec();
    while bytes.len() > 1 && bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// The reverse of [`short_number`]; each number has one form only.
fn long_number(bytes: &[u8]) -> Option<u64> {
    let mut full = [0; 8];
    full.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let who = u64::from_le_bytes(full);
    (short_number(who) == bytes).then_some(who)
}

fn encode(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

fn decode(text: &str) -> Result<Vec<u8>, BadToken> {
    decode_to(text, 64)
}

/// Of no more characters than that.
fn decode_to(text: &str, most: usize) -> Result<Vec<u8>, BadToken> {
    if text.len() > most {
        return Err(BadToken);
    }
    BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| BadToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    fn keys(text: &str) -> Keys {
        Keys::parse(text).expect("keys")
    }

    fn ours() -> Keys {
        keys(&"ab".repeat(32))
    }

    fn list() -> ListId {
        ListId("6f1c".to_owned())
    }

    /// V1, V8, DESIGN 4: bound to list, purpose, person and key; compared without case; one form each.
    #[test]
    fn a_token_serves_one_purpose() {
        let (keys, now) = (ours(), Timestamp(0));
        for who in [0, 1, 255, 256, 123_456, u64::MAX] {
            let token = make(&keys, Purpose::Bounces, &list(), who, now);
            assert!(token.len() <= 31 && token == token.to_ascii_lowercase(), "{token}");
            let is = |text: &str| check(&keys, Purpose::Bounces, &list(), text, now);
            assert_eq!(is(&token), Ok(who));
            assert_eq!(is(&token.to_ascii_uppercase()), Ok(who));
            assert_eq!(check(&keys, Purpose::Confirm, &list(), &token, now), Err(BadToken));
            assert_eq!(
                check(&keys, Purpose::Bounces, &ListId("x".to_owned()), &token, now),
                Err(BadToken)
            );
            assert_eq!(
                check(
                    &super::tests::keys(&"cd".repeat(32)),
                    Purpose::Bounces,
                    &list(),
                    &token,
                    now
                ),
                Err(BadToken)
            );
            for i in 0..token.len() {
                let mut other = token.clone().into_bytes();
                other[i] = if other[i] == b'a' { b'b' } else { b'a' };
                assert_eq!(is(&String::from_utf8(other).expect("ascii")), Err(BadToken), "{i}");
            }
        }
        for text in
            ["", "a", "!!!!", "aaaaaaaaaaaaaaaaaaaa", &"a".repeat(65), "ä", "aaaaaaaaaaaaaaaa"]
        {
            assert_eq!(check(&keys, Purpose::Bounces, &list(), text, now), Err(BadToken), "{text}");
        }
    }

    /// DESIGN 4: the same for 30 days, valid for at least 90, gone after 120.
    #[test]
    fn a_token_lives_three_months() {
        let keys = ours();
        for who in 0..50 {
            let mut at = 0;
            let first = make(&keys, Purpose::Bounces, &list(), who, Timestamp(0));
            while make(&keys, Purpose::Bounces, &list(), who, Timestamp(at)) == first {
                at += DAY / 4;
            }
            let start = Timestamp(at);
            let token = make(&keys, Purpose::Bounces, &list(), who, start);
            for days in [0, 1, 29] {
                assert_eq!(
                    make(&keys, Purpose::Bounces, &list(), who, Timestamp(at + days * DAY)),
                    token
                );
            }
            let is = |days: i64| {
                check(&keys, Purpose::Bounces, &list(), &token, Timestamp(at + days * DAY))
            };
            assert_eq!((is(0), is(90), is(118)), (Ok(who), Ok(who), Ok(who)));
            assert_eq!((is(121), is(10_000)), (Err(BadToken), Err(BadToken)));
            // 256 periods later the low byte is the same again; the HMAC is not.
            assert_eq!(is(30 * 256), Err(BadToken));
        }
    }

    proptest::proptest! {
        /// V1, DESIGN 4: what is made is read for 90 days, by nobody else's list or number; nothing else is a token.
        #[test]
        fn any_token_comes_back(who: u64, list in "\\PC{0,40}", at in 0..4_000_000_000_000i64, days in 0..=90i64, other: u64) {
            let (keys, list) = (ours(), ListId(list));
            let later = Timestamp(at + days * DAY);
            let token = make(&keys, Purpose::Author, &list, who, Timestamp(at));
            assert!(token.len() <= 31 && token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
            assert_eq!(check(&keys, Purpose::Author, &list, &token, later), Ok(who));
            assert_eq!(check(&keys, Purpose::Bounces, &list, &token, later), Err(BadToken));
            let found = check(&keys, Purpose::Author, &ListId(format!("{}x", list.0)), &token, later);
            assert_eq!(found, Err(BadToken));
            let theirs = make(&keys, Purpose::Author, &list, other, Timestamp(at));
            assert_eq!(theirs == token, other == who);
        }

        /// Promise 10: any text is answered, and is no token.
        #[test]
        fn any_text_is_no_token(text in "\\PC{0,80}|[a-z2-7]{0,80}") {
            let (keys, list) = (ours(), list());
            assert_eq!(check(&keys, Purpose::Author, &list, &text, Timestamp(0)), Err(BadToken));
            let short = check_short(&keys, Purpose::Bounces, &text, Timestamp(0), [&list].into_iter());
            assert_eq!(short, Err(BadToken));
        }
    }

    /// D8 for tokens: after a rotation old tokens stay valid, new ones are made with the new key.
    #[test]
    fn keys_rotate() {
        let old = ours();
        let both = keys(&format!(
            "# new\n{}\n\n{}\n",
            "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=",
            "ab".repeat(32)
        ));
        let token = make(&old, Purpose::Bounces, &list(), 7, Timestamp(0));
        assert_eq!(check(&both, Purpose::Bounces, &list(), &token, Timestamp(0)), Ok(7));
        let token = make(&both, Purpose::Bounces, &list(), 7, Timestamp(0));
        assert_eq!(check(&old, Purpose::Bounces, &list(), &token, Timestamp(0)), Err(BadToken));
        let error = |text: &str| Keys::parse(text).map(|_| ());
        assert_eq!(error(""), Err(KeyError::Empty));
        assert_eq!(error("# x\nzz!"), Err(KeyError::NotEncoded(2)));
        assert_eq!(error("abcd"), Err(KeyError::TooShort(1)));
        assert_eq!(format!("{old:?}"), "Keys(1)");
    }

    /// V7: who has seen the return path of a copy can't make that of a probe from it.
    #[test]
    fn a_probe_has_a_token_of_its_own() {
        let (keys, now) = (ours(), Timestamp(0));
        let address = Address::parse("klasse-5b@schule.example").expect("an address");
        let path = probe_path(&keys, &list(), &address, 7, now).expect("an address");
        let token = path.local().rsplit_once('+').expect("a token").1;
        let is = |purpose| check(&keys, purpose, &list(), token, now);
        assert_eq!((is(Purpose::Probe), is(Purpose::Bounces)), (Ok(7), Err(BadToken)));
    }

    /// U2, DESIGN 4: 64 octets whatever the list is called; the short form finds its list by itself.
    #[test]
    fn a_return_path_fits() {
        let (keys, now) = (ours(), Timestamp(5));
        let others: Vec<ListId> = (0..100).map(|i| ListId(i.to_string())).collect();
        for len in 1..=64 {
            let address = Address::new("l".repeat(len), "schule.example").expect("address");
            for who in [3, u64::MAX] {
                let path = return_path(&keys, &list(), &address, who, now).expect("an address");
                assert!(path.local().len() <= 64 && path.domain() == "schule.example");
                if let Some(short) = path.local().strip_prefix("b+") {
                    let candidates = others.iter().chain([&others[0]]);
                    assert_eq!(
                        check_short(&keys, Purpose::Bounces, short, now, candidates),
                        Err(BadToken)
                    );
                    let own = list();
                    let candidates = others.iter().chain([&own]);
                    assert_eq!(
                        check_short(
                            &keys,
                            Purpose::Bounces,
                            &short.to_uppercase(),
                            now,
                            candidates
                        ),
                        Ok((&own, who))
                    );
                } else {
                    let token = path.local().rsplit_once('+').expect("a token").1;
                    assert_eq!(check(&keys, Purpose::Bounces, &list(), token, now), Ok(who));
                }
            }
        }
        for text in ["", "aaaa", &"a".repeat(62)] {
            assert_eq!(
                check_short(&keys, Purpose::Bounces, text, now, others.iter()),
                Err(BadToken)
            );
        }
    }
}
