//! Does a header field show one of these addresses, in whatever form it came?
//!
//! Reads like the most curious mail program: encoded words anywhere, percent and quoted-printable escapes, base64,
//! hex digits, quotes, comments, spaces and characters that nobody sees inside an address, names of hosts in either
//! script, addresses inside return paths. Rather one too many than one too few.
//!
//! Bounded: a line has at most [`MOST_VIEWS`] readings, and each is searched once, however many addresses there are.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use data_encoding::{BASE64_NOPAD, HEXLOWER};

use crate::address::Address;
use crate::message::{fields::unfold, text, unseen::hides};

/// Most readings of one line: four decoders, with either sign of escapes or none, each as it is and without what may
/// stand inside an address.
const MOST_VIEWS: usize = 4 * 3 * 3;

/// Addresses that must not be seen.
pub struct Secrets {
    all: Vec<Secret>,
    /// Made where a domain of theirs is in sight, which it mostly is not.
    search: OnceLock<Option<Search>>,
}

struct Secret {
    address: Address,
    /// Lower-case; without a `+tag`, if it had one.
    locals: Vec<String>,
    /// Lower-case: the A-label and the U-label.
    domains: Vec<String>,
    /// The middle of its base64 form, at each of the three offsets, and its octets as hex digits.
    encoded: Vec<String>,
}

/// All that an address looks like, found in one pass.
struct Search {
    found: AhoCorasick,
    /// For each form: it is an address as it is written, and begins as one does in its field.
    written: Vec<bool>,
}

/// How an address may begin.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Where an address of its own begins: `jan-a@b.example` does not show `a@b.example`.
    Alone,
    /// Behind anything but a letter, and up to anything but one: `bounce-a=b.example@c.example` shows it, and so does
    /// the Message-ID `1a@b.example-2`.
    Anywhere,
}

/// What programs put between local part and domain where it is no address any more.
pub(super) const JOINTS: [&str; 6] = ["=", "%", "_at_", "-at-", "(at)", "[at]"];

impl Secrets {
    pub fn new(addresses: &[Address]) -> Secrets {
        let all = addresses.iter().map(Secret::new).collect();
        Secrets { all, search: OnceLock::new() }
    }

    /// True for one of the addresses itself; what follows a `+` in its local part does not count.
    pub fn hold(&self, address: &Address) -> bool {
        let local = address.local().to_lowercase();
        let base = base(&local);
        self.all.iter().any(|secret| {
            secret.address.domain() == address.domain()
                && secret.locals.iter().any(|l| *l == local || *l == base)
        })
    }

    /// True where a raw value shows one of them.
    pub fn shown_in(&self, value: &[u8], begins: Begins) -> bool {
        let line = text::utf8_or_latin(&unfold(value));
        let solid: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        self.all.iter().flat_map(|secret| &secret.encoded).any(|piece| solid.contains(piece))
            || views(&line).iter().any(|view| self.in_view(view, begins))
    }

    /// A text with the addresses left out, where they stand in it plainly.
    pub fn without(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (local, domain) in self.all.iter().flat_map(pairs) {
            text = cut_out(&text, &format!("{local}@{domain}"));
        }
        text
    }

    fn in_view(&self, view: &str, begins: Begins) -> bool {
        let mut domains = self.all.iter().flat_map(|secret| &secret.domains);
        // The header of a hostile mail is long: most of it is passed over here.
        if !domains.any(|domain| view.contains(domain)) {
            return false;
        }
        self.candidates(view)
            .any(|(at, written)| stands(view, at, if written { begins } else { Begins::Anywhere }))
    }

    /// Where something looks like an address of theirs, and whether it is written as one.
    fn candidates(&self, view: &str) -> impl Iterator<Item = (std::ops::Range<usize>, bool)> {
        let search = self.search.get_or_init(|| Search::new(&self.all)).as_ref();
        search.into_iter().flat_map(move |search| {
            search.found.find_overlapping_iter(view).map(|found| {
                let written = search.written.get(found.pattern().as_usize());
                (found.range(), written.copied().unwrap_or_default())
            })
        })
    }
}

impl Search {
    /// `None` where there is nothing to look for.
    fn new(all: &[Secret]) -> Option<Search> {
        let (mut forms, mut written) = (Vec::new(), Vec::new());
        for (local, domain) in all.iter().flat_map(pairs) {
            forms.push(format!("{local}@{domain}"));
            // As forwarders rewrite return paths (SRS): `SRS0=x=y=domain=local@forwarder`.
            forms.push(format!("{domain}={local}"));
            forms.extend(JOINTS.iter().map(|joint| format!("{local}{joint}{domain}")));
            written.push(true);
            written.resize(forms.len(), false);
        }
        // Made for one mail: quickly made rather than quick.
        let kind = Some(AhoCorasickKind::NoncontiguousNFA);
        let found = AhoCorasick::builder().kind(kind).prefilter(false).build(forms).ok()?;
        Some(Search { found, written })
    }
}

