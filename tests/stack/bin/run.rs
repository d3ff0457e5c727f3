//! `./x run`: a sample school on this machine, one class mail through it, and then it is yours to play with.
//!
//! It shows what it claims: three parents' mailboxes are read over IMAP, the signatures are checked by dkimpy, and one
//! of the parents unsubscribes with one click.
//! With `--once` it ends after that: exit 0, or 1 with the reason.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use stack::claim::Port;
use stack::clamd::{eicar, zip};
use stack::listd::program;
use stack::rspamd::GTUBE;
use stack::smtp::{As, send};
use stack::{Failure, Result, Stack, dkim, http, mail, school};

const ID: &str = "ausflug-1@post.example";
const BODY: &str = "Liebe Eltern,\n\nam Freitag fährt die 5b nach Köln. Wer kann Äpfel mitbringen?\n\nJörg Schäfer";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let once = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--once"] => true,
        _ => {
            eprintln!("usage: run [--once]");
            return ExitCode::from(2);
        }
    };
    match tour(once) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("\nfailed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn tour(once: bool) -> Result<()> {
    println!(
        "Starting unbound, slapd, Dovecot, Exim, rspamd, clamd, verdictd and listd with the sample school ..."
    );
    let begun = Instant::now();
    let pages = Port::claim()?;
    let url = format!("http://{}", pages.address());
    let web = format!("\n[web]\nlisten = \"{}\"\npublic_url = \"{url}\"\n", pages.address());
    let builder = Stack::builder().scanned().unwatched().settings(|s| s.more.push_str(&web));
    let mut stack = builder.start()?;
    println!("  ready after {:.1} s in {}", begun.elapsed().as_secs_f64(), stack.dir().display());
    let done =
        class_mail(&stack).and_then(|()| verdicts(&stack)).and_then(|()| quiet(&stack, &pages));
    if let Err(Failure(why)) = done {
        eprintln!("---- what listd said\n{}", stack.listd.output());
        eprintln!("---- what Exim said\n{}", stack.exim.log());
        return Err(Failure(why));
    }
    if once {
        println!("\nAll of that was seen.");
        return Ok(());
    }
    explain(&stack, &url)?;
    // Ctrl-C ends this program by the signal itself; the servers end with it, and x removes the temp dir.
    while stack.listd.is_running() {
        std::thread::park_timeout(Duration::from_secs(1));
    }
    Err(Failure(format!("listd has ended:\n{}", stack.listd.output())))
}

/// A parent's mail from her provider to her class, and what three other parents get.
fn class_mail(stack: &Stack) -> Result<()> {
    let (_, author) = school::JOERG;
    let letter = mail::text(
        &format!("=?utf-8?q?J=C3=B6rg_Sch=C3=A4fer?= <{author}>"),
        school::CLASS_5B,
        "Ausflug am Freitag",
        ID,
        BODY,
    );
    let letter = dkim::sign_as_provider(&letter)?;
    println!("\n{author} writes to {} (DKIM and SPF of post.example) ...", school::CLASS_5B);
    let begun = Instant::now();
    let outside = As::Outside(school::PROVIDER_IP);
    let reply =
        send(stack.exim.mx(), &outside, author, &[school::CLASS_5B], &letter)?.expect(250)?;
    println!("  Exim: {reply}");

    let mut shown = Vec::new();
    for (login, _) in [school::AYSE, school::MARIA, school::ZOE] {
        let copy = stack.dovecot.wait_for(login, ID)?;
        let seconds = begun.elapsed().as_secs_f64();
        let signatures = dkim::check_school(&copy)?;
        let names: Vec<String> = signatures
            .iter()
            .filter(|s| s.domain == "schule.example")
            .map(|s| format!("{} {}", s.algorithm, if s.ok { "ok" } else { "BROKEN" }))
            .collect();
        println!("  {login:<16} has it after {seconds:.2} s; dkimpy says: {}", names.join(", "));
        if mail::split(&copy).1 != mail::split(&letter).1 {
            return Err(Failure(format!("the body that {login} got is not the one that was sent")));
        }
        shown = copy;
    }
    println!("\nThe header that {} sees:\n", school::ZOE.0);
    for line in String::from_utf8_lossy(mail::split(&shown).0).lines().filter(|l| !l.is_empty()) {
        println!("  {line}");
    }
    println!("\nlistctl trace {ID}\n");
    print!("{}", indented(&stack.listd.listctl(&["trace", ID])?));
    Ok(())
}

