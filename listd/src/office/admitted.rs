//! Who was let onto a list beside the directory, as an admin sees and changes it.

use listcore::address::Address;
use listcore::api;
use listcore::hold::By;
use listcore::list::List;
use listcore::recipients::Roster;

use super::Office;
use super::veil::Veil;
use crate::control::{Answer, Problem};
use crate::store::Move;
use crate::store::admitted::Admitted;

impl Office {
    /// All of a list who may be shown.
    pub(super) fn let_in(
        &self,
        list: &List,
        roster: &Roster,
        veil: &Veil<'_>,
    ) -> Vec<api::Admitted> {
        let line = |one: Admitted| api::Admitted {
            by: veil.text(&by(&one.by)),
            in_directory: !one.is_beside(roster),
            at: one.at,
            address: one.address.to_string(),
        };
        let shown = |one: &Admitted| !veil.hides(&one.recipient());
        self.members.admitted(&list.id).into_iter().filter(shown).map(line).collect()
    }

    pub(super) async fn admitted(&self, ask: api::Admit, who: &str) -> Answer<api::Changed> {
        let _changing = self.changing.lock().await;
        let (list, address) = (self.find(&ask.list)?, written(&ask.address)?);
        let one = Admitted {
            list: list.id.clone(),
            person: self.members.standing(&list, &address).person,
            address: address.clone(),
            name: ask.name.trim().to_owned(),
            language: Some(ask.language.trim().to_owned()).filter(|l| !l.is_empty()),
            by: By::Admin(who.to_owned()),
            at: (self.clock)(),
        };
        self.store.commit(vec![Move::Admit(Box::new(one.clone()))]).await?;
        self.members.admit(one);
        tracing::warn!(list = %list.address, who, "an admin let somebody onto a list beside the directory");
        Ok(api::Changed { list: list.address.to_string(), address: address.to_string() })
    }

    pub(super) async fn dismissed(&self, ask: api::Dismiss, who: &str) -> Answer<api::Changed> {
        let _changing = self.changing.lock().await;
        let (list, address) = (self.find(&ask.list)?, written(&ask.address)?);
        if !self.members.admitted(&list.id).iter().any(|one| one.address.same_as(&address)) {
            return Err(Problem::not_found(
                format!("nobody let {address} onto {}", list.address),
                "`listctl list members` shows who was let in. Whoever is in the group is taken out in the directory.",
            ));
        }
        let change = Move::Dismiss { list: list.id.clone(), address: address.clone() };
        self.store.commit(vec![change]).await?;
        self.members.dismiss(&list.id, &address);
        tracing::warn!(list = %list.address, who, "an admin took somebody off a list who was on it beside the directory");
        Ok(api::Changed { list: list.address.to_string(), address: address.to_string() })
    }
}

pub(super) fn written(text: &str) -> Answer<Address> {
    Address::parse(text.trim()).map_err(|why| {
        Problem::bad_request(format!("{text:?} is no address: {why}"), "Example: anna@gmx.example")
    })
}

fn by(by: &By) -> String {
    match by {
        By::Moderator(who) => who.to_string(),
        By::Admin(who) => format!("{who} with listctl"),
        By::Author => "herself".to_owned(),
        By::Clock => "nobody".to_owned(),
    }
}
