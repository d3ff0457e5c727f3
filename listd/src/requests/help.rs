//! The help text: once a day for an address and a list.

use listcore::notice::mail::Auto;
use listcore::notice::{self, Frame, NoHelp};

use super::Requests;
use crate::letters::{Letter, Sender, limit};
use crate::pipeline::{Answered, Request};
use crate::store::{Move, StoreError};

impl Requests {
    pub(super) async fn help(&self, request: &Request<'_>) -> Result<Answered, StoreError> {
        let (list, who, now) = (request.list, request.who, request.now);
        let store = self.parts.store.as_ref();
        if !limit::HELP.is_left(store, Some(&list.id), &who.address, now).await? {
            return Ok(Answered::Enough(NoHelp::Enough));
        }
        if !request.known && !self.stranger(request) {
            return Ok(Answered::Enough(NoHelp::Enough));
        }
        let letter = self.parts.letters.write(&letter(request), now);
        let name = letter.1.id.0.to_string();
        let spent = limit::HELP.spent(Some(&list.id), &who.address, &name, now);
        self.post(letter, vec![Move::Mark(spent)]).await?;
        Ok(Answered::Written)
    }
}

fn letter(request: &Request<'_>) -> Letter {
    let list = request.list;
    let frame = Frame {
        language: request.language,
        list: notice::About { title: list.title(), address: &list.address },
        help: request.tenant.help_url.as_deref(),
        imprint: request.tenant.links.imprint.as_deref(),
        privacy: request.tenant.links.privacy.as_deref(),
    };
    Letter {
        to: request.who.clone(),
        from: Sender::of_list(list.title(), &list.address),
        reply_to: None,
        words: notice::help(&frame),
        answers: request.mail.message_id.clone(),
        auto: Auto::Replied,
        list: list.address.clone(),
    }
}
