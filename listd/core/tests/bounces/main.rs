//! V5, V6, A6: bounces that other people's servers wrote, and what is made of them; Mailman's detector beside it.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

#[path = "../common/mod.rs"]
mod common;
mod peer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::{corpora, files};
use listcore::bounce::{Bounce, Class, Kind, read};

/// Lower-case addresses that a row expects, whatever the order.
type Addresses = BTreeSet<String>;

fn addresses(bounce: &Bounce) -> Addresses {
    bounce.recipients.iter().map(|one| one.address.to_string().to_lowercase()).collect()
}

fn parsed(path: &Path) -> Bounce {
    read(&std::fs::read(path).expect("a readable mail"))
}

/// Files of a directory by name; the first of several with one name.
fn by_name(under: &Path) -> BTreeMap<String, PathBuf> {
    let mut all = Vec::new();
    files(under, &mut all);
    all.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, path)
    };
    all.into_iter().rev().map(named).collect()
}

fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("the expectations");
    serde_json::from_str(&text).expect("JSON")
}

/// A share of rows, and those that are wrong.
#[derive(Default)]
struct Share {
    right: usize,
    wrong: Vec<String>,
}

impl Share {
    fn count(&mut self, right: bool, row: impl FnOnce() -> String) {
        match right {
            true => self.right += 1,
            false => self.wrong.push(row()),
        }
    }

    fn percent(&self) -> f64 {
        let all = self.right + self.wrong.len();
        if all == 0 { 100.0 } else { 100.0 * self.right as f64 / all as f64 }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = self.right + self.wrong.len();
        f.pad(&format!("{:.1} % ({} of {all})", self.percent(), self.right))
    }
}

/// Mailman's own collection: the addresses that its detector is to find in each mail.
#[test]
fn addresses_of_mailmans_collection() {
    let Some(corpora) = corpora() else { return };
    let dir = corpora.join("bounces/flufl.bounce/data");
    let rows: Vec<(PathBuf, Addresses)> = json(&corpora.join("bounces/expected-flufl.json"))
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let expect = row["addresses"].as_array().expect("addresses").iter();
            let expect = expect.map(|a| a.as_str().expect("text").to_lowercase()).collect();
            (dir.join(row["file"].as_str().expect("a file")), expect)
        })
        .collect();
    let mut ours = Share::default();
    for (mail, expect) in &rows {
        let got = addresses(&parsed(mail));
        ours.count(got == *expect, || format!("{}: {got:?} not {expect:?}", mail.display()));
    }
    println!("right addresses in Mailman's collection: {ours}");
    ours.wrong.iter().for_each(|row| println!("  {row}"));
    let mails: Vec<&Path> = rows.iter().map(|(mail, _)| mail.as_path()).collect();
    if let Some(found) = peer::ask(&mails) {
        let mut peer = Share::default();
        rows.iter()
            .for_each(|(mail, expect)| peer.count(found[mail].all() == *expect, String::new));
        println!("  by Mailman's detector: {peer}");
    }
    assert!(ours.percent() >= 97.0);
}

/// What Sisimai's collection expects of one mail.
struct Row {
    file: String,
    /// `Some(hard)` for each recipient of a bounce.
    hard: Vec<bool>,
    reasons: Vec<String>,
}

impl Row {
    fn all(corpora: &Path) -> Vec<Row> {
        let rows = json(&corpora.join("bounces/expected-sisimai-dev.json"));
        let row = |(file, row): (&String, &serde_json::Value)| {
            let recipients = row["recipients"].as_array().expect("recipients");
            Row {
                file: file.clone(),
                hard: recipients.iter().map(|r| r["hardbounce"] == true).collect(),
                reasons: recipients
                    .iter()
                    .map(|r| r["reason"].as_str().unwrap_or_default().to_owned())
                    .collect(),
            }
        };
        rows.as_object().expect("rows").iter().map(row).collect()
    }

