//! Once a day: what came back and was not understood, and complaints (rule C1), told to the admins of its domain.

use std::collections::BTreeMap;
use std::time::Duration;

use listcore::address::Address;
use listcore::bounce::Kind;
use listcore::notice::{self, StrangeMail};
use listcore::time::Timestamp;

use super::{Bounces, MOST_ADMINS};
use crate::letters::Letter;
use crate::store::held::{Mark, MarkKind};
use crate::store::{Move, StoreError};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Also what came while the daemon was down is told, if it is not older.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// What came for one domain.
#[derive(Default)]
struct Came {
    bounces: Vec<StrangeMail>,
    complaints: Vec<StrangeMail>,
}

impl Bounces {
    pub(super) async fn sum_up(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut of: BTreeMap<String, Vec<(Timestamp, Kind, StrangeMail)>> = BTreeMap::new();
        for one in self.store.strange(now - WEEK).await? {
            let Some(list) = self.members.list(&one.list) else { continue };
            let (domain, list) = (list.address.domain().to_owned(), list.address.to_string());
            let told = StrangeMail { number: one.number, list, what: one.what };
            of.entry(domain).or_default().push((one.at, one.kind, told));
        }
        for (domain, all) in of {
            let told = self.told_until(&domain, now).await?;
            if told.is_some_and(|told| now < told + DAY) {
                continue;
            }
            let mut came = Came::default();
            for (_, kind, one) in all.into_iter().filter(|(at, ..)| told.is_none_or(|t| *at > t)) {
                match kind {
                    Kind::Feedback => came.complaints.push(one),
                    _ => came.bounces.push(one),
                }
            }
            if !(came.bounces.is_empty() && came.complaints.is_empty()) {
                self.tell_strange(&domain, &came, now).await?;
            }
        }
        Ok(())
    }

    /// Up to when the admins of a domain know.
    async fn told_until(
        &self,
        domain: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let marks = self.store.marked(MarkKind::Summed, None, domain, now).await?;
        Ok(marks.iter().filter_map(|mark| mark.value.parse().ok().map(Timestamp)).max())
    }

    /// The letters and the note that they were written become durable together.
    async fn tell_strange(
        &self,
        domain: &str,
        came: &Came,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Ok(address) = Address::new("postmaster", domain) else { return Ok(()) };
        let mark = Mark {
            kind: MarkKind::Summed,
            list: None,
            who: domain.to_owned(),
            value: now.0.to_string(),
            until: Some(now + WEEK),
        };
        let (mut moves, mut due) = (vec![Move::Mark(mark)], Vec::new());
        let tenant = (self.tenant)(domain);
        for to in self.members.admins(domain).into_iter().take(MOST_ADMINS) {
            let spoken = to.language.as_deref().unwrap_or_default();
            let language = notice::language([spoken, &tenant.language]);
            let words = notice::strange(language, &came.bounces, &came.complaints);
            let letter = Letter::to_admin(to, words, address.clone());
            let (mail, post) = self.letters.write(&letter, now);
            due.extend(post.due(now));
            moves.push(Move::accept(mail, vec![post]));
        }
        self.commit(moves, due).await
    }
}
