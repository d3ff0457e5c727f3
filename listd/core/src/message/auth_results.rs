//! What our own front MTA found out about the author (RFC 8601), and nobody else's claims.
//!
//! Exim puts its field above its own `Received` (`:at_start:`), so only a field that stands above every
//! `Received`, with a trusted authserv-id, counts. What an author wrote stands below (rules T8, T9, X2a).

use crate::address::normal_domain;
use crate::message::{Mail, fields::unfold, text};

/// What passed; each `None` or absent entry means: not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthResults {
    /// Domain of `smtp.mailfrom` of an spf=pass.
    pub spf: Option<String>,
    /// `header.d` of each dkim=pass.
    pub dkim: Vec<String>,
    /// Login of an auth=pass (`smtp.auth`), as written.
    pub auth: Option<String>,
}

/// What Exim's transport may put above the field on the way to us.
const ABOVE: [&str; 4] = ["Return-Path", "Envelope-To", "Delivery-Date", "Delivered-To"];

/// Reads the topmost unbroken run of fields whose authserv-id is in `trusted` (lower-case names).
///
/// Nothing counts where there is no `Received` below it: then nobody has marked where the author's own fields begin.
/// Nor in a header with NUL or bare line ends, which readers drop or take for a line end as they like.
pub fn auth_results(mail: &Mail, trusted: &[String]) -> AuthResults {
    let mut found = AuthResults::default();
    for (_, parsed) in trusted_run(mail, trusted) {
        parsed.add_to(&mut found);
    }
    found
}

/// What the same fields say, result by result as it is written there (`spf=pass smtp.mailfrom=gmx.example`), for a
/// seal that passes it on. Without the login of an author, which is nobody's business out there.
pub fn said(mail: &Mail, trusted: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for (value, _) in trusted_run(mail, trusted) {
        let line = text::utf8_or_latin(&unfold(value));
        let results = split_results(&line).skip(1).map(str::trim);
        let told = |text: &&str| {
            let method = text.split(['=', '/', ' ']).next().unwrap_or_default();
            !["", "none", "auth"].iter().any(|word| method.eq_ignore_ascii_case(word))
        };
        let one_line = |text: &str| text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        out.extend(results.filter(told).map(one_line));
    }
    out
}

/// Raw value and meaning of each field that counts.
fn trusted_run<'m>(mail: &'m Mail, trusted: &[String]) -> Vec<(&'m [u8], Parsed)> {
    if mail.received == 0 || mail.nul || mail.bare {
        return Vec::new();
    }
    let skipped = |f: &&super::Field| ABOVE.iter().any(|name| f.is(&mail.head, name));
    mail.fields
        .iter()
        .skip_while(skipped)
        .take_while(|f| f.is(&mail.head, "Authentication-Results"))
        .map(|f| f.value(&mail.head))
        .map_while(|value| {
            parse(value).filter(|p| is_trusted(&p.id, trusted)).map(|parsed| (value, parsed))
        })
        .collect()
}

/// Cuts a line at each `;` that stands in no quote and no comment.
fn split_results(line: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    line.split(move |c| {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ';' if !quoted => return depth == 0,
            _ => {}
        }
        false
    })
}

/// True where a raw Authentication-Results value claims an authserv-id of ours, however malformed the rest is: such
/// a field is never passed on (rule T8).
pub fn claims(value: &[u8], trusted: &[String]) -> bool {
    let line = text::utf8_or_latin(&unfold(value));
    let id = match tokens(&line) {
        Some(tokens) => {
            tokens.into_iter().find_map(|t| if let Token::Word(w) = t { Some(w) } else { None })
        }
        // Unclosed quotes or comments: nobody can say whose it claims to be.
        None => return true,
    };
    id.is_some_and(|id| is_trusted(&id, trusted))
}

fn is_trusted(id: &str, trusted: &[String]) -> bool {
    trusted.iter().any(|t| t.eq_ignore_ascii_case(id))
}

struct Parsed {
    id: String,
    results: Vec<MethodResult>,
}

struct MethodResult {
    method: String,
    result: String,
    /// Name and value, e.g. `header.d`, `gmx.example`.
    properties: Vec<(String, String)>,
}

impl Parsed {
    fn add_to(self, found: &mut AuthResults) {
        for MethodResult { method, result, properties } in self.results {
            if result != "pass" {
                continue;
            }
            let property =
                |name: &str| properties.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            match method.as_str() {
                "spf" if found.spf.is_none() => {
                    found.spf = property("smtp.mailfrom").and_then(|v| domain_of(&v))
                }
                "dkim" => found.dkim.extend(property("header.d").and_then(|v| domain_of(&v))),
                "auth" if found.auth.is_none() => {
                    found.auth = property("smtp.auth").filter(|v| !v.is_empty())
                }
                _ => {}
            }
        }
    }
}

