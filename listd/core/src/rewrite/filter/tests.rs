//! Whole mails through the filter: what goes, what stays octet by octet, and that what comes out is a mail.

use super::*;
use crate::list::Settings;
use crate::message::Shape;
use crate::rewrite::body::Wishes;
use crate::rewrite::tests::frozen;

fn filter(allowed: &[&str], forbidden: &[&str], max: u64, form: Form) -> Filter {
    let list = frozen(|f| {
        f.settings = Settings {
            attachments_allowed: Allowed::read(allowed).expect("patterns"),
            attachments_forbidden: Forbidden::read(forbidden).expect("patterns"),
            max_attachment: max,
            form,
            ..Settings::default()
        };
    });
    Filter::of(&list, &"de".into()).expect("a filter")
}

fn filtered(raw: &str, filter: &Filter) -> Result<String, Unsendable> {
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    let wishes = Wishes { filter: Some(filter), ..Wishes::default() };
    let edits = body::edits(raw.as_bytes(), &tree, &wishes)?;
    let out = edits.apply(raw.as_bytes());
    let again = Tree::parse(&out).expect("a tree");
    assert_eq!(body::edits(&out, &again, &wishes), Ok(Edits::default()), "once is enough");
    let new = empty(&again).saturating_sub(empty(&tree));
    assert_eq!(new, 0, "multiparts without parts:\n{}", String::from_utf8_lossy(&out));
    Ok(String::from_utf8(out).expect("UTF-8"))
}

/// How many multiparts have no part.
fn empty(tree: &Tree) -> usize {
    let multiparts = tree.parts.iter().enumerate().filter(|(_, p)| p.shape == Shape::Multipart);
    multiparts.filter(|(index, _)| tree.children(*index).next().is_none()).count()
}

/// `multipart/KIND` of parts, each with its header.
fn multipart(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|p| format!("--{boundary}\r\n{p}\r\n")).collect();
    format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
}

fn mail(entity: &str) -> String {
    format!("From: a@gmx.example\r\nMIME-Version: 1.0\r\n{entity}")
}

/// Kinds of the leaves in order.
fn kinds(raw: &str) -> Vec<String> {
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    tree.parts.iter().map(|p| p.kind.clone()).collect()
}

const PLAIN: &str = "Content-Type: text/plain\r\n\r\nHallo";
const HTML: &str = "Content-Type: text/html\r\n\r\n<p>Hallo</p>";
const PDF: &str = "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjcK";
const EXE: &str = "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAAEAAAA//8AALgAAAA=";
const PICTURE: &str = "Content-Type: image/png; name=a.png\r\nContent-ID: <1@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=";

const PIECE: &str =
    "Content-Type: message/partial; id=1@gmx.example; number=2; total=3\r\n\r\nTVqQ";
const POINTER: &str = "Content-Type: message/external-body; access-type=URL; URL=\"https://x.example/a.exe\"\r\n\r\nContent-Type: application/octet-stream\r\n\r\n";

/// A mail inside the mail, encoded as a whole.
fn encoded(kind: &str, entity: &str) -> String {
    let inside = data_encoding::BASE64.encode(mail(entity).as_bytes());
    format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{inside}")
}

/// A mail inside the mail, as Usenet calls it.
fn news(entity: &str) -> String {
    format!("Content-Type: message/news\r\n\r\n{}", mail(entity))
}

fn named(name: &str) -> String {
    format!(
        "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\nx"
    )
}

