//! `./x bench`: what listd does in a second and in how much memory, against a sink that does next to nothing.
//!
//! It counts every copy: a figure is printed only when none is missing and none came twice. docs/performance.md
//! says what the workloads are and how to read the figures. `bench W2 personal` runs one of them in one mode.

use std::collections::HashSet;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use stack::claim::Port;
use stack::listd::Settings;
use stack::load::Job;
use stack::process::run;
use stack::{Doing, Failure, Result, Solo, crowd, exit_code, load};

const LIMIT: Duration = Duration::from_secs(300);
const RUNS: usize = 3;
/// Of what is over in a moment: processor time comes in steps of 10 ms.
const OFTEN: usize = 15;
const BIG: (&str, usize) = ("alle", 1000);
/// Personal copies: size times recipients is below 256 MB.
const LANGUAGES: (&str, usize) = ("sprachen", 50);
const FOOTER: &str =
    "footer = { de = \"Grüße von {description}\", en = \"Regards, {description}\" }\n";
const SMALL_LISTS: usize = 50;
const SMALL: usize = 30;
const MAILS: usize = 500;
const SIZE: usize = 4096;
const LARGE: usize = 5 << 20;

/// How a list's copies are made.
struct Mode {
    name: &'static str,
    copies: &'static str,
    /// With `[web]`, where each personal copy has a link of its own and so signatures of its own.
    pages: bool,
}

const MODES: [Mode; 3] = [
    Mode { name: "shared", copies: "shared", pages: false },
    Mode { name: "personal", copies: "personal", pages: false },
    Mode { name: "links", copies: "personal", pages: true },
];

fn main() -> ExitCode {
    let modes = || MODES.iter().filter(|mode| !only("W5") && asked(2, mode.name));
    let done = yardstick().and_then(|()| modes().try_for_each(bench));
    exit_code(done.and_then(|()| if asked(1, "W5") { footers() } else { Ok(()) }))
}

fn only(name: &str) -> bool {
    std::env::args().nth(1).as_deref() == Some(name)
}

/// True where the command line names it, or nothing, at this place.
fn asked(place: usize, name: &str) -> bool {
    std::env::args().nth(place).is_none_or(|only| name.starts_with(&only))
}

/// What this machine can do at this moment: figures mean little without it.
fn yardstick() -> Result<()> {
    const SPAN: Duration = Duration::from_secs(1);
    let mut file = tempfile::tempfile()?;
    let (begun, mut syncs) = (Instant::now(), 0u32);
    while begun.elapsed() < SPAN {
        file.write_all(&[b'x'; 4096])?;
        file.sync_data()?;
        syncs += 1;
    }
    let argv = ["openssl", "speed", "-seconds", "1", "rsa2048"];
    let text = run(&argv, b"", Duration::from_secs(60))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let row = text.lines().rfind(|l| l.trim_start().starts_with("rsa") && l.contains("2048"));
    let signs = row.and_then(|l| l.split_ascii_whitespace().rev().nth(1)?.parse::<f64>().ok());
    let signs = signs.ok_or_else(|| Failure(format!("openssl speed says {text:?}")))?;
    println!(
        "machine: {syncs} x (4 KB append + fdatasync)/s, {signs:.0} RSA-2048 signatures/s and core"
    );
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("         load before the start {}\n", load.split(' ').next().unwrap_or_default());
    Ok(())
}

struct House {
    solo: Solo,
    names: Vec<String>,
    mails: usize,
}

/// One run of a workload.
struct Figures {
    elapsed: f64,
    cpu: f64,
    accepted: Duration,
    first: f64,
    last: f64,
}

