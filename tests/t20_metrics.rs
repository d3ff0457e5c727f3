//! What Prometheus sees of a real listd: figures that follow a mail, readiness that follows the directory, and no person.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use stack::claim::Port;
use stack::http::get;
use stack::{Failure, Solo, crowd, mail, smtp, wait};

const LIST: &str = "klasse-5b";
const MEMBERS: usize = 3;
const SOON: Duration = Duration::from_secs(30);
/// How long a copy may take that is tried once more.
const AGAIN: Duration = Duration::from_secs(120);

/// A listd with metrics, and the address of these.
fn watched(max_staleness: &str) -> (Solo, SocketAddr, Port) {
    let port = Port::claim().unwrap();
    let ldif = crowd::directory(&[(LIST, MEMBERS)]);
    let mut solo = Solo::prepare(&ldif, |settings| {
        settings.more = format!("[metrics]\nlisten = \"{}\"\n", port.address());
        settings.directory = format!("max_staleness = \"{max_staleness}\"");
    })
    .unwrap()
    .watched();
    solo.listd.start_knowing(&crowd::address(LIST)).unwrap();
    let address = port.address();
    (solo, address, port)
}

fn scrape(address: SocketAddr) -> String {
    let (status, body) = get(address, "/metrics").unwrap();
    assert_eq!(status, 200, "{body}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    body
}

/// The value of one series; 0 where there is none.
fn value(scraped: &str, series: &str) -> f64 {
    let line = scraped.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Waits until a path answers with this status: the body.
fn wait_for(address: SocketAddr, path: &str, status: u16) -> String {
    wait::until(&format!("{path} to say {status}"), SOON, || {
        let (said, body) = get(address, path)?;
        Ok((said == status).then_some(body))
    })
    .unwrap()
}

/// Waits until a series has this value: all that was scraped.
fn wait_value(address: SocketAddr, series: &str, expect: f64) -> String {
    wait::until(&format!("{series} to be {expect}"), SOON, || {
        let (_, body) = get(address, "/metrics")?;
        if value(&body, series) == expect { Ok(Some(body)) } else { Err(Failure(body)) }
    })
    .unwrap()
}

fn document(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Every word that begins like a figure of ours.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("verteiler_")).map(str::to_owned).collect()
}

/// A histogram is documented under its own name, not under those of its series.
fn figure(series: &str) -> &str {
    let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end));
    histogram.unwrap_or(series)
}

/// Hands a mail in by LMTP: the code of the reply.
fn hand_in(solo: &Solo, from: &str, id: &str) -> u16 {
    let to = crowd::address(LIST);
    let letter = mail::text(from, &to, "Geheimer Betreff", id, "Geheimer Inhalt");
    let replies = smtp::deliver(solo.listd.lmtp(), from, &[&to], &letter).unwrap();
    replies[0].code
}