/// B13: by name, by type, by content and by size; what is not meant stays octet by octet.
#[test]
fn attachments_go_or_stay() {
    let any = |forbidden: &[&str]| filter(&["any"], forbidden, 0, Form::Any);
    let only = |allowed: &[&str]| filter(allowed, &["nothing"], 0, Form::Any);
    let small = filter(&["any"], &["nothing"], 3, Form::Any);
    let cases = [
        (any(&["exe"]), named("Rechnung.pdf.exe"), true),
        (any(&["exe"]), named("Rechnung.pdf"), false),
        (any(&["exe"]), EXE.to_owned(), true),
        (any(&["program"]), EXE.to_owned(), true),
        (any(&["program"]), named("a.scr"), true),
        (any(&["program"]), named("=?utf-8?Q?a=E2=80=AEfdp.txt?="), true),
        (any(&["program"]), PDF.to_owned(), false),
        (any(&["application/*"]), PDF.to_owned(), true),
        (any(&["image/*"]), PICTURE.to_owned(), true),
        (any(&["audio/*"]), PICTURE.to_owned(), false),
        (only(&["pdf"]), PDF.to_owned(), false),
        (only(&["pdf"]), EXE.to_owned(), true),
        (only(&["pdf"]), named("a.odt"), true),
        (only(&["image/*"]), PICTURE.to_owned(), false),
        (only(&["image/*"]), PICTURE.replace("iVBORw0KGgo=", "JVBERi0xLjcK"), true),
        (only(&["nothing"]), PDF.to_owned(), true),
        (only(&["nothing"]), PLAIN.to_owned(), false),
        // RFC 2046 5.2: what is not in the mail in one piece, whatever the rules are about.
        (any(&["exe"]), PIECE.to_owned(), true),
        (any(&["message/partial"]), PIECE.to_owned(), true),
        (only(&["pdf"]), PIECE.to_owned(), true),
        (only(&["message/partial"]), PIECE.to_owned(), false),
        (only(&["message/*"]), PIECE.to_owned(), false),
        (filter(&["message/*"], &["exe"], 0, Form::Any), PIECE.to_owned(), false),
        (filter(&["message/*"], &["message/partial"], 0, Form::Any), PIECE.to_owned(), true),
        (filter(&["any"], &["nothing"], 1_000, Form::Any), PIECE.to_owned(), true),
        (any(&["exe"]), POINTER.to_owned(), true),
        (only(&["message/partial"]), POINTER.to_owned(), true),
        (only(&["message/external-body"]), POINTER.to_owned(), false),
        // A report is text; what is no known message is a file.
        (
            any(&["exe"]),
            "Content-Type: message/delivery-status\r\n\r\nStatus: 4.0.0".to_owned(),
            false,
        ),
        (only(&["pdf"]), "Content-Type: message/x-odd\r\n\r\nx".to_owned(), true),
        // Usenet's name for a mail, which programs open.
        (any(&["exe"]), news(&named("a.exe")), true),
        // A mail inside is none of the files that are to be allowed, encoded as a whole or not.
        (only(&["pdf"]), encoded("message/rfc822; name=a.eml", PLAIN), false),
        (only(&["pdf"]), encoded("message/rfc822; name=a.eml", &named("a.odt")), true),
        (any(&["exe"]), news(&named("a.pdf")), false),
        (small.clone(), PDF.to_owned(), true),
        (small, named("x"), false),
        (
            any(&["exe"]),
            "Content-Type: x/y; name=a.exe\r\nContent-Disposition: inline; filename=a.txt\r\n\r\nx"
                .to_owned(),
            true,
        ),
    ];
    for (filter, part, goes) in cases {
        let raw = mail(&multipart("mixed", "b", &[PLAIN, &part]));
        let out = filtered(&raw, &filter).expect("sendable");
        if goes {
            assert_eq!(kinds(&out), ["multipart/mixed", "text/plain", "text/plain"], "{part}");
            assert!(out.contains("Anhang weggelassen") || out.contains("base64"), "{out}");
        } else {
            assert_eq!(out, raw);
        }
        // The whole mail is the attachment.
        let alone = filtered(&mail(&part), &filter).expect("sendable");
        assert_eq!(kinds(&alone) == ["text/plain"], goes || part == PLAIN, "{alone}");
    }
}

