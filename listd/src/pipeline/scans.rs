//! What the spam and virus filter says of a mail: asked once, before anything is decided about any of its recipients.

use listcore::message::Mail;
use listcore::policy::Deferred;
use listcore::scan::Scan;
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::{Incoming, Pipeline, Target};
use crate::verdicts::Question;

/// What was found, by the place of the target.
pub(super) struct Scans {
    asked: Vec<(usize, Scan)>,
    not_asked: Scan,
}

impl Scans {
    pub(super) fn of(&self, target: usize) -> &Scan {
        let found = self.asked.iter().find(|(at, _)| *at == target);
        found.map_or(&self.not_asked, |(_, scan)| scan)
    }
}

impl Pipeline {
    /// Asks about all recipients but the bounce addresses: a bounce goes to nobody, and has to be counted whatever
    /// it quotes.
    pub(super) async fn scans(&self, incoming: &Incoming, mail: &Mail, now: Timestamp) -> Scans {
        let targets = incoming.targets.iter().enumerate();
        let wanted = targets.filter(|(_, (_, target))| !matches!(target, Target::Bounce { .. }));
        let (places, recipients): (Vec<usize>, Vec<&str>) =
            wanted.map(|(at, (rcpt, _))| (at, rcpt.as_str())).unzip();
        let mut scans = Scans { asked: Vec::new(), not_asked: Scan::not_asked() };
        if let (Some(verdicts), false) = (&self.verdicts, recipients.is_empty()) {
            let id = self.ids.next(now).to_string();
            let question = Question {
                mail,
                bytes: &incoming.bytes,
                sender: incoming.sender.as_ref(),
                recipients: &recipients,
                id: &id,
            };
            let found = verdicts.ask(&question).await;
            scans.asked = places.into_iter().zip(found).collect();
        }
        scans
    }
}

/// Our trouble, never the author's (promise 5), a flood excepted.
pub(super) fn later(why: Deferred) -> Reply {
    let (code, status, text) = match why {
        Deferred::Unscanned => {
            let text = "the spam and virus filter does not answer at the moment, try again later";
            (451, "4.3.0", text)
        }
        Deferred::Busy => (451, "4.3.2", "too many mails are being scanned, try again later"),
        Deferred::Flood => {
            let text = "too many mails of this author come to this list, try again later";
            (450, "4.2.1", text)
        }
    };
    Reply::new(code, status, text)
}
