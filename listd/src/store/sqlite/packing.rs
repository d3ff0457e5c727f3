//! Stored forms: a version byte, then postcard for what is many and small, JSON for what will grow fields.
//!
//! Decoding believes nothing: garbage is an error that says what could not be read.

use std::collections::HashMap;

use listcore::outcome::{Dropped, Outcome, Reply};
use listcore::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Trouble;
use crate::store::BATCH;

const VERSION: u8 = 1;

/// Outcomes of a batch. Replies repeat, so each distinct text stands once; times are close, so they are differences.
#[derive(Serialize, Deserialize)]
struct Packed {
    base: i64,
    replies: Vec<(u16, String)>,
    slots: Vec<Slot>,
}

/// `at` counts from the base, `next` from `at`, `reply` is an index.
#[derive(Serialize, Deserialize)]
enum Slot {
    Waiting,
    Delivered { at: i64, reply: u16, queue_id: Option<String> },
    Deferred { at: i64, attempts: u16, next: i64, reply: u16 },
    Failed { at: i64, reply: u16 },
    Dropped { at: i64, why: Why },
}

#[derive(Copy, Clone, Serialize, Deserialize)]
enum Why {
    LeftList,
    Inactive,
    Erased,
    Cancelled,
    Muted,
    Paused,
    Own,
    Addressed,
    Elsewhere,
    Digest,
}

/// Stands for the queue id in a reply's text: so all "OK id=..." are one text.
const ID: char = '\0';

pub(super) fn pack_outcomes(outcomes: &[Outcome]) -> Result<Vec<u8>, Trouble> {
    let mut packer = Packer::new(outcomes);
    let slots = outcomes.iter().map(|outcome| packer.slot(outcome)).collect::<Result<_, _>>()?;
    let packed = Packed { base: packer.base, replies: packer.replies, slots };
    postcard::to_extend(&packed, vec![VERSION]).map_err(|e| unwritable("outcomes", &e))
}

pub(super) fn unpack_outcomes(blob: &[u8]) -> Result<Vec<Outcome>, Trouble> {
    let packed: Packed = unpack(blob, "outcomes")?;
    if packed.slots.len() > BATCH {
        return Err(unreadable("outcomes", &"there are too many"));
    }
    packed.slots.iter().map(|slot| outcome(&packed, slot)).collect()
}

pub(super) fn pack_refs(refs: &[i64]) -> Result<Vec<u8>, Trouble> {
    postcard::to_extend(refs, vec![VERSION]).map_err(|e| unwritable("recipients", &e))
}

pub(super) fn unpack_refs(blob: &[u8]) -> Result<Vec<i64>, Trouble> {
    let refs: Vec<i64> = unpack(blob, "recipients")?;
    if refs.len() > BATCH {
        return Err(unreadable("recipients", &"there are too many"));
    }
    Ok(refs)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Trouble> {
    let mut blob = vec![VERSION];
    serde_json::to_writer(&mut blob, value).map_err(|e| unwritable("record", &e))?;
    Ok(blob)
}

pub(super) fn from_json<T: DeserializeOwned>(blob: &[u8], what: &str) -> Result<T, Trouble> {
    serde_json::from_slice(body(blob, what)?).map_err(|e| unreadable(what, &e))
}

fn unpack<T: DeserializeOwned>(blob: &[u8], what: &str) -> Result<T, Trouble> {
    let (value, rest) =
        postcard::take_from_bytes(body(blob, what)?).map_err(|e| unreadable(what, &e))?;
    if rest.is_empty() { Ok(value) } else { Err(unreadable(what, &"something stands behind it")) }
}

/// What stands behind the version byte.
fn body<'a>(blob: &'a [u8], what: &str) -> Result<&'a [u8], Trouble> {
    match blob.split_first() {
        Some((&VERSION, body)) => Ok(body),
        Some((other, _)) => Err(unreadable(what, &format_args!("version {other} is unknown"))),
        None => Err(unreadable(what, &"it is empty")),
    }
}

fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::Failed(format!("stored {what} can't be read ({why}); restore the store from a backup"))
}

fn unwritable(what: &str, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::Failed(format!("{what} can't be packed: {why}"))
}

struct Packer {
    base: i64,
    replies: Vec<(u16, String)>,
    index: HashMap<(u16, String), u16>,
}

impl Packer {
    fn new(outcomes: &[Outcome]) -> Packer {
        let base = outcomes.iter().filter_map(Outcome::at).min().unwrap_or_default().0;
        Packer { base, replies: Vec::new(), index: HashMap::new() }
    }

    fn slot(&mut self, outcome: &Outcome) -> Result<Slot, Trouble> {
        let from = |at: &Timestamp| at.0.wrapping_sub(self.base);
        Ok(match outcome {
            Outcome::Waiting => Slot::Waiting,
            Outcome::Delivered { at, reply, queue_id } => Slot::Delivered {
                at: from(at),
                reply: self.reply(reply, queue_id.as_deref())?,
                queue_id: queue_id.clone(),
            },
            Outcome::Deferred { at, attempts, next, reply } => Slot::Deferred {
                at: from(at),
                attempts: *attempts,
                next: next.0.wrapping_sub(at.0),
                reply: self.reply(reply, None)?,
            },
            Outcome::Failed { at, reply } => {
                Slot::Failed { at: from(at), reply: self.reply(reply, None)? }
            }
            Outcome::Dropped { at, why } => Slot::Dropped { at: from(at), why: (*why).into() },
        })
    }

    fn reply(&mut self, reply: &Reply, queue_id: Option<&str>) -> Result<u16, Trouble> {
        let mut text = reply.text.replace(ID, " ");
        if let Some(id) = queue_id.filter(|id| !id.is_empty()) {
            text = text.replace(id, "\0");
        }
        let key = (reply.code, text);
        if let Some(known) = self.index.get(&key) {
            return Ok(*known);
        }
        let new = u16::try_from(self.replies.len()).map_err(|e| unwritable("outcomes", &e))?;
        self.replies.push(key.clone());
        self.index.insert(key, new);
        Ok(new)
    }
}

fn outcome(packed: &Packed, slot: &Slot) -> Result<Outcome, Trouble> {
    let time = |at: &i64| Timestamp(packed.base.wrapping_add(*at));
    let reply = |index: &u16, queue_id: Option<&str>| -> Result<Reply, Trouble> {
        let found = packed.replies.get(usize::from(*index));
        let (code, text) = found.ok_or_else(|| unreadable("outcomes", &"a reply is missing"))?;
        let text = queue_id.map_or_else(|| text.clone(), |id| text.replace(ID, id));
        Ok(Reply { code: *code, text })
    };
    Ok(match slot {
        Slot::Waiting => Outcome::Waiting,
        Slot::Delivered { at, reply: index, queue_id } => Outcome::Delivered {
            at: time(at),
            reply: reply(index, queue_id.as_deref())?,
            queue_id: queue_id.clone(),
        },
        Slot::Deferred { at, attempts, next, reply: index } => Outcome::Deferred {
            at: time(at),
            attempts: *attempts,
            next: Timestamp(time(at).0.wrapping_add(*next)),
            reply: reply(index, None)?,
        },
        Slot::Failed { at, reply: index } => {
            Outcome::Failed { at: time(at), reply: reply(index, None)? }
        }
        Slot::Dropped { at, why } => Outcome::Dropped { at: time(at), why: (*why).into() },
    })
}

impl From<Dropped> for Why {
    fn from(why: Dropped) -> Why {
        match why {
            Dropped::LeftList => Why::LeftList,
            Dropped::Inactive => Why::Inactive,
            Dropped::Erased => Why::Erased,
            Dropped::Cancelled => Why::Cancelled,
            Dropped::Muted => Why::Muted,
            Dropped::Paused => Why::Paused,
            Dropped::Own => Why::Own,
            Dropped::Addressed => Why::Addressed,
            Dropped::Elsewhere => Why::Elsewhere,
            Dropped::Digest => Why::Digest,
        }
    }
}

