//! Surgery on whole mails: what no edit names stays, and every copy can be undone. Generated mails and the corpora.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

mod common;

use std::sync::LazyLock;

use common::{corpora, files, frozen, with_crlf};
use listcore::list::{Allowed, FooterSigned, FooterTexts, Forbidden, Form};
use listcore::message::{Mail, Tree, lines, split};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::filter::Filter;
use listcore::rewrite::footer::{self, Footer};
use listcore::rewrite::{
    BodyOf, Changes, Edits, Ours, Unsendable, copy_head, to_seven_bit, wrap_lines,
};
use proptest::prelude::*;

/// Attachment rules and a form.
fn filter(allowed: &[&str], forbidden: &[&str], max: u64, form: Form) -> Option<Filter> {
    let mut frozen = frozen();
    frozen.settings.attachments_allowed = Allowed::read(allowed).expect("patterns");
    frozen.settings.attachments_forbidden = Forbidden::read(forbidden).expect("patterns");
    frozen.settings.max_attachment = max;
    frozen.settings.form = form;
    Filter::of(&frozen, &"de".into())
}

static TEXT: LazyLock<Option<Filter>> =
    LazyLock::new(|| filter(&["any"], &["image/*", "zip", "program"], 30_000, Form::Text));

static HTML: LazyLock<Option<Filter>> =
    LazyLock::new(|| filter(&["pdf", "text/*", "jpg"], &["office-macro"], 0, Form::Html));

/// Every option, alone and together.
fn wishes() -> [Wishes<'static>; 9] {
    static FOOTER: LazyLock<Option<Footer>> = LazyLock::new(|| {
        let mut frozen = frozen();
        frozen.settings.footer = FooterTexts::read(&["standard"]).expect("a footer");
        footer::footer(&frozen, "de")
    });
    let plain = Wishes::default();
    let below = Wishes { footer: FOOTER.as_ref(), ..plain };
    let around = Wishes { footer_signed: FooterSigned::Wrap, ..below };
    let seven = |wishes| Wishes { seven_bit: true, ..wishes };
    let through = |filter: &'static LazyLock<Option<Filter>>| filter.as_ref();
    let text = Wishes { filter: through(&TEXT), ..plain };
    let html = Wishes { filter: through(&HTML), ..plain };
    let html_below = Wishes { filter: through(&HTML), ..below };
    [plain, seven(plain), below, around, seven(around), text, seven(text), html, html_below]
}

/// What must hold of any edits: in order, disjoint, and between them each octet as it was.
fn are_surgery(original: &[u8], edits: &Edits, changed: &[u8]) {
    let (mut at, mut new_at) = (0, 0);
    for edit in edits {
        assert!(edit.old.start >= at && edit.old.end <= original.len());
        let untouched = edit.old.start - at;
        assert_eq!(original[at..edit.old.start], changed[new_at..new_at + untouched]);
        new_at += untouched;
        assert_eq!(changed[new_at..new_at + edit.new.len()], edit.new);
        (at, new_at) = (edit.old.end, new_at + edit.new.len());
    }
    assert_eq!(original[at..], changed[new_at..]);
}

/// Makes a copy with all of its changes, checks them, and gives their number; `None` where none can be made.
fn operate(raw: &[u8], wishes: &Wishes<'_>) -> Option<usize> {
    let tree = Tree::parse(raw).ok()?;
    let body = match body::edits(raw, &tree, wishes) {
        Ok(edits) => edits,
        Err(
            Unsendable::LongLineSigned
            | Unsendable::EightBitSigned
            | Unsendable::BadStructure
            | Unsendable::AttachmentSigned(_)
            | Unsendable::PasswordSigned,
        ) => {
            return None;
        }
        Err(other) => panic!("{other}"),
    };
    let middle = body.apply(raw);
    are_surgery(raw, &body, &middle);
    // What was in the way of a part around the mail may be gone then; and an HTML part that was blank has a footer.
    let around = wishes.footer_signed == FooterSigned::Wrap;
    let grows = around || (wishes.footer.is_some() && wishes.filter.is_some());
    if !body.is_empty() && !grows {
        let again = Tree::parse(&middle).expect("a mail of ours can be read");
        let edits = body::edits(&middle, &again, wishes).expect("it was sendable");
        let shown: Vec<_> =
            edits.iter().map(|e| (&e.what, String::from_utf8_lossy(&e.new))).collect();
        assert!(
            edits.is_empty(),
            "once is enough: {shown:?}\n{}",
            String::from_utf8_lossy(&middle)
        );
    }
    let mut changes = Changes::of(raw);
    changes.add(raw, &body);
    let ids = ["mx.schule.example".to_owned()];
    let ours = Ours {
        signs_for: &|d| d == "schule.example",
        authserv_ids: &ids,
        body: BodyOf::Original,
        utf8: true,
    };
    let head = copy_head(&middle[..split(&middle)], &frozen(), &ours).ok()?;
    let copy = head.edits.apply(&middle);
    are_surgery(&middle, &head.edits, &copy);
    changes.add(&middle, &head.edits);
    assert!(copy.starts_with(&head.bytes) && copy[head.bytes.len()..].starts_with(b"\r\n"));
    assert_eq!(copy[head.bytes.len() + 2..], middle[split(&middle)..]);
    assert_eq!(changes.undo(&copy).expect("its own copy"), raw, "the original comes back");
    let shown = changes.diff(&copy).expect("its own copy");
    assert!(shown.contains("+ Received: from mx by lists"));
    Some(body.iter().count() + head.edits.iter().count())
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{0,80}",
        2 => "[a-zäöüß€ ]{0,40}",
        1 => Just("-- ".to_owned()),
        1 => Just("=".to_owned()),
        1 => Just("--b1".to_owned()),
        1 => Just("-----BEGIN PGP MESSAGE-----".to_owned()),
        1 => "[a-z ]{1000,1400}",
        1 => "[a-zé]{700,900}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 0..5).prop_map(|lines| lines.join("\r\n"))
}

