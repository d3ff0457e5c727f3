//! ValiMail's suite for validation, as it stands in the corpora.

use std::time::{Duration, Instant};

use mail_auth::TxtRecord;
use mail_auth::dkim::DomainKey;
use mail_auth::dns::TxtRecordParser;

use super::*;
use crate::verify::testing::{arc_suite, empty_server};

/// D10: all cases of the suite.
#[tokio::test]
async fn d10_valimail_validates() {
    let Some(scenarios) = arc_suite("arc-draft-validation-tests.yml") else { return };
    let (mut tried, mut wrong) = (0, Vec::new());
    for scenario in &scenarios {
        let cache = Cache::default();
        for (name, text) in scenario.records() {
            let until = Instant::now() + Duration::from_secs(600);
            if let Ok(key) = DomainKey::parse(text.as_bytes()) {
                cache.insert_txt(format!("{name}.").into(), TxtRecord::from(key), until);
            }
        }
        let dns = super::super::dns::resolver(Some(empty_server())).expect("resolver");
        for case in scenario.cases() {
            let raw = case.message();
            let mail = Mail::parse(&raw).expect("header");
            let found = validate(&dns, &cache, &raw, &mail).await;
            let wanted = case.text("cv").to_lowercase();
            tried += 1;
            if found.map(Validation::as_str) != Some(&wanted) {
                wrong.push(format!("{}: {found:?}, not {wanted}", case.name));
            }
        }
    }
    println!("{tried} cases");
    assert!(tried > 150, "{tried}");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}
