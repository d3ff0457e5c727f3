//! `./x bench town`: what a directory of 50,000 people and 2,500 lists costs `listd`, on a real slapd.
//!
//! docs/performance.md says how to read the figures. It checks what it counts: ready means that all lists and
//! people are there.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use stack::{Failure, Result, Solo, crowd, exit_code, smtp, town, wait};

const START: Duration = Duration::from_secs(300);
const EFFECT: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(10);
const SAMPLES: usize = 15;
/// The list that changes, one inside another, and who comes and goes.
const CHANGED: usize = 26;
const AROUND: usize = 25;
const NEWCOMER: usize = 40_000;

fn main() -> ExitCode {
    exit_code(bench())
}

fn bench() -> Result<()> {
    println!("load before the start: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let begun = Instant::now();
    let ldif = town::directory();
    let solo = Solo::on_large_slapd(&ldif)?;
    let mb = ldif.len() as f64 / f64::from(1 << 20);
    println!(
        "slapd with {} people and {} lists ({mb:.1} MB of LDIF) after {:.1} s",
        town::PEOPLE,
        town::LISTS,
        begun.elapsed().as_secs_f64()
    );
    Town { solo }.all()
}

struct Town {
    solo: Solo,
}

impl Town {
    fn all(mut self) -> Result<()> {
        self.start("cold")?;
        self.idle()?;
        self.changes()?;
        self.memory("after the changes")?;
        // The snapshot is written in the background.
        if !self.solo.listd.stop()?.success() {
            return Err(Failure("listd did not stop well".to_owned()));
        }
        let store = std::fs::metadata(self.solo.listd.home().join("listd.db"))?.len();
        println!("store: {:.1} MB", store as f64 / f64::from(1 << 20));
        self.start("warm")?;
        self.idle()?;
        self.solo.listd.stop().map(|_| ())
    }

    /// From the start of the process to 250 for the last list, and to all people and lists in `listctl status`.
    fn start(&mut self, how: &str) -> Result<()> {
        let begun = Instant::now();
        self.solo.listd.spawn()?;
        let last = crowd::address(&town::list(town::LISTS - 1));
        wait::until("250 for a list", START, || self.takes(&last))?;
        let ready = begun.elapsed().as_secs_f64();
        let cpu = self.solo.listd.cpu_seconds()?;
        println!("{how} start: {ready:.2} s to ready, {cpu:.2} s of CPU");
        let of = |what: &str| self.solo.listd.status(&format!("/directory/{what}"));
        let there = (of("people")?, of("lists")?);
        if there != (town::PEOPLE as u64, town::LISTS as u64) {
            return Err(Failure(format!("people and lists in listd: {there:?}")));
        }
        self.memory(how)
    }

    fn takes(&self, list: &str) -> Result<Option<()>> {
        let mut client = smtp::Client::connect(self.solo.listd.lmtp())?;
        client.hello("LHLO", "probe.example")?;
        client.say("MAIL FROM:<>")?.expect(250)?;
        client.say(&format!("RCPT TO:<{list}>"))?.expect(250)?;
        client.quit();
        Ok(Some(()))
    }

    fn memory(&self, when: &str) -> Result<()> {
        let listd = &self.solo.listd;
        let of = |what: &str| listd.memory(what).ok_or_else(|| Failure::new("listd has ended"));
        let (rss, most) = (of("VmRSS")?, of("VmHWM")?);
        println!(
            "  memory, {when}: RSS {rss:.1} MB, PSS {:.1} MB, most RSS so far {most:.1} MB",
            listd.pss()?
        );
        Ok(())
    }

    /// Processor time of a span in which nobody asks for anything, after what the start has left to do.
    fn idle(&self) -> Result<()> {
        let cpu = || self.solo.listd.cpu_seconds();
        let settled = || {
            Ok((wait::stays("CPU", Duration::from_secs(2), || cpu().ok()).is_ok()).then_some(()))
        };
        let begun = Instant::now();
        wait::until("listd to be idle", EFFECT, settled)?;
        let busy = begun.elapsed().as_secs_f64() - 2.0;
        let before = cpu()?;
        std::thread::sleep(IDLE);
        println!(
            "  idle: {:.0} ms of CPU in {} s (busy for another {busy:.1} s before)",
            (cpu()? - before) * 1e3,
            IDLE.as_secs()
        );
        self.memory("idle")
    }

    /// From the end of `ldapmodify` to the answer of listctl that has it, and the same for a list around it.
    fn changes(&self) -> Result<()> {
        for (what, watched) in [("the list", CHANGED), ("a list around it", AROUND)] {
            let cpu = self.solo.listd.cpu_seconds()?;
            let mut times = Vec::with_capacity(SAMPLES);
            for i in 0..SAMPLES {
                times.push(self.change(watched, i.is_multiple_of(2))?);
            }
            self.change(watched, false)?;
            let cpu = (self.solo.listd.cpu_seconds()? - cpu) / (SAMPLES + 1) as f64;
            times.sort_by(f64::total_cmp);
            let at = |i: usize| times.get(i).copied().unwrap_or(f64::NAN);
            println!(
                "  change to effect in {what}: median {:.0} ms, least {:.0} ms, most {:.0} ms; CPU with what is asked {:.0} ms each",
                at(times.len() / 2),
                at(0),
                at(times.len() - 1),
                cpu * 1e3
            );
        }
        let begun = Instant::now();
        self.has(AROUND)?;
        println!("  listctl alone: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    /// Milliseconds.
    fn change(&self, watched: usize, comes: bool) -> Result<f64> {
        let ldap = self.solo.ldap.as_ref().ok_or_else(|| Failure::new("there is no slapd"))?;
        ldap.membership(&town::list(CHANGED), &town::person(NEWCOMER), comes)?;
        let begun = Instant::now();
        wait::until("the change to be there", EFFECT, || {
            Ok((self.has(watched)? == comes).then_some(()))
        })?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    }

    fn has(&self, list: usize) -> Result<bool> {
        let shown = self.solo.listd.listctl(&["list", "members", &town::list(list)])?;
        Ok(shown.contains(&format!("{}@post.example", town::person(NEWCOMER))))
    }
}
