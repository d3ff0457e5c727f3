//! What the recipients' own servers said, for `listctl trace` and `listctl providers`.

use std::collections::BTreeMap;
use std::time::Duration;

use listcore::api;
use listcore::outcome::Outcome;
use listcore::time::Timestamp;

use super::Office;
use super::veil::Veil;
use crate::store::last_mile::Said;
use crate::store::{Account, PostId, StoreError};

/// Providers that are shown by name; the rest is one line.
const MOST: usize = 20;
/// In place of the others' names.
const OTHER: &str = "other";
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Office {
    /// A post with each recipient's last mile beside her outcome.
    pub(super) async fn whole(
        &self,
        account: Account,
        veil: &Veil<'_>,
    ) -> Result<api::Post, StoreError> {
        let heard = match &self.relay_log {
            Some(log) => log.heard(account.post.id).await?,
            None => Vec::new(),
        };
        let heard: BTreeMap<u32, Vec<Outcome>> = heard.into_iter().collect();
        let mut all = Vec::new();
        for batch in &account.batches {
            let mut of_batch = heard.get(&batch.id.number).cloned().unwrap_or_default();
            of_batch.resize(batch.recipients.len(), Outcome::Waiting);
            for (who, outcome) in batch.recipients.iter().zip(&mut of_batch) {
                veil.outcome(who.as_ref().map(|(_, recipient)| recipient), outcome);
            }
            all.append(&mut of_batch);
        }
        let digests = self.in_digests(&account).await?;
        let mut post = veil.post(account);
        for (line, digest) in post.recipients.iter_mut().zip(digests) {
            line.digest = digest;
        }
        for (line, outcome) in post.recipients.iter_mut().zip(all) {
            line.last_mile = (outcome != Outcome::Waiting).then_some(outcome);
        }
        Ok(post)
    }

    /// In which digest each recipient got it, in the order of delivery.
    async fn in_digests(&self, account: &Account) -> Result<Vec<Option<String>>, StoreError> {
        let sent = self.store.digested(account.post.id).await?;
        let mut names: BTreeMap<PostId, String> = BTreeMap::new();
        for letter in sent.values() {
            if let (false, Some(post)) =
                (names.contains_key(letter), self.store.post(*letter).await?)
            {
                names.insert(*letter, post.message_id.clone());
            }
        }
        let places = account
            .batches
            .iter()
            .flat_map(|batch| (0..).zip(&batch.recipients).map(|(index, _)| (batch.id, index)));
        Ok(places.map(|place| names.get(sent.get(&place)?).cloned()).collect())
    }

    pub(super) async fn answers(&self, days: u16) -> Result<api::Providers, StoreError> {
        let since = (self.clock)() - DAY * u32::from(days.max(1));
        let Some(log) = &self.relay_log else {
            return Ok(api::Providers { since, ..api::Providers::default() });
        };
        // Days are kept whole: the first one counts from its begin.
        let day = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp(since.0.div_euclid(day) * day);
        let providers = providers(log.said(since).await?);
        Ok(api::Providers { since, followed: true, providers })
    }
}

/// Those with the most answers first; what is beyond [`MOST`] together.
fn providers(said: Vec<Said>) -> Vec<api::Provider> {
    let mut all: BTreeMap<String, (api::Provider, Vec<Said>)> = BTreeMap::new();
    for one in said {
        all.entry(one.provider.clone()).or_default().1.push(one);
    }
    let mut sorted: Vec<api::Provider> =
        all.into_iter().map(|(name, (_, said))| added(&name, said)).collect();
    sorted.sort_by_key(|provider| std::cmp::Reverse(total(provider)));
    let rest = sorted.split_off(sorted.len().min(MOST));
    let together = rest.into_iter().reduce(|mut sum, one| {
        sum.accepted += one.accepted;
        for (to, from) in [(&mut sum.deferred, one.deferred), (&mut sum.refused, one.refused)] {
            from.into_iter().for_each(|(why, count)| *to.entry(why).or_default() += count);
        }
        sum
    });
    let others = together.map(|sum| api::Provider { name: OTHER.to_owned(), words: None, ..sum });
    sorted.extend(others);
    sorted
}

fn added(name: &str, mut said: Vec<Said>) -> api::Provider {
    let mut sum = api::Provider { name: name.to_owned(), ..api::Provider::default() };
    // A refusal says more than a deferral, a later one more than an earlier.
    said.sort_by_key(|one| (one.answer == "refused", one.day));
    for one in said {
        match one.answer.as_str() {
            "accepted" => sum.accepted += one.count,
            "deferred" => *sum.deferred.entry(one.reason).or_default() += one.count,
            _ => *sum.refused.entry(one.reason).or_default() += one.count,
        }
        if !one.words.is_empty() {
            sum.words = Some(one.words);
        }
    }
    sum
}

fn total(one: &api::Provider) -> u64 {
    one.accepted + one.deferred.values().sum::<u64>() + one.refused.values().sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(provider: &str, answer: &str, reason: &str, count: u64, words: &str) -> Said {
        let (provider, answer, reason) =
            (provider.to_owned(), answer.to_owned(), reason.to_owned());
        Said { day: Timestamp(0), provider, answer, reason, count, words: words.to_owned() }
    }

    #[test]
    fn the_largest_stand_first_and_the_rest_is_one_line() {
        let mut all = vec![
            said("gmx.de", "accepted", "", 50, ""),
            said("gmx.de", "refused", "hard", 2, "550 5.1.1 unknown"),
            said("gmx.de", "deferred", "policy", 9, "451 later"),
        ];
        all.extend((0..30).map(|n| said(&format!("d{n:02}.example"), "refused", "policy", 1, "x")));
        let shown = providers(all);
        assert_eq!(shown.len(), MOST + 1);
        let first = &shown[0];
        assert_eq!((first.name.as_str(), first.accepted), ("gmx.de", 50));
        assert_eq!((first.deferred["policy"], first.refused["hard"]), (9, 2));
        assert_eq!(first.words.as_deref(), Some("550 5.1.1 unknown"), "the refusal");
        let last = &shown[MOST];
        assert_eq!((last.name.as_str(), last.refused["policy"]), ("other", 11));
        assert_eq!(last.words, None);
        assert!(providers(Vec::new()).is_empty());
    }
}
