//! What our own MTA's topmost `Received` says of the client that handed the mail in.
//!
//! Exim's forms (its `received_header_text` and `host_build_sender_fullhost`). Another MTA's line, or one that an
//! admin has changed, gives less or nothing, and never a wrong address out of the author's own words: those stand
//! further down.

use std::net::IpAddr;

/// The client, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The name that DNS confirmed; for local submission the user.
    pub name: Option<String>,
    /// `None` for local submission.
    pub ip: Option<IpAddr>,
    /// What it said in HELO or EHLO.
    pub helo: Option<String>,
    /// The mail's id in the MTA's queue.
    pub id: Option<String>,
}

impl Client {
    /// The network that the client is in, as a remembered word of an author counts for it: `192.0.2.0/24`,
    /// `2001:db8:1::/48`. `None` for local submission, and inside private networks, where one house's people are
    /// not told apart.
    pub fn network(&self) -> Option<String> {
        match self.ip?.to_canonical() {
            IpAddr::V4(ip) if ip.is_loopback() || ip.is_private() || ip.is_link_local() => None,
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Some(format!("{a}.{b}.{c}.0/24"))
            }
            IpAddr::V6(ip) if ip.is_loopback() || ip.is_unique_local() => None,
            IpAddr::V6(ip) if ip.is_unicast_link_local() => None,
            IpAddr::V6(ip) => {
                let [a, b, c, ..] = ip.segments();
                Some(format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
        }
    }
}

/// Longest name or id that is believed (RFC 1035 2.3.4).
const MAX_WORD: usize = 255;

/// Reads the value of a `Received` field, unfolded to one line.
pub fn client(line: &str) -> Client {
    let line = line.trim();
    let mut found = Client { id: id(line), ..Client::default() };
    // Local submission without a user: "by host with local".
    let Some(rest) = strip_word(line, "from") else { return found };
    let (head, rest) = word(rest);
    let inside = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let inside = inside.map(|(inside, _)| inside).unwrap_or_default();
    if head.starts_with('[') {
        // "[192.0.2.1] (helo=x)": DNS knows no name.
        found.ip = address(head);
        found.helo = helo(inside).or_else(|| found.ip.map(|ip| format!("[{ip}]")));
        return found;
    }
    found.name = sound(head);
    // "mail.example ([192.0.2.1] helo=x)"; without helo= it was the same as the name.
    found.ip = inside.split_whitespace().next().and_then(address);
    found.helo = helo(inside).or_else(|| found.ip.and(found.name.clone()));
    found
}

/// The rest behind a word and the white space after it.
fn strip_word<'a>(line: &'a str, expect: &str) -> Option<&'a str> {
    let (first, rest) = word(line);
    first.eq_ignore_ascii_case(expect).then_some(rest)
}

/// The first word, and what follows it without the white space between.
fn word(line: &str) -> (&str, &str) {
    match line.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim_start()),
        None => (line, ""),
    }
}

/// `[192.0.2.1]`, `[2001:db8::1]:4711`, also with the prefix of RFC 5321 4.1.3.
fn address(word: &str) -> Option<IpAddr> {
    let (inner, rest) = word.strip_prefix('[')?.split_once(']')?;
    let port = rest.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_ok());
    let bare = match inner.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("ipv6:") => inner.get(5..)?,
        _ => inner,
    };
    if port && (rest.is_empty() || rest.starts_with(':')) { bare.parse().ok() } else { None }
}

fn helo(inside: &str) -> Option<String> {
    inside.split_whitespace().find_map(|word| word.strip_prefix("helo=")).and_then(sound)
}

/// The word behind `id`, which stands behind `by`.
fn id(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("by"));
    words.find(|word| word.eq_ignore_ascii_case("id"))?;
    let id = words.next()?.trim_end_matches(';');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ((1..=64).contains(&id.len()) && id.chars().all(plain)).then(|| id.to_owned())
}

