//! What saved bounces say, as a table.

use super::table::{Rows, visible};
use crate::bounces::Explained;

/// Letters of what a server said that fit beside the rest.
const SAID: usize = 100;

/// One row for each recipient; one for a mail that names nobody.
pub fn bounces(all: &[Explained]) -> String {
    let mut rows = Rows::new(&["FILE", "KIND", "ADDRESS", "CLASS", "STATUS", "RULE", "SAID"]);
    for one in all {
        let file = match one.mail {
            Some(number) => format!("{} #{number}", one.file),
            None => one.file.clone(),
        };
        let kind = one.kind.as_str().to_owned();
        if one.recipients.is_empty() {
            let [nobody, nothing] = ["-".to_owned(), String::new()];
            rows.row([
                file.clone(),
                kind.clone(),
                nobody,
                nothing.clone(),
                nothing.clone(),
                nothing.clone(),
                nothing,
            ]);
        }
        for failed in &one.recipients {
            let said = visible(failed.diagnostic.as_deref().unwrap_or_default());
            rows.row([
                file.clone(),
                kind.clone(),
                failed.address.to_string(),
                failed.class.as_str().to_owned(),
                failed.status.clone().unwrap_or_default(),
                failed.rule.clone(),
                said.chars().take(SAID).collect(),
            ]);
        }
    }
    rows.text()
}
