//! Tickets: the token of a question that we asked somebody, in the address for her answer and in the path of a page.
//!
//! It names the question's row in the store, which knows list, person and purpose; nothing of that stands in it.

use crate::address::{Address, AddressError};
use crate::list::ListId;
use crate::time::Timestamp;

use super::{BadToken, Keys, Purpose, check, make};

/// No list's id is empty, so no token of a list is ever one of these.
fn no_list() -> ListId {
    ListId(String::new())
}

/// The token for a question's number, at most 31 characters; the same for 30 days.
pub fn ticket(keys: &Keys, number: u64, now: Timestamp) -> String {
    make(keys, Purpose::Ticket, &no_list(), number, now)
}

/// Which question it stands for. `text` in any case; valid for 90 to 120 days, however long the question is open.
pub fn check_ticket(keys: &Keys, text: &str, now: Timestamp) -> Result<u64, BadToken> {
    check(keys, Purpose::Ticket, &no_list(), text, now)
}

/// Where the answer by mail goes: `list-confirm+TOKEN@d`, or `b+TOKEN@d` where that is over 64 octets.
pub fn answer_address(
    keys: &Keys,
    list: &Address,
    number: u64,
    now: Timestamp,
) -> Result<Address, AddressError> {
    let token = ticket(keys, number, now);
    let long = format!("{}-confirm+{token}", list.local());
    let local = if long.len() <= 64 { long } else { format!("b+{token}") };
    Address::new(local, list.domain())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::check_short;

    const DAY: i64 = 24 * 3600 * 1000;

    fn keys(octet: &str) -> Keys {
        Keys::parse(&octet.repeat(32)).expect("keys")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// DESIGN 4: it can't be forged, not moved to another purpose or key, and fits whatever the list is called.
        #[test]
        fn a_ticket_serves_its_question(
            number: u64,
            day in 0_i64..40_000,
            at in 0_usize..31,
            to in proptest::char::range('a', 'z'),
            length in 1_usize..=64,
        ) {
            let (keys, other, now) = (keys("ab"), keys("cd"), Timestamp(day * DAY));
            let token = ticket(&keys, number, now);
            prop_assert!(token.len() <= 31 && token.bytes().all(|b| b.is_ascii_alphanumeric()));
            for later in [0, 29, 90] {
                let later = Timestamp((day + later) * DAY);
                prop_assert_eq!(check_ticket(&keys, &token.to_uppercase(), later), Ok(number));
            }
            prop_assert_eq!(check_ticket(&keys, &token, Timestamp((day + 150) * DAY)), Err(BadToken));
            prop_assert_eq!(check_ticket(&other, &token, now), Err(BadToken));

            let mut forged: Vec<char> = token.chars().collect();
            let at = at % forged.len();
            if forged[at] != to {
                forged[at] = to;
                let forged: String = forged.into_iter().collect();
                prop_assert_eq!(check_ticket(&keys, &forged, now), Err(BadToken));
            }
            let purposes = [Purpose::Bounces, Purpose::Confirm, Purpose::Author, Purpose::Unsubscribe];
            let list = ListId("6f1c".to_owned());
            for purpose in purposes {
                for list in [&list, &no_list()] {
                    prop_assert_eq!(check(&keys, purpose, list, &token, now), Err(BadToken));
                    prop_assert_eq!(check_ticket(&keys, &make(&keys, purpose, list, number, now), now), Err(BadToken));
                    prop_assert!(check_short(&keys, purpose, &token, now, [list].into_iter()).is_err());
                }
            }

            let address = Address::new("l".repeat(length), "schule.example").expect("an address");
            let answer = answer_address(&keys, &address, number, now).expect("an address");
            prop_assert!(answer.local().len() <= 64);
            let (before, behind) = answer.local().rsplit_once('+').expect("a token");
            let long = format!("{}-confirm", address.local());
            prop_assert!(before == "b" || before == long, "{}", before);
            prop_assert_eq!(check_ticket(&keys, behind, now), Ok(number));
        }
    }
}
