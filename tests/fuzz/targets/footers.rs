//! Footers: the texts that admins and directories write, and what becomes of any part that gets one.

use listcore::list::{FooterSigned, FooterTexts};
use listcore::message::{Tree, lines};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::footer::{Footer, footer as rendered};

use super::mail::frozen;
use super::text;

/// One with an umlaut and a link, as a list of ours has it.
pub(super) fn sample() -> Footer {
    let mut frozen = frozen();
    let text = "Für {list}, {owner}\nhttps://schule.example/";
    frozen.settings.footer = FooterTexts::new([("", text)]).expect("a footer");
    rendered(&frozen, "de").expect("words")
}

/// X4, B3, B4: whatever an admin writes and a directory holds, a footer is lines that fit, and markup that we know.
pub fn texts(octets: &[u8]) {
    let text = text(octets);
    let mut parts = text.split('\u{1}');
    let mut frozen = frozen();
    frozen.name = parts.next().unwrap_or_default().to_owned();
    frozen.description = parts.next().unwrap_or_default().to_owned();
    frozen.links.imprint = parts.next().map(str::to_owned);
    let texts: Vec<&str> = parts.collect();
    let read = FooterTexts::read(&texts).or_else(|_| FooterTexts::read(&[&text]));
    let Ok(read) = read else { return };
    frozen.settings.footer = read;
    for language in ["de", "en", "ar-EG", text.get(..2).unwrap_or_default()] {
        let Some(footer) = rendered(&frozen, language) else { continue };
        plain_is_sound(&footer.plain);
        html_is_sound(&footer.html);
    }
}

fn plain_is_sound(plain: &str) {
    assert!(plain.starts_with("____") && plain.ends_with('\n'));
    for line in plain.lines() {
        assert!(line.chars().count() <= 240, "B3: {line}");
        assert!(!line.contains(|c: char| c.is_control()), "X4: {line:?}");
        assert!(!line.ends_with(' '), "B2, B3: {line:?}");
    }
}

fn html_is_sound(html: &str) {
    let found = lines(html.as_bytes());
    assert!(html.is_ascii() && found.longest <= 998 && !found.bare && !found.nul, "B4: {html}");
    let known = ["div", "/div", "hr/", "p", "/p", "br/", "wbr/", "bdi", "/bdi", "a", "/a"];
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let name = tag.split_ascii_whitespace().next().unwrap_or_default();
        assert!(known.contains(&name), "X4: {tag}");
        let link = tag.split_once("href=\"").map(|(_, link)| link);
        let safe = ["https://", "http://", "mailto:"];
        assert!(link.is_none_or(|link| safe.iter().any(|s| link.starts_with(s))), "X4: {tag}");
    }
}

/// B1, B9, B10: a text part of any charset and encoding; the first octet chooses.
pub fn plain(octets: &[u8]) {
    part("text/plain", octets, |was, is| {
        assert!(is.starts_with(was), "B1: {:?} became {:?}", text(was), text(is));
    });
}

/// B4, B9: a page of any charset and encoding, however its markup is damaged.
pub fn html(octets: &[u8]) {
    part("text/html", octets, |was, is| {
        // A mail that changes ends in a line end, whether it had one or not.
        let ended = is.strip_suffix(b"\r\n").filter(|_| !was.ends_with(b"\r\n"));
        let is = ended.unwrap_or(is);
        let same = |(a, b): &(&u8, &u8)| a == b;
        let front = was.iter().zip(is).take_while(same).count();
        let back = was.iter().rev().zip(is.iter().rev()).take_while(same).count();
        assert!(front + back >= was.len(), "B4: {:?} became {:?}", text(was), text(is));
    });
}

/// What was there stays there, the footer is added once, and each line may leave.
fn part(kind: &str, octets: &[u8], kept: impl Fn(&[u8], &[u8])) {
    const CHARSETS: [&str; 8] =
        ["us-ascii", "utf-8", "iso-8859-1", "windows-1252", "iso-2022-jp", "gbk", "utf-7", "x-?"];
    const ENCODINGS: [&str; 4] = ["7bit", "8bit", "quoted-printable", "base64"];
    let Some((choice, content)) = octets.split_first() else { return };
    let of = |all: &[&'static str], by: u8| all.get(usize::from(by) % all.len()).copied();
    let charset = of(&CHARSETS, choice & 7).unwrap_or_default();
    let encoding = of(&ENCODINGS, choice >> 3 & 3).unwrap_or_default();
    let seven_bit = choice & 32 != 0;
    let head = format!(
        "From: a@gmx.example\r\nContent-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    let raw = [head.as_bytes(), content].concat();
    let footer = sample();
    let wishes = Wishes {
        seven_bit,
        footer: Some(&footer),
        footer_signed: FooterSigned::Skip,
        ..Wishes::default()
    };
    let Some((copy, is)) = grown(&raw, &wishes) else { return };
    let found = lines(copy.get(listcore::message::split(&copy)..).unwrap_or_default());
    assert!(found.longest <= 998 && !(seven_bit && found.eight_bit), "D9, U4");
    let ended = raw.ends_with(b"\r\n");
    let without = grown(&raw, &Wishes { footer: None, ..wishes }).map_or(raw, |(copy, _)| copy);
    let mut was = content_of(&without).unwrap_or_default();
    if !ended && was.ends_with(b"\r\n") {
        was.truncate(was.len() - 2);
    }
    if charset_of(&copy).as_deref() == Some(charset) {
        kept(&was, &is);
    }
    if let Some((again, _)) = grown(&copy, &wishes) {
        panic!("B10: a second footer in {:?}", text(&again));
    }
}

/// The changed mail and the decoded content of its first part; `None` where nothing changes or may change.
fn grown(raw: &[u8], wishes: &Wishes<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let tree = Tree::parse(raw).ok()?;
    let edits = body::edits(raw, &tree, wishes).ok()?;
    let copy = edits.apply(raw);
    let content = content_of(&copy)?;
    (!edits.is_empty()).then_some((copy, content))
}

fn content_of(mail: &[u8]) -> Option<Vec<u8>> {
    let tree = Tree::parse(mail).ok()?;
    tree.parts.first().map(|part| part.content(mail).into_owned())
}

fn charset_of(mail: &[u8]) -> Option<String> {
    let tree = Tree::parse(mail).ok()?;
    tree.parts.first().and_then(|part| part.param("charset")).map(str::to_owned)
}