fn bench(mode: &Mode) -> Result<()> {
    let port = Port::claim()?;
    let names: Vec<String> = (0..SMALL_LISTS).map(|i| format!("liste-{i}")).collect();
    let mut lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), SMALL)).collect();
    lists.push(BIG);
    let mut solo = Solo::prepare(&crowd::directory(&lists), |settings: &mut Settings| {
        settings.list = format!("copies = \"{}\"\n", mode.copies);
        if mode.pages {
            let listen = port.address();
            settings.more = format!(
                "\n[web]\nlisten = \"{listen}\"\npublic_url = \"https://lists.schule.example\"\n"
            );
        }
    })?;
    solo.sink.drop_bodies();
    let begun = Instant::now();
    solo.listd.start_knowing(&crowd::address(BIG.0))?;
    let ready = begun.elapsed().as_secs_f64();
    let mut house = House { solo, names, mails: 0 };
    println!(
        "{} copies{} (median of {RUNS}, of {OFTEN} for W1 and W4; CPU: the mean)",
        mode.copies,
        if mode.pages { ", each with its own one-click link" } else { "" }
    );
    println!("  ready after {ready:.2} s, idle: {}", memory(&house)?);
    house.row("W1  4 KB to 1,000", OFTEN, 1, |h| vec![h.job(BIG.0, SIZE)])?;
    house.row("W2  500 x 4 KB to 50 x 30", RUNS, 8, House::many)?;
    house.row("W3  5 MB to 1,000", RUNS, 1, |h| vec![h.job(BIG.0, LARGE)])?;
    house.row("W4  4 KB to 30", OFTEN, 1, |h| vec![h.job("liste-0", SIZE)])?;
    println!("  after all: {}\n", memory(&house)?);
    house.solo.listd.stop().map(|_| ())
}

/// What a footer costs where it hurts: a large mail, a copy for each, two languages. A listd of its own for each row,
/// since the most memory that a process had can't be set back.
fn footers() -> Result<()> {
    println!("personal copies in two languages (median of {RUNS})");
    for (name, footer) in [("W5  5 MB to 50", ""), ("W5  the same with a footer", FOOTER)] {
        let mut solo = Solo::prepare(&two_languages(), |settings: &mut Settings| {
            settings.list = format!("copies = \"personal\"\n{footer}");
        })?;
        solo.listd.start_knowing(&crowd::address(LANGUAGES.0))?;
        let mut house = House { solo, names: Vec::new(), mails: 0 };
        house.read_by_half(footer)?;
        println!("  before: {}", memory(&house)?);
        house.solo.sink.drop_bodies();
        house.row(name, RUNS, 1, |h| vec![h.job(LANGUAGES.0, LARGE)])?;
        println!("  after: {}", memory(&house)?);
        house.solo.listd.stop()?;
    }
    Ok(())
}

/// A list of which every second member reads English.
fn two_languages() -> String {
    let english = (0..LANGUAGES.1).step_by(2).map(|i| crowd::member(LANGUAGES.0, i));
    english.fold(crowd::directory(&[LANGUAGES]), |ldif, member| {
        let line = format!("mail: {member}\n");
        ldif.replace(&line, &format!("{line}preferredLanguage: en\n"))
    })
}

impl House {
    /// A small mail first: half of the list gets each footer, in copies of their own.
    fn read_by_half(&mut self, footer: &str) -> Result<()> {
        let job = self.job(LANGUAGES.0, SIZE);
        self.once(&[job], 1, LANGUAGES.1)?;
        let taken = self.solo.sink.deliveries();
        let of = |words: &str| {
            let words = words.as_bytes();
            taken.iter().filter(|d| d.mail.windows(words.len()).any(|w| w == words)).count()
        };
        let half = if footer.is_empty() { 0 } else { LANGUAGES.1 / 2 };
        let (german, english) = (of("Gr=C3=BC=C3=9Fe von "), of("\r\nRegards, "));
        match (taken.len(), german, english) == (LANGUAGES.1, half, half) {
            true => Ok(()),
            false => Err(Failure(format!("{german} and {english} in {} copies", taken.len()))),
        }
    }

    fn job(&mut self, list: &str, size: usize) -> Job {
        self.mails += 1;
        crowd::job(list, &format!("m{}@bench.example", self.mails), size)
    }

    fn many(&mut self) -> Vec<Job> {
        let names = self.names.clone();
        names.iter().cycle().take(MAILS).map(|name| self.job(name, SIZE)).collect()
    }

