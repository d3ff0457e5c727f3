//! What a mail of ours is made of, and how that reads: as plain text, and as simple HTML that says the same (AC8).
//!
//! Not the words (`locales/`), nor the header of the mail ([`super::mail`]).

use super::shown;

/// Most characters and lines of a quote.
const QUOTE: (usize, usize) = (1_500, 40);

/// Most characters of a value or a name in a line of ours.
pub const VALUE: usize = 200;

/// One piece of a letter, from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Our own sentences. What of others stands in them was made safe where they were put together.
    Paragraph(String),
    /// A name for what follows.
    Heading(String),
    /// A name below a heading; somebody else's words.
    Topic(String),
    /// Somebody else's text, as it came: made safe and shortened here.
    Quote(String),
    /// Labels of ours with values that may be somebody else's.
    Facts(Vec<(String, String)>),
    /// Short lines of their own, e.g. commands to type.
    Lines(Vec<String>),
    /// What can be done with one touch, and where. Anything but a web address or `mailto:` is not shown as a link.
    Choice { label: String, url: String },
    /// Where more stands: labels and addresses.
    Links(Vec<(String, String)>),
    /// What follows belongs to the house and not to the matter: mail programs leave it out of answers.
    Foot,
}

/// A letter in one language: the same in both forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Of our own words, e.g. `de`.
    pub language: String,
    /// One line, not encoded.
    pub subject: String,
    /// Lines end in LF; a paragraph is one line, since phones and screen readers break it better than we can.
    pub text: String,
    pub html: String,
}

/// Both forms.
pub fn words(language: &str, subject: &str, blocks: &[Block]) -> Words {
    let subject = shown::line(subject, VALUE);
    let text: Vec<String> = blocks.iter().map(text).filter(|text| !text.is_empty()).collect();
    let text = text.join("\n\n").replace(FOOT_AND_EMPTY_LINE, FOOT);
    let body: String = blocks.iter().map(html).collect();
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\" dir=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n</head>\n\
         <body>\n{body}</body>\n</html>\n",
        escaped(language),
        direction(language),
        escaped(&subject),
    );
    Words { language: language.to_owned(), subject, text: text + "\n", html: page }
}

/// `rtl` for languages that are written from right to left (LA3).
pub fn direction(language: &str) -> &'static str {
    let first = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let rtl = ["ar", "fa", "he", "ur", "ckb", "ps", "yi", "dv", "ug", "sd"];
    if rtl.contains(&first.as_str()) { "rtl" } else { "ltr" }
}

fn text(block: &Block) -> String {
    match block {
        Block::Paragraph(text) | Block::Heading(text) => text.clone(),
        Block::Topic(text) => shown::line(text, VALUE),
        Block::Quote(text) => {
            let quoted = quote(text);
            let line =
                |line: &str| if line.is_empty() { ">".to_owned() } else { format!("> {line}") };
            quoted.lines().map(line).collect::<Vec<_>>().join("\n")
        }
        Block::Facts(facts) => {
            let fact = |(label, value): &(String, String)| {
                format!("{label}: {}", shown::line(value, VALUE))
            };
            facts.iter().map(fact).collect::<Vec<_>>().join("\n")
        }
        Block::Lines(lines) => {
            let line = |line: &String| format!("  {}", shown::line(line, VALUE));
            lines.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Block::Choice { label, url } => match web(url) {
            Some(url) => format!("{label}:\n{url}"),
            None => label.clone(),
        },
        Block::Links(links) => {
            let known = links.iter().filter_map(|(label, url)| Some((label, web(url)?)));
            let lines = known.map(|(label, url)| format!("{label}: {url}"));
            lines.collect::<Vec<_>>().join("\n")
        }
        Block::Foot => FOOT.trim_matches('\n').to_owned(),
    }
}

fn html(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("<p>{}</p>\n", with_breaks(text)),
        Block::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
        Block::Topic(text) => {
            format!("<h3><bdi>{}</bdi></h3>\n", escaped(&shown::line(text, VALUE)))
        }
        Block::Quote(text) if text.trim().is_empty() => String::new(),
        Block::Quote(text) => {
            format!("<blockquote dir=\"auto\"><p>{}</p></blockquote>\n", with_breaks(&quote(text)))
        }
        Block::Facts(facts) if facts.is_empty() => String::new(),
        Block::Facts(facts) => {
            let fact = |(label, value): &(String, String)| {
                let value = escaped(&shown::line(value, VALUE));
                format!("<dt>{}</dt>\n<dd><bdi>{value}</bdi></dd>\n", escaped(label))
            };
            format!("<dl>\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
        }
        Block::Lines(lines) if lines.is_empty() => String::new(),
        Block::Lines(lines) => {
            let line = |line: &String| {
                format!("<li><bdi>{}</bdi></li>\n", escaped(&shown::line(line, VALUE)))
            };
            format!("<ul>\n{}</ul>\n", lines.iter().map(line).collect::<String>())
        }
        Block::Choice { label, url } => match web(url) {
            Some(url) => format!("<p>{}</p>\n", link(label, &url, BUTTON)),
            None => format!("<p>{}</p>\n", escaped(label)),
        },
        Block::Links(links) => {
            let known = links.iter().filter_map(|(label, url)| Some(link(label, &web(url)?, "")));
            let links: Vec<String> = known.collect();
            if links.is_empty() {
                String::new()
            } else {
                format!("<p>{}</p>\n", links.join("<br>\n"))
            }
        }
        Block::Foot => "<hr>\n".to_owned(),
    }
}

/// How mail programs know a signature (RFC 3676 4.3).
const FOOT: &str = "\n-- \n";
const FOOT_AND_EMPTY_LINE: &str = "\n-- \n\n";

/// Large enough for a thumb (WCAG 2.2, 2.5.8); the colours are the reader's own.
const BUTTON: &str =
    " style=\"display:inline-block;padding:12px 16px;border:1px solid;border-radius:6px\"";

fn link(label: &str, url: &str, style: &str) -> String {
    format!("<a href=\"{}\"{style}>{}</a>", escaped(url), escaped(label))
}

fn quote(text: &str) -> String {
    shown::lines(text, QUOTE.0, QUOTE.1)
}

/// An address that may be followed, on one line and without spaces.
fn web(url: &str) -> Option<String> {
    let known = ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
    let whole = url.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"".contains(c));
    (known && whole && url.len() <= 2_000).then(|| url.to_owned())
}

