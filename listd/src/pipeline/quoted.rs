//! Which tokens that a mail quotes are ours: those are kept from everybody else.
//!
//! Known when the mail is accepted, and frozen: whoever renders a copy has neither the lists nor the time. What looks
//! like a token, and how it goes, is `listcore::rewrite::quoted`'s.

use std::collections::BTreeSet;

use listcore::address::Address;
use listcore::list::{ListId, Role};
use listcore::message::Tree;
use listcore::rewrite::Quoted;
use listcore::rewrite::quoted;
use listcore::time::Timestamp;
use listcore::token::{self, Purpose, check, check_short};

use super::Pipeline;
use crate::members::Lookup;

/// Tokens of ours in a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// Where they can go.
    pub open: Vec<String>,
    /// How many stand where nothing can change.
    pub sealed: usize,
}

impl Pipeline {
    pub(super) fn quoted(&self, raw: &[u8], tree: &Tree, now: Timestamp) -> Ours {
        let found = quoted::find(raw, tree);
        if found.open.is_empty() && found.sealed.is_empty() {
            return Ours::default();
        }
        let lists: Vec<ListId> = self.members.lists().iter().map(|list| list.id.clone()).collect();
        let ours = |found: &BTreeSet<Quoted>| {
            let ours = found.iter().filter(|one| self.is_ours(one, &lists, now));
            ours.map(|one| one.token().to_owned()).collect::<Vec<String>>()
        };
        Ours { open: ours(&found.open), sealed: ours(&found.sealed).len() }
    }

    /// It verifies, and is a secret of somebody's: relay addresses of hidden authors are for everybody.
    fn is_ours(&self, quoted: &Quoted, lists: &[ListId], now: Timestamp) -> bool {
        let (keys, token) = (&self.house.keys, quoted.token());
        let ticket = || token::check_ticket(keys, token, now).is_ok();
        let returns = [Purpose::Bounces, Purpose::Probe];
        match quoted {
            Quoted::Link(_) => {
                let domains = self.members.domain_names();
                let names = domains.iter().map(String::as_str);
                ticket()
                    || token::check_member(keys, token, now, lists.iter()).is_ok()
                    || token::check_digest(keys, token, now, names).is_ok()
            }
            Quoted::Address(_, address) => {
                let Ok(address) = Address::parse(address) else { return false };
                match self.members.lookup(&address) {
                    Lookup::Token { role: Role::Confirm, .. } => ticket(),
                    Lookup::Token { role: Role::Bounces, list, .. } => {
                        returns.iter().any(|p| check(keys, *p, &list.id, token, now).is_ok())
                    }
                    Lookup::Short { .. } => {
                        let short =
                            |p: &Purpose| check_short(keys, *p, token, now, lists.iter()).is_ok();
                        ticket() || returns.iter().any(short)
                    }
                    _ => false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