    fn is(&self, reasons: &[&str]) -> bool {
        self.reasons.iter().all(|reason| reasons.contains(&reason.as_str()))
    }

    /// Which half it belongs to: rules were made by looking at `true` only.
    fn seen(&self) -> bool {
        let digest = self.file.bytes().fold(5381u32, |sum, b| sum.wrapping_mul(33) ^ u32::from(b));
        digest % 2 == 0
    }
}

/// What a parser finds in one mail.
struct Finding {
    bounce: bool,
    /// Hard or not, for each recipient.
    hard: Vec<bool>,
    shown: String,
}

impl Finding {
    fn ours(bounce: &Bounce) -> Finding {
        let hard = bounce.recipients.iter().map(|one| one.class == Class::Hard).collect();
        Finding { bounce: is_bounce(bounce), hard, shown: format!("{bounce:?}") }
    }

    /// Mailman's detector calls everything permanent that is no warning of a delay.
    fn peers(found: &peer::Found) -> Finding {
        let hard = found.all().iter().map(|address| found.permanent.contains(address)).collect();
        Finding { bounce: !found.all().is_empty(), hard, shown: String::new() }
    }
}

/// Figures of one half.
#[derive(Default)]
struct Half {
    found: Share,
    hard: Share,
    not_bounces: Share,
}

impl Half {
    fn count(&mut self, row: &Row, got: &Finding) {
        let named = || format!("{} {:?}: {}", row.file, row.reasons, got.shown);
        if row.is(&["feedback", "vacation", "delivered"]) {
            return self.not_bounces.count(!got.bounce, named);
        }
        self.found.count(got.bounce && !got.hard.is_empty(), named);
        self.hard.count(sorted(&got.hard) == sorted(&row.hard), named);
    }

    fn line(&self, name: &str) -> String {
        let [found, hard, not] = [&self.found, &self.hard, &self.not_bounces];
        format!("{name:<24} {found:<24} {hard:<24} {not}")
    }
}

fn is_bounce(bounce: &Bounce) -> bool {
    matches!(bounce.kind, Kind::Bounce | Kind::Delayed)
}

fn sorted(values: &[bool]) -> Vec<bool> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values
}

/// Sisimai's collection: a recipient in each bounce, hard or not, and nothing taken for a bounce that is none. Rules
/// are made by looking at one half of it; the other shows whether they are general.
#[test]
fn classes_of_sisimais_collection() {
    let Some(corpora) = corpora() else { return };
    let mails = by_name(&corpora.join("bounces/sisimai-set-of-emails/maildir"));
    let rows = Row::all(&corpora);
    let files: Vec<&Path> = rows.iter().map(|row| mails[&row.file].as_path()).collect();
    let peers = peer::ask(&files);
    let (mut halves, mut peer) = ([Half::default(), Half::default()], Half::default());
    for (row, file) in rows.iter().zip(files) {
        halves[usize::from(row.seen())].count(row, &Finding::ours(&parsed(file)));
        if let Some(found) = peers.as_ref().map(|peers| &peers[file]) {
            peer.count(row, &Finding::peers(found));
        }
    }
    println!(
        "{:<24} {:<24} {:<24} no bounce",
        "Sisimai's collection", "a recipient", "hard or not"
    );
    for (name, half) in ["the other half", "half that was tuned on"].into_iter().zip(&halves) {
        println!("{}", half.line(name));
    }
    if peers.is_some() {
        println!("{}", peer.line("Mailman's detector"));
    }
    let tuned = [&halves[1].found, &halves[1].hard, &halves[1].not_bounces];
    tuned.into_iter().flat_map(|share| &share.wrong).for_each(|row| println!("  {row:.300}"));
    for half in &halves {
        assert!(half.found.percent() >= 97.0 && half.hard.percent() >= 90.0);
        assert!(half.not_bounces.wrong.is_empty());
    }
}
