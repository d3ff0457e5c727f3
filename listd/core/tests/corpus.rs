//! Real and hostile mails of other projects, each through everything that `listcore` does to a mail.
//!
//! The corpora are not part of this repository: `VERTEILER_CORPORA` names their directory, else `shared/corpora`
//! beside the workspace is looked for. Where they are absent, that is said aloud.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

mod common;

use std::collections::BTreeMap;

use common::{corpora, files, frozen, with_crlf};
use listcore::address::Address;
use listcore::bounce;
use listcore::list::AuthorAddress;
use listcore::message::{Lines, Mail, Malformed, auth_results, automatic, lines, split};
use listcore::rewrite::{BodyOf, Hidden, Ours, Unsendable, copy_head, to_seven_bit, wrap_lines};

/// Names of the fields of a head, lower-case, in order.
fn names(head: &[u8]) -> Vec<String> {
    let fields = listcore::message::fields::fields(head);
    fields.iter().map(|f| String::from_utf8_lossy(f.name(head)).to_ascii_lowercase()).collect()
}

/// Checks one mail; the reason where no copy of it can be made.
fn check(raw: &[u8], ids: &[String]) -> Result<(), Malformed> {
    let ours = Ours {
        signs_for: &|d| d == "schule.example",
        authserv_ids: ids,
        body: BodyOf::Original,
        utf8: true,
    };
    let _ = bounce::read(raw).summary();
    let mail = Mail::parse(raw)?;
    let _ = (automatic(&mail, false), auth_results(&mail, ids));
    assert_eq!(mail.head_len(), split(raw));
    let body = &raw[mail.head_len()..];
    for changed in [wrap_lines(raw), to_seven_bit(raw)] {
        match changed {
            Ok(None) => {}
            Ok(Some(new)) => assert!(lines(&new[split(&new)..]).longest <= 998),
            Err(
                Unsendable::LongLineSigned | Unsendable::EightBitSigned | Unsendable::BadStructure,
            ) => {}
            Err(other) => panic!("{other}"),
        }
    }
    if lines(body).longest <= 998 {
        assert_eq!(wrap_lines(raw), Ok(None), "the body stays byte for byte");
    }
    let head = match copy_head(&raw[..mail.head_len()], &frozen(), &ours) {
        Ok(head) => head,
        Err(Unsendable::Malformed(why)) => {
            assert_eq!(mail.malformed(), Some(why.clone()));
            return Err(why);
        }
        Err(other) => panic!("{other}"),
    };
    let found = lines(&head.bytes);
    assert_eq!(
        found,
        Lines { longest: found.longest, eight_bit: head.needs_utf8, bare: false, nul: false }
    );
    assert!(found.longest <= 998 && head.bytes.ends_with(b"\r\n"));
    assert_eq!(
        split(&head.bytes),
        head.bytes.len(),
        "no empty line, so nothing of the head falls into the body"
    );
    let names = names(&head.bytes);
    assert_eq!(names[0], "received");
    for once in
        ["from", "message-id", "date", "list-id", "list-post", "list-unsubscribe", "precedence"]
    {
        assert_eq!(names.iter().filter(|n| *n == once).count(), 1, "{once}");
    }
    for gone in ["bcc", "return-path", "disposition-notification-to", "x-spam-status", ""] {
        assert!(!names.iter().any(|n| n == gone), "{gone}");
    }
    assert_eq!(names.iter().filter(|n| *n == "received").count(), mail.received + 1, "T1");
    let again = Mail::parse(&head.bytes).expect("our own head");
    let subject = again.text("Subject").unwrap_or_default();
    assert!(subject.starts_with("[5b]"), "S1: {subject}");
    assert_eq!(
        (again.malformed(), again.author().map(|a| a.address.clone())),
        (None, Some(head.from))
    );
    let author = &mail.author().expect("an author").address;
    let reachable = again
        .reply_to
        .iter()
        .chain(&again.to)
        .chain(&again.from)
        .any(|m| m.address.same_as(author));
    assert!(reachable, "F6: the author can be answered");
    Ok(())
}

