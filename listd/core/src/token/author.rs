//! The relay addresses of hidden authors, and what stands for a Message-ID that would give one away.
//!
//! Everything here is keyed: whoever sees such an address or id learns nothing of the author's address, and can't try
//! out guesses either.

use aws_lc_rs::hmac;

use super::{Keys, PERIOD, Purpose, address_with, encode};
use crate::address::{Address, AddressError};
use crate::list::ListId;
use crate::time::Timestamp;

/// A relay address and the number that its token carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    /// Below 2^56. The same for a list and an author for 30 days.
    pub number: u64,
    /// `list-author+TOKEN@d`, or `b+TOKEN@d` where that is over 64 octets.
    pub address: Address,
}

/// The relay address of an author of a list, at this time; the same for 30 days, so that greylisting learns it.
///
/// Its token stays good for at least 90 days after the last time it is handed out; how long it really serves, the
/// store says.
pub fn relay_address(
    keys: &Keys,
    list: &ListId,
    address: &Address,
    author: &Address,
    now: Timestamp,
) -> Result<RelayAddress, AddressError> {
    let author = author.key();
    // Each author changes on a day of her own, and that day must not tell who she is.
    let phase = low(&keyed(keys, &[b"phase", list.0.as_bytes(), author.as_bytes()]), 4);
    let phase = i64::try_from(phase).unwrap_or_default() % PERIOD;
    let period = now.0.saturating_add(phase).div_euclid(PERIOD);
    let tag = keyed(
        keys,
        &[b"number", list.0.as_bytes(), author.as_bytes(), period.to_be_bytes().as_slice()],
    );
    let number = low(&tag, 7);
    // The token is made as of the end of the period, so that it does not change within it.
    let end = Timestamp(period.saturating_add(1).saturating_mul(PERIOD) - phase - 1);
    let address = address_with(keys, (Purpose::Author, "author"), list, address, number, end)?;
    Ok(RelayAddress { number, address })
}

/// What stands for a Message-ID (without brackets) that shows an address: always the same, so that threads hold.
pub fn opaque_id(keys: &Keys, list: &Address, id: &str) -> String {
    let tag = keyed(keys, &[b"message-id", id.as_bytes()]);
    let short = tag.get(..16).unwrap_or_default();
    format!("{}.hidden@{}", encode(short), list.domain())
}

/// An HMAC with the newest key over pieces that can't be mistaken for each other.
fn keyed(keys: &Keys, pieces: &[&[u8]]) -> Vec<u8> {
    let Some(key) = keys.0.first() else { return vec![0; 32] };
    let mut context = hmac::Context::with_key(key);
    context.update(b"verteiler author 1\0");
    for piece in pieces {
        context.update(&(piece.len() as u64).to_be_bytes());
        context.update(piece);
    }
    context.sign().as_ref().to_vec()
}

/// The first octets as a number.
fn low(tag: &[u8], octets: usize) -> u64 {
    tag.iter().take(octets).fold(0, |sum, octet| sum << 8 | u64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{check, check_short};

    const DAY: i64 = 24 * 3600 * 1000;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("address")
    }

    fn keys() -> Keys {
        Keys::parse(&"ab".repeat(32)).expect("keys")
    }

    fn made(author: &str, day: i64) -> RelayAddress {
        let (list, own) = (ListId("6f1c".into()), address("klasse-5b@schule.example"));
        relay_address(&keys(), &list, &own, &address(author), Timestamp(day * DAY)).expect("relay")
    }

    /// DESIGN 4: the same for 30 days, another one afterwards, and a token that is good for 90 days after its last use.
    #[test]
    fn a_relay_address_changes_every_thirty_days() {
        let list = ListId("6f1c".into());
        for author in ["ayse@gmx.example", "AYSE@web.example", "o'neil@x.example"] {
            let mut days = 0;
            let first = made(author, 0);
            while made(author, days) == first {
                days += 1;
            }
            let relay = made(author, days);
            assert_eq!((made(author, days + 29), relay.number < 1 << 56), (relay.clone(), true));
            assert_ne!(made(author, days + 31).number, relay.number);
            let token = relay.address.local().strip_prefix("klasse-5b-author+").expect("form");
            let is = |day: i64| {
                check(&keys(), Purpose::Author, &list, token, Timestamp((days + day) * DAY))
            };
            for day in [0, 29, 29 + 90] {
                assert_eq!(is(day), Ok(relay.number), "{author} {day}");
            }
            assert!(is(200).is_err());
        }
    }

    /// GD3, DESIGN 4: bound to list, author, purpose and key; case of the address does not count.
    #[test]
    fn it_is_bound_and_says_nothing() {
        let one = made("ayse@gmx.example", 0);
        assert_eq!(made("AYSE@gmx.example", 0), one);
        assert_ne!(made("ayse@web.example", 0).number, one.number);
        let token = one.address.local().rsplit_once('+').expect("token").1.to_owned();
        let (other, at) = (ListId("6f1d".into()), Timestamp(0));
        assert!(check(&keys(), Purpose::Author, &other, &token, at).is_err());
        let list = ListId("6f1c".into());
        assert!(check(&keys(), Purpose::Bounces, &list, &token, at).is_err());
        let second = Keys::parse(&"cd".repeat(32)).expect("keys");
        assert!(check(&second, Purpose::Author, &list, &token, at).is_err());
        let elsewhere = relay_address(
            &second,
            &list,
            &address("klasse-5b@schule.example"),
            &address("ayse@gmx.example"),
            at,
        );
        assert_ne!(
            elsewhere.expect("relay").number,
            one.number,
            "no guess can be tried out without the key"
        );
    }

    /// U2: 64 octets whatever the list is called.
    #[test]
    fn a_relay_address_fits() {
        let (list, at) = (ListId("6f1c".into()), Timestamp(0));
        for len in 1..=64 {
            let own = Address::new("l".repeat(len), "schule.example").expect("address");
            let relay =
                relay_address(&keys(), &list, &own, &address("a@x.example"), at).expect("relay");
            assert!(relay.address.local().len() <= 64);
            if let Some(short) = relay.address.local().strip_prefix("b+") {
                let found = |purpose| check_short(&keys(), purpose, short, at, [&list].into_iter());
                assert_eq!(found(Purpose::Author), Ok((&list, relay.number)));
                assert!(found(Purpose::Bounces).is_err(), "it is no return path");
            }
        }
    }

    /// Threads hold: one id, one stand-in.
    #[test]
    fn ids_are_opaque_and_stable() {
        let list = address("klasse-5b@schule.example");
        let id = opaque_id(&keys(), &list, "1.ayse@gmx.example");
        assert_eq!(opaque_id(&keys(), &list, "1.ayse@gmx.example"), id);
        assert_ne!(opaque_id(&keys(), &list, "2.ayse@gmx.example"), id);
        assert!(id.ends_with(".hidden@schule.example") && !id.contains("ayse"));
    }
}
