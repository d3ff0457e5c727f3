//! Attachment rules on generated mails, judged by mail-parser, which decodes before and after (rule B13).

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use common::{corpora, files, frozen, with_crlf};
use data_encoding::BASE64;
use listcore::list::{Allowed, Forbidden, Form};
use listcore::message::{Shape, Tree, lines};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::filter::Filter;
use listcore::rewrite::{Done, Edits, Unsendable, What};
use mail_parser::MessageParser;
use proptest::prelude::*;

fn filter(allowed: &[&str], forbidden: &[&str], form: Form) -> Filter {
    let mut frozen = frozen();
    frozen.settings.attachments_allowed = Allowed::read(allowed).expect("patterns");
    frozen.settings.attachments_forbidden = Forbidden::read(forbidden).expect("patterns");
    frozen.settings.form = form;
    Filter::of(&frozen, &"de".into()).expect("rules")
}

/// Forbids what [`file`] makes with `bad`, whatever it is called.
static RULES: LazyLock<Filter> =
    LazyLock::new(|| filter(&["any"], &["exe", "program", "image/gif"], Form::Any));

/// What a mail is made of.
#[derive(Clone, Debug)]
enum Entity {
    Text(String),
    File { bad: Option<Bad>, base64: bool, octets: Vec<u8> },
    Multi { kind: &'static str, parts: Vec<Entity>, open: bool },
    Mail(Box<Entity>),
}

/// How a forbidden file shows itself.
#[derive(Copy, Clone, Debug)]
enum Bad {
    Name,
    Kind,
    Content,
    /// What it is, is in another mail.
    Piece,
}

impl Entity {
    /// With its header; `number` counts files, so that each says which it is.
    fn write(&self, number: &mut usize) -> String {
        *number += 1;
        let me = *number;
        match self {
            Entity::Text(text) => {
                format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}")
            }
            Entity::File { bad, base64, octets } => file(me, *bad, *base64, octets),
            Entity::Multi { kind, parts, open } => {
                let boundary = format!("=_b{me}");
                let mut out =
                    format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n");
                for part in parts {
                    let _ = write!(out, "--{boundary}\r\n{}\r\n", part.write(number));
                }
                if !open {
                    let _ = write!(out, "--{boundary}--\r\n");
                }
                out
            }
            Entity::Mail(inner) => format!(
                "Content-Type: message/rfc822\r\n\r\nSubject: weiter\r\nMIME-Version: 1.0\r\n{}",
                inner.write(number)
            ),
        }
    }

    fn is_tainted(&self) -> bool {
        match self {
            Entity::Text(_) => false,
            Entity::File { bad, .. } => bad.is_some(),
            Entity::Multi { parts, .. } => parts.iter().any(Entity::is_tainted),
            Entity::Mail(inner) => inner.is_tainted(),
        }
    }

    /// Files that must be there afterwards: those of a mail inside only where nothing in it is forbidden.
    fn kept(&self, number: &mut usize, out: &mut Vec<usize>) {
        *number += 1;
        match self {
            Entity::Text(_) => {}
            Entity::File { bad: None, .. } => out.push(*number),
            Entity::File { .. } => {}
            Entity::Multi { parts, .. } => parts.iter().for_each(|part| part.kept(number, out)),
            Entity::Mail(inner) => {
                let mut own = Vec::new();
                inner.kept(number, &mut own);
                out.extend(own.into_iter().filter(|_| !inner.is_tainted()));
            }
        }
    }
}

fn file(number: usize, bad: Option<Bad>, base64: bool, octets: &[u8]) -> String {
    let mark = if bad.is_some() { "VERBOTEN" } else { "ERLAUBT" };
    let start: &[u8] = if matches!(bad, Some(Bad::Content)) { b"GIF89a" } else { b"" };
    let content = [start, mark.as_bytes(), format!("-{number};").as_bytes(), octets].concat();
    let (name, kind) = match bad {
        Some(Bad::Name) => ("Plan.pdf.exe", "application/pdf"),
        Some(Bad::Kind) => ("Plan.pdf", "image/gif"),
        Some(Bad::Piece) => ("Plan.pdf", "message/partial"),
        Some(Bad::Content) | None => ("Plan.pdf", "application/octet-stream"),
    };
    let head = format!(
        "Content-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: "
    );
    match base64 {
        true => format!("{head}base64\r\n\r\n{}", BASE64.encode(&content)),
        // Without the octets, which may be any.
        false => format!(
            "{head}7bit\r\n\r\n{mark}-{number};{}",
            if start.is_empty() { "" } else { "GIF89a" }
        ),
    }
}

fn entity() -> impl Strategy<Value = Entity> {
    let bad = prop_oneof![
        3 => Just(None),
        1 => prop::sample::select(vec![Bad::Name, Bad::Kind, Bad::Piece]).prop_map(Some),
    ];
    let leaf = prop_oneof![
        2 => "[a-zäöü .]{0,60}(\r\n[a-z ]{1,40}){0,3}".prop_map(Entity::Text),
        3 => (bad, any::<bool>(), prop::collection::vec(any::<u8>(), 0..80))
            .prop_map(|(bad, base64, octets)| Entity::File { bad, base64, octets }),
        1 => prop::collection::vec(any::<u8>(), 0..80)
            .prop_map(|octets| Entity::File { bad: Some(Bad::Content), base64: true, octets }),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let kinds = prop::sample::select(vec!["mixed", "alternative", "related", "x-odd"]);
        prop_oneof![
            4 => (kinds, prop::collection::vec(inner.clone(), 1..4), prop::bool::weighted(0.1))
                .prop_map(|(kind, parts, open)| Entity::Multi { kind, parts, open }),
            1 => inner.prop_map(|inner| Entity::Mail(Box::new(inner))),
        ]
    })
}

