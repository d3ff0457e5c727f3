//! What a list makes of a mail by its options, for any octets: files that it takes or not, pages as text, subjects with a
//! tag, and signatures that survive.

use listcore::address::Address;
use listcore::list::{Allowed, Forbidden, Form, FromPolicy};
use listcore::message::text::decode;
use listcore::message::{Tree, lines, split};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::filter::Filter;
use listcore::rewrite::quoted;
use listcore::rewrite::{Arrival, BodyOf, Edits, Ours, SignatureName, copy_head};

use super::mail::frozen;

fn filter(forbidden: &[&str], form: Form) -> Filter {
    let mut frozen = frozen();
    frozen.settings.attachments_allowed = Allowed::read(&["any"]).expect("patterns");
    frozen.settings.attachments_forbidden = Forbidden::read(forbidden).expect("patterns");
    frozen.settings.form = form;
    Filter::of(&frozen, &"de".into()).expect("rules")
}

/// B13: a whole mail, whatever it is, comes out as one that needs no change any more, or not at all.
pub fn rules(raw: &[u8]) {
    for form in [Form::Any, Form::Text, Form::Html] {
        let filter =
            filter(&["program", "script", "archive", "office-macro", "pdf", "image/*"], form);
        whole(raw, &filter);
    }
}

/// B13: octets as an attachment without a name: only what they are says what they are.
pub fn file(octets: &[u8]) {
    let head = "From: a@gmx.example\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let raw = format!("{head}{}\r\n", encoded(octets));
    whole(raw.as_bytes(), &filter(&["program", "script", "archive", "office-macro"], Form::Any));
}

/// A page becomes text: lines that can be sent, nothing that steers a terminal.
pub fn page(octets: &[u8]) {
    let head = "From: a@gmx.example\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let raw = format!("{head}{}\r\n", encoded(octets));
    let out =
        whole(raw.as_bytes(), &filter(&["nothing"], Form::Text)).expect("a page has no secrets");
    let tree = Tree::parse(&out).expect("it is a mail");
    let part = tree.parts.first().expect("the mail");
    assert_eq!(part.kind, "text/plain");
    let text = part.content(&out).into_owned();
    let steers = |c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t');
    assert!(!String::from_utf8_lossy(&text).contains(steers), "X4");
}

fn encoded(octets: &[u8]) -> String {
    let escaped = |line: &[u8]| line.iter().map(|b| format!("={b:02X}")).collect::<String>();
    octets.chunks(20).map(escaped).collect::<Vec<_>>().join("=\r\n")
}

fn whole(raw: &[u8], filter: &Filter) -> Option<Vec<u8>> {
    let tree = Tree::parse(raw).ok()?;
    let wishes = Wishes { filter: Some(filter), ..Wishes::default() };
    let edits = body::edits(raw, &tree, &wishes).ok()?;
    let out = edits.apply(raw);
    let again = Tree::parse(&out).expect("a mail of ours can be read");
    if !edits.is_empty() {
        let found = lines(out.get(split(&out)..).unwrap_or_default());
        assert!(found.longest <= 998, "X3");
        assert_eq!(body::edits(&out, &again, &wishes), Ok(Edits::default()), "once is enough");
    }
    Some(out)
}

/// S1 to S7, X4: any octets as a subject: one field, one tag in front, and the same again where a copy comes back.
pub fn subject(octets: &[u8]) {
    let once = with_subject(octets);
    let Some(once) = once else { return };
    let twice = with_subject(&once).expect("a copy can be copied");
    let words =
        |value: &[u8]| String::from_utf8_lossy(value).split_whitespace().collect::<String>();
    assert_eq!(words(&twice), words(&once), "S2: once is enough");
}

/// The subject of the copy, unfolded.
fn with_subject(octets: &[u8]) -> Option<Vec<u8>> {
    let value: Vec<u8> =
        octets.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n' | 0)).collect();
    let head = [b"From: a@gmx.example\r\nSubject: ".as_slice(), &value, b"\r\n\r\n"].concat();
    let mut frozen = frozen();
    frozen.settings.subject_tag = "[5b]".to_owned();
    let head = copy_head(&head, &frozen, &ours(BodyOf::Original)).ok()?;
    let fields = listcore::message::fields::fields(&head.bytes);
    let mut subjects = fields.iter().filter(|field| field.is(&head.bytes, "Subject"));
    let subject = subjects.next().expect("a subject");
    assert!(subjects.next().is_none(), "X4: one subject");
    let value = listcore::message::fields::unfold(subject.value(&head.bytes));
    assert!(decode(&value).starts_with("[5b]"), "S1: {}", String::from_utf8_lossy(&value));
    Some(value)
}

/// H8, promise 10: what looks like a token of ours, in the header or in a text, in any escaping: none that was seen where it
/// may change is there afterwards.
pub fn quoted_tokens(raw: &[u8]) {
    // Such a mail is refused at the door (rule X3), and decoders forgive more in it than can be kept in place.
    if lines(raw).bare {
        return;
    }
    let Ok(tree) = Tree::parse(raw) else { return };
    let found = quoted::find(raw, &tree);
    let tokens: Vec<String> = found.open.iter().map(|one| one.token().to_owned()).collect();
    let mut frozen = frozen();
    frozen.quoted.clone_from(&tokens);
    let head = raw.get(..split(raw)).unwrap_or_default();
    let has = |octets: &[u8], token: &str| {
        octets.windows(token.len()).any(|window| window == token.as_bytes())
    };
    if let Ok(copy) = copy_head(head, &frozen, &ours(BodyOf::Original)) {
        assert!(!tokens.iter().any(|token| has(&copy.bytes, token)), "in the header");
    }
    let wishes = Wishes { quoted: &tokens, ..Wishes::default() };
    let Ok(edits) = body::edits(raw, &tree, &wishes) else { return };
    let out = edits.apply(raw);
    let again = quoted::find(&out, &Tree::parse(&out).expect("a mail of ours can be read"));
    let left = again.open.intersection(&found.open);
    let left: Vec<_> = left.filter(|one| !has(head, one.token())).collect();
    assert!(left.is_empty(), "in a text: {left:?}");
}

fn ours(body: BodyOf<'_>) -> Ours<'_> {
    Ours { signs_for: &|_| false, authserv_ids: &[], body, utf8: true }
}

/// F2: a header with a signature that is said to have passed: From stays only where nothing that it covers changes.
pub fn survives(raw: &[u8]) {
    let mut frozen = frozen();
    frozen.settings.from = FromPolicy::Broken;
    frozen.arrival = Arrival { signatures: vec![SignatureName::new("abc")], ..Arrival::default() };
    let head = raw.get(..split(raw)).unwrap_or_default();
    let body = raw.get(split(raw)..).unwrap_or_default();
    for body in [BodyOf::Original, BodyOf::Changed { head, body: Some(body) }] {
        let Ok(copy) = copy_head(head, &frozen, &ours(body)) else { continue };
        let list: &Address = &frozen.address;
        let kept = copy.from != *list;
        let from = |bytes: &[u8]| {
            let fields = listcore::message::fields::fields(bytes);
            let field = fields.iter().find(|field| field.is(bytes, "From")).cloned();
            field.map(|field| listcore::message::canonical::relaxed(b"From", field.value(bytes)))
        };
        assert!(!kept || from(&copy.bytes).is_some(), "one From");
    }
}
