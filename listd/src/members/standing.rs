//! Who may speak: what the owner of an address is to a list.
//!
//! Not whether a mail is really his, nor what he may do with it: that is `verify` and `listcore::policy`.

use listcore::address::Address;
use listcore::dn;
use listcore::list::{List, Posters};
use listcore::policy::Standing;
use listcore::recipients::{Group, Lookup as _, Member, Person, Roster, expand};

use super::Members;

impl Members {
    /// What the owner of an address is to a list. Says nothing of whether the mail is really his.
    pub fn standing(&self, list: &List, author: &Address) -> Standing {
        let roster = self.roster(&list.id).unwrap_or_default();
        let local_only = self.about(&list.id).is_some_and(|about| about.local_only);
        self.live.read(|replica| {
            let persons: Vec<&Person> =
                replica.by_address(author).into_iter().filter(|p| !p.inactive).collect();
            let among = |roster: &Roster| {
                roster.has_address(author) || persons.iter().any(|p| roster.has_person(&p.id))
            };
            let group = replica.group_by_id(&list.id);
            let role = |members: fn(&Group) -> &Vec<Member>| {
                group.is_some_and(|g| among(&expand(replica, members(g))))
            };
            // `post` may name a group or a person.
            let may_post = |written: &&String| {
                let Some(dn) = dn::normal(written) else { return false };
                replica.group(&dn).is_some_and(|g| among(&expand(replica, &g.members)))
                    || replica.person(&dn).is_some_and(|p| persons.iter().any(|a| a.id == p.id))
            };
            let counts = !local_only || !persons.is_empty();
            Standing {
                person: persons.first().map(|p| p.id.clone()),
                member: counts && among(&roster),
                owner: role(|g| &g.owners),
                moderator: role(|g| &g.moderators),
                groups: posting_groups(list).filter(|_| counts).filter(may_post).cloned().collect(),
            }
        })
    }

    /// How many of these addresses belong to nobody who is on the list.
    pub fn outside(&self, list: &List, addresses: &[&Address]) -> usize {
        let roster = self.roster(&list.id).unwrap_or_default();
        self.live.read(|replica| {
            let inside = |address: &Address| {
                let persons = || replica.by_address(address);
                roster.has_address(address) || persons().iter().any(|p| roster.has_person(&p.id))
            };
            addresses.iter().filter(|address| !inside(address)).count()
        })
    }
}

fn posting_groups(list: &List) -> impl Iterator<Item = &String> {
    list.settings.post.iter().filter_map(|p| match p {
        Posters::Group(dn) => Some(dn),
        _ => None,
    })
}
