//! Mail to a list's program, `-request`, `-subscribe` and `-unsubscribe`: judged like all mail, then handed to the clerk.
//!
//! Nobody reads it. So whoever gets no answer hears that at once in the dialogue, and where people read (promise 5). A
//! forgery makes us write to nobody but to a member who is asked whether a change of her own mail is hers (rule Q3); all
//! else needs a verified author, and is answered at the very address that sent the mail (rules A2, A3).

use async_trait::async_trait;
use listcore::address::Address;
use listcore::command::{self, Command};
use listcore::hold::Reason;
use listcore::list::{List, Role};
use listcore::message::{Mail, automatic_answer_allowed};
use listcore::notice::{self, NoHelp};
use listcore::policy::{Refusal, Unproven, Verified};
use listcore::recipients::Recipient;
use listcore::rewrite::PostKind;
use listcore::time::{Local, Timestamp};
use lmtp::reply::Reply;

use super::heard::{Heard, Written};
use super::judge::{Known, Step, deferred};
use super::{Incoming, Pipeline, Target, Tenant, Trace, answer};
use crate::clock;
use crate::store::{PostId, StoreError};
use crate::verify::Authenticity;

/// Who does what one asks of a list's program.
#[async_trait]
pub trait Clerk: Send + Sync {
    async fn asked(&self, request: &Request<'_>) -> Answered;

    /// Somebody wrote to the address of a question; `None` where the clerk has not asked it.
    async fn heard(&self, written: &Written<'_>) -> Option<Heard>;

    /// A provider says, and it is proved, that this member complained of a mail (rule C1): she gets no more of its list.
    /// False where the trace names nobody.
    async fn complained(&self, trace: &Trace, provider: &str) -> Result<bool, StoreError>;
}

/// What somebody asks.
#[derive(Debug)]
pub struct Request<'a> {
    pub list: &'a List,
    pub tenant: &'a Tenant,
    /// In which the author is answered.
    pub language: &'static str,
    pub who: &'a Recipient,
    /// The author is a person of the directory, or on the list.
    pub known: bool,
    /// The author is who From says. Else only what changes somebody's own mail is asked for, and it is asked about.
    pub verified: bool,
    pub command: Command,
    pub mail: &'a Mail,
    pub now: Timestamp,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// A letter is on its way, durably.
    Written,
    /// A question is on its way to whoever has the address, if she is on the list.
    Asked,
    /// The mail waits for the owners' word from now on.
    Wish,
    /// Such a wish waits already.
    Waits,
    /// Enough letters went to this address today, or to strangers.
    Enough(NoHelp),
    Trouble(StoreError),
}

impl Pipeline {
    /// What becomes of a mail to a list's program.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn request(
        &self,
        rcpt: &str,
        (list, target, role): (&List, &Target, Role),
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
            Authenticity::Known { verified, .. } => verified,
        };
        let tenant = self.tenant(list.address.domain());
        let command = command(role, incoming, mail, &clock::local(&tenant.zone, now));
        let author = mail.author().map(|author| &author.address);
        let sender = incoming.sender.as_ref().map(Address::without_batv);
        let sent_it =
            author.is_some_and(|author| sender.as_ref().is_some_and(|s| s.same_as(author)));
        let author = author.filter(|_| may_ask(command, verified, sent_it));
        let Some(author) = author else {
            let why = match command {
                Command::Subscribe => NoHelp::Doubtful,
                _ => NoHelp::Unverified,
            };
            return tell("refused", "unverified", self.no_help(list, mail, why));
        };
        if command == Command::Subscribe && list.expires.is_some_and(|at| at <= now) {
            return tell("refused", "expired", self.refusal(list, mail, &Refusal::Expired));
        }
        let who = self.addressee(author);
        let request = Request {
            list,
            tenant: &tenant,
            language: self.speaks(list, who.language.as_deref()),
            known: self.is_known(list, author),
            who: &who,
            verified: !matches!(verified, Verified::No(_)),
            command,
            mail,
            now,
        };
        let said = |key: &str| Reply::new(250, "2.0.0", notice::reply(request.language, key));
        match self.clerk.asked(&request).await {
            Answered::Written => tell("answered", "request", said("reply-answer")),
            Answered::Asked => {
                // The same words for everybody, whatever the directory knows of her.
                let language = self.speaks(list, None);
                let text = notice::reply(language, "reply-asked");
                tell("asked", "request", Reply::new(250, "2.0.0", text))
            }
            Answered::Waits => tell("dropped", "twice", said("reply-wish-twice")),
            Answered::Wish => {
                let id = PostId(self.ids.next(now));
                let place = (rcpt, list, PostKind::Role(Role::Subscribe));
                let reason = Reason::Subscription;
                Step::Hold(Box::new(self.held(id, place, incoming, mail, known, reason, now)))
            }
            Answered::Enough(why) => tell("refused", "enough", self.no_help(list, mail, why)),
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

/// What is asked. To two of the addresses everything says the same.
fn command(role: Role, incoming: &Incoming, mail: &Mail, today: &Local) -> Command {
    match role {
        Role::Unsubscribe => Command::Unsubscribe,
        Role::Subscribe => Command::Subscribe,
        _ => command::read(&incoming.bytes, mail, today).unwrap_or(Command::Help),
    }
}

/// Whether an author may ask this: what is answered needs one who sent it herself; a change of her own mail needs one who
/// could have, and her own server must not say that she did not.
fn may_ask(command: Command, verified: &Verified, sent_it: bool) -> bool {
    match (command, verified) {
        (_, Verified::No(Unproven::Forbidden)) => false,
        (Command::Help | Command::Status | Command::Subscribe, Verified::No(_)) => false,
        (Command::Help | Command::Status | Command::Subscribe, _) => sent_it,
        (Command::Mute(_) | Command::Unmute | Command::Digest(_) | Command::Unsubscribe, _) => true,
    }
}