/// The figures before and after mails, and that documents, alarms and dashboard name what there is.
#[test]
fn figures_follow_the_mails_and_are_those_of_the_documents() {
    let (solo, address, _port) = watched("15 min");
    assert_eq!(get(address, "/healthz").unwrap(), (200, "ok\n".to_owned()));
    assert_eq!(get(address, "/readyz").unwrap(), (200, "ready\n".to_owned()));
    let delivered = format!(
        r#"verteiler_outcomes_total{{list="{}",outcome="delivered"}}"#,
        crowd::address(LIST)
    );
    let accepted = r#"verteiler_posts_total{decision="accepted",rule="allowed"}"#;
    let before = scrape(address);
    assert_eq!((value(&before, accepted), value(&before, &delivered)), (0.0, 0.0));
    assert_eq!(value(&before, r#"verteiler_directory_entries{kind="lists"}"#), 1.0);
    assert_eq!(value(&before, "verteiler_intake_sockets"), 3.0);

    assert_eq!(hand_in(&solo, &crowd::member(LIST, 0), "1@gmx.example"), 250);
    solo.sink.wait_for(MEMBERS as u64, wait::MAIL).unwrap();
    assert_eq!(hand_in(&solo, &crowd::member(LIST, 0), "1@gmx.example"), 250, "it came before");
    assert_eq!(hand_in(&solo, "fremd@anders.example", "2@anders.example"), 550);
    let mut client = smtp::Client::connect(solo.listd.lmtp()).unwrap();
    client.hello("LHLO", "probe.example").unwrap();
    client.say("MAIL FROM:<>").unwrap().expect(250).unwrap();
    client.say("RCPT TO:<nichts@schule.example>").unwrap().expect(550).unwrap();
    let bounces = format!("RCPT TO:<{LIST}-bounces+forged@schule.example>");
    client.say(&bounces).unwrap().expect(250).unwrap();
    client.data(b"From: <>\r\nSubject: bounce\r\n\r\nno such user\r\n").unwrap();

    let expect = [
        (delivered.as_str(), MEMBERS as f64),
        (r#"verteiler_bounces_total{attributed="no"}"#, 1.0),
        (accepted, 1.0),
        (r#"verteiler_posts_total{decision="duplicate",rule="repeated"}"#, 1.0),
        (r#"verteiler_posts_total{decision="refused",rule="post"}"#, 1.0),
        (r#"verteiler_intake_refusals_total{stage="recipient",code="5.1.1"}"#, 1.0),
        ("verteiler_post_finish_seconds_count", 1.0),
        (r#"verteiler_queue_recipients{state="waiting"}"#, 0.0),
        ("verteiler_queue_oldest_age_seconds", 0.0),
        ("verteiler_intake_connections", 1.0),
        ("verteiler_ready", 1.0),
    ];
    // Each in its own time: a connection counts as open until its task has ended.
    let after = wait::until("the figures", SOON, || {
        let (_, body) = get(address, "/metrics")?;
        match expect.iter().find(|(series, expect)| value(&body, series) != *expect) {
            None => Ok(Some(body)),
            Some((series, expect)) => Err(Failure(format!("{series} is not {expect} in\n{body}"))),
        }
    })
    .unwrap();
    assert!(value(&after, "verteiler_signatures_total") >= 2.0, "{after}");
    assert!(value(&after, "verteiler_store_commit_seconds_count") >= 5.0, "{after}");
    client.quit();
    // Promise 7.
    for person in ["gmx.example", "anders.example"] {
        assert!(!after.contains(person), "{person} in\n{after}");
    }

    let samples: Vec<&str> = after.lines().filter(|line| !line.starts_with('#')).collect();
    let mut there: BTreeSet<String> = samples.iter().filter_map(|s| named(s).pop_first()).collect();
    // There only after a line of the relay's log, after a mail that came back, and while one is held: other tests read them.
    let later = ["verteiler_provider_answers_total", "verteiler_returned_total", "verteiler_held"];
    there.extend(later.map(str::to_owned));
    for name in ["alerts.yml", "grafana.json"] {
        let unknown: Vec<String> = named(&document(name)).difference(&there).cloned().collect();
        assert!(unknown.is_empty(), "docs/{name} names what is not scraped: {unknown:?}");
    }
    let there: BTreeSet<&str> = there.iter().map(|series| figure(series)).collect();
    let manual = named(&document("operation.md"));
    let manual: BTreeSet<&str> = manual.iter().map(String::as_str).collect();
    assert_eq!(there, manual, "docs/operation.md has each figure and no other");
    the_log_has_a_line_for_each_mail(&solo);
}

/// Rule GD23: who, which list, what, which ids; no subject, no body, no token.
fn the_log_has_a_line_for_each_mail(solo: &Solo) {
    let line = |what: &str, more: &[&str]| {
        let is = |line: &&str| line.contains(what) && more.iter().all(|part| line.contains(part));
        wait::until(&format!("one line {what} {more:?}"), SOON, || {
            let log = solo.listd.output();
            if log.lines().filter(is).count() == 1 { Ok(Some(())) } else { Err(Failure(log)) }
        })
        .unwrap();
    };
    let list = crowd::address(LIST);
    line(" accepted list=", &[&list, "1@gmx.example", "klasse-5b-0@gmx.example", "recipients=3"]);
    line(" finished list=", &[&list, "1@gmx.example", "delivered=3", "failed=0"]);
    line(" accepted before", &[&list, "1@gmx.example"]);
    line(" refused list=", &[&list, "2@anders.example", "fremd@anders.example", "post: 550"]);
    line(" bounce without a token", &[]);
    let log = solo.listd.output();
    for secret in ["Geheimer", "forged"] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
}

/// Promise 6: on a directory that is too old nothing goes out, and readiness says so; the process is well.
#[test]
fn readiness_follows_the_directory() {
    let (solo, address, _port) = watched("8 s");
    assert_eq!(wait_for(address, "/readyz", 200), "ready\n");
    let (file, away) = (solo.dir().join("crowd.ldif"), solo.dir().join("away.ldif"));
    std::fs::rename(&file, &away).unwrap();
    let reasons = wait_for(address, "/readyz", 503);
    assert!(reasons.contains("directory is stale"), "{reasons}");
    assert_eq!(get(address, "/healthz").unwrap().0, 200);
    let scraped = scrape(address);
    assert_eq!(value(&scraped, "verteiler_directory_fresh"), 0.0, "{scraped}");
    assert_eq!(value(&scraped, "verteiler_directory_error"), 1.0, "{scraped}");
    assert!(value(&scraped, "verteiler_directory_age_seconds") > 8.0, "{scraped}");
    std::fs::rename(&away, &file).unwrap();
    wait_for(address, "/readyz", 200);
    wait_value(address, "verteiler_directory_fresh", 1.0);
}

/// The relay is gone: copies wait, are counted, and go out later.
#[test]
fn a_relay_that_is_gone_shows() {
    let (mut solo, address, _port) = watched("15 min");
    solo.sink.close();
    assert_eq!(hand_in(&solo, &crowd::member(LIST, 1), "3@gmx.example"), 250);
    let scraped = wait::until("the failure to be counted", SOON, || {
        let (_, body) = get(address, "/metrics")?;
        Ok((value(&body, "verteiler_relay_failures_in_a_row") >= 1.0).then_some(body))
    })
    .unwrap();
    assert!(value(&scraped, "verteiler_relay_failures_total") >= 1.0, "{scraped}");
    let waiting = value(&scraped, r#"verteiler_queue_recipients{state="waiting"}"#);
    let deferred = value(&scraped, r#"verteiler_queue_recipients{state="deferred"}"#);
    assert_eq!(waiting + deferred, MEMBERS as f64, "{scraped}");
    assert_eq!(value(&scraped, "verteiler_queue_posts"), 1.0, "{scraped}");
    solo.sink.open().unwrap();
    // What fails at this moment is deferred after it, and comes by itself.
    solo.listd.listctl(&["queue", "retry", "--all"]).unwrap();
    solo.sink.wait_for(MEMBERS as u64, AGAIN).unwrap();
    wait_value(address, "verteiler_relay_failures_in_a_row", 0.0);
    wait_value(address, "verteiler_queue_posts", 0.0);
}

/// Whoever follows an alarm finds it in the manual, and the manual tells of no other.
#[test]
fn every_alarm_is_explained() {
    let rules = document("alerts.yml");
    let parsed = yaml_rust2::YamlLoader::load_from_str(&rules).unwrap();
    let parsed = parsed[0]["groups"][0]["rules"].as_vec().unwrap();
    let mut alarms = BTreeSet::new();
    for rule in parsed {
        let name = rule["alert"].as_str().unwrap();
        assert!(rule["expr"].as_str().is_some_and(|expr| expr.len() > 10), "{name}");
        assert!(rule["annotations"]["summary"].as_str().is_some(), "{name}");
        let severity = rule["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("warning" | "critical")), "{name}: {severity:?}");
        assert!(alarms.insert(name), "{name} stands there twice");
    }
    let manual = document("operation.md");
    let rows =
        manual.lines().filter_map(|line| line.strip_prefix("| Verteiler")?.split(' ').next());
    let explained: Vec<String> = rows.map(|rest| format!("Verteiler{rest}")).collect();
    assert!(alarms.len() >= 10, "{alarms:?}");
    assert_eq!(alarms, explained.iter().map(String::as_str).collect());
    let dashboard: serde_json::Value = serde_json::from_str(&document("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.dedup();
    assert!(panels.len() > 15 && ids.len() == panels.len(), "{ids:?}");
}
