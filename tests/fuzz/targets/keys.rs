//! What an admin writes and what we gave out ourselves: configuration, keys, tokens.

use listcore::address::Address;
use listcore::config::{Config, size};
use listcore::dkim::{PrivateKey, record};
use listcore::list::ListId;
use listcore::time::{Timestamp, generalized_time};
use listcore::token::{Keys, Purpose, check, check_short, check_ticket, make, return_path, ticket};

use super::text;

const NOW: Timestamp = Timestamp(1_795_309_323_000);

/// A configuration is taken, or each error names a line of it, and all can be printed.
pub fn config(octets: &[u8]) {
    let text = text(octets);
    if let Err(errors) = Config::parse("listd.toml", &text) {
        assert!(!errors.0.is_empty());
        let lines = text.lines().count().max(1) + 1;
        assert!(errors.0.iter().all(|error| (1..=lines).contains(&error.line)), "{errors}");
        assert!(errors.to_string().starts_with("listd.toml:"));
    }
}

/// A token is taken only where it is the very one that we would make.
pub fn token(octets: &[u8]) {
    let text = text(octets);
    let (keys, list) = (keys(), ListId("5b".to_owned()));
    for purpose in [Purpose::Bounces, Purpose::Confirm, Purpose::Author, Purpose::Unsubscribe] {
        if let Ok(who) = check(&keys, purpose, &list, &text, NOW) {
            let ours = (0..5).map(|ago| Timestamp(NOW.0 - ago * 30 * 24 * 3_600_000));
            let mut ours = ours.map(|then| make(&keys, purpose, &list, who, then));
            assert!(ours.any(|ours| ours.eq_ignore_ascii_case(&text)), "a forged token: {text}");
        }
    }
    if let Ok(number) = check_ticket(&keys, &text, NOW) {
        let ours = (0..5).map(|ago| Timestamp(NOW.0 - ago * 30 * 24 * 3_600_000));
        let mut ours = ours.map(|then| ticket(&keys, number, then));
        assert!(ours.any(|ours| ours.eq_ignore_ascii_case(&text)), "a forged ticket: {text}");
    }
    let _ = check_short(&keys, Purpose::Bounces, &text, NOW, [&list].into_iter());
    let _ = Keys::parse(&text);
    there_and_back(octets, &keys, &list);
}

/// What we make is taken, for any number and list.
fn there_and_back(octets: &[u8], keys: &Keys, list: &ListId) {
    let who = octets.iter().take(8).fold(0_u64, |who, octet| (who << 8) | u64::from(*octet));
    let made = make(keys, Purpose::Confirm, list, who, NOW);
    assert!(made.len() <= 31);
    assert_eq!(check(keys, Purpose::Confirm, list, &made.to_uppercase(), NOW), Ok(who));
    assert!(check(keys, Purpose::Bounces, list, &made, NOW).is_err(), "bound to its purpose");
    let ours = ticket(keys, who, NOW);
    assert_eq!(check_ticket(keys, &ours.to_uppercase(), NOW), Ok(who));
    assert!(check_ticket(keys, &made, NOW).is_err() && ours.len() <= 31);
    let Ok(address) = Address::new(text(octets), "schule.example") else { return };
    let back = return_path(keys, list, &address, who, NOW).expect("a return path");
    assert!(back.local().len() <= 64);
}

fn keys() -> Keys {
    Keys::parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").expect("keys")
}

/// A PEM text is a key or none; a key can be published and written again.
pub fn dkim_key(octets: &[u8]) {
    let Ok(key) = PrivateKey::from_pem(&text(octets)) else { return };
    let again = PrivateKey::from_pem(&key.secret_pem()).expect("our own PEM");
    assert_eq!(again.algorithm(), key.algorithm());
    let (one, two) = (record(&key, "s", "x.example"), record(&again, "s", "x.example"));
    assert_eq!(one.map(|r| r.zone_line()), two.map(|r| r.zone_line()));
    assert!(!format!("{key:?}").contains("BEGIN"));
}

/// Sizes, durations, shares and times.
pub fn values(octets: &[u8]) {
    let text = text(octets);
    assert!(size::percent(&text).is_none_or(|share| share <= 100));
    let _ = (size::size(&text), size::duration(&text));
    let _ = generalized_time(&text).map(Timestamp::seconds);
}