/// X3, X6, B11, T1, T6, F6 and promise 9 over every corpus mail: no panic, valid heads, bodies untouched.
#[test]
fn corpus_mails_pass() {
    let Some(root) = corpora() else { return };
    let ids = ["mx.schule.example".to_owned()];
    let mut all = Vec::new();
    for part in ["mime", "dkim-arc", "bounces"] {
        files(&root.join(part), &mut all);
    }
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut copies = 0;
    for path in all {
        let raw = std::fs::read(&path).expect("a readable file");
        if raw.len() > 4_000_000 {
            continue;
        }
        println!("{}", path.display());
        match check(&with_crlf(&raw), &ids) {
            Ok(()) => copies += 1,
            Err(why) => *refused.entry(why.to_string()).or_default() += 1,
        }
    }
    println!("{copies} copies, refused: {refused:?}");
    assert!(copies > 500, "{copies} copies of the corpora, refused: {refused:?}");
}

/// True where an address stands in a header, to a reader who decodes what mail-parser decodes.
fn shows(head: &[u8], address: &Address) -> bool {
    let parsed = mail_parser::MessageParser::default().parse(head).expect("a mail");
    let decoded = format!("{:?}", parsed.headers());
    let raw = String::from_utf8_lossy(head).replace("\r\n", "");
    let text = format!("{raw}\n{decoded}").to_lowercase();
    let text = text.replace("%40", "@").replace("=40", "@").replace(['"', '\\'], " ");
    let before = |at: usize| text[..at].chars().next_back().unwrap_or(' ');
    let behind = |at: usize| text[at..].chars().next().unwrap_or(' ');
    text.match_indices(&address.to_string().to_lowercase()).any(|(at, found)| {
        let begins = !before(at).is_alphanumeric() && !"-_.+".contains(before(at));
        begins
            && !behind(at + found.len()).is_alphanumeric()
            && !"-.".contains(behind(at + found.len()))
    })
}

/// GD3, F6 over every corpus mail: what its author hides stands in no header of a copy, and the copy is surgery.
#[test]
fn corpus_authors_stay_hidden() {
    let Some(root) = corpora() else { return };
    let mut all = Vec::new();
    for part in ["mime", "dkim-arc", "bounces", "ics", "tnef"] {
        files(&root.join(part), &mut all);
    }
    let ours = Ours {
        signs_for: &|_| true,
        authserv_ids: &[],
        body: listcore::rewrite::BodyOf::Original,
        utf8: true,
    };
    let (mut planted, mut hidden, mut refused) = (0, 0, Vec::new());
    for path in all {
        let raw = with_crlf(&std::fs::read(&path).expect("a readable file"));
        let Ok(mail) = Mail::parse(&raw) else { continue };
        let (None, Some(author)) = (mail.malformed(), mail.author()) else { continue };
        let mut frozen = frozen();
        frozen.settings.author_address = AuthorAddress::Hidden;
        frozen.hidden = Some(Hidden {
            relay: Address::parse("klasse-5b-author+abc@schule.example").expect("an address"),
            name: author.name.clone(),
            addresses: vec![author.address.clone()],
            answers: None,
            ids: Vec::new(),
        });
        match copy_head(&mail.head, &frozen, &ours) {
            Ok(head) => {
                assert!(!shows(&head.bytes, &author.address), "{}", path.display());
                let mut copy = head.edits.apply(&mail.head);
                copy.truncate(copy.len() - 2);
                assert!(copy == head.bytes, "{}", path.display());
                planted += usize::from(shows(&mail.head, &author.address));
                hidden += 1;
            }
            Err(Unsendable::AddressShown(field)) => refused.push((field, path)),
            Err(other) => panic!("{}: {other}", path.display()),
        }
    }
    println!(
        "{hidden} copies without their author's address ({planted} mails had it), {} refused: {refused:?}",
        refused.len()
    );
    assert!(hidden > 400 && planted > 300 && refused.len() < 10);
}
