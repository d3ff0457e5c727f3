//! `./x bench verdict`: mails per second through verdictd, and through rspamd's own milter and clamav-milter one after the
//! other. Behind both stand the same answerers, which say "clean" at once.
//!
//! It ends with 1 where verdictd is the slower one. docs/performance.md says how to read the figures.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use stack::clamav_milter::ClamavMilter;
use stack::home::Home;
use stack::milter::{Client, Envelope};
use stack::process::pss;
use stack::rspamd::Rspamd;
use stack::verdictd::{Settings, Verdictd};
use stack::{Failure, Result, answerers, mail};

/// Connections of the mail server at a time.
const CLIENTS: usize = 8;
/// Each is run so often, in turns; the median counts.
const RUNS: usize = 5;
/// Name, octets of the body, mails of one run.
const LOADS: [(&str, usize, usize); 2] = [("4 KB", 4 << 10, 2_000), ("1 MB", 1 << 20, 160)];

fn main() -> ExitCode {
    match bench() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("failed: verdictd is slower than the two in series");
            ExitCode::FAILURE
        }
        Err(Failure(why)) => {
            eprintln!("failed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<bool> {
    let home = Home::make()?;
    let (spam, virus) = (answerers::rspamd()?, answerers::clamd()?);
    let rspamd = Rspamd::in_front_of(home.dir(), Some(spam))?;
    let clamav = ClamavMilter::start(home.dir(), virus)?;
    let settings = Settings {
        rspamd: format!("http://{spam}"),
        clamd: virus.to_string(),
        ..Settings::default()
    };
    let verdictd = Verdictd::start(home.dir(), &settings)?;
    let ours = vec![verdictd.milter()];
    let theirs = vec![rspamd.milter(), clamav.address()];
    println!(
        "{CLIENTS} connections, median of {RUNS} runs in turns, answerers that say \"clean\" at once"
    );
    println!("                          verdictd   rspamd_proxy + clamav-milter");
    let mut is_faster = true;
    for (name, size, mails) in LOADS {
        let body = format!("{}\r\n", "0123456789abcdef".repeat(4)).repeat(size / 66);
        let letter = mail::text("a@post.example", "b@schule.example", "x", "b@post.example", &body);
        let (mut mine, mut other) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            mine.push(run(&ours, &letter, mails)?);
            other.push(run(&theirs, &letter, mails)?);
        }
        let (mine, other) = (median(mine), median(other));
        println!(
            "{name}, mails per second   {mine:8.0}   {other:8.0}   ({:.1} times)",
            mine / other
        );
        is_faster &= mine >= other;
    }
    let mut proxy = 0.0;
    for pid in rspamd.milter_pids() {
        proxy += pss(pid)?;
    }
    let verdictd_pid = verdictd.pid().ok_or_else(|| Failure::new("verdictd has ended"))?;
    println!(
        "memory (PSS, MB)         {:8.1}   {:8.1} + {:.1}",
        pss(verdictd_pid)?,
        proxy,
        pss(clamav.server.pid())?
    );
    Ok(is_faster)
}

/// So many mails through these milters, each after the other; mails per second.
fn run(milters: &[SocketAddr], letter: &[u8], mails: usize) -> Result<f64> {
    let began = Instant::now();
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            let envelope = Envelope::default();
            let mut clients = Vec::new();
            for milter in milters {
                let mut client = Client::connect(*milter)?;
                client.greet(&envelope)?;
                clients.push(client);
            }
            for _ in 0..mails / CLIENTS {
                for client in &mut clients {
                    let outcome = client.mail(&envelope, letter)?;
                    if !outcome.is_passed() {
                        return Err(Failure(format!("a clean mail was refused: {outcome:?}")));
                    }
                }
            }
            clients.into_iter().for_each(Client::quit);
            Ok(())
        };
        let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().map_err(|_| Failure::new("a client panicked"))??;
        }
        Ok(mails as f64 / began.elapsed().as_secs_f64())
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
