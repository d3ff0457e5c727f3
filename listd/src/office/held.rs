//! Mail that waits, as an admin sees it and decides about it.
//!
//! Not what a decision leads to: that is the desk's.

use listcore::api::{self, Ending, HeldDetail, HeldMail, HeldMails, PROTECTED};
use listcore::hold::{By, Choice, Ended};
use listcore::message::readable;
use listcore::notice;

use super::Office;
use super::veil::Veil;
use crate::control::{Answer, Problem};
use crate::desk::Decided;
use crate::store::held::Held;
use crate::store::{Body, MailId, PostId};

/// How much of a mail's text is shown (characters).
const TEXT: usize = 4_000;

/// Largest mail that is opened for its text (octets).
const READ: u64 = 32 * 1024 * 1024;

impl Office {
    pub(super) async fn held_mails(
        &self,
        list: Option<&str>,
        limit: usize,
        veil: &Veil<'_>,
    ) -> Answer<HeldMails> {
        let list = list.map(|list| self.find(list)).transpose()?;
        let id = list.as_ref().map(|list| &list.id);
        let mut held = self.store.held_on(id, limit.saturating_add(1)).await?;
        let more = held.len() > limit;
        held.truncate(limit);
        Ok(HeldMails { mails: held.iter().map(|held| veil.held(held)).collect(), more })
    }

    pub(super) async fn held_detail(&self, id: u64, veil: &Veil<'_>) -> Answer<HeldDetail> {
        let held = self.one_held(id).await?;
        let shown = !veil.hides_author(&held);
        let raw = if shown { self.original(held.mail).await? } else { None };
        Ok(HeldDetail {
            mail: veil.held(&held),
            recipient: veil.text(&held.arrived.rcpt),
            came_from: veil.text(&came_from(&held)),
            text: raw.map(|raw| veil.text(&readable::excerpt(&raw, TEXT))),
        })
    }

    pub(super) async fn ruled(&self, id: u64, choice: &Choice, who: &str) -> Answer<api::Decided> {
        let yours = match self.desk.decide_as(who, PostId(id), choice).await {
            Decided::Done(end) => {
                tracing::warn!(
                    who,
                    held = id,
                    end = end.as_str(),
                    "an admin decided about a held mail"
                );
                true
            }
            Decided::Already(_) => false,
            Decided::Gone | Decided::Passed => return Err(no_such(id)),
            Decided::NotNow => {
                return Err(Problem::trouble(
                    format!("held mail {id} could not be decided now; it still waits"),
                    "Try again. The log (journalctl -u listd) and `listctl status` say what is wrong: \
                     an old membership, a list that is held, or a full disk.",
                ));
            }
        };
        let mail = self.veil(super::Sight::Veiled).held(&self.one_held(id).await?);
        Ok(api::Decided { yours, mail })
    }

    async fn one_held(&self, id: u64) -> Answer<Held> {
        self.store.held(PostId(id)).await?.ok_or_else(|| no_such(id))
    }

    /// The bytes of a mail as it came; `None` where they are gone, or too many to read.
    pub(super) async fn original(&self, mail: MailId) -> Answer<Option<bytes::Bytes>> {
        match self.store.body(mail).await? {
            None => Ok(None),
            Some(Body::Memory(bytes)) => Ok(Some(bytes)),
            Some(Body::File { size, .. }) if size > READ => Ok(None),
            Some(Body::File { path, .. }) => match tokio::fs::read(&path).await {
                Ok(bytes) => Ok(Some(bytes.into())),
                // It was decided in this moment.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Problem::trouble(
                    format!("{}: {error}", path.display()),
                    "Look at the store's disk and the rights of its spool folder.",
                )),
            },
        }
    }
}