/// B13: where no note can stand it stands behind; mails go as a whole; nothing is left empty.
#[test]
fn the_structure_stays_valid() {
    let exe = named("a.exe");
    let filter = filter(&["any"], &["exe"], 0, Form::Any);
    let related = multipart("related", "r", &[HTML, &exe]);
    let enclosed = format!(
        "Content-Type: message/rfc822\r\n\r\n{}",
        mail(&multipart("mixed", "i", &[PLAIN, &exe]))
    );
    let encoded = format!(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        data_encoding::BASE64.encode(mail(&exe).as_bytes())
    );
    for (entity, expect) in [
        (
            multipart("alternative", "b", &[PLAIN, HTML, &exe]),
            "multipart/mixed multipart/alternative text/plain text/html text/plain",
        ),
        (
            multipart("alternative", "b", &[PLAIN, &related]),
            "multipart/mixed multipart/alternative text/plain multipart/related text/html text/plain",
        ),
        (multipart("alternative", "b", &[&exe, &exe]), "text/plain"),
        (
            multipart("mixed", "b", &[&exe, &multipart("related", "r", &[&exe])]),
            "multipart/mixed text/plain text/plain",
        ),
        (multipart("mixed", "b", &[PLAIN, &enclosed]), "multipart/mixed text/plain text/plain"),
        (multipart("mixed", "b", &[PLAIN, &encoded]), "multipart/mixed text/plain text/plain"),
        (
            multipart("mixed", "b", &[PLAIN, &exe]).replace("\r\n--b--\r\n", ""),
            "multipart/mixed text/plain text/plain",
        ),
    ] {
        let out = filtered(&mail(&entity), &filter).expect("sendable");
        assert_eq!(kinds(&out).join(" "), expect, "{out}");
        assert!(!out.contains("filename=\"a.exe\"") && out.ends_with("\r\n"));
        // A mail that went with its file is not missing without a word.
        let went = entity.contains("message/rfc822");
        assert_eq!(out.contains("weitergeleitete Mail"), went, "{out}");
        // One file or several.
        let count = |text: &str| out.matches(text).count();
        let several = count("Anhang weggelassen") > count("Wenn Sie ");
        assert_eq!(out.contains("Wenn Sie sie"), several, "{out}");
    }
}

/// Promise 9: what is sealed goes as it is or not at all.
#[test]
fn sealed_mails_are_refused() {
    let signature = "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\nx";
    let signed = |part: &str| mail(&multipart("signed", "s", &[part, signature]));
    let forbidden = filter(&["pdf"], &["exe"], 0, Form::Text);
    let refused = Err(Unsendable::AttachmentSigned("a.exe".to_owned()));
    assert_eq!(
        filtered(&signed(&multipart("mixed", "b", &[PLAIN, &named("a.exe")])), &forbidden),
        refused
    );
    // What has no name is called by its type.
    let piece = signed(&multipart("mixed", "b", &[PLAIN, PIECE]));
    let unnamed = Err(Unsendable::AttachmentSigned("message/partial".to_owned()));
    assert_eq!(filtered(&piece, &forbidden), unnamed);
    let fine = signed(&multipart("mixed", "b", &[HTML, PDF]));
    assert_eq!(filtered(&fine, &forbidden), Ok(fine));
    let enclosed = multipart(
        "mixed",
        "m",
        &[PLAIN, &format!("Content-Type: message/rfc822\r\n\r\n{}", signed(&named("a.exe")))],
    );
    let out = filtered(&mail(&enclosed), &forbidden).expect("the enclosed mail goes as a whole");
    assert_eq!(kinds(&out), ["multipart/mixed", "text/plain", "text/plain"]);
}

/// B13, promise 9: what says twice what it is may be read as either, so that it goes nowhere where rules are set.
#[test]
fn who_says_two_things_says_nothing() {
    let part =
        |fields: &str| mail(&multipart("mixed", "b", &[PLAIN, &format!("{fields}\r\n\r\nx")]));
    let (rules, form) =
        (filter(&["any"], &["exe"], 0, Form::Any), filter(&["any"], &["nothing"], 0, Form::Html));
    for (fields, refused) in [
        ("Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=x", true),
        ("Content-Type: text/plain\r\nX-A: b\r\nContent-type:  TEXT/plain", false),
        ("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64", true),
    ] {
        let raw = part(fields);
        assert_eq!(filtered(&raw, &rules).is_err(), refused, "{fields}");
        assert_eq!(filtered(&raw, &form), Ok(raw), "{fields}");
    }
    // Two multiparts with one boundary: what stands behind the first end is in the outer one, or in none.
    let nested =
        multipart("mixed", "b", &[&multipart("alternative", "b", &[PLAIN]), &named("a.exe")]);
    let raw = mail(&nested);
    assert_eq!(filtered(&raw, &rules), Err(Unsendable::BadStructure));
    assert_eq!(filtered(&raw, &form), Ok(raw));
    let head = mail("Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n");
    assert_eq!(filtered(&head, &rules), Err(Unsendable::BadStructure));
}

