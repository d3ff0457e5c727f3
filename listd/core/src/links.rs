//! Where our pages are: from `[web] public_url` and a token to a link.
//!
//! Paths only. What stands on a page is `listd/src/web/`, what a token proves is `token`.

use std::fmt::Write as _;

use crate::address::Address;

/// Asks one person one question, e.g. whether she wrote a mail.
pub fn question_url(public_url: &str, token: &str) -> String {
    link(public_url, "q", token)
}

/// What a list is, the same for everybody.
pub fn list_url(public_url: &str, list: &Address) -> String {
    link(public_url, "list", &list.to_string())
}

/// One-click unsubscription (RFC 8058).
pub fn unsubscribe_url(public_url: &str, token: &str) -> String {
    link(public_url, "u", token)
}

/// How one person gets the mail of a list.
pub fn options_url(public_url: &str, token: &str) -> String {
    link(public_url, "o", token)
}

fn link(public_url: &str, page: &str, name: &str) -> String {
    format!("{}/{page}/{}", public_url.trim_end_matches('/'), segment(name))
}

/// A path's segment: what RFC 3986 3.3 lets stand there, without what mail programs break links at.
fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                out.push(char::from(byte));
            }
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H3: links are percent-encoded; a slash at the end of `public_url` and a path in it are fine.
    #[test]
    fn links_are_whole_and_safe() {
        let list = Address::parse("klasse+5b@schule.example").expect("an address");
        let cases = [
            (question_url("https://l.example", "abc234"), "https://l.example/q/abc234"),
            (question_url("https://l.example/", "abc234"), "https://l.example/q/abc234"),
            (unsubscribe_url("https://s.example/lists", "abc"), "https://s.example/lists/u/abc"),
            (
                options_url("https://l.example", "a/b?c#d e>"),
                "https://l.example/o/a%2Fb%3Fc%23d%20e%3E",
            ),
            (
                list_url("https://l.example", &list),
                "https://l.example/list/klasse%2B5b@schule.example",
            ),
        ];
        for (made, expected) in cases {
            assert_eq!(made, expected);
        }
    }
}
