//! How many letters of a kind one address gets in a day (rule A3): the one place for it.
//!
//! Remembered in the store as marks, so that a restart forgets none: whoever writes a letter commits it together with
//! its mark.

use std::time::Duration;

use listcore::address::Address;
use listcore::list::ListId;
use listcore::time::Timestamp;

use crate::store::StoreError;
use crate::store::held::{Holds, Mark, MarkKind};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many letters of this kind.
#[derive(Copy, Clone, Debug)]
pub struct Limit {
    kind: MarkKind,
    most: usize,
}

/// Help texts of one list. A second one says nothing new.
pub const HELP: Limit = Limit { kind: MarkKind::Helped, most: 1 };

/// "Did you write this?", from all lists together: more is somebody's game with her.
pub const QUESTIONS: Limit = Limit { kind: MarkKind::Asked, most: 3 };

/// Answers to commands, from all lists together.
pub const ANSWERS: Limit = Limit { kind: MarkKind::Answered, most: 10 };

/// Wishes to be on a list (rule Q3), for all lists together.
pub const WISHES: Limit = Limit { kind: MarkKind::Wished, most: 3 };

impl Limit {
    /// Whether one more may be written. `list` as in [`Limit::spent`].
    pub async fn is_left(
        &self,
        store: &dyn Holds,
        list: Option<&ListId>,
        who: &Address,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(store.marked(self.kind, list, &who.key(), now).await?.len() < self.most)
    }

    /// To be committed with the letter; `letter` names it.
    pub fn spent(
        &self,
        list: Option<&ListId>,
        who: &Address,
        letter: &str,
        now: Timestamp,
    ) -> Mark {
        Mark {
            kind: self.kind,
            list: list.cloned(),
            who: who.key(),
            value: letter.to_owned(),
            until: Some(now + DAY),
        }
    }
}
