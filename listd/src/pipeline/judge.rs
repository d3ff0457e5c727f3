//! What becomes of the mail for one recipient: the facts gathered, the rules asked.

use listcore::address::Address;
use listcore::list::{
    AuthorAddress, FromPolicy, List, ListId, Posters, Role, Settings, Unverified,
};
use listcore::message::{self, Mail, Tree};
use listcore::policy::{
    self, Author, Decision, Facts, Others, Refusal, Remembered, Rule, Shown, Unproven, Verdict,
    Verified,
};
use listcore::recipients::Recipient;
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::filter::Filter;
use listcore::rewrite::password::{self, Found};
use listcore::rewrite::{Arrival, Frozen, PostKind, Unsendable, author_mark, list_id, wrap_lines};
use listcore::scan::Scan;
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::hidden::Flooded;
use super::{Incoming, Pipeline, Target, answer, scans};
use crate::store::held::NewHeld;
use crate::store::{BounceEvent, HiddenAuthor, NewPost, PostId, TraceEvent};
use crate::verify::{Authenticity, Wanted};

/// What was found out about the author of one mail.
pub(super) struct Seen {
    pub authenticity: Authenticity,
    pub arrival: Arrival,
}

/// What is to be done for one recipient.
pub enum Step {
    /// Distribute; the reply is 250 once it is durable. With what the filter found, for the trace.
    Post(Box<NewPost>, Scan),
    /// Keep, until somebody says what becomes of it; the reply is 250 once it is durable.
    Hold(Box<NewHeld>),
    /// The same list was named twice: whatever its first step says.
    SameAs(usize),
    /// Answer, and keep what happened.
    Tell(Reply, TraceEvent),
    /// A bounce, counted.
    Bounce(BounceEvent),
}

/// Why a mail that may go out can't.
pub(super) enum NotMade {
    /// There is nobody on the list.
    Nobody,
    /// By this rule.
    Never(&'static str, Unsendable),
    NoRelayAddress,
}

/// What was found out about a mail before the decision.
pub(super) struct Known<'a> {
    pub seen: &'a Seen,
    pub scan: &'a Scan,
    pub remembered: Remembered,
    /// It is a real mail, which counts for what its author sends.
    pub counts: bool,
}

impl Pipeline {
    /// Who wrote the mail, and what its lists need to know of the author.
    pub(super) async fn seen(&self, incoming: &Incoming, mail: &Mail) -> Seen {
        let authenticity = self.authenticity(incoming, mail).await;
        let authenticity = self.or_confirmed(authenticity, incoming, mail).await;
        self.with_arrival(authenticity, incoming, mail).await
    }

    /// DNS is asked only where a list makes its From depend on it, and the author is verified: else From stays.
    pub(super) async fn with_arrival(
        &self,
        authenticity: Authenticity,
        incoming: &Incoming,
        mail: &Mail,
    ) -> Seen {
        let asks = |from: FromPolicy| {
            incoming.targets.iter().any(|(_, target)| match target {
                Target::List(list) | Target::Role(list, _) => list.settings.from == from,
                Target::Author { .. }
                | Target::Postmaster { .. }
                | Target::Answer { .. }
                | Target::Bounce { .. } => false,
            })
        };
        let wanted =
            Wanted { policy: asks(FromPolicy::Policy), signatures: asks(FromPolicy::Broken) };
        let arrival = match &authenticity {
            Authenticity::Known { verified: Verified::No(_), .. } | Authenticity::TempError(_) => {
                Arrival::default()
            }
            Authenticity::Known { .. } if wanted == Wanted::default() => Arrival::default(),
            Authenticity::Known { .. } => {
                self.verifier.arrival(&incoming.bytes, mail, wanted, &incoming.patience).await
            }
        };
        Seen { authenticity, arrival }
    }

    /// Is the author who From says? Not asked where only bounces came in.
    pub(super) async fn authenticity(&self, incoming: &Incoming, mail: &Mail) -> Authenticity {
        let asked = |(_, target): &(String, Target)| {
            !matches!(target, Target::Bounce { .. } | Target::Answer { .. })
        };
        if !incoming.targets.iter().any(asked) {
            let (verified, why) = (Verified::No(Unproven::Nothing), "nobody asked".to_owned());
            return Authenticity::Known { verified, why };
        }
        let owns = |login: &str, address: &Address| self.members.owns(login, address);
        let (raw, sender) = (&incoming.bytes, incoming.sender.as_ref());
        self.verifier.verify(raw, mail, sender, &owns, &incoming.patience).await
    }

