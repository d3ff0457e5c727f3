//! Complaints (rule C1): a member told her provider that a mail of a list is spam, and the provider tells us.
//!
//! Believed only where it is proved: its author is one of the providers that an admin has named, verified as the author
//! of a post is (promise 8). Whoever has a copy could write all else, which counts as any mail to a return path. Nobody
//! who writes to the list ever learns of it (RFC 6377 5.10).

use listcore::address::Address;
use listcore::bounce::Kind;
use listcore::bounce::complaint::{self, Complaint};
use listcore::list::{List, ListId};
use listcore::message::Mail;
use listcore::policy::Verified;
use listcore::time::Timestamp;
use listcore::token;

use super::judge::{Step, deferred};
use super::{Incoming, Pipeline, Target, answer};
use crate::members::Lookup;
use crate::store::{BounceEvent, RecipientRef, StoreError};
use crate::verify::{Authenticity, Patience};

/// By which trace of ours in a complaint its member is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The token of a link to unsubscribe, and whose it is.
    Link(String, RecipientRef),
    /// A return path: whose copy it was.
    Copy(ListId, RecipientRef),
}

impl Pipeline {
    /// What becomes of a complaint; `None` for all other mail, and for what is not proved.
    pub(super) async fn complaint(
        &self,
        rcpt: &str,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        now: Timestamp,
    ) -> Option<Step> {
        let (domain, list, text) = match target {
            Target::Bounce { domain, list, token } => (domain, list.as_deref(), token.as_str()),
            Target::Postmaster { domain } => (domain, None, ""),
            _ => return None,
        };
        let author = &mail.author()?.address;
        if !self.house.complaints_from.iter().any(|source| source.is(author)) {
            return None;
        }
        let complaint = complaint::read(&incoming.bytes).filter(|complaint| complaint.unwanted)?;
        let nobody = |_: &str, _: &Address| false;
        let sender = incoming.sender.as_ref();
        match self
            .verifier
            .verify(&incoming.bytes, mail, sender, &nobody, &Patience::default())
            .await
        {
            Authenticity::Known { verified: Verified::Dkim(_) | Verified::Spf(_), .. } => {}
            Authenticity::Known { why, .. } => {
                let from = author.domain();
                tracing::warn!(from, why, "a complaint is not proved to be its provider's");
                return None;
            }
            // Whoever proves it must be heard: the provider tries again.
            Authenticity::TempError(why) => {
                return Some(self.tell(rcpt, list, mail, now, deferred(&why)));
            }
        }
        let copy = self.copy(domain, list, text, now);
        for trace in self.traces(copy, &complaint, now) {
            match self.clerk.complained(&trace, author.domain()).await {
                Ok(true) => return Some(Step::Bounce(event(trace, now))),
                Ok(false) => {}
                Err(error) => return Some(self.not_kept(rcpt, mail, &error, now)),
            }
        }
        None
    }

    /// All that may name her; the link first, since that of a digest stands for all lists in it.
    fn traces(&self, rcpt: Option<Trace>, complaint: &Complaint, now: Timestamp) -> Vec<Trace> {
        let links = complaint.links.iter().filter_map(|link| self.link(link, now));
        let paths = complaint.paths.iter().filter_map(|path| self.path(path, now));
        links.chain(rcpt).chain(paths).collect()
    }

    fn link(&self, link: &str, now: Timestamp) -> Option<Trace> {
        let text = link.rsplit('/').next()?;
        let (lists, domains) = (self.members.lists(), self.members.domain_names());
        let keys = &self.house.keys;
        let copy = token::check_member(keys, text, now, lists.iter().map(|list| &list.id));
        let who = match copy {
            Ok((_, who)) => who,
            Err(_) => {
                let domains = domains.iter().map(String::as_str);
                token::check_digest(keys, text, now, domains).ok()?.who
            }
        };
        Some(Trace::Link(text.to_owned(), RecipientRef(who)))
    }

    fn path(&self, path: &Address, now: Timestamp) -> Option<Trace> {
        match self.members.lookup(path) {
            Lookup::Token { list, token, .. } => self.copy(path.domain(), Some(&list), &token, now),
            Lookup::Short { domain, token } => self.copy(&domain, None, &token, now),
            _ => None,
        }
    }

    fn copy(&self, domain: &str, list: Option<&List>, text: &str, now: Timestamp) -> Option<Trace> {
        let (list, who) = self.named(token::Purpose::Bounces, domain, list, text, now)?;
        Some(Trace::Copy(list, who))
    }

    fn not_kept(&self, rcpt: &str, mail: &Mail, error: &StoreError, now: Timestamp) -> Step {
        tracing::error!(%error, "a complaint could not be kept and was deferred");
        self.tell(rcpt, None, mail, now, ("deferred", "trouble", answer::store_trouble(error)))
    }
}

/// Counted as one that came back; what followed from it is kept already.
fn event(trace: Trace, at: Timestamp) -> BounceEvent {
    let (list, recipient) = match trace {
        Trace::Copy(list, who) => (Some(list), Some(who)),
        Trace::Link(_, who) => (None, Some(who)),
    };
    let (kind, summary) = (Some(Kind::Feedback), "feedback, proved".to_owned());
    BounceEvent { at, recipient, list, summary, kind, ..BounceEvent::default() }
}

#[cfg(test)]
mod tests {
    use listcore::options::Left;
    use listcore::outcome::Dropped;
    use listcore::recipients::Recipient;

    use super::*;
    use crate::members::Claim;
    use crate::pipeline::testing::{START, School};
    use crate::store::Report as _;

