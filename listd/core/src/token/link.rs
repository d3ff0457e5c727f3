//! The token in the path of a member's own page, and of one-click unsubscription (RFC 8058).
//!
//! It names list and recipient by itself, since a provider's machine has nothing but the link.

use crate::list::ListId;
use crate::time::Timestamp;

use super::{
    BadToken, HASH, Keys, Purpose, check_short, decode_to, encode, hash, make_short, payload,
    verify,
};

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

/// Most characters of a token in a link.
pub const LONGEST_LINK: usize = 308;
/// Lists that a digest's link can name.
const LISTS: usize = 20;
/// Octets of the time in it: minutes since the epoch.
const TIME: usize = 4;

/// What a link in a digest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested<'a> {
    pub domain: &'a str,
    pub who: u64,
    /// When the digest was made, to the minute, upwards.
    pub made: Timestamp,
    lists: Vec<[u8; HASH]>,
}

impl Digested<'_> {
    /// A mail of this list stood in it.
    pub fn names(&self, list: &ListId) -> bool {
        self.lists.contains(&hash(list))
    }
}

/// For one reader of a digest of a domain that was made at `made`, with mails of these lists: it names each by itself, so
/// that it means the same in three months. Of more than 20 lists the first ones are named; at most 308 characters.
pub fn in_digest(
    keys: &Keys,
    domain: &str,
    lists: &[ListId],
    made: Timestamp,
    who: u64,
    now: Timestamp,
) -> String {
    let minutes = made.0.saturating_add(59_999).div_euclid(60_000);
    let mut said = u32::try_from(minutes).unwrap_or_default().to_be_bytes().to_vec();
    said.extend(lists.iter().take(LISTS).flat_map(hash));
    let (all, named) = (all(domain), of_digest(domain, &said));
    let length = u8::try_from(said.len()).unwrap_or_default();
    let payload = payload(keys, Purpose::Unsubscribe, &named, who, now);
    encode(&[&hash(&all)[..], &[length], &said, &payload].concat())
}

/// What a link in a digest of one of `domains` says; valid for 90 to 120 days.
pub fn check_digest<'a>(
    keys: &Keys,
    text: &str,
    now: Timestamp,
    mut domains: impl Iterator<Item = &'a str>,
) -> Result<Digested<'a>, BadToken> {
    let bytes = decode_to(text, LONGEST_LINK)?;
    let (wanted, rest) = bytes.split_at_checked(HASH).ok_or(BadToken)?;
    let domain = domains.find(|domain| hash(&all(domain)) == wanted).ok_or(BadToken)?;
    let (length, rest) = rest.split_first().ok_or(BadToken)?;
    let (said, payload) = rest.split_at_checked(usize::from(*length)).ok_or(BadToken)?;
    let who = verify(keys, Purpose::Unsubscribe, &of_digest(domain, said), payload, now)?;
    let (minutes, lists) = said.split_first_chunk::<TIME>().ok_or(BadToken)?;
    let made = Timestamp(i64::from(u32::from_be_bytes(*minutes)) * 60_000);
    let (lists, _) = lists.as_chunks::<HASH>();
    Ok(Digested { domain, who, made, lists: lists.to_vec() })
}

/// Stands for the digests of a domain. No id of a list is of this form.
fn all(domain: &str) -> ListId {
    ListId(format!("digest:{domain}"))
}

/// Stands for one digest, by what its links say.
fn of_digest(domain: &str, said: &[u8]) -> ListId {
    ListId(format!("digest:{domain}:{}", encode(said)))
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

        /// H8: the same for a digest's link; it says of which lists and of which time it is, for as long as it is valid.
        #[test]
        fn a_digests_link_is_one_persons_of_its_lists(
            who: u64,
            made in 0_i64..40_000 * 1_440,
            lists in 0_usize..25,
            at in 0_usize..308,
            to in proptest::char::range('a', 'z'),
        ) {
            let keys = |octet: &str| Keys::parse(&octet.repeat(32)).expect("keys");
            let (ours, others) = (keys("ab"), keys("cd"));
            let made = Timestamp(made * 60_000);
            let day = |days: i64| Timestamp(made.0 + days * 86_400_000);
            let lists: Vec<ListId> = (0..lists).map(|n| ListId(format!("list {n}"))).collect();
            let token = in_digest(&ours, "schule.example", &lists, made, who, made);
            prop_assert!(token.len() <= LONGEST_LINK);
            let domains = || ["gym.example", "schule.example"].into_iter();
            let is = |text: &str, now| check_digest(&ours, text, now, domains());
            for now in [made, day(89)] {
                let said = is(&token.to_uppercase(), now).expect("a token");
                prop_assert_eq!((said.domain, said.who, said.made), ("schule.example", who, made));
                prop_assert!(lists.iter().take(LISTS).all(|list| said.names(list)));
                prop_assert!(!said.names(&ListId("another".to_owned())));
            }
            prop_assert_eq!(is(&token, day(121)), Err(BadToken));
            prop_assert_eq!(check_digest(&others, &token, made, domains()), Err(BadToken));
            let elsewhere = check_digest(&ours, &token, made, ["gym.example"].into_iter());
            prop_assert_eq!(elsewhere, Err(BadToken));
            let mut forged: Vec<char> = token.chars().collect();
            if let Some(c) = forged.get_mut(at) {
                *c = to;
            }
            let forged: String = forged.into_iter().collect();
            prop_assert!(forged == token || is(&forged, made) == Err(BadToken));
            prop_assert_eq!(check_member(&ours, &token, made, lists.iter()), Err(BadToken));
            for list in &lists {
                let member = member(&ours, list, who, made);
                prop_assert_eq!(is(&member, made), Err(BadToken));
            }
        }
    }
}
