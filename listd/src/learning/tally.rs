//! How many lessons rspamd was given, and what became of them, for whoever watches.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::{Lesson, Taught};

/// The labels of a count.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Given {
    lesson: &'static str,
    result: &'static str,
}

/// Counts since the start. Clones share them.
#[derive(Clone, Debug)]
pub struct Tally {
    pub lessons: Family<Given, Counter>,
}

impl Default for Tally {
    fn default() -> Tally {
        let lessons = Family::<Given, Counter>::default();
        // A series that begins with its first event hides that event from `rate()`.
        for lesson in ["spam", "ham"] {
            for result in ["learned", "known", "failed"] {
                lessons.get_or_create(&Given { lesson, result }).inc_by(0);
            }
        }
        Tally { lessons }
    }
}

impl Tally {
    #[cfg(test)]
    pub(super) fn count(&self, lesson: Lesson, result: &'static str) -> u64 {
        self.lessons.get_or_create(&Given { lesson: lesson.as_str(), result }).get()
    }

    pub(super) fn note(&self, lesson: Lesson, taught: Option<&Taught>) {
        let result = match taught {
            Some(Taught::Learned) => "learned",
            Some(Taught::Known) => "known",
            None => "failed",
        };
        self.lessons.get_or_create(&Given { lesson: lesson.as_str(), result }).inc();
    }
}
