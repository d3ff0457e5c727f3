//! What would become of a mail: the same decision as for a real one, and nothing is stored or sent.

use std::sync::Arc;

use bytes::Bytes;
use listcore::list::List;
use listcore::message::Mail;
use listcore::policy::Verified;
use lmtp::reply::Reply;

use super::judge::{Known, Step};
use super::{Incoming, Pipeline, Target, answer, hold};
use crate::store::{NewPost, Raw};
use crate::verify::Authenticity;

/// Said of an author whom the admin vouches for.
const SUPPOSED: &str = "supposed to be verified; a real mail has to prove it";

/// The outcome of a trial.
pub struct Trial {
    /// The answer to the sending server.
    pub reply: Reply,
    /// The rule that decides.
    pub rule: String,
    /// Whether the author counts as verified, and by what, in words.
    pub author: String,
    /// What the spam and virus filter said of it.
    pub scan: String,
    /// What would be stored; `None` where the mail would not go out.
    pub post: Option<NewPost>,
}

impl Pipeline {
    /// Tries a mail to a list as if its author had just sent it from the address in From.
    ///
    /// `suppose_verified`: as if the author were verified, whatever the mail shows.
    pub async fn trial(&self, list: Arc<List>, bytes: Bytes, suppose_verified: bool) -> Trial {
        let now = (self.clock)();
        let mail = match Mail::parse(&bytes) {
            Ok(mail) => mail,
            Err(malformed) => return broken(&malformed.to_string()),
        };
        let author = mail.author().map(|author| author.address.clone());
        let address = list.address.to_string();
        let incoming = Incoming {
            sender: author.clone(),
            targets: vec![(address.clone(), Target::List(list.clone()))],
            raw: Raw::Memory(bytes.clone()),
            bytes,
            utf8: mail.needs_utf8,
            helo: "listctl".to_owned(),
            peer: "simulated".to_owned(),
            protocol: "LMTP",
        };
        let authenticity = match author {
            Some(author) if suppose_verified => {
                let verified = Verified::Auth(author.to_string());
                Authenticity::Known { verified, why: SUPPOSED.to_owned() }
            }
            _ => {
                let found = self.authenticity(&incoming, &mail).await;
                self.or_confirmed(found, &incoming, &mail).await
            }
        };
        let author = words(&authenticity);
        let seen = self.with_arrival(authenticity, &incoming, &mail).await;
        let scans = self.scans(&incoming, &mail, now).await;
        let remembered = self.remembered(&list, &mail, now).await;
        let known = Known { seen: &seen, scan: scans.of(0), remembered, counts: false };
        let scan = known.scan.shown();
        match self.judge(&address, &Target::List(list), &incoming, &mail, &known, now) {
            Step::Post(post, _) => {
                let reply = Reply::new(
                    250,
                    "2.0.0",
                    format!("accepted for {} recipients", post.recipients.len()),
                );
                Trial { reply, rule: "allowed".to_owned(), author, scan, post: Some(*post) }
            }
            Step::Tell(reply, event) => {
                // As `tell` wrote it: the rule, then the reply.
                let said = format!(": {} {}", reply.code, reply.text);
                let rule = event.why.strip_suffix(&said).unwrap_or(&event.why).to_owned();
                Trial { reply, rule, author, scan, post: None }
            }
            Step::Hold(held) => {
                let rule = held.reason.as_str().to_owned();
                Trial { reply: hold::waits(&held), rule, author, scan, post: None }
            }
            Step::SameAs(_) | Step::Bounce(_) => broken("it is no mail to the list"),
        }
    }
}

fn broken(why: &str) -> Trial {
    let reply = answer::broken(&why);
    Trial {
        reply,
        rule: "malformed".to_owned(),
        author: String::new(),
        scan: String::new(),
        post: None,
    }
}

fn words(authenticity: &Authenticity) -> String {
    match authenticity {
        Authenticity::Known { verified: Verified::No(_), why } => format!("not verified: {why}"),
        Authenticity::Known { why, .. } if why == SUPPOSED => SUPPOSED.to_owned(),
        Authenticity::Known { why, .. } => format!("verified by {why}"),
        Authenticity::TempError(why) => format!("not known: {why}"),
    }
}
