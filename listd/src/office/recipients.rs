//! Who gets the mail of a list, and who is on it and gets none, for `listctl list members`; and the end of a pause.
//!
//! Not who was let onto it beside the directory: that is `admitted`.

use listcore::api;
use listcore::list::List;
use listcore::recipients::Recipient;

use super::veil::{self, Veil};
use super::{Office, admitted};
use crate::control::{Answer, Problem};
use crate::store::StoreError;

impl Office {
    pub(super) async fn who_gets_mail(&self, list: &List, veil: &Veil<'_>) -> Answer<api::Members> {
        let roster = self.roster(list);
        let now = (self.clock)();
        let choice = |who: &Recipient| self.members.choice(&list.id, who);
        let (muted, gets): (Vec<Recipient>, Vec<Recipient>) = roster
            .recipients
            .iter()
            .cloned()
            .partition(|who| choice(who).is_some_and(|choice| choice.options.is_muted(now)));
        let paused = self.bounces.paused(list.address.domain()).await?;
        let why = |who: &Recipient| paused.iter().find(|(a, _)| a.same_as(&who.address));
        let (without, with): (Vec<Recipient>, Vec<Recipient>) =
            gets.into_iter().partition(|who| why(who).is_some());
        let (recipients, recipients_protected) = veil.people(&with);
        let (mut skipped, mut skipped_protected) = veil.skipped(&roster);
        let (shown, hidden) = veil.people(&without);
        skipped_protected += hidden;
        skipped.extend(shown.into_iter().map(|person| {
            let said = paused.iter().find(|(a, _)| a.to_string() == person.address);
            let said = said.map_or("", |(_, paused)| paused.said.as_str());
            api::Skipped {
                why: format!("paused, her address takes no mail: {said}"),
                what: person.address,
            }
        }));
        for who in muted {
            let Some(choice) = choice(&who) else { continue };
            let (seen, hidden) = veil.people(&[who]);
            skipped.extend(seen.into_iter().map(|person| veil::quiet(person, &choice)));
            skipped_protected += hidden;
        }
        let digests = veil.gathers(&with, |who| choice(who).map(|choice| choice.options));
        Ok(api::Members {
            list: list.address.to_string(),
            recipients,
            skipped,
            recipients_protected,
            skipped_protected,
            admitted: self.let_in(list, &roster, veil),
            digests,
        })
    }

    pub(super) async fn resumed(&self, address: &str, who: &str) -> Answer<api::Resumed> {
        let parsed = admitted::written(address)?;
        let mut domains = self.bounces.resume(&parsed).await?;
        let forgiven = self.choices.forgive(&parsed).await;
        let forgiven = forgiven.map_err(|_| StoreError::Failed("see the log".into()))?;
        domains.extend(forgiven.iter().map(|list| list.address.domain().to_owned()));
        domains.sort_unstable();
        domains.dedup();
        if domains.is_empty() {
            return Err(Problem::not_found(
                format!("{parsed} is neither paused nor muted by a complaint"),
                "`listctl list members` shows who is, below those who get the mail.",
            ));
        }
        tracing::warn!(who, "an admin ended the pause of an address");
        Ok(api::Resumed { address: parsed.to_string(), domains })
    }
}
