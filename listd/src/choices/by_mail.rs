//! What somebody changes by a mail to a list's program: kept like what she chooses on a page, and told by one letter.
//!
//! Not who may ask, nor what her mail says: that is the room `requests`.

use std::sync::Arc;

use listcore::address::Address;
use listcore::command::Change;
use listcore::list::List;
use listcore::notice::letter::Words;
use listcore::notice::mail::Auto;
use listcore::notice::{self, About as OfList, Frame};
use listcore::options::{Left, Options};
use listcore::recipients::Recipient;

use super::{Choices, Member};
use crate::clock::{self, Zone};
use crate::letters::{Letter, Sender};
use crate::store::held::Ticket;
use crate::store::{Move, NewMail, NewPost};
use crate::web::{Links, NotNow};

/// Whom a letter goes to, and where an answer to it.
pub struct Way<'a> {
    pub list: &'a List,
    pub to: &'a Recipient,
    pub reply_to: Option<Address>,
    /// Message-ID of the mail that it answers, without brackets.
    pub answers: Option<String>,
}

impl Choices {
    /// A change that is surely hers. False where she had unsubscribed before: then nothing happens.
    ///
    /// # Errors
    /// The store failed, which the log tells; nothing changed.
    pub async fn change(
        &self,
        list: &Arc<List>,
        who: &Recipient,
        change: Change,
        answers: Option<String>,
    ) -> Result<bool, NotNow> {
        let member = Member { list: list.clone(), who: who.clone() };
        if change == Change::Leave {
            return self.leave(list, who, Left::Mail).await;
        }
        let _changing = self.changing.lock().await;
        let Some(options) = change.of(self.options(&member)) else { return Ok(false) };
        let (url, ticket) = self.link(&member).unzip();
        let way = Way { list, to: who, reply_to: None, answers };
        let (mail, post) = self.write(way, |frame| {
            notice::changed(frame, &self.how(list, frame.language, &options), url.as_deref())
        });
        let mut moves: Vec<Move> = ticket.into_iter().map(|t| Move::Tickets(vec![t])).collect();
        moves.push(Move::accept(mail, vec![post.clone()]));
        self.choose(&member, options, None, moves).await?;
        self.announce(&post);
        Ok(true)
    }

    /// A way to her settings that lasts; `None` where there are no pages.
    pub fn settings(&self, list: &List, who: &Recipient) -> Option<(String, Ticket)> {
        let list = self.parts.members.list(&list.id)?;
        self.link(&Member { list, who: who.clone() })
    }

    /// How she gets the mail of a list, in words.
    pub fn gets(&self, list: &List, who: &Recipient, language: &str) -> String {
        let options = self.parts.members.options(&list.id, who).unwrap_or_default();
        self.how(list, language, &options)
    }

    fn how(&self, list: &List, language: &str, options: &Options) -> String {
        let zone = self.zone(list);
        notice::how(language, options, (self.parts.clock)(), |at| clock::local(&zone, at))
    }

    /// Where the list is.
    pub fn zone(&self, list: &List) -> Zone {
        (self.parts.tenant)(list.address.domain()).zone
    }

    /// In which she is written to about a list.
    pub fn language(&self, list: &List, who: &Recipient) -> &'static str {
        let tenant = (self.parts.tenant)(list.address.domain());
        let own = who.language.as_deref().unwrap_or_default();
        notice::language([own, &list.settings.language, &tenant.language])
    }

    /// The domain's own pages.
    pub fn links(&self, list: &List) -> Links {
        (self.parts.tenant)(list.address.domain()).links
    }

    /// A letter about a list, in her language.
    pub fn write(&self, way: Way<'_>, write: impl Fn(&Frame<'_>) -> Words) -> (NewMail, NewPost) {
        let Way { list, to, reply_to, answers } = way;
        let links = self.links(list);
        let frame = Frame {
            language: self.language(list, to),
            list: OfList { title: list.title(), address: &list.address },
            help: links.help.as_deref(),
            imprint: links.imprint.as_deref(),
            privacy: links.privacy.as_deref(),
        };
        let auto = if answers.is_some() { Auto::Replied } else { Auto::Generated };
        let letter = Letter {
            to: to.clone(),
            from: Sender::of_list(list.title(), &list.address),
            reply_to,
            words: write(&frame),
            answers,
            auto,
            list: list.address.clone(),
        };
        self.parts.letters.write(&letter, (self.parts.clock)())
    }
}
