//! What a person reads in a mail: its text, apart from attachments and other mails in it.

use encoding_rs::Encoding as Charset;

use crate::message::{Part, Shape, Tree, html_to_text, text};

/// Most octets of a part that are read.
const MOST: usize = 256 * 1024;

/// Names that stand in front of a password, in lower case. Some begin sentences too; a password is one word.
const NAMES: [&str; 2] = ["approved", "approve"];
const SURE: [&str; 2] = ["x-approved", "x-approve"];
/// Begins what people write to each other ("Urgent: Schulausfall"): only with a word that is none of a language.
const EVERYDAY: &str = "urgent";

/// The text as the author wrote it; `None` where there is no part of plain text, or an empty one only.
pub fn plain(raw: &[u8], tree: &Tree) -> Option<String> {
    first(raw, tree, "text/plain")
}

/// The source of the page in the mail.
pub fn page(raw: &[u8], tree: &Tree) -> Option<String> {
    first(raw, tree, "text/html")
}

/// The beginning of the text, of a page where there is nothing else; at most `most` characters, empty where there is
/// none. A former list's password in its first line is left out (rule R3). Lines end in LF. What it says is a stranger's: escape it before it is shown.
pub fn excerpt(raw: &[u8], most: usize) -> String {
    let Ok(tree) = Tree::parse(raw) else { return String::new() };
    let text = plain(raw, &tree).or_else(|| page(raw, &tree).map(|page| html_to_text(&page)));
    let text = text.unwrap_or_default().replace("\r\n", "\n");
    let text = text.trim();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let text = if is_password(first) { rest.trim_start() } else { text };
    text.chars().take(most).collect()
}

/// True for a line that is a password behind one of the names, and nothing else.
pub fn is_password(line: &str) -> bool {
    let Some((name, value)) = line.trim_start_matches('\u{feff}').trim().split_once(':') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    let words = value.split_whitespace().count();
    let is_link = value.contains("://");
    let is_word = value.trim().trim_end_matches(['!', '.', '?']).chars().all(char::is_alphabetic);
    match name.as_str() {
        name if SURE.contains(&name) => words > 0,
        name if NAMES.contains(&name) => words == 1 && !is_link,
        EVERYDAY => words == 1 && !is_link && !is_word,
        _ => false,
    }
}

/// The first part of this type that is not a file, and not empty.
fn first(raw: &[u8], tree: &Tree, kind: &str) -> Option<String> {
    let own = |part: &&Part| {
        part.shape == Shape::Leaf
            && part.kind == kind
            && part.disposition.as_deref() != Some("attachment")
            && part.filename.is_none()
            && !inside_another(tree, part)
    };
    let mut texts = tree.parts.iter().filter(own).map(|part| decoded(raw, part));
    texts.find(|text| !text.trim().is_empty())
}

/// True for a part of a mail that is itself a part.
fn inside_another(tree: &Tree, part: &Part) -> bool {
    let mut around = part.parent;
    while let Some(index) = around {
        let Some(outer) = tree.parts.get(index) else { return false };
        if outer.shape == Shape::Message {
            return true;
        }
        around = outer.parent;
    }
    false
}

fn decoded(raw: &[u8], part: &Part) -> String {
    let content = part.content(raw);
    let content = content.get(..MOST).unwrap_or(&content);
    match part.param("charset").and_then(|label| Charset::for_label(label.as_bytes())) {
        Some(charset) => charset.decode_without_bom_handling(content).0.into_owned(),
        None => text::utf8_or_latin(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S7, B10: charsets and encodings; files and other mails are not the author's text; a page where nothing else is.
    #[test]
    fn the_text_of_a_mail() {
        let two = "Content-Type: multipart/alternative; boundary=b\r\n\r\n";
        let cases: [(String, &str); 11] = [
            ("\r\n\r\nApproved: geheim\r\n\r\nHallo".to_owned(), "Hallo"),
            (
                "Content-Type: text/html\r\n\r\n<p>Approved: geheim</p><p>Hallo</p>".to_owned(),
                "Hallo",
            ),
            ("\r\nHallo\r\nWelt\r\n".to_owned(), "Hallo\nWelt"),
            (
                "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe"
                    .to_owned(),
                "Gr\u{fc}\u{df}e",
            ),
            (
                "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nSmE=\r\n"
                    .to_owned(),
                "Ja",
            ),
            ("Content-Type: text/html\r\n\r\n<p>Ja</p><p>Gru\u{df}</p>".to_owned(), "Ja\nGru\u{df}"),
            (
                format!("{two}--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\npage\r\n--b--"),
                "plain",
            ),
            (
                format!("{two}--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<b>page</b>\r\n--b--"),
                "page",
            ),
            (
                format!("{two}--b\r\nContent-Disposition: attachment\r\n\r\nfile\r\n--b\r\n\r\nown\r\n--b--"),
                "own",
            ),
            (
                format!("{two}--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ntheirs\r\n--b--"),
                "",
            ),
            ("Content-Type: image/png\r\n\r\nxx".to_owned(), ""),
        ];
        for (raw, expect) in cases {
            assert_eq!(excerpt(raw.as_bytes(), 100), expect, "{raw}");
        }
        assert_eq!(excerpt(b"\r\nlanger Text", 6), "langer");
    }

    /// R3: a password and nothing else; a sentence is a sentence.
    #[test]
    fn what_a_password_is() {
        for line in [
            "Approved: hunter2",
            "approve:hunter2",
            "  X-Approve: a b c ",
            "URGENT:\tx1",
            "Approved:\u{a0}x",
            "\u{feff}Approve: x",
        ] {
            assert!(is_password(line), "{line:?}");
        }
        let none = [
            "",
            "Approved",
            "Approved:",
            "X-Approved: ",
            "Urgent: the school is closed today",
            "Approved: Klassenfahrt nach Berlin",
            "Dear all, Approved: x",
            "> Approved: x",
            "Approved by: x",
            "Urgent: Schulausfall",
            "Urgent: heute!",
            "Urgent: https://schule.example/zeugnis",
            "Genehmigt: x",
            "Approved : x",
        ];
        for line in none {
            assert!(!is_password(line), "{line:?}");
        }
    }
}
