//! What an admin tells the spam filter of a mail.
//!
//! Not how it is told: that is `learning`'s.

use listcore::api::Learned;

use super::Office;
use crate::control::{Answer, Problem};
use crate::learning::{Lesson, Taught, Trouble};

impl Office {
    /// Every mail that came under this Message-ID and is still kept.
    pub(super) async fn learned(&self, message_id: &str, spam: bool, who: &str) -> Answer<Learned> {
        let Some(teacher) = &self.teacher else {
            return Err(Problem::bad_request(
                "nobody learns: verdict.rspamd_controller is not set",
                "Set it in listd.toml to the URL of rspamd's worker \"controller\" (docs/verdictd.md), and restart listd.",
            ));
        };
        let lesson = if spam { Lesson::Spam } else { Lesson::Ham };
        let mails = self.store.originals(message_id).await?;
        let mut taught = Vec::new();
        for mail in &mails {
            if let Some(raw) = self.original(*mail).await? {
                taught.push(teacher.teach(lesson, raw).await.map_err(trouble)?);
            }
        }
        if taught.is_empty() {
            return Err(gone(message_id, mails.is_empty()));
        }
        tracing::info!(
            who,
            message_id,
            lesson = lesson.as_str(),
            "an admin taught the spam filter"
        );
        let known = taught.iter().all(|taught| *taught == Taught::Known);
        Ok(Learned { message_id: message_id.to_owned(), spam, known })
    }
}

fn gone(message_id: &str, unknown: bool) -> Problem {
    if unknown {
        return Problem::not_found(
            format!("no mail <{message_id}> was taken in"),
            "Is it the right Message-ID? What was refused at the door is never kept; `listctl trace` tells.",
        );
    }
    Problem::not_found(
        format!("the mail <{message_id}> itself is no longer kept"),
        "It is kept for verdict.keep_for_learning after its last copy went out. rspamc learn_spam or learn_ham \
         learns from a copy in a mailbox.",
    )
}

fn trouble(trouble: Trouble) -> Problem {
    Problem::trouble(trouble.to_string(), trouble.what_to_do())
}