fn head() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just("Content-Type: text/plain; charset=utf-8".to_owned()),
        Just("Content-Type: text/html".to_owned()),
        Just("Content-Type: image/png; name=\"Bär.png\"".to_owned()),
        Just("Content-Type: application/pkcs7-mime".to_owned()),
        Just("Content-Transfer-Encoding: 8bit".to_owned()),
        Just("content-transfer-encoding: base64".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable".to_owned()),
        Just("Content-Disposition: attachment;\r\n\tfilename=\"ü.txt\"".to_owned()),
        Just("no field".to_owned()),
        "X-[A-Z]{1,4}: [ -~]{0,1200}",
    ];
    prop::collection::vec(field, 0..3).prop_map(|f| f.iter().map(|f| format!("{f}\r\n")).collect())
}

/// A part with its header: a leaf, or parts in parts, some of them sealed or torn.
fn entity() -> impl Strategy<Value = String> {
    let leaf = (head(), text()).prop_map(|(head, text)| format!("{head}\r\n{text}"));
    leaf.prop_recursive(4, 24, 4, |inner| {
        let kind = prop_oneof![
            4 => Just("mixed"), 2 => Just("alternative"), 1 => Just("signed"), 1 => Just("digest"),
        ];
        let parts = prop::collection::vec(inner.clone(), 0..4);
        let multi = (kind, 0..9u8, parts, text(), any::<bool>(), any::<bool>());
        prop_oneof![
            3 => multi.prop_map(|(kind, b, parts, filler, closed, eight)| {
                let eight = if eight { "Content-Transfer-Encoding: 8bit\r\n" } else { "" };
                let parts: String = parts.iter().map(|p| format!("--b{b}\r\n{p}\r\n")).collect();
                let close = if closed { format!("--b{b}--\r\n{filler}") } else { String::new() };
                format!("Content-Type: multipart/{kind}; boundary=b{b}\r\n{eight}\r\n{filler}\r\n{parts}{close}")
            }),
            1 => inner.prop_map(|mail| format!("Content-Type: message/rfc822\r\n\r\n{mail}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Promise 9, B10, B11, X3: any mail, with every option.
    #[test]
    fn generated_mails_are_operated_on(entity in entity(), cut in any::<prop::sample::Index>()) {
        let whole = format!("From: Anna <anna@gmx.example>\r\nSubject: x\r\n{entity}\r\n");
        let torn = &whole.as_bytes()[..cut.index(whole.len())];
        for raw in [whole.as_bytes(), torn] {
            for wishes in wishes() {
                operate(raw, &wishes);
            }
            for changed in [wrap_lines(raw), to_seven_bit(raw)].into_iter().flatten().flatten() {
                let found = lines(&changed[split(&changed)..]);
                prop_assert!(found.longest <= 998, "{} octets", found.longest);
            }
            if let Ok(Some(seven)) = to_seven_bit(raw) {
                prop_assert!(seven[split(&seven)..].is_ascii());
            }
        }
    }
}

/// As Exim hands it over: CRLF line ends, and somebody who wrote it.
fn received(raw: &[u8]) -> Vec<u8> {
    let out = with_crlf(raw);
    match Mail::parse(&out) {
        Ok(mail) if mail.count("From") == 0 => {
            [b"From: a@gmx.example\r\n".as_slice(), &out].concat()
        }
        _ => out,
    }
}

/// Promise 9, B10, B11: every mail of the corpora, with every option.
#[test]
fn corpus_mails_are_operated_on() {
    let Some(root) = corpora() else { return };
    let mut all = Vec::new();
    for part in ["mime", "bounces", "dkim-arc", "ics", "tnef"] {
        files(&root.join(part), &mut all);
    }
    let (mut copies, mut edits, mut none) = (0, 0, 0);
    for path in all {
        let raw = std::fs::read(&path).expect("a readable file");
        if raw.len() > 4_000_000 {
            continue;
        }
        println!("{}", path.display());
        for wishes in wishes() {
            match operate(&received(&raw), &wishes) {
                Some(count) => (copies, edits) = (copies + 1, edits + count),
                None => none += 1,
            }
        }
    }
    println!("{copies} copies undone, {edits} edits in them; {none} times no copy could be made");
    assert!(copies > 1_000, "{copies} copies");
}