/// What every part decodes to, those of mails inside as well.
fn contents(raw: &[u8]) -> Vec<Vec<u8>> {
    let mail = MessageParser::default().parse(raw).expect("a mail");
    let mut out = Vec::new();
    for part in (0..1_000).map_while(|i| mail.part(i)) {
        let content = part.decoded().into_owned();
        match content.starts_with(b"Subject: weiter") {
            true => out.extend(contents(&content)),
            // A multipart is more than one content.
            false if has(&content, "Content-Type: ") => {}
            false => out.push(content),
        }
    }
    out
}

fn has(content: &[u8], mark: &str) -> bool {
    content.windows(mark.len()).any(|window| window == mark.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// B13, B10: nothing forbidden is left, all else decodes to what it was, and what comes out is a mail.
    #[test]
    fn only_what_is_forbidden_goes(entity in entity()) {
        let raw = format!("From: a@gmx.example\r\nMIME-Version: 1.0\r\n{}\r\n", entity.write(&mut 0));
        let raw = raw.as_bytes();
        let tree = Tree::parse(raw).expect("a tree");
        let wishes = Wishes { filter: Some(&RULES), ..Wishes::default() };
        let edits = body::edits(raw, &tree, &wishes).expect("nothing is sealed");
        let out = edits.apply(raw);
        let (before, after) = (contents(raw), contents(&out));
        let shows = |all: &[Vec<u8>]| all.iter().any(|content| has(content, "VERBOTEN"));
        prop_assert_eq!(shows(&before), entity.is_tainted());
        prop_assert!(!shows(&after), "{}", String::from_utf8_lossy(&out));
        prop_assert_eq!(edits.is_empty(), !entity.is_tainted());

        let mut kept = Vec::new();
        entity.kept(&mut 0, &mut kept);
        for number in kept {
            let mark = format!("ERLAUBT-{number};");
            let of = |all: &[Vec<u8>]| -> Vec<Vec<u8>> {
                all.iter().filter(|content| has(content, &mark)).cloned().collect()
            };
            prop_assert_eq!(of(&after), of(&before), "{}", mark);
        }

        let again = Tree::parse(&out).expect("a tree");
        for (index, part) in again.parts.iter().enumerate() {
            let empty = part.shape == Shape::Multipart && again.children(index).next().is_none();
            prop_assert!(!empty, "part {} is empty", part.section);
        }
        let found = lines(&out);
        prop_assert!(found.longest <= 998 && !found.bare && out.ends_with(b"\r\n"));
        prop_assert_eq!(body::edits(&out, &again, &wishes), Ok(Edits::default()), "once is enough");
    }
}

/// Beside many mails lies what other programs should make of them, with the header fields of all their parts.
fn is_mail(path: &Path) -> bool {
    let others = ["out", "xml", "json", "ref", "hdr", "body", "mbox", "jcal", "md", "msgh"];
    !path.extension().is_some_and(|ending| others.iter().any(|other| ending == *other))
}

/// What became of the corpora's mails.
#[derive(Debug, Default)]
struct Count {
    mails: usize,
    changed: usize,
    removed: usize,
    converted: usize,
    sealed: usize,
    odd: usize,
}

/// B13: the corpora through usual rules, and how many parts that concerns.
#[test]
fn corpora_and_usual_rules() {
    let Some(root) = corpora() else { return };
    let mut paths = Vec::new();
    for folder in ["mime", "bounces", "dkim-arc"] {
        files(&root.join(folder), &mut paths);
    }
    paths.retain(|path| is_mail(path));
    let usual = ["program", "script", "office-macro", "archive"];
    for (name, filter) in [
        ("usual rules", filter(&["any"], &usual, Form::Any)),
        ("pictures and PDF only", filter(&["image/*", "pdf"], &["nothing"], Form::Any)),
        ("text", filter(&["any"], &["nothing"], Form::Text)),
        ("html", filter(&["any"], &["nothing"], Form::Html)),
    ] {
        let mut count = Count::default();
        for path in &paths {
            let raw = with_crlf(&std::fs::read(path).expect("a readable file"));
            let Ok(tree) = Tree::parse(&raw) else { continue };
            count.mails += 1;
            let wishes = Wishes { filter: Some(&filter), ..Wishes::default() };
            match body::edits(&raw, &tree, &wishes) {
                Ok(edits) => count.add(&edits),
                Err(Unsendable::AttachmentSigned(_)) => count.sealed += 1,
                Err(_) => count.odd += 1,
            }
        }
        println!("{name}: {count:?}");
        assert!(count.mails > 1_000 && count.removed + count.converted > 20, "{name}: {count:?}");
        assert!(count.odd * 100 < count.mails, "{name}: {count:?}");
    }
}

impl Count {
    fn add(&mut self, edits: &Edits) {
        let done = |wanted: fn(&Done) -> bool| {
            let is = |what: &What| matches!(what, What::Part { done, .. } if wanted(done));
            edits.iter().filter(|edit| is(&edit.what)).count()
        };
        let removed = done(|done| matches!(done, Done::Removed(_)));
        let converted = done(|done| *done == Done::Converted);
        self.changed += usize::from(removed + converted > 0);
        self.removed += removed;
        self.converted += converted;
    }
}
