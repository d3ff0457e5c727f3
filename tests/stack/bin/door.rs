//! `./x bench door`: what a question at RCPT costs `listd`, and what Exim's ways to it cost the sender.
//!
//! docs/performance.md says how to read the figures. Every reply is checked: a figure of something else is none.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use stack::smtp::{As, Client, Reply};
use stack::{Result, Stack, dkim, exit_code, mail, school};

/// Callouts of each kind, and questions on a connection that stays open.
const CALLOUTS: usize = 1_000;
const QUESTIONS: usize = 10_000;
/// Mails by each way.
const MAILS: usize = 40;

fn main() -> ExitCode {
    exit_code(bench())
}

fn bench() -> Result<()> {
    let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("{kind} build; load {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let mut stack = Stack::builder().unwatched().start()?;
    println!("callouts: a connection each, EHLO, MAIL, RCPT, QUIT; {CALLOUTS} of each");
    for (what, to, code) in [
        ("a list", school::CLASS_5B, 250),
        ("no such list", "klasse-9z@schule.example", 550),
        ("a closed one", "ausflug-2024@schule.example", 550),
    ] {
        callouts(&stack, what, to, code)?;
    }
    questions(&stack)?;
    println!("mails through Exim: from the end of data to the reply; {MAILS} of each");
    let (member, stranger) = (school::JOERG.1, school::STRANGER.1);
    mails(&stack, "passed through, accepted", member, 250)?;
    mails(&stack, "passed through, refused", stranger, 550)?;
    stack.exim.restart_changed(|plain| plain.replace("control = cutthrough_delivery", "#"))?;
    mails(&stack, "queued, accepted", member, 250)?;
    // Exim takes it, hears no, and writes a bounce.
    mails(&stack, "queued, refused later", stranger, 250)
}

fn callouts(stack: &Stack, what: &str, to: &str, code: u16) -> Result<()> {
    let before = stack.listd.cpu_seconds()?;
    let mut took = Vec::with_capacity(CALLOUTS);
    for _ in 0..CALLOUTS {
        let begun = Instant::now();
        let mut client = Client::open(stack.listd.smtp(), &As::Local)?;
        client.say("MAIL FROM:<joerg.schaefer@post.example>")?.expect(250)?;
        client.say(&format!("RCPT TO:<{to}>"))?.expect(code)?;
        client.quit();
        took.push(begun.elapsed());
    }
    let cpu = (stack.listd.cpu_seconds()? - before) * 1e6 / CALLOUTS as f64;
    println!("  {what:<28} {:>6.0} us, of it {cpu:.0} us of listd's processor", micros(&mut took));
    Ok(())
}

/// What RCPT alone costs: as a transaction on a connection that stays open, MAIL and RSET included.
fn questions(stack: &Stack) -> Result<()> {
    let mut client = Client::open(stack.listd.smtp(), &As::Local)?;
    let before = stack.listd.cpu_seconds()?;
    let all = format!("MAIL FROM:<a@b.example>\r\nRCPT TO:<{}>\r\nRSET\r\n", school::CLASS_5B);
    let begun = Instant::now();
    for _ in 0..QUESTIONS {
        client.write(all.as_bytes())?;
        for _ in 0..3 {
            client.reply()?.expect(250)?;
        }
    }
    let each = begun.elapsed().as_secs_f64() * 1e6 / QUESTIONS as f64;
    let cpu = (stack.listd.cpu_seconds()? - before) * 1e6 / QUESTIONS as f64;
    println!(
        "  on an open connection        {each:>6.0} us, of it {cpu:.0} us of listd's processor"
    );
    Ok(())
}

fn mails(stack: &Stack, what: &str, from: &str, code: u16) -> Result<()> {
    let mut took = Vec::with_capacity(MAILS);
    for number in 0..MAILS {
        let id = format!("{number}.{}@post.example", what.replace([' ', ','], "-"));
        let letter = mail::text(from, school::CLASS_5B, "Messung", &id, "Liebe Eltern");
        let letter = dkim::sign_as_provider(&letter)?;
        let mut client = Client::open(stack.exim.mx(), &As::Outside(school::PROVIDER_IP))?;
        client.say(&format!("MAIL FROM:<{from}>"))?.expect(250)?;
        client.say(&format!("RCPT TO:<{}>", school::CLASS_5B))?.expect(250)?;
        let begun = Instant::now();
        let reply: Reply = client.data(&letter)?;
        took.push(begun.elapsed());
        reply.expect(code)?;
        client.quit();
    }
    println!("  {what:<28} {:>6.1} ms", micros(&mut took) / 1_000.0);
    Ok(())
}

/// The median.
fn micros(took: &mut [Duration]) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).map_or(0.0, |median| median.as_secs_f64() * 1e6)
}