impl Veil<'_> {
    pub(super) fn hides_author(&self, held: &Held) -> bool {
        held.author.as_ref().is_some_and(|author| self.hides_named(&author.to_string()))
    }

    /// Of a protected author's mail only that it is there.
    pub(super) fn held(&self, held: &Held) -> HeldMail {
        let hidden = self.hides_author(held);
        let author = held.author.as_ref().map(ToString::to_string);
        HeldMail {
            id: held.id.0.to_string(),
            list: held.address.to_string(),
            message_id: held.message_id.clone(),
            author: if hidden { Some(PROTECTED.to_owned()) } else { author },
            subject: (!hidden).then(|| self.text(&held.subject)),
            at: held.at,
            size: held.size,
            reason: held.reason.as_str().to_owned(),
            why: notice::reason("en", &held.reason),
            waits_for: held.waits_for.as_str().to_owned(),
            verified: held.verified,
            verification: if hidden { String::new() } else { self.text(&held.verification) },
            verdict: held.verdict.clone(),
            expires: held.expires,
            told: held.step > 0,
            ended: held.ended.as_ref().map(|ended| self.ending(ended)),
        }
    }

    fn ending(&self, ended: &Ended) -> Ending {
        let by = match &ended.by {
            By::Moderator(address) => self.text(&address.to_string()),
            By::Admin(user) => format!("{user}, with listctl"),
            By::Author => "its author".to_owned(),
            By::Clock => String::new(),
        };
        Ending { end: ended.end.clone(), by, at: ended.at }
    }
}

fn no_such(id: u64) -> Problem {
    Problem::not_found(
        format!("there is no held mail {id}"),
        "`listctl held` shows what waits; decisions are kept 30 days.",
    )
}

fn came_from(held: &Held) -> String {
    let arrived = &held.arrived;
    let network = arrived.network.as_ref().map(|net| format!(", client in {net}"));
    format!(
        "{} [{}] by {}{}",
        arrived.helo,
        arrived.peer,
        arrived.protocol,
        network.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use listcore::address::Address;
    use listcore::hold::End;
    use listcore::time::Timestamp;

    use super::*;
    use crate::control::Sight;
    use crate::directory::Change;
    use crate::pipeline::testing::School;
    use crate::store::suite::held::held as new;

    fn held(author: &str, ended: Option<Ended>) -> Held {
        let author = Address::parse(author).ok();
        let verification = format!("the login of {}", author.as_ref().expect("author"));
        Held {
            new: crate::store::held::NewHeld { author, verification, ..new(7, "klasse-5b") },
            mail: MailId(1),
            sender: None,
            utf8: false,
            at: Timestamp(5),
            step: 1,
            next: None,
            ended,
            size: 9,
        }
    }

    /// GD4: of a protected author's mail that it is there; a moderator who is protected has decided, unnamed.
    #[tokio::test]
    async fn protected_people_are_not_shown() {
        let school = School::new();
        let anna = "uid=anna,dc=x";
        let mut entry = school.live.read(|r| (**r.entry(anna).expect("anna")).clone());
        entry.push("listProtected", b"TRUE");
        school.live.apply(&[Change::Upsert(anna.to_owned(), entry)]);
        let members = &school.door.pipeline.members;
        let by = |who: &str| Ended {
            end: End::Accepted,
            by: By::Moderator(Address::parse(who).expect("address")),
            at: Timestamp(9),
        };
        let veiled = Veil { members, sight: Sight::Veiled };
        let line = veiled.held(&held("Anna@home.example", Some(by("bert@home.example"))));
        assert_eq!((line.author.as_deref(), line.subject), (Some(PROTECTED), None));
        assert_eq!(line.verification, "");
        assert_eq!(line.ended.expect("ended").by, "bert@home.example");
        let line = veiled.held(&held("bert@home.example", Some(by("anna@home.example"))));
        assert_eq!(line.author.as_deref(), Some("bert@home.example"));
        assert_eq!(line.subject.as_deref(), Some("Grüße aus der 5b"));
        assert_eq!(line.ended.expect("ended").by, PROTECTED);
        let whole = Veil { members, sight: Sight::Whole };
        let line = whole.held(&held("anna@home.example", None));
        assert_eq!(line.author.as_deref(), Some("anna@home.example"));
        assert!(line.subject.is_some() && line.verification.contains("anna@"));
        assert_eq!(
            (line.id.as_str(), line.waits_for.as_str(), line.told),
            ("7", "moderator", true)
        );
    }
}