impl From<Why> for Dropped {
    fn from(why: Why) -> Dropped {
        match why {
            Why::LeftList => Dropped::LeftList,
            Why::Inactive => Dropped::Inactive,
            Why::Erased => Dropped::Erased,
            Why::Cancelled => Dropped::Cancelled,
            Why::Muted => Dropped::Muted,
            Why::Paused => Dropped::Paused,
            Why::Own => Dropped::Own,
            Why::Addressed => Dropped::Addressed,
            Why::Elsewhere => Dropped::Elsewhere,
            Why::Digest => Dropped::Digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::suite::{T, deferred, delivered};

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        let time = || any::<i64>().prop_map(Timestamp);
        let reply = || (any::<u16>(), "[^\0]{0,20}").prop_map(|(code, text)| Reply { code, text });
        prop_oneof![
            Just(Outcome::Waiting),
            (time(), reply(), proptest::option::of("[a-zA-Z]{0,2}"))
                .prop_map(|(at, reply, queue_id)| Outcome::Delivered { at, reply, queue_id }),
            (time(), any::<u16>(), time(), reply()).prop_map(|(at, attempts, next, reply)| {
                Outcome::Deferred { at, attempts, next, reply }
            }),
            (time(), reply()).prop_map(|(at, reply)| Outcome::Failed { at, reply }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Inactive }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Muted }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Paused }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Own }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Addressed }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Elsewhere }),
            time().prop_map(|at| Outcome::Dropped { at, why: Dropped::Digest }),
        ]
    }

    proptest! {
        #[test]
        fn outcomes_come_back(outcomes in proptest::collection::vec(any_outcome(), 0..=BATCH)) {
            let blob = pack_outcomes(&outcomes).expect("pack");
            prop_assert_eq!(unpack_outcomes(&blob).expect("unpack"), outcomes);
        }

        #[test]
        fn refs_come_back(refs in proptest::collection::vec(any::<i64>(), 0..=BATCH)) {
            prop_assert_eq!(unpack_refs(&pack_refs(&refs).expect("pack")).expect("unpack"), refs);
        }

        /// Promise 10
        #[test]
        fn garbage_does_no_harm(mut blob in proptest::collection::vec(any::<u8>(), 0..300), good: bool) {
            if good && let Some(first) = blob.first_mut() {
                *first = VERSION;
            }
            let _ = (unpack_outcomes(&blob).is_ok(), unpack_refs(&blob).is_ok());
            prop_assert!(from_json::<Vec<u8>>(&blob, "x").is_err());
        }
    }

    #[test]
    fn a_hundred_delivered_are_small() {
        let all: Vec<Outcome> = (1000..1100).map(delivered).collect();
        let size = pack_outcomes(&all).expect("pack").len();
        assert!(size < 2_000, "{size} octets");
        let waiting = pack_outcomes(&vec![Outcome::Waiting; 100]).expect("pack");
        assert!(waiting.len() < 110);
    }

    #[test]
    fn what_is_cut_or_too_much_is_an_error() {
        let blob = pack_outcomes(&[delivered(1), deferred(2, T.0)]).expect("pack");
        for length in 0..blob.len() {
            assert!(unpack_outcomes(&blob[..length]).is_err(), "{length}");
        }
        assert!(unpack_outcomes(&[&blob[..], &[0]].concat()).is_err());
        let many = pack_outcomes(&vec![Outcome::Waiting; BATCH + 1]).expect("pack");
        assert!(unpack_outcomes(&many).is_err());
        let missing =
            Packed { base: 0, replies: vec![], slots: vec![Slot::Failed { at: 0, reply: 0 }] };
        let blob = postcard::to_extend(&missing, vec![VERSION]).expect("pack");
        assert!(unpack_outcomes(&blob).is_err());
    }
}
