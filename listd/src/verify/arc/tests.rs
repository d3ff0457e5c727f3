//! ValiMail's suite for validation, as it stands in the corpora.

use super::*;
use crate::verify::testing::{arc_suite, failing_server, txt_server};

/// D10: all cases of the suite.
#[tokio::test]
async fn d10_valimail_validates() {
    let Some(scenarios) = arc_suite("arc-draft-validation-tests.yml") else { return };
    let (mut tried, mut wrong) = (0, Vec::new());
    for scenario in &scenarios {
        let server = txt_server(scenario.records().into_iter().collect());
        let dns = super::super::dns::resolver(Some(server)).expect("resolver");
        for case in scenario.cases() {
            let raw = case.message();
            let mail = Mail::parse(&raw).expect("header");
            let found = validate(&dns, &raw, &mail, Timestamp(0)).await;
            // No value stands for a chain whose newest seal says that it failed: RFC 8617 5.2, step 2.
            let wanted = match case.text("cv").trim().to_lowercase().as_str() {
                "" => "fail".to_owned(),
                word => word.to_owned(),
            };
            tried += 1;
            if found.map(Validation::as_str) != Some(&wanted) {
                wrong.push(format!("{}: {found:?}, not {wanted}", case.name));
            }
        }
    }
    println!("{tried} cases");
    assert_eq!(tried, 175);
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Promise 5: nobody can say where DNS does not answer; an end that has passed needs no DNS.
#[tokio::test]
async fn trouble_is_no_verdict() {
    let Some(scenarios) = arc_suite("arc-draft-validation-tests.yml") else { return };
    let dns = super::super::dns::resolver(Some(failing_server())).expect("resolver");
    let cases = scenarios.iter().flat_map(|scenario| scenario.cases());
    let case = cases.into_iter().find(|case| case.name == "cv_pass_i1_1").expect("case");
    let raw = case.message();
    let mail = Mail::parse(&raw).expect("header");
    assert_eq!(validate(&dns, &raw, &mail, Timestamp(0)).await, None);

    let ended = String::from_utf8(raw).expect("text").replace("t=12345", "t=12345; x=12346");
    let mail = Mail::parse(ended.as_bytes()).expect("header");
    let at = |seconds: i64| validate(&dns, ended.as_bytes(), &mail, Timestamp(seconds * 1000));
    assert_eq!(at(12_345).await, None);
    assert_eq!(at(12_346).await, Some(Validation::Fail));
}
