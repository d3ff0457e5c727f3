//! Reverse and forward paths as they stand on the wire (RFC 5321 4.1.2, RFC 6531 3.3).
//!
//! The text is kept as it was sent, quotes included, because `"a b"@d` without them is another
//! address. Only a source route is dropped (LM15). What the address means is the handler's.

/// Local part: 64 octets (RFC 5321 4.5.3.1.1), counted without the quotes.
const MAX_LOCAL: usize = 64;
/// Domain: 255 octets (RFC 5321 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// Not `<...>`, or something in it stands where it may not.
    Syntax,
    /// A part is over its limit.
    TooLong,
    /// Octets that are no UTF-8.
    NotUtf8,
}

/// The path at the head of `text`, and what follows its `>`.
///
/// The path is empty for `<>`, `Postmaster` (as written) for the one name that needs no domain,
/// else `local@domain` in wire form.
pub fn parse(text: &[u8]) -> Result<(&str, &[u8]), PathError> {
    let inner = text.strip_prefix(b"<").ok_or(PathError::Syntax)?;
    let end = closing(inner).ok_or(PathError::Syntax)?;
    let (path, rest) = inner.split_at_checked(end).ok_or(PathError::Syntax)?;
    let rest = rest.strip_prefix(b">").ok_or(PathError::Syntax)?;
    let path = without_route(std::str::from_utf8(path).map_err(|_| PathError::NotUtf8)?)?;
    if !path.is_empty() && !path.eq_ignore_ascii_case("postmaster") {
        check(path)?;
    }
    Ok((path, rest))
}

/// Where the `>` stands that is not inside quotes.
fn closing(inner: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    inner.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return true,
            _ => {}
        }
        false
    })
}

/// `@a,@b:c@d` is `c@d` (RFC 5321 4.1.2: At-domain lists are accepted and ignored).
fn without_route(path: &str) -> Result<&str, PathError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let (route, path) = path.split_once(':').ok_or(PathError::Syntax)?;
    for hop in route.split(',') {
        check_domain(hop.strip_prefix('@').ok_or(PathError::Syntax)?)?;
    }
    if path.is_empty() { Err(PathError::Syntax) } else { Ok(path) }
}

/// Is it a Mailbox? Dots in odd places (`a..b@d`) are let through: such mailboxes exist.
fn check(path: &str) -> Result<(), PathError> {
    let (length, domain) = match path.strip_prefix('"') {
        Some(quoted) => quoted_local(quoted)?,
        None => {
            let (local, domain) = path.split_once('@').ok_or(PathError::Syntax)?;
            if local.is_empty() || !local.chars().all(is_dot_atom) {
                return Err(PathError::Syntax);
            }
            (local.len(), domain)
        }
    };
    if length > MAX_LOCAL {
        return Err(PathError::TooLong);
    }
    check_domain(domain)
}

/// The octets of a quoted local part without its quoting, and the domain behind it.
fn quoted_local(text: &str) -> Result<(usize, &str), PathError> {
    let mut length = 0;
    let mut chars = text.chars();
    loop {
        let c = match chars.next().ok_or(PathError::Syntax)? {
            '"' => break,
            '\\' => chars.next().ok_or(PathError::Syntax)?,
            c => c,
        };
        if c.is_control() {
            return Err(PathError::Syntax);
        }
        length += c.len_utf8();
    }
    let domain = chars.as_str().strip_prefix('@').ok_or(PathError::Syntax)?;
    if length == 0 { Err(PathError::Syntax) } else { Ok((length, domain)) }
}

fn check_domain(domain: &str) -> Result<(), PathError> {
    if domain.len() > MAX_DOMAIN {
        return Err(PathError::TooLong);
    }
    let literal = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
    let fine = match literal {
        Some(literal) => {
            !literal.is_empty()
                && literal.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-".contains(&b))
        }
        None => {
            let name = domain.strip_suffix('.').unwrap_or(domain);
            name.split('.').all(|label| !label.is_empty() && label.chars().all(is_label))
        }
    };
    if fine { Ok(()) } else { Err(PathError::Syntax) }
}

fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_' || (!c.is_ascii() && !is_break(c))
}

fn is_dot_atom(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || ".!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !is_break(c))
}

/// Controls of the upper half and the Unicode line breaks (X4).
fn is_break(c: char) -> bool {
    c.is_control() || c == '\u{2028}' || c == '\u{2029}'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LM15, LM10, LM9: what is a path, and what stays of it.
    #[test]
    fn lm15_paths() {
        let local64 = "a".repeat(64);
        let fits = format!("<{local64}@d>");
        let quoted64 = format!("<\"{local64}\"@d>");
        let long = format!("<{local64}a@d>");
        let domain = format!("<a@{}>", vec!["b".repeat(50); 6].join("."));
        let cases: &[(&str, Result<&str, PathError>)] = &[
            ("<>", Ok("")),
            ("<a@b>", Ok("a@b")),
            ("<5b-bounces+tok=abc@lists>", Ok("5b-bounces+tok=abc@lists")),
            ("<Postmaster>", Ok("Postmaster")),
            ("<postmaster@d>", Ok("postmaster@d")),
            ("<@a,@b:c@d>", Ok("c@d")),
            ("<@a:\"x:y\"@d>", Ok("\"x:y\"@d")),
            ("<\"a b\"@x>", Ok("\"a b\"@x")),
            ("<\"a@b\"@x>", Ok("\"a@b\"@x")),
            ("<\"a>b\"@x>", Ok("\"a>b\"@x")),
            ("<\"a\\\"b\"@x>", Ok("\"a\\\"b\"@x")),
            ("<\"a\\\\\"@x>", Ok("\"a\\\\\"@x")),
            ("<a@[127.0.0.1]>", Ok("a@[127.0.0.1]")),
            ("<a@[IPv6:::1]>", Ok("a@[IPv6:::1]")),
            ("<a@d.>", Ok("a@d.")),
            ("<a..b@d>", Ok("a..b@d")),
            ("<müller@d>", Ok("müller@d")),
            (&fits, Ok(&fits[1..fits.len() - 1])),
            (&quoted64, Ok(&quoted64[1..quoted64.len() - 1])),
            (&long, Err(PathError::TooLong)),
            (&domain, Err(PathError::TooLong)),
            ("", Err(PathError::Syntax)),
            ("a@b", Err(PathError::Syntax)),
            (" <a@b>", Err(PathError::Syntax)),
            ("<a@b", Err(PathError::Syntax)),
            ("<a>", Err(PathError::Syntax)),
            ("<@d>", Err(PathError::Syntax)),
            ("<a@>", Err(PathError::Syntax)),
            ("<a@b@c>", Err(PathError::Syntax)),
            ("<a b@c>", Err(PathError::Syntax)),
            ("< a@c>", Err(PathError::Syntax)),
            ("<a@b..c>", Err(PathError::Syntax)),
            ("<a@.>", Err(PathError::Syntax)),
            ("<\"\"@d>", Err(PathError::Syntax)),
            ("<\"a@d>", Err(PathError::Syntax)),
            ("<\"a\"b@d>", Err(PathError::Syntax)),
            ("<\"a\\\"@d>", Err(PathError::Syntax)),
            ("<@a,b:c@d>", Err(PathError::Syntax)),
            ("<@a:>", Err(PathError::Syntax)),
            ("<a@[1.2.3.4>", Err(PathError::Syntax)),
            ("<a\u{2028}@d>", Err(PathError::Syntax)),
        ];
        for (text, expect) in cases {
            assert_eq!(parse(text.as_bytes()).map(|(path, _)| path), *expect, "{text}");
        }
        assert_eq!(parse(b"<a\xff@d>"), Err(PathError::NotUtf8));
        assert_eq!(parse(b"<a@d> SIZE=1"), Ok(("a@d", &b" SIZE=1"[..])));
    }
}
