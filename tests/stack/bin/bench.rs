//! `./x bench`: what listd does in a second and in how much memory, against a sink that does next to nothing.
//!
//! It counts every copy: a figure is printed only when none is missing and none came twice.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use stack::listd::Settings;
use stack::{Failure, Result, Solo, crowd, load};

const LIMIT: Duration = Duration::from_secs(300);
const BIG: (&str, usize) = ("alle", 1000);
const SMALL_LISTS: usize = 50;
const SMALL: usize = 30;
const MAILS: usize = 500;
const SIZE: usize = 4096;

fn main() -> ExitCode {
    match ["shared", "personal"].iter().try_for_each(|copies| bench(copies)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("failed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn bench(copies: &str) -> Result<()> {
    let names: Vec<String> = (0..SMALL_LISTS).map(|i| format!("liste-{i}")).collect();
    let mut lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), SMALL)).collect();
    lists.push(BIG);
    let mut solo = Solo::prepare(&crowd::directory(&lists), |settings: &mut Settings| {
        settings.list = format!("copies = \"{copies}\"\n");
    })?;
    solo.sink.drop_bodies();
    let begun = Instant::now();
    solo.listd.start_knowing(&crowd::address(BIG.0))?;
    println!("{copies} copies, {SIZE} octets a mail");
    println!("  ready                      {:>8.2} s", begun.elapsed().as_secs_f64());
    println!("  memory idle                {:>8.1} MB", memory(&solo, "VmRSS")?);
    one_big(&solo)?;
    many_small(&solo, &names)?;
    println!("  memory peak                {:>8.1} MB\n", memory(&solo, "VmHWM")?);
    solo.listd.stop().map(|_| ())
}

/// One mail to a thousand.
fn one_big(solo: &Solo) -> Result<()> {
    let job = crowd::job(BIG.0, "gross@bench.example", SIZE);
    let begun = Instant::now();
    let took = deliver(solo, 1, std::slice::from_ref(&job))?;
    solo.sink.wait_for(BIG.1 as u64, LIMIT)?;
    let all = begun.elapsed();
    check(solo, 1, &[(BIG.0, BIG.1)])?;
    println!("  1 mail to {}: accepted   {:>8.1} ms", BIG.1, took.as_secs_f64() * 1e3);
    println!(
        "  1 mail to {}: all out    {:>8.2} s {:>8.0} copies/s",
        BIG.1,
        all.as_secs_f64(),
        BIG.1 as f64 / all.as_secs_f64()
    );
    Ok(())
}

/// Many mails to many lists.
fn many_small(solo: &Solo, names: &[String]) -> Result<()> {
    let jobs: Vec<load::Job> = names
        .iter()
        .cycle()
        .take(MAILS)
        .enumerate()
        .map(|(i, name)| crowd::job(name, &format!("m{i}@bench.example"), SIZE))
        .collect();
    let total = MAILS * SMALL;
    let begun = Instant::now();
    let took = deliver(solo, 8, &jobs)?;
    solo.sink.wait_for(total as u64, LIMIT)?;
    let all = begun.elapsed().as_secs_f64();
    let lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), SMALL)).collect();
    check(solo, MAILS / names.len(), &lists)?;
    println!(
        "  {MAILS} mails to {SMALL_LISTS} x {SMALL}: p99     {:>8.1} ms to accept",
        took.as_secs_f64() * 1e3
    );
    println!(
        "  {MAILS} mails to {SMALL_LISTS} x {SMALL}: all out {:>8.2} s {:>8.0} copies/s {:>6.0} mails/s",
        all,
        total as f64 / all,
        MAILS as f64 / all
    );
    Ok(())
}

/// Delivers all jobs; the 99th percentile of the time to 250. Any other answer fails.
fn deliver(solo: &Solo, connections: usize, jobs: &[load::Job]) -> Result<Duration> {
    solo.sink.clear();
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

/// Every member of every list got each mail, and nobody got more.
fn check(solo: &Solo, each: usize, lists: &[(&str, usize)]) -> Result<()> {
    let counts = solo.sink.counts();
    for (name, size) in lists {
        for i in 0..*size {
            let member = crowd::member(name, i);
            let got = counts.get(&member).copied().unwrap_or(0);
            if got != each {
                return Err(Failure(format!("{member} got {got} copies and should have {each}")));
            }
        }
    }
    let members: usize = lists.iter().map(|(_, size)| size).sum();
    if counts.len() == members {
        Ok(())
    } else {
        Err(Failure(format!("{} people got mail, not {members}", counts.len())))
    }
}

fn memory(solo: &Solo, what: &str) -> Result<f64> {
    solo.listd.memory(what).ok_or_else(|| Failure::new("listd has ended"))
}