fn with_breaks(text: &str) -> String {
    escaped(text).replace('\n', "<br>\n")
}

/// Text as HTML, in elements and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Block> {
        vec![
            Block::Heading("Frage".to_owned()),
            Block::Paragraph("Haben Sie das geschrieben?\nOder <nicht>?".to_owned()),
            Block::Facts(vec![(
                "Von".to_owned(),
                "<script>\u{202e}\r\nBcc: x</script>".to_owned(),
            )]),
            Block::Quote("Hallo & <b>\r\n\r\nhttps://bad.example/\u{0}".to_owned()),
            Block::Lines(vec!["listctl directory diff".to_owned()]),
            Block::Choice {
                label: "Ja".to_owned(),
                url: "https://l.example/q/abc?a=1&b='".to_owned(),
            },
            Block::Choice { label: "Böse".to_owned(), url: "javascript:alert(1)".to_owned() },
            Block::Foot,
            Block::Links(vec![
                ("Hilfe".to_owned(), "https://l.example/".to_owned()),
                ("Böse".to_owned(), "data:x".to_owned()),
            ]),
        ]
    }

    /// AC8: both forms say the same, in order; nothing of others becomes markup, a link or a line of ours.
    #[test]
    fn both_forms() {
        let words = words("de-AT", "Frage\r\nBcc: x@y", &all());
        assert_eq!(words.subject, "Frage Bcc: x@y");
        assert_eq!(
            words.text,
            "Frage\n\nHaben Sie das geschrieben?\nOder <nicht>?\n\nVon: <script>[U+202E] Bcc: x</script>\n\n\
             > Hallo & <b>\n>\n> https://bad.example/[U+0000]\n\n  listctl directory diff\n\n\
             Ja:\nhttps://l.example/q/abc?a=1&b='\n\nBöse\n\n-- \nHilfe: https://l.example/\n"
        );
        let (_, body) = words.html.split_once("<body>\n").expect("a body");
        assert_eq!(
            body,
            "<h2>Frage</h2>\n<p>Haben Sie das geschrieben?<br>\nOder &lt;nicht&gt;?</p>\n\
             <dl>\n<dt>Von</dt>\n<dd><bdi>&lt;script&gt;[U+202E] Bcc: x&lt;/script&gt;</bdi></dd>\n</dl>\n\
             <blockquote dir=\"auto\"><p>Hallo &amp; &lt;b&gt;<br>\n<br>\nhttps://bad.example/[U+0000]</p></blockquote>\n\
             <ul>\n<li><bdi>listctl directory diff</bdi></li>\n</ul>\n\
             <p><a href=\"https://l.example/q/abc?a=1&amp;b=&#39;\" style=\"display:inline-block;padding:12px 16px;\
             border:1px solid;border-radius:6px\">Ja</a></p>\n<p>Böse</p>\n<hr>\n\
             <p><a href=\"https://l.example/\">Hilfe</a></p>\n</body>\n</html>\n"
        );
        assert!(words.html.starts_with("<!DOCTYPE html>\n<html lang=\"de-AT\" dir=\"ltr\">"));
        assert!(!words.html.contains("<script") && !words.html.contains("<img"));
    }

    /// LA3: the page says from which side it is read. Promise 10: a quote has an end.
    #[test]
    fn directions_and_limits() {
        for (language, expect) in
            [("de", "ltr"), ("ar", "rtl"), ("fa-IR", "rtl"), ("", "ltr"), ("tr", "ltr")]
        {
            assert_eq!(direction(language), expect, "{language}");
        }
        let long = words("en", &"s".repeat(9_999), &[Block::Quote("a <b>\n".repeat(99_999))]);
        assert!(long.subject.len() < 300 && long.text.len() < 3_000 && long.html.len() < 4_000);
        let empty = words("en", "x", &[Block::Quote(" \r\n".to_owned()), Block::Facts(vec![])]);
        assert!(empty.text == "\n" && empty.html.contains("<body>\n</body>"));
    }
}
