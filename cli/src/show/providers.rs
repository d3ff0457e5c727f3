//! What the recipients' own servers answered, by provider, on one screen.

use std::collections::BTreeMap;

use listcore::api::Providers;

use super::table::Rows;
use crate::time;

/// In the order in which they matter to an admin.
const REASONS: [&str; 5] = ["policy", "content", "full", "hard", "other"];

pub fn providers(providers: &Providers) -> String {
    if !providers.followed {
        return "listd does not follow the relay's log: set relay.log in listd.toml (docs/operation.md).\n".to_owned();
    }
    if providers.providers.is_empty() {
        return format!("No answers since {}.\n", time::at(providers.since));
    }
    let mut rows = Rows::new(&["PROVIDER", "ACCEPTED", "DEFERRED", "REFUSED", "LAST WORDS"]);
    for one in &providers.providers {
        rows.row([
            one.name.clone(),
            one.accepted.to_string(),
            reasons(&one.deferred),
            reasons(&one.refused),
            one.words.clone().unwrap_or_default(),
        ]);
    }
    format!("Since {} (each try counts):\n{}", time::at(providers.since), rows.text())
}

/// `7 (5 policy, 2 hard)`
fn reasons(by: &BTreeMap<String, u64>) -> String {
    let total: u64 = by.values().sum();
    if total == 0 {
        return "0".to_owned();
    }
    let part = |why: &&str| {
        let count = by.get(*why).filter(|count| **count > 0)?;
        Some(format!("{count} {why}"))
    };
    let parts = REASONS.iter().filter_map(part);
    format!("{total} ({})", parts.collect::<Vec<_>>().join(", "))
}
