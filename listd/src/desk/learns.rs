//! What moderators say of a mail, told to whoever teaches the spam filter.

use std::sync::Arc;

use bytes::Bytes;

use crate::learning::{Lesson, Teacher};

/// Told of a moderator's word on a mail, with its bytes as they came. It keeps nobody waiting, and can't fail: what
/// could not be learned after some tries is in the log.
pub trait Learns: Send + Sync {
    fn spam(&self, raw: Bytes);
    /// It looked like spam, and people want it.
    fn ham(&self, raw: Bytes);
}

/// The lessons go to this teacher, if there is one.
pub struct Lessons(pub Option<Arc<Teacher>>);

impl Lessons {
    fn give(&self, lesson: Lesson, raw: Bytes) {
        if let Some(teacher) = self.0.clone() {
            tokio::spawn(async move { teacher.keep_teaching(lesson, raw).await });
        }
    }
}

impl Learns for Lessons {
    fn spam(&self, raw: Bytes) {
        self.give(Lesson::Spam, raw);
    }

    fn ham(&self, raw: Bytes) {
        self.give(Lesson::Ham, raw);
    }
}