    /// Decides for one recipient.
    pub(super) fn judge(
        &self,
        rcpt: &str,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        known: &Known<'_>,
        now: Timestamp,
    ) -> Step {
        let (list, kind) = match self.way(rcpt, target, incoming, mail, now) {
            Ok(way) => way,
            Err(step) => return *step,
        };
        // Since RCPT TO the directory may have become doubtful; then nothing can be decided, least of all against
        // the author (promise 6).
        if !matches!(kind, PostKind::Role(_)) && !self.members.is_sure(&list, now) {
            let reply = answer::not_sure();
            return self.tell(rcpt, Some(&list), mail, now, ("deferred", "directory", reply));
        }
        if let Target::Author { who, .. } = target
            && !self.is_reached(&list, who, now)
        {
            return self.gone(rcpt, &list, who, mail, now);
        }
        let (facts, why) = match self.established(&list, kind, incoming, mail, known, now) {
            Ok(facts) => facts,
            Err(why) => return self.tell(rcpt, Some(&list), mail, now, deferred(why)),
        };
        let verdict = policy::decide(&facts);
        if known.counts && matches!(verdict.decision, Decision::Distribute | Decision::Hold(_)) {
            self.traffic.count(&facts, mail, self.size(&list));
        }
        let rule = because(verdict.rule, why, known.scan);
        match &verdict.decision {
            Decision::Distribute => {
                self.distribute(rcpt, &list, target, incoming, mail, (&verdict, known), now)
            }
            Decision::Refuse(refusal) => {
                let reply = self.refusal(&list, mail, refusal);
                self.tell(rcpt, Some(&list), mail, now, ("refused", &rule, reply))
            }
            Decision::Hold(reason) => {
                let (reason, facts) = (*reason, (&verdict, known));
                self.hold(rcpt, &list, target, incoming, mail, facts, reason, now)
            }
            Decision::Defer(why) => {
                let reply = scans::later(*why);
                self.tell(rcpt, Some(&list), mail, now, ("deferred", &rule, reply))
            }
            Decision::Discard(_) => {
                let reply = Reply::new(250, "2.6.0", "received, and not distributed");
                self.tell(rcpt, Some(&list), mail, now, ("dropped", &rule, reply))
            }
        }
    }

