//! One client's visit: what it said so far, and the mail it is handing in.

use bytes::Bytes;
use listcore::address::Address;
use lmtp::drive::Handler;
use lmtp::reply::Reply;
use lmtp::server::{DataEnd, Flavor, MailFrom, RcptTo};

use super::Door;
use super::spool::{Spool, SpoolError};
use super::tally::Stage;
use crate::pipeline::{Incoming, Target};
use crate::store::Raw;

/// Refused recipients of one mail that are counted.
const REFUSED: usize = 1_000;

pub struct Visit<'d> {
    door: &'d Door,
    /// Where the client is, for `Received`.
    peer: String,
    helo: String,
    mail: Option<Transaction>,
}

/// What began with MAIL FROM.
struct Transaction {
    sender: Option<Address>,
    size: Option<u64>,
    utf8: bool,
    targets: Vec<(String, Target)>,
    /// What its other recipients were refused with.
    refused: Vec<Reply>,
    spool: Option<Spool>,
    /// The first thing that went wrong while the mail came in; the rest of it is thrown away.
    trouble: Option<SpoolError>,
}

impl<'d> Visit<'d> {
    pub fn new(door: &'d Door, peer: String) -> Visit<'d> {
        Visit { door, peer, helo: String::new(), mail: None }
    }

    /// The protocol as `Received` names it (RFC 3848, RFC 6531 4.3).
    fn protocol(&self, utf8: bool) -> &'static str {
        match (self.door.wire.flavor, utf8) {
            (Flavor::Lmtp, false) => "LMTP",
            (Flavor::Lmtp, true) => "UTF8LMTP",
            (Flavor::Smtp, false) => "ESMTP",
            (Flavor::Smtp, true) => "UTF8SMTP",
        }
    }

    fn refused(&self, stage: Stage, reply: Reply) -> Reply {
        self.door.tally.note(stage, &reply);
        tracing::debug!(stage = stage.as_str(), code = reply.code, why = %reply.text, "refused");
        reply
    }

    /// A mail that nobody looked into: the store has no trace of it, so the log must.
    fn turned_away(&self, mail: &Transaction, reply: Reply) -> Vec<Reply> {
        self.door.tally.note(Stage::Data, &reply);
        let sender = mail.sender.as_ref().map(ToString::to_string).unwrap_or_default();
        let (peer, recipients) = (&self.peer, mail.targets.len());
        tracing::info!(%peer, %sender, recipients, code = reply.code, why = %reply.text, "mail turned away");
        vec![reply; recipients]
    }
}

impl Handler for Visit<'_> {
    fn hello(&mut self, name: &str) {
        self.helo = name.to_owned();
    }

    async fn mail(&mut self, mail: &MailFrom) -> Reply {
        let sender = match mail.path.as_deref().map(Address::parse) {
            None => None,
            Some(Ok(address)) => Some(address),
            Some(Err(why)) => {
                let text = format!("this return address is not valid: {why}");
                return self.refused(Stage::Sender, Reply::new(553, "5.1.7", text));
            }
        };
        let (size, utf8) = (mail.size, mail.smtputf8);
        let (targets, refused, spool, trouble) = (Vec::new(), Vec::new(), None, None);
        self.mail = Some(Transaction { sender, size, utf8, targets, refused, spool, trouble });
        Reply::sender_ok()
    }

    async fn rcpt(&mut self, rcpt: &RcptTo) -> Reply {
        let Some(mail) = &mut self.mail else { return Reply::new(503, "5.5.1", "MAIL first") };
        match self.door.pipeline.recipient(&rcpt.path, mail.size).await {
            Ok(target) => {
                mail.targets.push((rcpt.path.clone(), target));
                Reply::recipient_ok()
            }
            Err(refusal) => {
                tracing::debug!(code = refusal.code, why = %refusal.text, "a recipient was refused");
                if mail.refused.len() < REFUSED {
                    mail.refused.push(refusal.clone());
                }
                refusal
            }
        }
    }

    fn begin(&mut self) -> Result<(), Reply> {
        let Some(mail) = &mut self.mail else { return Err(Reply::new(503, "5.5.1", "MAIL first")) };
        // A callout asks and hangs up: it counts as nothing. This is a mail.
        mail.refused.drain(..).for_each(|reply| self.door.tally.note(Stage::Recipient, &reply));
        let path = self.door.pipeline.spool_path(&self.door.spool_dir);
        mail.spool = Some(Spool::new(path, self.door.budget.clone()));
        Ok(())
    }

    async fn chunk(&mut self, bytes: &[u8]) {
        let Some(Transaction { spool: Some(spool), trouble, .. }) = &mut self.mail else { return };
        if trouble.is_none() {
            *trouble = spool.write(bytes).err();
        }
    }

    async fn end(&mut self, end: DataEnd) -> Vec<Reply> {
        let Some(mut mail) = self.mail.take() else { return Vec::new() };
        if let Some(refusal) = end.refusal {
            return self.turned_away(&mail, refusal);
        }
        let protocol = self.protocol(mail.utf8);
        let spool = match (mail.spool.take(), mail.trouble.take()) {
            (Some(spool), None) => spool,
            (_, trouble) => return self.turned_away(&mail, no_room(trouble)),
        };
        // `_spool` holds its share of the budget, and the file, until the mail is stored.
        let (_spool, bytes, raw) = match whole(spool).await {
            Ok(whole) => whole,
            Err(trouble) => return self.turned_away(&mail, no_room(trouble)),
        };
        let incoming = Incoming {
            sender: mail.sender,
            targets: mail.targets,
            bytes,
            raw,
            utf8: mail.utf8,
            helo: self.helo.clone(),
            peer: self.peer.clone(),
            protocol,
            patience: Default::default(),
        };
        self.door.pipeline.receive(incoming).await
    }

    fn reset(&mut self) {
        self.mail = None;
    }
}

/// A mail that went to a file is read again without keeping the thread's other connections waiting.
async fn whole(mut spool: Spool) -> Result<(Spool, Bytes, Raw), Option<SpoolError>> {
    if !spool.is_spilled() {
        let (bytes, raw) = spool.finish()?;
        return Ok((spool, bytes, raw));
    }
    let finish = move || {
        let (bytes, raw) = spool.finish()?;
        Ok::<_, SpoolError>((spool, bytes, raw))
    };
    tokio::task::spawn_blocking(finish).await.map_err(|_| None)?.map_err(Some)
}

/// Our trouble is 4xx, and the admin reads why (promise 5).
fn no_room(trouble: Option<SpoolError>) -> Reply {
    match trouble {
        Some(error @ SpoolError::Budget) => Reply::new(452, "4.3.1", error.to_string()),
        Some(error) => {
            tracing::error!(%error, "a mail could not be taken in and was deferred; is the disk full?");
            Reply::new(452, "4.3.1", "there is no room for this mail at the moment")
        }
        None => Reply::trouble("the mail did not arrive whole"),
    }
}
