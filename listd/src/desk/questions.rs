//! The pages' questions, answered out of the store; their answers, decided as those by mail.

use async_trait::async_trait;
use listcore::answer::Said;
use listcore::notice::{self, Scanned};
use listcore::token;

use super::decide::Decided;
use super::letter::is_hers;
use super::{Desk, excerpt};
use crate::store::StoreError;
use crate::store::held::{About, Held, Ticket};
use crate::web::{self, Answered, Kind, NotNow, Question, Questions};

#[async_trait]
impl Questions for Desk {
    async fn look(&self, token: &str) -> Result<Option<Question>, NotNow> {
        let Ok(number) = token::check_ticket(&self.parts.keys, token, self.now()) else {
            return Ok(None);
        };
        let looked = async {
            let Some((ticket, held)) = self.question(number).await? else { return Ok(None) };
            self.shown(&ticket, &held).await.map(Some)
        };
        looked.await.map_err(|error: StoreError| {
            tracing::error!(%error, "a question could not be looked up");
            NotNow
        })
    }

    async fn answer(&self, token: &str, said: Said) -> Answered {
        let Ok(number) = token::check_ticket(&self.parts.keys, token, self.now()) else {
            return Answered::Gone;
        };
        match self.decide(number, &said).await {
            Decided::Done(end) => Answered::Done(end),
            Decided::Passed => Answered::Passed,
            Decided::Already(first) => Answered::Already(first),
            Decided::Gone => Answered::Gone,
            Decided::NotNow => Answered::NotNow,
        }
    }
}

impl Desk {
    async fn shown(&self, ticket: &Ticket, held: &Held) -> Result<Question, StoreError> {
        let tickets = self.parts.store.tickets_about(held.id).await?;
        let matter = self.matter(held);
        let language = self.language(held, &ticket.who);
        let shown = self.excerpt(held).await?;
        let kind = match ticket.about {
            About::Confirm(_) => Kind::Confirm,
            About::Moderate(_) if matter.is_wish() => Kind::Admit,
            About::Moderate(_) => Kind::Moderate,
            // No held mail has the latter.
            About::Withdraw(_) | About::Options | About::Command(_) if matter.is_wish() => {
                Kind::Unwish
            }
            About::Withdraw(_) | About::Options | About::Command(_) => Kind::Withdraw,
        };
        let known = is_hers(held, &tickets);
        let links = &matter.tenant.links;
        let address = held.author.as_ref().map(ToString::to_string).unwrap_or_default();
        Ok(Question {
            kind,
            list_title: matter.title.clone(),
            list_address: held.address.to_string(),
            links: web::Links {
                imprint: links.imprint.clone(),
                privacy: links.privacy.clone(),
                help: matter.tenant.help_url.clone(),
            },
            author: web::Author { name: shown.name, address },
            subject: held.subject.clone(),
            excerpt: shown.text.chars().take(web::MAX_EXCERPT).collect(),
            attachments: shown
                .attachments
                .into_iter()
                .map(|(name, size)| web::Attachment { name, size })
                .collect(),
            reason: notice::reason(&language, &held.reason),
            verification: notice::word(
                &language,
                if known { "letter-verified-yes" } else { "letter-verified-no" },
            ),
            verdict: verdict(&language, excerpt::scanned(held)),
            at: held.at,
            ended: held.ended.clone(),
            language,
        })
    }
}

/// Nothing where no filter was asked.
fn verdict(language: &str, scanned: Scanned) -> String {
    match scanned {
        Scanned::No => String::new(),
        Scanned::Clean => notice::word(language, "letter-scan-clean"),
        Scanned::Suspect => notice::word(language, "letter-scan-suspect"),
    }
}
