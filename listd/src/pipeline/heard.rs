//! A reply to one of our questions: scanned like all mail, then handed to the desk, which knows what was asked.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::list::{List, ListId};
use listcore::message::Mail;
use listcore::policy::Deferred;
use listcore::scan::Finding;
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::judge::{Known, Step};
use super::{Incoming, Pipeline, answer, scans};

/// Who cares for mail that waits, and for the answers.
#[async_trait]
pub trait Front: Send + Sync {
    /// Something that waits is durable now.
    fn waits(&self);

    /// Somebody wrote to the address of a question.
    async fn heard(&self, written: &Written<'_>) -> Heard;
}

/// A mail to the address of a question.
#[derive(Debug)]
pub struct Written<'a> {
    /// Whose token the address carries.
    pub ticket: u64,
    /// The list that the address names; `None` for the short form.
    pub list: Option<&'a ListId>,
    pub raw: &'a [u8],
    pub mail: &'a Mail,
    pub null_sender: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It counts, or somebody was first; in words for the trace.
    Taken(String),
    /// It says nothing: why, in words for the trace.
    Dropped(&'static str),
    /// There is no such question, or none any more.
    Gone,
    /// Trouble of ours.
    NotNow,
}

impl Pipeline {
    /// What becomes of a reply. A virus is refused as anywhere; nobody's doubt counts against a token of ours.
    pub(super) async fn heard(
        &self,
        rcpt: &str,
        (address, list, ticket): (&Address, Option<&List>, u64),
        incoming: &Incoming,
        mail: &Mail,
        known: &Known<'_>,
        now: Timestamp,
    ) -> Step {
        let tell = |what: &str, rule: &str, reply: Reply| {
            self.tell(rcpt, list, mail, now, (what, rule, reply))
        };
        match &known.scan.finding {
            Finding::Failed => {
                return tell("deferred", "scanner", scans::later(Deferred::Unscanned));
            }
            Finding::Busy => return tell("deferred", "scanner", scans::later(Deferred::Busy)),
            Finding::Virus(_) | Finding::Spam | Finding::Refused | Finding::Discard => {
                let text = "our filter says that this mail is dangerous or unwanted";
                return tell("refused", &known.scan.shown(), Reply::new(550, "5.7.1", text));
            }
            Finding::NotAsked | Finding::Clean | Finding::Unscanned => {}
            Finding::Suspect | Finding::Quarantined => {}
        }
        let written = Written {
            ticket,
            list: list.map(|list| &list.id),
            raw: &incoming.bytes,
            mail,
            null_sender: incoming.sender.is_none(),
        };
        let heard = match self.clerk.heard(&written).await {
            Some(heard) => heard,
            None => self.desk.heard(&written).await,
        };
        match heard {
            Heard::Taken(what) => tell("answered", &what, Reply::new(250, "2.0.0", "thank you")),
            Heard::Dropped(why) => {
                tell("dropped", why, Reply::new(250, "2.6.0", "received, and not counted"))
            }
            Heard::Gone => {
                let reply = answer::unknown(address, &self.tenant(address.domain()).language);
                tell("refused", "gone", reply)
            }
            Heard::NotNow => tell("deferred", "trouble", answer::not_now()),
        }
    }
}
