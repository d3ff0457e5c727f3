//! Which lists go to an address, and how: told to its owner alone, at the very address that asks.

use std::sync::Arc;

use listcore::list::List;
use listcore::notice::{self, About, Mine, NoHelp};

use super::Requests;
use crate::choices::{Choices, Way};
use crate::letters::limit;
use crate::pipeline::{Answered, Request};
use crate::store::{Move, StoreError};

/// Most lists that one letter names.
const MOST: usize = 100;

impl Requests {
    pub(super) async fn status(&self, request: &Request<'_>) -> Result<Answered, StoreError> {
        let choices = self.choices()?;
        let lists = self.lists_of(request, &choices);
        let on_this = lists.iter().any(|list| list.id == request.list.id);
        self.answer(request, |frame, url| {
            let mut all = Vec::new();
            for list in &lists {
                let Some(who) = choices.on_the_list(list, &request.who.address) else { continue };
                all.push(Mine {
                    list: About { title: list.title(), address: &list.address },
                    how: choices.gets(list, &who, frame.language),
                    admitted: self.parts.members.admission(&list.id, &who).is_some(),
                });
            }
            let url = url.filter(|_| on_this);
            notice::status(frame, &request.who.address.to_string(), &all, url)
        })
        .await
    }

    /// "You are on it already", with how she gets its mail.
    pub(super) async fn is_on(&self, request: &Request<'_>) -> Result<Answered, StoreError> {
        let choices = self.choices()?;
        self.answer(request, |frame, url| {
            let who = choices.on_the_list(request.list, &request.who.address);
            let who = who.as_ref().unwrap_or(request.who);
            notice::already_on(frame, &choices.gets(request.list, who, frame.language), url)
        })
        .await
    }

    /// A letter to the very address that asked, within the limits. With a link to her settings where she is on the list.
    async fn answer(
        &self,
        request: &Request<'_>,
        write: impl Fn(&notice::Frame<'_>, Option<&str>) -> notice::letter::Words,
    ) -> Result<Answered, StoreError> {
        let (who, now) = (request.who, request.now);
        let choices = self.choices()?;
        if !limit::ANSWERS.is_left(self.parts.store.as_ref(), None, &who.address, now).await? {
            return Ok(Answered::Enough(NoHelp::TooMany));
        }
        if !request.known && !self.stranger(request) {
            return Ok(Answered::Enough(NoHelp::TooMany));
        }
        let member = choices.on_the_list(request.list, &who.address);
        let (url, ticket) = member.and_then(|who| choices.settings(request.list, &who)).unzip();
        let answers = request.mail.message_id.clone();
        let way = Way { list: request.list, to: who, reply_to: None, answers };
        let letter = choices.write(way, |frame| write(frame, url.as_deref()));
        let spent = limit::ANSWERS.spent(None, &who.address, &self.number(request), now);
        let mut moves = vec![Move::Mark(spent)];
        moves.extend(ticket.map(|ticket| Move::Tickets(vec![ticket])));
        self.post(letter, moves).await?;
        Ok(Answered::Written)
    }

    /// All lists of the domain whose mail goes to her, by address.
    fn lists_of(&self, request: &Request<'_>, choices: &Choices) -> Vec<Arc<List>> {
        let domain = request.list.address.domain();
        let here = |list: &Arc<List>| {
            let gets = || choices.on_the_list(list, &request.who.address).is_some();
            list.address.domain() == domain && gets()
        };
        self.parts.members.lists().into_iter().filter(here).take(MOST).collect()
    }
}