impl Secret {
    fn new(address: &Address) -> Secret {
        let local = address.local().to_lowercase();
        let mut locals = vec![local.clone()];
        locals.extend(Some(base(&local).to_owned()).filter(|base| *base != local));
        let mut domains = vec![address.domain().to_owned()];
        let (unicode, _) = idna::domain_to_unicode(address.domain());
        domains.extend(Some(unicode.to_lowercase()).filter(|u| u != address.domain()));
        let written = format!("{}@{}", address.local(), address.domain());
        let mut encoded = Vec::new();
        for text in [written.to_lowercase(), written] {
            encoded.extend((0..3).filter_map(|offset| middle(text.as_bytes(), offset)));
            let hex = HEXLOWER.encode(text.as_bytes());
            encoded.extend([hex.to_uppercase(), hex]);
        }
        Secret { address: address.clone(), locals, domains, encoded }
    }
}

fn pairs(secret: &Secret) -> impl Iterator<Item = (&String, &String)> {
    secret.locals.iter().flat_map(|l| secret.domains.iter().map(move |d| (l, d)))
}

/// A local part without its `+tag`.
fn base(local: &str) -> &str {
    local.split_once('+').map_or(local, |(base, _)| base)
}

/// The base64 characters that depend on `text` alone where it begins at this offset within a group of three.
fn middle(text: &[u8], offset: usize) -> Option<String> {
    let first = (3 - offset) % 3;
    let whole = text.len().checked_sub(first)? / 3 * 3;
    let piece = text.get(first..first + whole)?;
    // Shorter pieces turn up by chance.
    (piece.len() >= 6).then(|| BASE64_NOPAD.encode(piece))
}

/// Nothing around it makes it another address.
fn stands(view: &str, at: std::ops::Range<usize>, begins: Begins) -> bool {
    let before = view.get(..at.start).and_then(|v| v.chars().next_back());
    let behind = view.get(at.end..).unwrap_or_default();
    let begun = match begins {
        Begins::Anywhere => !before.is_some_and(char::is_alphabetic),
        Begins::Alone => !before.is_some_and(is_atext),
    };
    begun && ends(behind, begins)
}

/// True where a domain ends before `behind`; in a file's name a dot ends it.
fn ends(behind: &str, begins: Begins) -> bool {
    let mut chars = behind.chars();
    match chars.next() {
        Some(c) if begins == Begins::Anywhere => !c.is_alphabetic(),
        Some('.') => !chars.next().is_some_and(char::is_alphanumeric),
        Some(c) => !c.is_alphanumeric() && c != '-',
        None => true,
    }
}