/// Three more mails to the class: a clean one, spam, and a virus in an archive.
fn verdicts(stack: &Stack) -> Result<()> {
    let (_, author) = school::AYSE;
    let text = |id: &str, body: &str| mail::text(author, school::CLASS_5B, "Fotos", id, body);
    let archive = zip(&[("foto.com", &eicar())])?;
    let virus = "virus-1@post.example";
    let cases = [
        ("a clean mail", text("clean-1@post.example", "Bis morgen!"), 250),
        ("rspamd's test line for spam (GTUBE)", text("spam-1@post.example", GTUBE), 550),
        (
            "a virus (EICAR's test file) in a zip",
            mail::with_file("Fotos", virus, "fotos.zip", &archive),
            550,
        ),
    ];
    println!(
        "\n{author} writes to {} again; listd asks verdictd, that asks rspamd and clamd:\n",
        school::CLASS_5B
    );
    for (what, letter, expect) in cases {
        let reply = stack.post(author, &[school::CLASS_5B], &letter)?.expect(expect)?;
        println!("  {what}\n      {reply}");
    }
    println!("\nlistctl trace {virus}\n");
    print!("{}", indented(&stack.listd.listctl(&["trace", virus])?));
    Ok(())
}

/// One of the parents wants no more mail: her provider's button, and what everybody sees of it.
fn quiet(stack: &Stack, pages: &Port) -> Result<()> {
    let (login, address) = school::ZOE;
    let copy = stack.dovecot.wait_for(login, ID)?;
    let url = format!("http://{}", pages.address());
    let path = mail::own_path(&copy, &url).ok_or_else(|| {
        Failure(format!("no link of ours: {}", mail::header(&copy, "List-Unsubscribe")))
    })?;
    println!("\n{address} clicks on \"unsubscribe\" in her mail program, which posts to\n");
    println!("  {url}{path}\n");
    let (status, _) = http::post(pages.address(), &path, "List-Unsubscribe=One-Click")?;
    if status != 200 {
        return Err(Failure(format!("the page answered {status}")));
    }
    let members = ["list", "members", school::CLASS_5B];
    println!("listctl {}\n", members.join(" "));
    let shown = stack.listd.listctl(&members)?;
    let without = shown.split_once("\n\n").map_or(shown.as_str(), |(_, without)| without);
    print!("{}", indented(without));
    if !shown.contains("unsubscribed from this list") {
        return Err(Failure(format!("nobody is unsubscribed:\n{shown}")));
    }
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// How to go on by hand.
fn explain(stack: &Stack, pages: &str) -> Result<()> {
    let listctl = program("listctl")?;
    let (login, address) = school::JOERG;
    let people = [school::JOERG, school::AYSE, school::MARIA, school::ZOE, school::TEACHER];
    let logins: String =
        people.iter().map(|(login, mail)| format!("    {login:<16} {mail}\n")).collect();
    println!(
        "
The school is yours. Every password is \"{password}\".

Mail program: SMTP {smtp} and IMAP {imap}, no TLS, with one of these logins:
{logins}
Or by hand:
  swaks --server {smtp} --auth PLAIN --auth-user {login} --auth-password {password} \\
    --from {address} --to {list} --header 'Subject: Hallo'

Pages for parents (each copy's List-Unsubscribe has her own link):
  {pages}/list/{list}

Ask listd:
  alias listctl='{listctl} --socket {socket}'
  listctl status
  listctl lists
  listctl list members {list}
  listctl trace MESSAGE-ID

Change the school, and it counts within a second:
  ldapmodify -x -H {ldap} -D {root} -w {root_password}

Ask verdictd: any milter client at {milter}, e.g. Postfix with smtpd_milters = inet:{milter}

Logs and configurations: {dir}
Ctrl-C ends it all.",
        password = school::PASSWORD,
        smtp = stack.exim.submission(),
        imap = stack.dovecot.imap(),
        list = school::CLASS_5B,
        listctl = listctl.display(),
        socket = stack.listd.control().display(),
        ldap = stack.ldap.url(),
        root = school::ROOT_DN,
        root_password = school::ROOT_PASSWORD,
        milter =
            stack.verdicts.as_ref().map(|v| v.verdictd.milter().to_string()).unwrap_or_default(),
        dir = stack.dir().display(),
    );
    Ok(())
}