    /// Runs a workload so many times and prints the medians.
    fn row(
        &mut self,
        name: &str,
        runs: usize,
        connections: usize,
        jobs: impl Fn(&mut House) -> Vec<Job>,
    ) -> Result<()> {
        if !asked(1, name) {
            return Ok(());
        }
        let mut all = Vec::with_capacity(runs);
        let (mut mails, mut copies) = (0, 0);
        for _ in 0..runs {
            let jobs = jobs(self);
            mails = jobs.len();
            copies = jobs.iter().map(size_of_list).sum();
            all.push(self.once(&jobs, connections, copies)?);
        }
        let figure = |of: fn(&Figures) -> f64| median(all.iter().map(of).collect());
        let elapsed = figure(|f| f.elapsed);
        let cpu = all.iter().map(|f| f.cpu).sum::<f64>() / runs as f64;
        println!(
            "  {name:<26} {elapsed:>8.3} s {:>8.1} mails/s {:>8.0} copies/s  CPU {:>6.3} s per 1,000  \
             250 after {:>7.1} ms (p99)  first {:>6.1} ms, last {:>8.1} ms",
            mails as f64 / elapsed,
            copies as f64 / elapsed,
            cpu * 1000.0 / copies as f64,
            figure(|f| f.accepted.as_secs_f64() * 1e3),
            figure(|f| f.first),
            figure(|f| f.last),
        );
        Ok(())
    }

    fn once(&mut self, jobs: &[Job], connections: usize, copies: usize) -> Result<Figures> {
        self.solo.sink.clear();
        let cpu = self.solo.listd.cpu_seconds()?;
        let begun = Instant::now();
        let accepted = deliver(&self.solo, connections, jobs)?;
        self.solo.sink.wait_for(copies as u64, LIMIT)?;
        // The outcomes belong to the work.
        stack::wait::until_true("the outcomes to be committed", LIMIT, || {
            self.solo.listd.status("/queue/recipients_waiting").is_ok_and(|n| n == 0)
        })?;
        let cpu = self.solo.listd.cpu_seconds()? - cpu;
        let taken = self.solo.sink.deliveries();
        check(&taken, jobs)?;
        let after = |at: Instant| at.saturating_duration_since(begun).as_secs_f64();
        let times: Vec<f64> = taken.iter().map(|d| after(d.at)).collect();
        let first = times.iter().copied().fold(f64::INFINITY, f64::min) * 1e3;
        let elapsed = times.iter().copied().fold(0.0, f64::max);
        Ok(Figures { elapsed, cpu, accepted, first, last: elapsed * 1e3 })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn list_of(job: &Job) -> &str {
    job.to.first().and_then(|to| to.split('@').next()).unwrap_or_default()
}

fn size_of_list(job: &Job) -> usize {
    let known = [BIG, LANGUAGES].into_iter().find(|(name, _)| list_of(job) == *name);
    known.map_or(SMALL, |(_, size)| size)
}

/// Delivers all jobs; the 99th percentile of the time to 250. Any other answer fails.
fn deliver(solo: &Solo, connections: usize, jobs: &[Job]) -> Result<Duration> {
    let mut report = load::run(solo.listd.lmtp(), connections, jobs);
    if report.accepted() != jobs.len() {
        return Err(Failure(format!(
            "{} of {} mails accepted: {:?}",
            report.accepted(),
            jobs.len(),
            report.answers
        )));
    }
    report.latencies.sort_unstable();
    let at = (report.latencies.len() * 99).div_ceil(100).saturating_sub(1);
    report.latencies.get(at).copied().ok_or_else(|| Failure::new("nothing was sent"))
}

/// Every member of every list got each mail to it, and nobody got anything twice or by mistake.
fn check(taken: &[stack::sink::Delivery], jobs: &[Job]) -> Result<()> {
    let mut got: HashSet<(String, String)> = HashSet::new();
    for delivery in taken {
        for to in &delivery.to {
            if !got.insert((delivery.message_id.clone(), to.clone())) {
                return Err(Failure(format!("{to} got {} twice", delivery.message_id)));
            }
        }
    }
    for job in jobs {
        for i in 0..size_of_list(job) {
            let member = crowd::member(list_of(job), i);
            if !got.remove(&(job.name.clone(), member)) {
                let who = crowd::member(list_of(job), i);
                return Err(Failure(format!("{who} did not get {}", job.name)));
            }
        }
    }
    match got.into_iter().next() {
        None => Ok(()),
        Some((id, to)) => Err(Failure(format!("{to} got {id} by mistake"))),
    }
}

fn memory(house: &House) -> Result<String> {
    let listd = &house.solo.listd;
    let of = |what: &str| listd.memory(what).ok_or_else(|| Failure::new("listd has ended"));
    let pss = listd.pss().doing(|| "smaps_rollup".to_owned())?;
    Ok(format!(
        "RSS {:.1} MB, PSS {pss:.1} MB, most RSS so far {:.1} MB",
        of("VmRSS")?,
        of("VmHWM")?
    ))
}