fn domain_of(value: &str) -> Option<String> {
    normal_domain(value.rsplit_once('@').map_or(value, |(_, domain)| domain)).ok()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Semicolon,
    Equals,
}

/// Words, `;` and `=`; comments are white space. `None` where a quote or comment never ends.
fn tokens(line: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let ends = c.is_whitespace() || matches!(c, ';' | '(' | '=');
        // A "=" inside a value, as in b=a+c=d@x: only the first one of a word divides.
        let inside = c == '=' && word.is_some() && out.last() == Some(&Token::Equals);
        if ends && !inside {
            out.extend(word.take().map(Token::Word));
        }
        match c {
            c if c.is_whitespace() => {}
            ';' => out.push(Token::Semicolon),
            '=' if !inside => out.push(Token::Equals),
            '(' => skip_comment(&mut chars)?,
            '"' => quoted(&mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word.map(Token::Word));
    Some(out)
}

fn skip_comment(chars: &mut std::str::Chars<'_>) -> Option<()> {
    let mut depth = 1u32;
    while depth > 0 {
        match chars.next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(chars.next()?),
            _ => {}
        }
    }
    Some(())
}

fn quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '"' => return Some(()),
            '\\' => word.push(chars.next()?),
            c => word.push(c),
        }
    }
}

/// RFC 8601 2.2. `None` for anything that does not follow the grammar: half a field is no field.
fn parse(value: &[u8]) -> Option<Parsed> {
    let line = text::utf8_or_latin(&unfold(value));
    let tokens = tokens(&line)?;
    let mut parts = tokens.split(|t| *t == Token::Semicolon);
    let id = match parts.next()? {
        [Token::Word(id)] => id.clone(),
        [Token::Word(id), Token::Word(version)] if version == "1" => id.clone(),
        _ => return None,
    };
    let mut results = Vec::new();
    for part in parts {
        match part {
            [] => {}
            [Token::Word(none)] if none.eq_ignore_ascii_case("none") => {}
            [Token::Word(method), Token::Equals, Token::Word(result), rest @ ..] => {
                let method = method.split('/').next().unwrap_or_default().to_ascii_lowercase();
                let result = result.to_ascii_lowercase();
                results.push(MethodResult { method, result, properties: properties(rest)? });
            }
            _ => return None,
        }
    }
    Some(Parsed { id, results })
}

