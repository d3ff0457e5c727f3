//! The token in the path of a member's own page, and of one-click unsubscription (RFC 8058).
//!
//! It names list and recipient by itself, since a provider's machine has nothing but the link.

use crate::list::ListId;
use crate::time::Timestamp;

use super::{BadToken, Keys, Purpose, check_short, make_short};

/// For one recipient (a number of the store) of a list; the same for 30 days, at most 44 characters.
pub fn member(keys: &Keys, list: &ListId, who: u64, now: Timestamp) -> String {
    make_short(keys, Purpose::Unsubscribe, list, who, now)
}

/// Which of `lists` and whose it is; valid for 90 to 120 days.
pub fn check_member<'a>(
    keys: &Keys,
    text: &str,
    now: Timestamp,
    lists: impl Iterator<Item = &'a ListId>,
) -> Result<(&'a ListId, u64), BadToken> {
    check_short(keys, Purpose::Unsubscribe, text, now, lists)
}

/// Stands for all lists of a domain of which somebody gets a digest: her link in one names no list. No id of a list is of
/// this form.
pub fn digests(domain: &str) -> ListId {
    ListId(format!("digest:{domain}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::{make, ticket};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// H8: it can't be forged, nor moved to another person, list, purpose or key.
        #[test]
        fn a_link_is_one_persons_of_one_list(
            who: u64,
            day in 0_i64..40_000,
            at in 0_usize..44,
            to in proptest::char::range('a', 'z'),
        ) {
            let keys = |octet: &str| Keys::parse(&octet.repeat(32)).expect("keys");
            let (ours, others, now) = (keys("ab"), keys("cd"), Timestamp(day * 86_400_000));
            let lists = ["5a", "5b", "5c"].map(|id| ListId(id.to_owned()));
            let token = member(&ours, &lists[1], who, now);
            prop_assert!(token.len() <= 44 && token.bytes().all(|b| b.is_ascii_alphanumeric()));
            let is = |text: &str| check_member(&ours, text, now, lists.iter());
            prop_assert_eq!(is(&token.to_uppercase()), Ok((&lists[1], who)));
            let without: Vec<&ListId> = lists.iter().filter(|list| **list != lists[1]).collect();
            prop_assert_eq!(check_member(&ours, &token, now, without.into_iter()), Err(BadToken));
            prop_assert_eq!(check_member(&others, &token, now, lists.iter()), Err(BadToken));
            let late = Timestamp((day + 121) * 86_400_000);
            prop_assert_eq!(check_member(&ours, &token, late, lists.iter()), Err(BadToken));
            let mut forged: Vec<char> = token.chars().collect();
            if let Some(c) = forged.get_mut(at) {
                *c = to;
            }
            let forged: String = forged.into_iter().collect();
            prop_assert!(forged == token || is(&forged) == Err(BadToken));
            for purpose in [Purpose::Bounces, Purpose::Confirm, Purpose::Author] {
                prop_assert_eq!(is(&make(&ours, purpose, &lists[1], who, now)), Err(BadToken));
            }
            prop_assert_eq!(is(&ticket(&ours, who, now)), Err(BadToken));
        }
    }
}
