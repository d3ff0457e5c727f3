//! What many digests cost, printed and not judged:
//! `cargo test -p listd --lib digest::cost -- --ignored --nocapture`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::tests::{House, LARGE};
use super::*;
use crate::store::sqlite::SqliteStore;
use crate::store::witness::{Fact, Witness};
use crate::store::{Probe as _, Report as _};

const PEOPLE: usize = 1_000;
const MAILS: usize = 10;
/// Octets of each mail.
const SIZE: usize = 40_000;

#[derive(Default)]
struct Commits(AtomicU64);

impl Witness for Commits {
    fn saw(&self, _: &Fact) {}

    fn committed(&self, _: Duration, _: Result<(), &StoreError>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Of this process: MB at most so far, and milliseconds of CPU.
fn used() -> (u64, u64) {
    let read = |file: &str| std::fs::read_to_string(file).expect("proc");
    let status = read("/proc/self/status");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    let kb: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    let stat = read("/proc/self/stat");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|n| n.parse::<u64>().ok());
    (kb / 1024, ticks.sum::<u64>() * 10)
}

/// A thousand people with ten mails each: all of one class; of 30 classes; and each of mails that nobody else has chosen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures, judges nothing"]
async fn figures() {
    for (what, groups) in [("read the same", 1), ("in 30 classes", 30), ("all different", PEOPLE)] {
        let dir = tempfile::tempdir_in(".").expect("directory");
        let file = dir.path().join("listd.db");
        let store = SqliteStore::open(&file).await.expect("open");
        let commits = Arc::new(Commits::default());
        store.watched_by(vec![commits.clone()]);
        let mut house = House::with(store.clone(), LARGE);
        let text = "Liebe Eltern der Klasse, \r\n".repeat(SIZE / 27);
        // Mails that several groups read stand in for lists that several people share.
        let names: Vec<String> = (0..PEOPLE).map(|n| format!("p{n}")).collect();
        for mail in 0..MAILS + groups - 1 {
            let reads = |person: usize| {
                let group = person % groups;
                (group..group + MAILS).contains(&mail)
            };
            let to: Vec<&str> =
                (0..PEOPLE).filter(|n| reads(*n)).map(|n| names[n].as_str()).collect();
            house.long("5b", &format!("Mail{mail}"), &text, &to, "2026-11-16T09:00:00Z").await;
        }
        let (before, (_, cpu), start) = (commits.0.load(Ordering::Relaxed), used(), Instant::now());
        let now = "2026-11-16T21:00:00Z".parse::<jiff::Timestamp>().expect("a time");
        let sent = house.press.send(Timestamp(now.as_millisecond())).await;
        assert_eq!(sent, Ok(true));
        let took = start.elapsed();
        let commits = commits.0.load(Ordering::Relaxed) - before;
        let counts = store.counts().await.expect("counts");
        assert_eq!(counts.recipients_waiting, PEOPLE as u64);
        let disk = |dir: &std::path::Path| -> u64 {
            let files = std::fs::read_dir(dir).expect("a folder").filter_map(Result::ok);
            files.filter_map(|f| f.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).sum()
        };
        let spool = dir.path().join("listd.db.spool");
        println!(
            "{what}: {took:?}, {} ms of CPU, {} MB at most so far, {commits} commits, {} digests, {} MB of bodies in files",
            used().1 - cpu,
            used().0,
            counts.posts_waiting,
            disk(&spool) >> 20,
        );
        store.probe().await.expect("the store works");
        store.close().await;
    }
}