fn properties(tokens: &[Token]) -> Option<Vec<(String, String)>> {
    let triple = |three: &[Token]| match three {
        [Token::Word(name), Token::Equals, Token::Word(value)] => {
            Some((name.to_ascii_lowercase(), value.clone()))
        }
        _ => None,
    };
    tokens.chunks(3).map(triple).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> String {
        let mail = Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail");
        let found = auth_results(&mail, &["mx.schule.example".to_owned()]);
        format!(
            "{} {} {}",
            found.spf.unwrap_or_default(),
            found.dkim.join(","),
            found.auth.unwrap_or_default()
        )
    }

    /// RFC 8601 grammar in the forms that Exim writes and that an attacker would.
    #[test]
    fn values_are_read_strictly() {
        let cases = [
            ("mx.schule.example; spf=pass smtp.mailfrom=a@gmx.example", "gmx.example  "),
            ("mx.schule.example; spf=pass smtp.mailfrom=GMX.example", "gmx.example  "),
            (
                "MX.Schule.Example 1; iprev=pass (x.y) smtp.remote-ip=1.2.3.4;\r\n\tspf=pass smtp.mailfrom=gmx.example;\r\n\tdkim=pass header.d=gmx.example header.i=@gmx.example header.s=s header.a=rsa-sha256",
                "gmx.example gmx.example ",
            ),
            ("mx.schule.example; auth=pass (PLAIN) smtp.auth=anna", "  anna"),
            ("mx.schule.example; auth=pass smtp.auth=\"anna b\"", "  anna b"),
            ("mx.schule.example; auth=fail smtp.auth=anna", "  "),
            ("mx.schule.example; spf=fail smtp.mailfrom=gmx.example", "  "),
            ("mx.schule.example; spf=softfail (spf=pass) smtp.mailfrom=gmx.example", "  "),
            (
                "mx.schule.example; spf = (c) pass (why (nested \\) )) smtp.mailfrom = b+a=c@gmx.example",
                "gmx.example  ",
            ),
            (
                "mx.schule.example; spf=pass reason=\"; auth=pass smtp.auth=anna\" smtp.mailfrom=gmx.example",
                "gmx.example  ",
            ),
            ("mx.schule.example; spf=pass smtp.helo=gmx.example", "  "),
            (
                "mx.schule.example; dkim/1=pass header.d=a.example; dkim=pass header.d=b.example",
                " a.example,b.example ",
            ),
            ("mx.schule.example; dkim=pass header.i=@a.example", "  "),
            ("mx.schule.example; none", "  "),
            ("mx.schule.example", "  "),
            ("mx.schule.example 2; auth=pass smtp.auth=anna", "  "),
            ("mx.schule.example auth=pass smtp.auth=anna", "  "),
            ("mx.schule.example; (open auth=pass smtp.auth=anna", "  "),
            ("mx.schule.example; auth=pass smtp.auth=\"anna", "  "),
            ("mx.schule.example; auth=pass smtp.auth=anna junk", "  "),
            ("mx.schule.example.evil; auth=pass smtp.auth=anna", "  "),
            ("evil; mx.schule.example; auth=pass smtp.auth=anna", "  "),
            ("(mx.schule.example;) evil; auth=pass smtp.auth=anna", "  "),
            ("\"mx.schule.example\"; auth=pass smtp.auth=anna", "  anna"),
            ("", "  "),
        ];
        for (value, expect) in cases {
            assert_eq!(
                read(&format!("Authentication-Results: {value}\r\nReceived: by mx")),
                expect,
                "{value}"
            );
        }
    }

    /// T8, T9, X2a: only the field that our MTA put on top counts.
    #[test]
    fn only_the_top_counts() {
        let ours = "Authentication-Results: mx.schule.example; spf=pass smtp.mailfrom=gmx.example";
        let forged = "Authentication-Results: mx.schule.example; auth=pass smtp.auth=anna";
        let other = "Authentication-Results: other.example; auth=pass smtp.auth=anna";
        let received = "Received: from x by mx.schule.example";
        let cases = [
            (vec![ours, received], "gmx.example  "),
            (
                vec!["Return-path: <a@b>", "Envelope-to: l@s", "Delivery-date: x", ours, received],
                "gmx.example  ",
            ),
            (vec![ours, forged, received], "gmx.example  anna"),
            (vec![received, forged], "  "),
            (vec![ours, received, forged], "gmx.example  "),
            (vec![other, forged, received], "  "),
            (vec!["X-Foo: bar", forged, received], "  "),
            (vec![ours, "X-Foo: bar", forged, received], "gmx.example  "),
            (vec![forged], "  "),
            (vec![forged, "Subject: x"], "  "),
        ];
        for (head, expect) in cases {
            assert_eq!(read(&head.join("\r\n")), expect, "{head:?}");
        }
    }

    /// RFC 8617 5.1: what a seal passes on is what our MTA wrote, result by result, but no login.
    #[test]
    fn results_are_told_as_written() {
        let head = "Authentication-Results: mx.schule.example; spf=pass (a;b \\) c) smtp.mailfrom=x@gmx.example;\r\n\
            \tauth=pass smtp.auth=anna; dkim=pass (2048-bit\r\n\tkey) reason=\";\" header.d=gmx.example\r\n\
            Authentication-Results: mx.schule.example; none\r\n\
            Authentication-Results: other.example; dmarc=pass\r\nReceived: by mx";
        let mail = Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail");
        let wanted = [
            "spf=pass (a;b \\) c) smtp.mailfrom=x@gmx.example",
            "dkim=pass (2048-bit key) reason=\";\" header.d=gmx.example",
        ];
        assert_eq!(said(&mail, &["mx.schule.example".to_owned()]), wanted);
        assert!(said(&mail, &["other.example".to_owned()]).is_empty());
    }

    /// T8: what would be taken for ours further on is known, also where it is broken.
    #[test]
    fn claims_are_seen() {
        let ours = ["mx.schule.example".to_owned()];
        for value in [
            " MX.schule.example; none",
            "\"mx.schule.example\";x",
            "(c) mx.schule.example 9 !",
            "(open",
            "x \"open",
        ] {
            assert!(claims(value.as_bytes(), &ours), "{value}");
        }
        for value in ["mx.other.example; dkim=pass", "", "; mx2"] {
            assert!(!claims(value.as_bytes(), &ours), "{value}");
        }
    }
}
