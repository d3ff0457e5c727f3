//! A complaint that is proved (rule C1): whoever told her provider that it is spam gets no more mail of that list, as if
//! she had clicked; the domain's admins hear how to undo it, and nobody else does.
//!
//! Not whether it is proved: that is the pipeline's. She herself gets no letter, since she wants no mail of ours. Nor do
//! the owners: whose address a list has is the admins' to know (promise 7), and an owner may be who wrote the mail.

use std::sync::Arc;

use listcore::address::Address;
use listcore::list::{List, ListId};
use listcore::notice::{self, About, ComplainedOf, Frame};
use listcore::options::{Choice, Left, Mute, Options};
use listcore::recipients::Recipient;

use super::{Choices, Member, trouble};
use crate::letters::Letter;
use crate::store::{Move, NewMail, NewPost, RecipientRef};
use crate::web::NotNow;

/// Admins who are told.
const TOLD: usize = 100;

impl Choices {
    /// By the token of a copy's return path. False where it names nobody.
    ///
    /// # Errors
    /// The store failed, which the log tells; nothing changed.
    pub async fn complained_of_copy(
        &self,
        list: &ListId,
        who: RecipientRef,
        provider: &str,
    ) -> Result<bool, NotNow> {
        let who = self.parts.store.recipient(who).await.map_err(|error| trouble(&error))?;
        let Some((list, who)) = self.parts.members.list(list).zip(who) else { return Ok(false) };
        self.complained(&Member { list, who }, provider).await.map(|()| true)
    }

    /// By a copy's link to unsubscribe; of a digest, for every list that is in it. False where it names nobody.
    ///
    /// # Errors
    /// As above.
    pub async fn complained_of_link(&self, token: &str, provider: &str) -> Result<bool, NotNow> {
        let all = self.known(token).await?;
        for member in &all {
            self.complained(member, provider).await?;
        }
        Ok(!all.is_empty())
    }

    /// Nothing happens for an address that is on the list no more (rule V8), nor to who wants no mail already.
    async fn complained(&self, member: &Member, provider: &str) -> Result<(), NotNow> {
        let _changing = self.changing.lock().await;
        let roster = self.parts.members.roster(&member.list.id).unwrap_or_default();
        let same = |one: &&Recipient| one.address.same_as(&member.who.address);
        let Some(who) = roster.recipients.iter().find(same).cloned() else { return Ok(()) };
        let member = Member { list: member.list.clone(), who };
        let before = self.options(&member);
        if before.mute.is_for_good() {
            return Ok(());
        }
        let (mut moves, mut posts) = (Vec::new(), Vec::new());
        for (mail, post) in self.to_admins(&member, provider) {
            moves.push(Move::accept(mail, vec![post.clone()]));
            posts.push(post);
        }
        let options = Options { mute: Mute::ForGood, ..before };
        self.choose(&member, options, Some(Left::Complaint), moves).await?;
        posts.iter().for_each(|post| self.announce(post));
        tracing::warn!(
            list = %member.list.address,
            provider,
            "a member said at her provider that mail of a list is spam, and gets none of it any more; \
             listctl list members shows it"
        );
        Ok(())
    }

    fn to_admins(&self, Member { list, who }: &Member, provider: &str) -> Vec<(NewMail, NewPost)> {
        let (members, domain) = (&self.parts.members, list.address.domain());
        let shown = (!members.is_protected(who)).then(|| who.address.to_string());
        let about = ComplainedOf { address: shown.as_deref(), provider };
        let Ok(postmaster) = Address::new("postmaster", domain) else { return Vec::new() };
        let links = self.links(list);
        let letter = |to: Recipient| {
            let words = notice::complained(
                &Frame {
                    language: self.admins_language(list, &to),
                    list: About { title: list.title(), address: &list.address },
                    help: links.help.as_deref(),
                    imprint: links.imprint.as_deref(),
                    privacy: links.privacy.as_deref(),
                },
                &about,
            );
            let letter = Letter::to_admin(to, words, postmaster.clone());
            self.parts.letters.write(&letter, (self.parts.clock)())
        };
        members.admins(domain).into_iter().take(TOLD).map(letter).collect()
    }

    /// Her own, else the domain's: what is the list's language need not be an admin's.
    fn admins_language(&self, list: &List, to: &Recipient) -> &'static str {
        let tenant = (self.parts.tenant)(list.address.domain());
        notice::language([to.language.as_deref().unwrap_or_default(), &tenant.language])
    }

    /// An admin says that this address wants its mail after all: of which lists, that a complaint had ended.
    ///
    /// # Errors
    /// The store failed, which the log tells; what was undone before stays so.
    pub async fn forgive(&self, address: &Address) -> Result<Vec<Arc<List>>, NotNow> {
        let _changing = self.changing.lock().await;
        let mut lists = Vec::new();
        for choice in self.parts.members.complained() {
            let Some(list) = choice.list.as_ref().and_then(|id| self.parts.members.list(id)) else {
                continue;
            };
            if self.is_shown_as(&list, &choice, address) {
                let who = Recipient {
                    person: choice.person,
                    address: choice.address,
                    name: None,
                    language: None,
                };
                let options = Options { mute: Mute::No, ..choice.options };
                let member = Member { list: list.clone(), who };
                self.choose(&member, options, None, Vec::new()).await?;
                lists.push(list);
            }
        }
        Ok(lists)
    }

    /// It is the address to which her copies went, or the one that they would go to now.
    fn is_shown_as(&self, list: &List, choice: &Choice, address: &Address) -> bool {
        let roster = self.parts.members.roster(&list.id).unwrap_or_default();
        let hers = |one: &&Recipient| one.person.is_some() && one.person == choice.person;
        let now = roster.recipients.iter().find(hers).map(|one| &one.address);
        now.unwrap_or(&choice.address).same_as(address)
    }
}