fn sound(word: &str) -> Option<String> {
    let fits = (1..=MAX_WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        let found = client(line);
        let ip = found.ip.map(|ip| ip.to_string());
        let shown = [found.name, ip, found.helo, found.id];
        shown.map(|part| part.unwrap_or_else(|| "-".to_owned())).join(" ")
    }

    /// MI14: the client as Exim saw it, in all forms that Exim 4.96 writes.
    #[test]
    fn exims_forms() {
        const REST: &str = "by mx.schule.example with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384\t(Exim 4.96)\t(envelope-from <a@b.example>)\tid 1wXyZ0-0001ab-2c\tfor klasse-5b@schule.example;\tSun, 22 Nov 2026 01:00:00 +0000";
        let id = "1wXyZ0-0001ab-2c";
        let cases = [
            ("from [192.0.2.1]", "- 192.0.2.1 [192.0.2.1]"),
            ("from [192.0.2.1] (helo=laptop)", "- 192.0.2.1 laptop"),
            ("from [192.0.2.1] (port=4711 helo=laptop ident=anna)", "- 192.0.2.1 laptop"),
            ("from [192.0.2.1] (helo=[192.0.2.9])", "- 192.0.2.1 [192.0.2.9]"),
            ("from [192.0.2.1] (ident=helo=x)", "- 192.0.2.1 [192.0.2.1]"),
            (
                "from mail.post.example ([192.0.2.25])",
                "mail.post.example 192.0.2.25 mail.post.example",
            ),
            (
                "from mail.post.example ([192.0.2.25] helo=out.post.example)",
                "mail.post.example 192.0.2.25 out.post.example",
            ),
            (
                "from mail.post.example\t([192.0.2.25]:4711 helo=out ident=root)",
                "mail.post.example 192.0.2.25 out",
            ),
            ("from [2001:db8::25] (helo=six)", "- 2001:db8::25 six"),
            ("from six.example ([2001:db8::25]:4711)", "six.example 2001:db8::25 six.example"),
            ("from [IPv6:2001:db8::25]", "- 2001:db8::25 [2001:db8::25]"),
            ("from root", "root - -"),
            ("from anna (helo=localhost)\t", "anna - localhost"),
            ("", "- - -"),
        ];
        for (from, expect) in cases {
            assert_eq!(read(&format!("{from} {REST}")), format!("{expect} {id}"), "{from}");
        }
    }

    /// A remembered word counts for a network, and for none that all people of a house share.
    #[test]
    fn networks() {
        let cases = [
            ("192.0.2.25", Some("192.0.2.0/24")),
            ("::ffff:192.0.2.25", Some("192.0.2.0/24")),
            ("2001:db8:1:2::25", Some("2001:db8:1::/48")),
            ("127.0.0.1", None),
            ("10.1.2.3", None),
            ("172.16.0.1", None),
            ("192.168.1.1", None),
            ("169.254.1.1", None),
            ("::1", None),
            ("fe80::1", None),
            ("fd00::1", None),
        ];
        for (ip, expect) in cases {
            let client = Client { ip: ip.parse().ok(), ..Client::default() };
            assert_eq!(client.network().as_deref(), expect, "{ip}");
        }
        assert_eq!(client("from anna by mx.schule.example with local").network(), None);
    }

    /// Rule X4: what is no such line gives nothing, and no address that stands somewhere else in it.
    #[test]
    fn other_lines_give_less() {
        let cases = [
            ("", "- - - -"),
            ("from", "- - - -"),
            ("from [", "- - - -"),
            ("from [192.0.2.1", "- - - -"),
            ("from [192.0.2.1]x", "- - - -"),
            ("from [192.0.2.1]:99999", "- - - -"),
            ("from x (", "x - - -"),
            ("from x (y [192.0.2.1])", "x - - -"),
            ("from x (helo=[192.0.2.1] [192.0.2.2])", "x - [192.0.2.1] -"),
            ("from x by y id 1;2", "x - - -"),
            ("from id 7 by y id 8; now", "id - - 8"),
            ("from ü ([192.0.2.1])", "- 192.0.2.1 - -"),
        ];
        for (line, expect) in cases {
            assert_eq!(read(line), expect, "{line}");
        }
        assert_eq!(client(&format!("from {}", "x".repeat(300))), Client::default());
    }
}