    /// What the decision rests on, and who vouches for the author in words; or why DNS has to be waited for.
    pub(super) fn established<'a>(
        &self,
        list: &'a List,
        kind: PostKind,
        incoming: &Incoming,
        mail: &Mail,
        known: &Known<'a>,
        now: Timestamp,
    ) -> Result<(Facts<'a>, &'a str), &'a str> {
        let (verified, why) = match &known.seen.authenticity {
            Authenticity::Known { verified, why } => (verified.clone(), why),
            // Only a list that insists has to wait for DNS; to the owners everybody gets through.
            Authenticity::TempError(why) if insists(list, kind) => return Err(why),
            Authenticity::TempError(why) => (Verified::No(Unproven::Nothing), why),
        };
        let mut facts = self.facts(list, kind, incoming, mail, (verified, known.scan), now);
        facts.remembered = known.remembered;
        Ok((facts, why))
    }

    /// [`Pipeline::judge`] for a mail whose header can't be read as a whole.
    pub(super) fn refuse_unread(
        &self,
        rcpt: &str,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Step {
        match self.way(rcpt, target, incoming, mail, now) {
            Ok((list, _)) => {
                let reply = self.refusal(&list, mail, refusal);
                self.tell(rcpt, Some(&list), mail, now, ("refused", "malformed", reply))
            }
            Err(step) => *step,
        }
    }

    /// Which list, by which way; or at once what is to be done where there is nothing to decide.
    fn way(
        &self,
        rcpt: &str,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        now: Timestamp,
    ) -> Result<(List, PostKind), Box<Step>> {
        match target {
            Target::List(list) => Ok((list.as_ref().clone(), PostKind::List)),
            Target::Role(list, role) => Ok((list.as_ref().clone(), PostKind::Role(*role))),
            Target::Author { list, who } => {
                Ok((list.as_ref().clone(), PostKind::Author(who.number)))
            }
            Target::Postmaster { domain } => match self.postmaster(domain) {
                Some(list) => Ok((list, PostKind::Role(Role::Owner))),
                None => {
                    Err(Box::new(self.tell(rcpt, None, mail, now, deferred("its domain is gone"))))
                }
            },
            // Heard, not judged; here where its header can't be read.
            Target::Answer { .. } => {
                let reply = answer::not_now();
                Err(Box::new(self.tell(rcpt, None, mail, now, ("refused", "answer", reply))))
            }
            Target::Bounce { domain, list, token } => {
                let bounce = self.bounce(domain, list.as_deref(), token, incoming, now);
                Err(Box::new(Step::Bounce(bounce)))
            }
        }
    }

    pub(super) fn facts<'a>(
        &self,
        list: &'a List,
        kind: PostKind,
        incoming: &Incoming,
        mail: &Mail,
        (verified, scan): (Verified, &'a Scan),
        now: Timestamp,
    ) -> Facts<'a> {
        let author = mail.author().map(|author| author.address.clone());
        let standing = author.as_ref().map(|address| self.members.standing(list, address));
        let standing = standing.unwrap_or_default();
        let others = self.others(mail, author.as_ref());
        let author = author.map(|address| Author { address, verified });
        let to_list = kind == PostKind::List;
        Facts {
            kind,
            list,
            now,
            size: incoming.bytes.len() as u64,
            looped: looped(mail, list, kind),
            automatic: message::automatic(mail, incoming.sender.is_none()),
            malformed: mail.malformed(),
            finding: &scan.finding,
            remembered: Remembered::default(),
            shown: if to_list { self.shown(list, incoming, mail) } else { Shown::default() },
            pace: self.traffic.pace(list, author.as_ref(), &standing, now),
            storm: self.traffic.storm(list, mail, self.size(list), now),
            approved: false,
            others,
            author,
            standing,
        }
    }

    /// How many people are on it.
    fn size(&self, list: &List) -> usize {
        self.members.roster(&list.id).map_or(0, |roster| roster.size())
    }

    /// Whom From names beside the author.
    fn others(&self, mail: &Mail, author: Option<&Address>) -> Others {
        let Some(author) = author.filter(|_| mail.from.len() > 1) else { return Others::Nobody };
        let tenants = self.tenants.load();
        let ours = |domain: &str| domain != author.domain() && tenants.contains_key(domain);
        match mail.from.iter().any(|other| ours(other.address.domain())) {
            true => Others::Household,
            false => Others::Somebody,
        }
    }

    /// Mail to postmaster and abuse goes to the domain's admins like mail to the owners of a list (RFC 2142).
    pub(super) fn postmaster(&self, domain: &str) -> Option<List> {
        Some(List {
            id: ListId(format!("postmaster:{domain}")),
            dn: String::new(),
            address: Address::new("postmaster", domain).ok()?,
            aliases: Vec::new(),
            name: "postmaster".to_owned(),
            description: String::new(),
            settings: Settings { max_size: self.house.max_message_size, ..Settings::default() },
            expires: None,
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn distribute(
        &self,
        rcpt: &str,
        list: &List,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        (verdict, known): (&Verdict, &Known<'_>),
        now: Timestamp,
    ) -> Step {
        let id = PostId(self.ids.next(now));
        let frozen = (verdict, &known.seen.arrival);
        let made = match self.frozen(id, list, target, incoming, mail, frozen, now) {
            Ok(made) => made,
            Err(no) => {
                return self.tell(rcpt, Some(list), mail, now, self.not_made(list, mail, no));
            }
        };
        let proven = !verdict.keep_from;
        match self.flooded(rcpt, list, target, mail, (proven, known.counts), now) {
            Some(step) => step,
            None => Step::Post(made, known.scan.clone()),
        }
    }

    /// The recipients as they are now, frozen; or why it can't be sent to anybody.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn frozen(
        &self,
        id: PostId,
        list: &List,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        (verdict, arrival): (&Verdict, &Arrival),
        now: Timestamp,
    ) -> Result<Box<NewPost>, NotMade> {
        let (recipients, kind) = self.recipients(list, target);
        if recipients.is_empty() {
            return Err(NotMade::Nobody);
        }
        wrap_lines(&incoming.bytes).map_err(|why| NotMade::Never("lines", why))?;
        let mut post =
            self.post(id, list, kind, incoming, mail, (verdict, arrival), recipients, now);
        // What has more parts than anybody reads has no text that anybody finds.
        let tree = Tree::parse(&incoming.bytes).ok();
        filtered(&post.frozen, &incoming.bytes, tree.as_ref())
            .map_err(|why| NotMade::Never("attachments", why))?;
        post.frozen.passwords = begins_with_password(&incoming.bytes, tree.as_ref())
            .map_err(|why| NotMade::Never("password", why))?;
        if let Err(why) = self.hide(&mut post, list, incoming, mail, now) {
            tracing::error!(list = %list.address, %why, "no relay address can be made");
            return Err(NotMade::NoRelayAddress);
        }
        self.can_hide(&post, mail).map_err(|why| NotMade::Never("author_address", why))?;
        let proven = !verdict.keep_from;
        if let (PostKind::List, Some(tree)) = (kind, &tree) {
            post.frozen.quoted = self.quoted(&incoming.bytes, tree, now).open;
        }
        post.frozen.spared = self.spared(&post, mail, proven);
        post.frozen.once = self.once(list, kind, incoming, mail, proven);
        Ok(Box::new(post))
    }

    /// What is said where a mail that may go out can't.
    pub(super) fn not_made(
        &self,
        list: &List,
        mail: &Mail,
        why: NotMade,
    ) -> (&'static str, &'static str, Reply) {
        match why {
            NotMade::Nobody => {
                let why = format!("nobody is on {} at the moment", list.address);
                ("deferred", "empty", Reply::new(450, "4.2.1", why))
            }
            NotMade::Never(rule, why) => {
                ("refused", rule, self.refusal(list, mail, &unsendable(why)))
            }
            NotMade::NoRelayAddress => deferred("there is no relay address for its author"),
        }
    }

    /// What is said where too much mail goes to hidden authors, or to the owners.
    fn flooded(
        &self,
        rcpt: &str,
        list: &List,
        target: &Target,
        mail: &Mail,
        (proven, counts): (bool, bool),
        now: Timestamp,
    ) -> Option<Step> {
        let writer = mail.author().map(|author| &author.address);
        let (flooded, whom) = match (target, writer) {
            (Target::Author { who, .. }, Some(writer)) => {
                (self.flood.count(writer, &who.address, now).err()?, &who.address)
            }
            // What is asked of the program goes to nobody.
            (Target::Role(_, role), _) if role.is_program() => return None,
            (Target::Role(..), writer) if counts => {
                let writer = writer.map(|address| (address, proven));
                (self.flood.count_role(writer, &list.address, now).err()?, &list.address)
            }
            _ => return None,
        };
        let rule = format!("flood ({whom})");
        Some(match flooded {
            Flooded::ByWriter => {
                let reply = self.refusal(list, mail, &Refusal::TooMany);
                self.tell(rcpt, Some(list), mail, now, ("refused", &rule, reply))
            }
            Flooded::ByAll => {
                let text = "too much mail goes to this address at the moment, try again later";
                let reply = Reply::new(450, "4.2.1", text);
                self.tell(rcpt, Some(list), mail, now, ("deferred", &rule, reply))
            }
        })
    }

    /// The author behind a relay address has left since RCPT TO; no more is told than there.
    fn gone(
        &self,
        rcpt: &str,
        list: &List,
        who: &HiddenAuthor,
        mail: &Mail,
        now: Timestamp,
    ) -> Step {
        // The words of RCPT TO: in the domain's language, whoever writes.
        let language = self.tenant(list.address.domain()).language;
        let reply = match Address::parse(rcpt) {
            Ok(written) => answer::unknown(&written, &language),
            Err(_) => answer::unknown(&list.address, &language),
        };
        let rule = format!("gone ({})", who.address);
        self.tell(rcpt, Some(list), mail, now, ("refused", &rule, reply))
    }

    pub(super) fn recipients(&self, list: &List, target: &Target) -> (Vec<Recipient>, PostKind) {
        match target {
            Target::List(_) => {
                let roster = self.members.roster(&list.id);
                (roster.map(|r| r.recipients.clone()).unwrap_or_default(), PostKind::List)
            }
            Target::Author { who, .. } => (vec![self.behind(who)], PostKind::Author(who.number)),
            Target::Role(_, role) => (self.members.owners(list), PostKind::Role(*role)),
            Target::Postmaster { .. } | Target::Answer { .. } | Target::Bounce { .. } => {
                (self.members.owners(list), PostKind::Role(Role::Owner))
            }
        }
    }

    /// In the author's language where the directory knows it, else in the list's.
    pub(super) fn refusal(&self, list: &List, mail: &Mail, refusal: &Refusal) -> Reply {
        let language = self.authors_language(list, mail);
        answer::refusal(list, &self.titled(refusal), &language)
    }

    /// With the titles of groups in place of their DNs.
    pub(super) fn titled(&self, refusal: &Refusal) -> Refusal {
        let Refusal::NotAllowed(post) = refusal else { return refusal.clone() };
        let titled = |posters: &Posters| match posters {
            Posters::Group(dn) => {
                Posters::Group(self.members.group_title(dn).unwrap_or_else(|| dn.clone()))
            }
            other => other.clone(),
        };
        Refusal::NotAllowed(post.iter().map(titled).collect())
    }

    pub(super) fn tell(
        &self,
        rcpt: &str,
        list: Option<&List>,
        mail: &Mail,
        at: Timestamp,
        (what, rule, reply): (&str, &str, Reply),
    ) -> Step {
        let event = TraceEvent {
            at,
            message_id: mail.message_id.clone().unwrap_or_default(),
            list: list.map(|list| list.id.clone()),
            recipient: rcpt.to_owned(),
            author: mail.from.first().map(|from| from.address.to_string()),
            what: what.to_owned(),
            why: format!("{rule}: {} {}", reply.code, reply.text),
        };
        Step::Tell(reply, event)
    }
}

/// The rule with what lies behind it, for the trace.
pub(super) fn because(rule: Rule, unproven: &str, scan: &Scan) -> String {
    let behind = match rule {
        Rule::Author => unproven,
        Rule::Virus | Rule::Spam | Rule::Suspect | Rule::Filter | Rule::Scanner => &scan.words,
        _ => "",
    };
    match behind {
        "" => rule.as_str().to_owned(),
        behind => format!("{} ({behind})", rule.as_str()),
    }
}

/// Whether what the list does not let through can be left out of the mail. What it takes then is made with each copy.
fn filtered(frozen: &Frozen, raw: &[u8], tree: Option<&Tree>) -> Result<(), Unsendable> {
    let Some(filter) = Filter::of(frozen, &frozen.language.as_str().into()) else { return Ok(()) };
    let tree = tree.ok_or(Unsendable::BadStructure)?;
    body::edits(raw, tree, &Wishes { filter: Some(&filter), ..Wishes::default() }).map(drop)
}

/// True where copies go without a former list's password; an error where it can't be taken out (rule R3).
fn begins_with_password(raw: &[u8], tree: Option<&Tree>) -> Result<bool, Unsendable> {
    match tree.map(|tree| password::find(raw, tree)).unwrap_or_default() {
        Found { sealed: true, .. } => Err(Unsendable::PasswordSigned),
        Found { open, .. } => Ok(open),
    }
}

pub(super) fn unsendable(why: Unsendable) -> Refusal {
    why.refusal()
}

fn looped(mail: &Mail, list: &List, kind: PostKind) -> Option<message::Loop> {
    let id = list_id(&list.address);
    let addresses: Vec<Address> = match kind {
        PostKind::Author(number) => {
            Address::parse(&author_mark(number, &list.address)).into_iter().collect()
        }
        _ => std::iter::once(&list.address).chain(&list.aliases).cloned().collect(),
    };
    let list_id = (kind == PostKind::List).then_some(id.as_str());
    message::loops(
        mail,
        &message::loops::Marks { list_id, addresses: &addresses, max_received: 100 },
    )
}

/// True where a mail of an author whom nobody vouches for would not be distributed.
fn insists(list: &List, kind: PostKind) -> bool {
    let hidden = list.settings.author_address == AuthorAddress::Hidden;
    match kind {
        PostKind::List => hidden || list.settings.unverified != Unverified::Accept,
        PostKind::Role(_) => false,
        PostKind::Author(_) => true,
    }
}

pub(super) fn deferred(why: &str) -> (&'static str, &'static str, Reply) {
    tracing::warn!(why, "a mail was deferred");
    let text = "it can't be verified at the moment who wrote this mail, try again later";
    ("deferred", "trouble", Reply::new(451, "4.3.0", text))
}

#[cfg(test)]
mod tests;
