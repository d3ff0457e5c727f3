//! What would become of a mail, for `listctl simulate`. Nothing is stored or sent.
//!
//! Not how a copy is made for it: that is `copies`.

use std::sync::Arc;

use bytes::Bytes;
use listcore::api;
use listcore::list::List;
use listcore::recipients::Recipient;

use super::{Office, copies};
use crate::control::{Answer, Wanted};

impl Office {
    pub(super) async fn what_would_be(
        &self,
        list: &Arc<List>,
        mail: Bytes,
        wanted: Wanted,
    ) -> Answer<api::Simulation> {
        let (roster, veil) = (self.roster(list), self.veil(wanted.sight));
        let trial = self.pipeline.trial(list.clone(), mail.clone(), wanted.as_verified).await;
        let mut rendered = match &trial.post {
            Some(post) if wanted.copies || wanted.diff => {
                let plain = |who: &Recipient| self.members.wants_plain(&list.id, who);
                copies::of(&self.composer, post, &mail, &plain, wanted.diff, (self.clock)())?
            }
            _ => Vec::new(),
        };
        let accepted = trial.post.is_some();
        let all = trial.post.map(|post| post.recipients).unwrap_or_default();
        let (recipients, recipients_protected) = veil.people(&all);
        let (skipped, skipped_protected) = veil.skipped(&roster);
        let shown: usize = rendered.iter().map(|copy| copy.to.len()).sum();
        let left_out = if wanted.copies { all.len().saturating_sub(shown) } else { 0 };
        for to in rendered.iter_mut().flat_map(|copy| &mut copy.to) {
            *to = veil.text(to);
        }
        Ok(api::Simulation {
            list: list.address.to_string(),
            accepted,
            rule: veil.text(&trial.rule),
            waits: trial.waits.map(|reason| reason.as_str().to_owned()),
            setting: trial.setting.map(|key| self.decisive(list, key)),
            reply: veil.text(&shown_reply(&trial.reply)),
            author: veil.text(&trial.author),
            scan: trial.scan,
            notes: trial.notes,
            copies_left_out: left_out,
            recipients,
            skipped,
            recipients_protected,
            skipped_protected,
            copies: rendered,
        })
    }
}

fn shown_reply(reply: &lmtp::reply::Reply) -> String {
    let mut line = Vec::new();
    reply.write(&mut line);
    String::from_utf8_lossy(&line).trim_end().to_owned()
}
