//! `listctl simulate`: a mail from standard input, the daemon's answer, and the copies as files.

use std::io::Read;
use std::path::Path;

use data_encoding::BASE64;
use listcore::api::{Decisive, Person, SimulatedCopy, Simulation, path};
use listcore::list::settings::{Key, Source};
use listcore::time::Timestamp;

use crate::ask::Ask;
use crate::fail::{Done, Fail};
use crate::show::protected_line;
use crate::show::table::{Rows, visible};
use crate::time;

/// Largest mail that is read (octets); the daemon has its own limit.
const MAIL: u64 = 128 * 1024 * 1024;

pub async fn run(ask: &Ask, list: &str, out: Option<&Path>, diff: bool, as_verified: bool) -> Done {
    let mut mail = Vec::new();
    let read = std::io::stdin().lock().take(MAIL).read_to_end(&mut mail);
    read.map_err(|e| Fail::cannot("read the mail from standard input", &e))?;
    if mail.is_empty() {
        return Err(Fail::broken(
            "there is no mail on standard input",
            format!("Try: listctl simulate {list} < mail.eml"),
        ));
    }
    let word = |flag: bool| if flag { "true" } else { "false" };
    let args = [
        ("list", list),
        ("copies", word(out.is_some())),
        ("diff", word(diff)),
        ("as_verified", word(as_verified)),
    ];
    let simulation: Simulation = ask.client.send(path::SIMULATE, &args, on_the_wire(mail)).await?;
    if let Some(folder) = out {
        write(folder, &simulation)?;
    }
    ask.print(&simulation, |simulation| human(simulation, out))?;
    if simulation.accepted { Ok(()) } else { Err(Fail::said()) }
}

/// A file as a unix editor leaves it, with LF alone, gets the line ends it would have in transit. One with any
/// CRLF stays as it is: what is odd in it is what is to be tried.
fn on_the_wire(mail: Vec<u8>) -> Vec<u8> {
    if mail.contains(&b'\r') {
        return mail;
    }
    let mut wire = Vec::with_capacity(mail.len() + mail.len() / 32);
    for line in mail.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => wire.extend_from_slice(&[text, b"\r\n"].concat()),
            None => wire.extend_from_slice(line),
        }
    }
    wire
}

/// Writes `1.eml`, `2.eml`, ... into `folder`.
fn write(folder: &Path, simulation: &Simulation) -> Done {
    let at = || folder.display().to_string();
    std::fs::create_dir_all(folder).map_err(|e| Fail::cannot(&format!("make {}", at()), &e))?;
    for (n, copy) in simulation.copies.iter().enumerate() {
        let mail = BASE64.decode(copy.mail.as_bytes());
        let mail = mail.map_err(|e| Fail::cannot("read a copy in listd's answer", &e))?;
        let file = folder.join(format!("{}.eml", n + 1));
        let written = std::fs::write(&file, mail);
        written.map_err(|e| Fail::cannot(&format!("write {}", file.display()), &e))?;
    }
    Ok(())
}

fn human(simulation: &Simulation, out: Option<&Path>) -> String {
    let mut facts = Rows::facts();
    let verdict = match simulation.reply.get(..9) {
        _ if simulation.accepted => "it would go out",
        // What is only thrown away has the status 2.6.0.
        Some("250 2.0.0") => "it would wait for somebody's word",
        _ => "it would not go out",
    };
    facts.fact("list", &simulation.list);
    facts.fact("verdict", verdict);
    facts.fact("decided by", &simulation.rule);
    if let Some(reason) = &simulation.waits {
        facts.fact("waits", reason);
    }
    if !simulation.accepted {
        facts.fact("setting", setting(simulation.setting.as_ref()));
    }
    facts.fact("reply", &simulation.reply);
    facts.fact("author", &simulation.author);
    if !simulation.scan.is_empty() && simulation.scan != "not_asked" {
        facts.fact("filter", &simulation.scan);
    }
    for note in &simulation.notes {
        facts.fact("note", note);
    }
    let mut text = facts.text();
    if !simulation.accepted {
        return text;
    }
    let all = simulation.recipients.len() + simulation.recipients_protected;
    text.push_str(&format!("\nTo {all}:\n"));
    for Person { address, .. } in &simulation.recipients {
        text.push_str(&visible(address));
        text.push('\n');
    }
    text.push_str(&protected_line(simulation.recipients_protected));
    for skipped in &simulation.skipped {
        let line = format!("not to {}: {}", skipped.what, skipped.why);
        text.push_str(&visible(&line));
        text.push('\n');
    }
    if simulation.skipped_protected > 0 {
        text.push_str(&format!("not to {}", protected_line(simulation.skipped_protected)));
    }
    for copy in &simulation.copies {
        let Some(changes) = &copy.changes else { continue };
        text.push_str(&format!("\nChanged in the copy for {} ({}):\n", who(copy), copy.language));
        let lines = changes.diff.lines().map(|line| format!("{}\n", visible(line)));
        text.extend(lines);
    }
    if let Some(folder) = out {
        let written = simulation.copies.len();
        text.push_str(&format!("\n{written} copies are in {}", folder.display()));
        text.push_str(&match simulation.copies_left_out {
            0 => "\n".to_owned(),
            n => format!("; {n} more differ in the recipient only\n"),
        });
    }
    text
}

/// What an admin would have to change for another decision.
fn setting(decisive: Option<&Decisive>) -> String {
    let Some(Decisive { key, value, source }) = decisive else {
        return "none, whatever is set".to_owned();
    };
    let value = match (key, value.parse()) {
        (Key::Expires, Ok(ms)) => time::at(Timestamp(ms)),
        _ => value.clone(),
    };
    let source = source.map_or("configuration", Source::as_str);
    format!("{} = {value} (from: {source})", key.name())
}

/// The recipients of a copy in a few words.
fn who(copy: &SimulatedCopy) -> String {
    match copy.to.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_decided_is_named_with_its_source() {
        let decisive = |key, value: &str| Decisive {
            key,
            value: value.to_owned(),
            source: Some(Source::Ldap),
        };
        let cases = [
            (None, "none, whatever is set"),
            (Some(decisive(Key::Moderation, "all")), "moderation = all (from: LDAP entry)"),
        ];
        for (given, shown) in cases {
            assert_eq!(setting(given.as_ref()), shown);
        }
        assert!(setting(Some(&decisive(Key::Expires, "1000"))).contains("1970"));
    }

    #[test]
    fn only_a_file_without_any_cr_gets_new_line_ends() {
        let cases: [(&[u8], &[u8]); 5] = [
            (b"A: b\n\nc\n", b"A: b\r\n\r\nc\r\n"),
            (b"A: b\n\nc", b"A: b\r\n\r\nc"),
            (b"A: b\r\n\r\nc\n", b"A: b\r\n\r\nc\n"),
            (b"A: b\rc\n", b"A: b\rc\n"),
            (b"", b""),
        ];
        for (file, wire) in cases {
            assert_eq!(on_the_wire(file.to_vec()), wire, "{file:?}");
        }
    }
}
