//! What would become of a mail: the same decision as for a real one, and nothing is stored or sent.

use std::sync::Arc;

use bytes::Bytes;
use listcore::hold::Reason;
use listcore::list::List;
use listcore::list::settings::Key;
use listcore::message::{Mail, Tree};
use listcore::policy::{self, Rule, Verified};
use listcore::rewrite::{PostKind, password};
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::judge::{Known, Step, because};
use super::{Incoming, Pipeline, Target, answer, hold};
use crate::store::{NewPost, Raw};
use crate::verify::Authenticity;

/// Said of an author whom the admin vouches for.
const SUPPOSED: &str = "supposed to be verified; a real mail has to prove it";

/// The outcome of a trial.
pub struct Trial {
    /// The answer to the sending server.
    pub reply: Reply,
    /// The rule that decides, with what lies behind it.
    pub rule: String,
    /// Why the mail would wait.
    pub waits: Option<Reason>,
    /// What would have to be set otherwise for another decision.
    pub setting: Option<Key>,
    /// Whether the author counts as verified, and by what, in words.
    pub author: String,
    /// What the spam and virus filter said of it.
    pub scan: String,
    /// What an admin should know of it beside.
    pub notes: Vec<String>,
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
            // Who answers for several in From shows only later; a null sender would be a bounce.
            sender: mail.from.first().map(|from| from.address.clone()),
            targets: vec![(address.clone(), Target::List(list.clone()))],
            raw: Raw::Memory(bytes.clone()),
            bytes,
            utf8: mail.needs_utf8,
            helo: "listctl".to_owned(),
            peer: "simulated".to_owned(),
            protocol: "LMTP",
            patience: Default::default(),
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
        let target = Target::List(list.clone());
        let step = self.judge(&address, &target, &incoming, &mail, &known, now);
        let found = self.established(&list, PostKind::List, &incoming, &mail, &known, now);
        let ruled = found.ok().map(|(facts, why)| (policy::decide(&facts), why));
        let notes = self.notes(&incoming, now);
        let trial = |reply: Reply| {
            let rule = ruled.as_ref().map(|(verdict, why)| because(verdict.rule, why, known.scan));
            let setting = ruled.as_ref().and_then(|(verdict, _)| verdict.setting);
            let rule = rule.unwrap_or_default();
            Trial { reply, rule, waits: None, setting, author, scan, notes, post: None }
        };
        match step {
            Step::Post(post, _) => {
                let many = post.recipients.len();
                let reply = Reply::new(250, "2.0.0", format!("accepted for {many} recipients"));
                Trial { post: Some(*post), ..trial(reply) }
            }
            Step::Tell(reply, event) => {
                // As `tell` wrote it: the rule, then the reply.
                let said = format!(": {} {}", reply.code, reply.text);
                let rule = event.why.strip_suffix(&said).unwrap_or(&event.why).to_owned();
                let by_policy = trial(reply);
                // What can't be sent in that form is refused after the rules, which let it pass.
                let setting = match by_policy.setting {
                    None => Key::from_name(&rule),
                    setting => setting,
                };
                Trial { rule, setting, ..by_policy }
            }
            Step::Hold(held) => Trial { waits: Some(held.reason), ..trial(hold::waits(&held)) },
            Step::SameAs(_) | Step::Bounce(_) => broken("it is no mail to the list"),
        }
    }
}

impl Pipeline {
    fn notes(&self, incoming: &Incoming, now: Timestamp) -> Vec<String> {
        let Ok(tree) = Tree::parse(&incoming.bytes) else { return Vec::new() };
        let quoted = self.quoted(&incoming.bytes, &tree, now);
        let open = (!quoted.open.is_empty()).then(|| {
            "it quotes personal links or addresses of ours; copies show dots there".to_owned()
        });
        let sealed = (quoted.sealed > 0).then(|| {
            "a signed part quotes personal links or addresses of ours, and can't be changed; they go to everybody"
                .to_owned()
        });
        let password = password::find(&incoming.bytes, &tree)
            .open
            .then(|| "it begins with a password; copies go without that line".to_owned());
        [open, sealed, password].into_iter().flatten().collect()
    }
}

fn broken(why: &str) -> Trial {
    let reply = answer::broken(&why);
    Trial {
        reply,
        rule: Rule::Malformed.as_str().to_owned(),
        waits: None,
        setting: None,
        author: String::new(),
        scan: String::new(),
        notes: Vec::new(),
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