/// B13: the note about a file in one of the forms is there whichever form goes.
#[test]
fn a_note_goes_with_no_form() {
    let page = multipart("mixed", "m", &[HTML, PDF]);
    let plain = multipart("mixed", "m", &[PLAIN, PDF]);
    for form in [Form::Any, Form::Text, Form::Html] {
        for forms in [[PLAIN, &page], [&plain, HTML]] {
            let filter = filter(&["any"], &["pdf"], 0, form);
            let out = filtered(&mail(&multipart("alternative", "b", &forms)), &filter);
            let out = out.expect("sendable");
            assert_eq!(out.matches("Anhang weggelassen: a.pdf").count(), 1, "{form:?}: {out}");
            assert!(out.contains("Hallo") && !out.contains("JVBERi0xLjcK"), "{form:?}: {out}");
        }
    }
}

/// One form of a text; attachments and invitations stay.
#[test]
fn texts_have_one_form() {
    let text = filter(&["any"], &["nothing"], 0, Form::Text);
    let html = filter(&["any"], &["nothing"], 0, Form::Html);
    let related = multipart("related", "r", &[HTML, PICTURE]);
    let calendar = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR";
    let mixed = multipart("mixed", "m", &[HTML, PDF]);
    let bare = "Content-Type: multipart/related; boundary=none\r\n\r\nAuch ein Text";
    for (entity, as_text, as_html) in [
        (multipart("alternative", "b", &[PLAIN, HTML]), "text/plain", "text/html"),
        (HTML.to_owned() + "\r\n", "text/plain", "text/html"),
        // The last is the best (RFC 2046 5.1.4), and ends the mail.
        (
            multipart("alternative", "b", &["Content-Type: text/plain\r\n\r\nalt", PLAIN])
                .trim_end()
                .to_owned(),
            "text/plain",
            "multipart/alternative text/plain text/plain",
        ),
        (PLAIN.to_owned() + "\r\n", "text/plain", "text/plain"),
        (
            multipart("mixed", "x", &[&multipart("alternative", "b", &[PLAIN, HTML]), PDF]),
            "multipart/mixed text/plain application/pdf",
            "multipart/mixed text/html application/pdf",
        ),
        (
            multipart("alternative", "b", &[PLAIN, &related]),
            "multipart/mixed text/plain text/plain",
            "multipart/related text/html image/png",
        ),
        (
            related.clone(),
            "multipart/mixed text/plain text/plain",
            "multipart/related text/html image/png",
        ),
        (
            multipart("alternative", "b", &[PLAIN, &mixed]),
            "multipart/mixed text/plain multipart/mixed application/pdf",
            "multipart/mixed text/html application/pdf",
        ),
        (
            multipart("alternative", "b", &[PLAIN, HTML, calendar]),
            "multipart/alternative text/plain text/html text/calendar",
            "multipart/alternative text/plain text/html text/calendar",
        ),
        // An empty form stands for none.
        (
            multipart("alternative", "b", &["Content-Type: text/plain\r\n\r\n \r\n", HTML]),
            "text/plain",
            "text/html",
        ),
        (
            multipart("alternative", "b", &[PLAIN, "Content-Type: text/html\r\n\r\n\r\n"]),
            "text/plain",
            "multipart/alternative text/plain text/html",
        ),
        // What can't be divided is not thrown away.
        (
            multipart("alternative", "b", &[HTML, bare]),
            "multipart/mixed text/plain multipart/related",
            "multipart/alternative text/html multipart/related",
        ),
        // Text that stands where the header should be.
        (
            multipart("mixed", "b", &[PLAIN, "Content-Type: text/html\r\n<p>Hallo</p>\r\n"]),
            "multipart/mixed text/plain text/html",
            "multipart/mixed text/plain text/html",
        ),
        (
            multipart("report", "b", &[HTML, "Content-Type: message/delivery-status\r\n\r\nx"]),
            "multipart/report text/html message/delivery-status",
            "multipart/report text/html message/delivery-status",
        ),
    ] {
        for (filter, expect) in [(&text, as_text), (&html, as_html)] {
            let out = filtered(&mail(&entity), filter).expect("sendable");
            assert_eq!(kinds(&out).join(" "), expect, "{out}");
            assert!(out.contains("Hallo"));
        }
    }
}