/// RFC 5322 3.2.3, RFC 6532 3.2, and the dot; but `smtp.mailfrom=anna@x` shows `anna@x`.
fn is_atext(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/?^_`{|}~.".contains(c)
}

/// All ways to read a line, in lower case, each once.
fn views(line: &str) -> Vec<String> {
    let mut decoded = vec![line.to_owned()];
    for text in [text::decode(line.as_bytes()), words(line), continued(line)] {
        once(&mut decoded, text);
    }
    let mut plain = Vec::new();
    for text in decoded {
        let lower = text.to_lowercase();
        for sign in ['%', '='] {
            if let Cow::Owned(text) = escapes(&lower, sign) {
                once(&mut plain, text.to_lowercase());
            }
        }
        once(&mut plain, lower);
    }
    let mut all = Vec::with_capacity(MOST_VIEWS);
    for text in plain {
        let tight = tight(&text);
        once(&mut all, self::tight(&without_tags(&tight)));
        once(&mut all, tight);
        once(&mut all, text);
    }
    all
}

fn once(all: &mut Vec<String>, text: String) {
    if !all.contains(&text) {
        all.push(text);
    }
}

/// Every encoded word decoded, wherever it stands: programs do that (RFC 2047 5 forbids it inside quotes). Only
/// what is ASCII in its charset comes out right, which is all that an address has.
fn words(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("=?") {
        let mut pieces = behind.splitn(4, '?');
        let word = (pieces.next(), pieces.next(), pieces.next(), pieces.next());
        let (Some(_charset), Some(kind), Some(payload), Some(tail)) = word else { break };
        let Some(tail) = tail.strip_prefix('=') else {
            out.push_str(before);
            out.push_str("=?");
            rest = behind;
            continue;
        };
        // Nothing between two words counts.
        if !before.trim().is_empty() || out.is_empty() {
            out.push_str(before);
        }
        let bytes = match kind {
            "b" | "B" => {
                BASE64_NOPAD.decode(payload.trim_end_matches('=').as_bytes()).unwrap_or_default()
            }
            _ => escapes(&payload.replace('_', " "), '=').into_owned().into_bytes(),
        };
        // UTF-16 is ASCII with nothing between.
        out.push_str(&String::from_utf8_lossy(&bytes).replace('\0', ""));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Pieces of a parameter joined (RFC 2231 3): `name*0="a@"; name*1="b.example"`.
fn continued(line: &str) -> String {
    let mut out = String::new();
    for piece in line.split(';') {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let number = name.trim().trim_end_matches('*').rsplit_once('*').map(|(_, n)| n);
        match number.and_then(|n| n.parse::<u32>().ok()) {
            Some(n) if n > 0 => out.push_str(value.trim().trim_matches('"')),
            Some(_) => {
                out.push(';');
                out.push_str(value.trim().trim_matches('"'));
            }
            None => {
                out.push(';');
                out.push_str(piece);
            }
        }
    }
    out
}

/// `%40` or `=40` become `@`.
pub(super) fn escapes(text: &str, sign: char) -> Cow<'_, str> {
    if !text.contains(sign) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let octet = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match octet
            .filter(|_| *first == sign as u8)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(octet) => {
                out.push(octet);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Without quotes and what nobody sees, and without the spaces and comments that may stand around `@` and dots
/// (RFC 5322 3.4.1).
fn tight(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let mut gap = false;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                gap = true;
            }
            _ if depth > 0 => {}
            '"' | '\\' => {}
            // What looks like the sign, is read as it.
            '\u{ff20}' | '\u{fe6b}' => {
                out.push('@');
                gap = false;
            }
            c if c.is_whitespace() => gap = true,
            c if hides(c) => {}
            c => {
                let close =
                    matches!(c, '@' | '.') || matches!(out.chars().next_back(), Some('@' | '.'));
                if gap && !close {
                    out.push(' ');
                }
                gap = false;
                out.push(c);
            }
        }
    }
    out
}

/// `anna+tag@x` becomes `anna@x`.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive('@') {
        match piece.strip_suffix('@').and_then(|local| local.split_once('+')) {
            Some((base, tag))
                if !tag.contains(|c: char| c.is_whitespace() || "<>,;".contains(c)) =>
            {
                out.push_str(base);
                out.push('@');
            }
            _ => out.push_str(piece),
        }
    }
    out
}

/// All occurrences of a lower-case text, whatever their case, replaced by dots.
fn cut_out(text: &str, wanted: &str) -> String {
    let lower = text.to_lowercase();
    // Where lower case has another length (`İ`), nothing is cut out, and the last check decides.
    if lower.len() != text.len() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for (at, found) in lower.match_indices(wanted) {
        let (Some(before), true) = (text.get(last..at), text.is_char_boundary(at + found.len()))
        else {
            continue;
        };
        out.push_str(before);
        out.push_str("...");
        last = at + found.len();
    }
    out.push_str(text.get(last..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(addresses: &[&str]) -> Secrets {
        let parse = |text: &&str| Address::parse(text).expect("address");
        Secrets::new(&addresses.iter().map(parse).collect::<Vec<_>>())
    }

    /// GD3: one address in all the forms that programs give it.
    #[test]
    fn an_address_is_seen_in_every_form() {
        let secrets = secrets(&["Ayse.Y@gmx.example", "ayşe@schüler.example"]);
        let shown = [
            "ayse.y@gmx.example",
            "<AYSE.Y@GMX.EXAMPLE>",
            "mail von ayse.y@gmx.example.",
            "\"ayse.y\"@gmx.example",
            "\"ayse\\.y\"@gmx.example",
            "ayse.y @ gmx.example",
            "ayse . y (that is me) @ (my provider) gmx . example",
            "ayse.y\r\n @gmx.example",
            "ayse.y%40gmx.example",
            "ayse%2Ey%40gmx%2eexample",
            "ayse.y=40gmx.example",
            "=?utf-8?Q?ayse.y=40gmx.example?=",
            "=?utf-8?B?YXlzZS55QGdteC5leGFtcGxl?=",
            "=?utf-8?Q?ayse.y?=\r\n =?utf-8?Q?=40gmx?= =?us-ascii?Q?.example?=",
            "\"=?utf-8?Q?ayse.y=40gmx.example?=\" <x@y.example>",
            "x=?utf-8?Q?_ayse.y=40gmx.example_?=y",
            "xYXlzZS55QGdteC5leGFtcGxl",
            "attachment; filename*0=\"ayse.y@\"; filename*1=\"gmx.example\"",
            "ayse.y+tag@gmx.example",
            "smtp.auth=ayse.y@gmx.example;",
            "ayşe@schüler.example",
            "AYŞE@xn--schler-5ya.example",
            "=?utf-8?Q?ay=C5=9Fe=40xn--schler-5ya.example?=",
            "ay%C5%9Fe@sch%C3%BCler.example",
        ];
        for value in shown {
            assert!(secrets.shown_in(value.as_bytes(), Begins::Alone), "{value}");
            assert!(secrets.shown_in(value.as_bytes(), Begins::Anywhere), "{value}");
        }
        let inside = [
            "attachment; filename*=utf-8''ayse.y%40gmx.example.pdf ",
            "bounce-ayse.y=gmx.example@list.example",
            "SRS0=ab=cd=gmx.example=ayse.y@forward.example",
            "<123-ayse.y@gmx.example>",
            "1.ayse.y_at_gmx.example",
            "<ayse.y@gmx.example-123>",
            "<20261122ayse.y@gmx.example.4711>",
            "x-617973652e7940676d782e6578616d706c65",
            "ayse.y\u{ff20}gmx.example",
            "ay\u{200b}se.y@gmx\u{ad}.example",
            "=?utf-16le?B?YQB5AHMAZQAuAHkAQABnAG0AeAAuAGUAeABhAG0AcABsAGUA?=",
        ];
        for value in inside {
            assert!(secrets.shown_in(value.as_bytes(), Begins::Anywhere), "{value}");
        }
    }

    /// The addresses of others are not hers.
    #[test]
    fn others_are_not_taken_for_her() {
        let secrets = secrets(&["ayse@gmx.example"]);
        let fine = [
            "anna@gmx.example",
            "jan-ayse@gmx.example",
            "von.ayse@gmx.example",
            "ayse@gmx.example.org",
            "ayse@gmx.example-x.org",
            "ayse@gmx.examples",
            "ayse gmx.example",
            "Ayse Yilmaz <klasse-5b-author+abc@schule.example>",
            "",
        ];
        for value in fine {
            assert!(!secrets.shown_in(value.as_bytes(), Begins::Alone), "{value}");
        }
        assert!(!secrets.shown_in(b"xayse@gmx.example", Begins::Anywhere));
        let is = |text: &str| secrets.hold(&Address::parse(text).expect("address"));
        assert!(is("AYSE@gmx.example") && is("ayse+x@GMX.example"));
        assert!(!is("ayse@web.example") && !is("x+ayse@gmx.example"));
    }

    /// Promise 10: a header of the greatest length costs so many steps, whatever stands in it and however many addresses
    /// are looked for.
    #[test]
    fn a_hostile_header_costs_its_length() {
        const LENGTH: usize = 245_000;
        let many: Vec<String> =
            (0..20).map(|n| format!("{}@gmx.example", "a".repeat(n + 1))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let secrets = secrets(&many);
        for piece in [
            "gmx.example ",
            "xa@gmx.examples",
            "=?utf-8?Q?xa=40gmx.examples?= ",
            "=?utf-8?B?",
            "%25%34%30=3D=34=30",
            "x*0=\"a\"; x*1=(b) \\\"",
            "((((",
            "İ",
            "a+@+",
        ] {
            let line = piece.repeat(LENGTH / piece.len());
            let views = views(&line);
            let longest = views.iter().map(String::len).max().unwrap_or_default();
            assert!(views.len() <= MOST_VIEWS && longest <= 2 * LENGTH, "{piece}: {longest}");
            // Each view is read once, and what is found in it looked at.
            let looked: usize = views.iter().map(|view| secrets.candidates(view).count()).sum();
            assert!(
                looked <= 20 * MOST_VIEWS * LENGTH / "a@gmx.example".len(),
                "{piece}: {looked}"
            );
            assert!(!secrets.shown_in(line.as_bytes(), Begins::Alone), "{piece}");
        }
    }

    /// What a subject looks like without her address.
    #[test]
    fn an_address_is_cut_out() {
        let secrets = secrets(&["ayse@gmx.example"]);
        assert_eq!(secrets.without("Re: Ayse@GMX.example: Ausflug"), "Re: ...: Ausflug");
        assert_eq!(secrets.without("Ausflug"), "Ausflug");
    }
}