    const BERT: &str = "bert@home.example";
    const PROVIDER: &str = "feedback@arf.provider.example";
    /// What our front MTA says of a signature.
    const SIGNED: &str = "Authentication-Results: mx.schule.example; dkim=pass header.d=arf.provider.example\r\n\
         Received: from provider.example by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\n";

    fn list() -> ListId {
        ListId("00000000-0000-0000-0000-00000000005b".into())
    }

    struct House {
        school: School,
        who: u64,
        bert: Recipient,
    }

    impl House {
        /// Anna has written to 5b.
        async fn new() -> House {
            let school = School::new();
            school.anna(&["5b@schule.example"], "hallo@home.example", "x").await;
            let (accounts, _) = school.store.trace("hallo@home.example").await.expect("a trace");
            let mut all = accounts[0].batches[0].recipients.clone().into_iter().flatten();
            let bert = all.find(|(_, one)| one.address.to_string() == BERT).expect("Bert");
            House { school, who: bert.0.0, bert: bert.1 }
        }

        /// Bert's return path.
        fn path(&self) -> String {
            let address = Address::parse("5b@schule.example").expect("an address");
            let path = token::return_path(&self.school.keys, &list(), &address, self.who, START);
            path.expect("an address").to_string()
        }

        /// Of his copy, or of a digest that had it.
        fn link(&self, of_digest: bool) -> String {
            let keys = &self.school.keys;
            let token = match of_digest {
                false => token::member(keys, &list(), self.who, START),
                true => token::in_digest(keys, "schule.example", &[list()], START, self.who, START),
            };
            format!("List-Unsubscribe: <https://lists.schule.example/u/{token}>\r\n")
        }

        fn claim(&self) -> Claim {
            self.school.door.pipeline.members.claim(&list(), &self.bert, START)
        }

        async fn complains(&self, rcpt: &str, proof: &str, from: &str, rest: &str) -> String {
            let mail = format!(
                "{proof}From: {from}\r\nSubject: complaint\r\nContent-Type: multipart/report; \
                 report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\
                 Content-Type: message/feedback-report\r\n\r\n{rest}\r\n--b--\r\n"
            );
            self.school.send("<>", &[rcpt], mail.as_bytes()).await.pop().expect("a reply")
        }

        /// Letters, as their posts.
        fn letters(&self) -> usize {
            self.school.announced().len() - 1
        }
    }

    fn report(sort: &str, fields: &str, head: &str) -> String {
        format!(
            "Feedback-Type: {sort}\r\nVersion: 1\r\n{fields}\r\n--b\r\n\
             Content-Type: message/rfc822\r\n\r\n{head}Subject: Hallo\r\n\r\nx"
        )
    }

    /// C1: a proved one mutes her on that list, once, and the admins alone hear of it.
    #[tokio::test]
    async fn a_proved_complaint_mutes_once() {
        for way in 0..6 {
            let house = House::new().await;
            let path = house.path();
            let mail_from = format!("Original-Mail-From: <{path}>\r\n");
            let (rcpt, rest) = match way {
                0 => (path.as_str(), report("abuse", "", "")),
                1 => ("5b-bounces@schule.example", report("abuse", &mail_from, "")),
                2 => ("abuse@schule.example", report("Abuse", &mail_from, "")),
                3 => (
                    "postmaster@schule.example",
                    report("abuse", "", &format!("Return-Path: <{path}>\r\n")),
                ),
                4 => ("abuse@schule.example", report("abuse", "", &house.link(false))),
                _ => ("5b-bounces@schule.example", report("opt-out", "", &house.link(true))),
            };
            for _ in 0..2 {
                let reply = house.complains(rcpt, SIGNED, PROVIDER, &rest).await;
                assert!(reply.starts_with("250"), "{way}: {reply}");
                assert_eq!(house.claim(), Claim::Never(Dropped::Muted), "{way}");
                assert_eq!(house.letters(), 1, "{way}");
            }
            let by = house.school.door.pipeline.members.choice(&list(), &house.bert);
            let by = by.and_then(|choice| choice.by);
            assert_eq!(by, Some(Left::Complaint), "{way}");
            let counts = house.school.store.counts().await.expect("counts");
            assert_eq!((counts.bounces, counts.bounces_unattributed), (2, 0), "{way}");
        }
    }

    /// C1, promise 8: what anybody could have written changes nothing for anybody; nor does what is no such wish.
    #[tokio::test]
    async fn what_is_not_proved_mutes_nobody() {
        let other = SIGNED.replace("arf.provider", "other");
        let foreign = SIGNED.replace("mx.schule", "mx.other");
        let cases = [
            ("", PROVIDER, "abuse"),
            (&other, PROVIDER, "abuse"),
            (&foreign, PROVIDER, "abuse"),
            (SIGNED, "anna@provider.example", "abuse"),
            (SIGNED, "x@sub.arf.provider.example", "abuse"),
            (&other, "feedback@other.example", "abuse"),
            (SIGNED, PROVIDER, "not-spam"),
            (SIGNED, PROVIDER, "fraud"),
        ];
        for (proof, from, sort) in cases {
            let house = House::new().await;
            let path = house.path();
            let reply = house.complains(&path, proof, from, &report(sort, "", "")).await;
            assert!(reply.starts_with("250"), "{from} {sort}: {reply}");
            assert_eq!((house.claim(), house.letters()), (Claim::Yes, 0), "{from} {sort} {proof}");
        }
        // A token that is nobody's.
        let house = House::new().await;
        let path = house.path().replace("5b-", "6a-");
        house.complains(&path, SIGNED, PROVIDER, &report("abuse", "", "")).await;
        assert_eq!((house.claim(), house.letters()), (Claim::Yes, 0));
    }
}
