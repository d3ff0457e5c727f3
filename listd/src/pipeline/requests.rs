//! Mail to a list's program, `-request`: judged like all mail, then handed to the clerk, who answers by a letter.
//!
//! Nobody reads it. So whoever gets no answer hears that at once in the dialogue, and where people read (promise 5);
//! and only a verified author gets one, at the very address that sent the mail (rules A2, A3): a forgery makes us
//! write to nobody.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::list::List;
use listcore::message::{Mail, automatic_answer_allowed};
use listcore::notice::{self, NoHelp};
use listcore::policy::{Refusal, Verified};
use listcore::recipients::Recipient;
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::judge::{Known, Step, deferred};
use super::{Incoming, Pipeline, Target, Tenant, answer};
use crate::store::StoreError;
use crate::verify::Authenticity;

/// Who answers what one asks of a list's program.
#[async_trait]
pub trait Clerk: Send + Sync {
    async fn asked(&self, request: &Request<'_>) -> Answered;
}

/// A request of a verified author.
#[derive(Debug)]
pub struct Request<'a> {
    pub list: &'a List,
    pub tenant: &'a Tenant,
    /// In which the author is answered.
    pub language: &'static str,
    pub who: &'a Recipient,
    /// The author is a person of the directory, or on the list.
    pub known: bool,
    pub mail: &'a Mail,
    pub now: Timestamp,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// A letter is on its way, durably.
    Written,
    /// Enough letters went to this address today, or to strangers.
    Enough,
    Trouble(StoreError),
}

impl Pipeline {
    /// What becomes of a mail to `-request`.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn request(
        &self,
        rcpt: &str,
        (list, target): (&List, &Target),
        incoming: &Incoming,
        mail: &Mail,
        known: &Known<'_>,
        now: Timestamp,
    ) -> Step {
        let tell = |what: &str, rule: &str, reply: Reply| {
            self.tell(rcpt, Some(list), mail, now, (what, rule, reply))
        };
        match self.judge(rcpt, target, incoming, mail, known, now) {
            Step::Post(..) => {}
            // Nobody moderates what nobody reads.
            Step::Hold(_) => {
                return tell("refused", "suspect", self.refusal(list, mail, &Refusal::Suspect));
            }
            step => return step,
        }
        if !automatic_answer_allowed(mail, incoming.sender.as_ref()) {
            let reply = Reply::new(250, "2.6.0", "received, and not answered");
            return tell("dropped", "automatic", reply);
        }
        let verified = match &known.seen.authenticity {
            Authenticity::TempError(why) => {
                let (what, rule, reply) = deferred(why);
                return tell(what, rule, reply);
            }
            Authenticity::Known { verified, .. } => !matches!(verified, Verified::No(_)),
        };
        let author = mail.author().map(|author| &author.address);
        let sender = incoming.sender.as_ref().map(Address::without_batv);
        let sent_it = |author: &&Address| sender.as_ref().is_some_and(|s| s.same_as(author));
        let Some(author) = author.filter(|author| verified && sent_it(author)) else {
            return tell("refused", "unverified", self.no_help(list, mail, NoHelp::Unverified));
        };
        let who = self.addressee(author);
        let request = Request {
            list,
            tenant: &self.tenant(list.address.domain()),
            language: self.speaks(list, who.language.as_deref()),
            known: self.is_known(list, author),
            who: &who,
            mail,
            now,
        };
        match self.clerk.asked(&request).await {
            Answered::Written => {
                tell("answered", "request", Reply::new(250, "2.0.0", "an answer comes by mail"))
            }
            Answered::Enough => tell("refused", "enough", self.no_help(list, mail, NoHelp::Enough)),
            Answered::Trouble(error) => {
                tracing::error!(%error, "a request could not be answered and was deferred");
                tell("deferred", "trouble", answer::store_trouble(&error))
            }
        }
    }

    /// The author as one to write to.
    fn addressee(&self, author: &Address) -> Recipient {
        let name = self.members.known_as(author).and_then(|known| known.name);
        let language = self.members.language(author);
        Recipient { person: None, address: author.clone(), name, language }
    }

    /// The school knows this address: from the directory, or on this list.
    fn is_known(&self, list: &List, address: &Address) -> bool {
        let standing = self.members.standing(list, address);
        standing.person.is_some() || standing.member || standing.owner || standing.moderator
    }

    /// Of the languages of a person, the list and the domain the first that we have words in (LA2).
    pub(super) fn speaks(&self, list: &List, own: Option<&str>) -> &'static str {
        let domain = self.tenant(list.address.domain()).language;
        notice::language([own.unwrap_or_default(), &list.settings.language, &domain])
    }

    fn no_help(&self, list: &List, mail: &Mail, why: NoHelp) -> Reply {
        let about = notice::About { title: list.title(), address: &list.address };
        let text = notice::no_help(&self.authors_language(list, mail), why, &about);
        Reply::new(550, "5.7.1", text)
    }
}
