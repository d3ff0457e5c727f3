//! ValiMail's suite for validation, as it stands in the corpora.

use std::time::{Duration, Instant};

use mail_auth::TxtRecord;
use mail_auth::dkim::DomainKey;
use mail_auth::dns::TxtRecordParser;

use super::*;
use crate::verify::testing::{arc_suite, empty_server};

/// Where we are stricter than the suite: without `c=` the default of RFC 6376 3.5 holds, which the suite's signature
/// does not follow; and a signature that covers no field (`h=`) proves nothing.
const STRICTER: [&str; 2] = ["ams_fields_c_na", "ams_fields_h_empty"];

/// D10: all cases of the suite but [`STRICTER`].
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
            // No value stands for a chain whose newest seal says that it failed: RFC 8617 5.2, step 2.
            let wanted = match case.text("cv").trim().to_lowercase().as_str() {
                "" => "fail".to_owned(),
                _ if STRICTER.contains(&case.name.as_str()) => "fail".to_owned(),
                word => word.to_owned(),
            };
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
