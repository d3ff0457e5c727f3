//! The mail log: one line for each mail with its verdict. No subject and no word of the body.

use std::net::IpAddr;
use std::time::Duration;

use crate::scan::envelope::Envelope;
use crate::verdict::{Report, Verdict};

/// Rules of rspamd in a line.
const SYMBOLS: usize = 30;
/// Longest address or id in a line (octets).
const LONGEST: usize = 256;

/// What the line says.
pub struct Line<'m> {
    pub envelope: &'m Envelope,
    pub client: &'m str,
    pub message_id: Option<&'m str>,
    pub verdict: &'m Verdict,
    pub report: &'m Report,
    pub forged: u64,
    /// Size of the mail.
    pub octets: u64,
    pub took: Duration,
}

/// Writes it.
pub fn write(line: &Line<'_>) {
    let text = |octets: &Option<Vec<u8>>| octets.as_deref().map(word);
    let failed = |failure: Option<String>| failure.unwrap_or_default();
    let spam = line.report.spam.as_ref().and_then(|spam| spam.as_ref().err());
    let virus = line.report.virus.as_ref().and_then(|virus| virus.as_ref().err());
    let (spam, virus) = (spam.map(ToString::to_string), virus.map(ToString::to_string));
    if spam.is_some() || virus.is_some() {
        tracing::warn!(
            queue_id = text(&line.envelope.queue_id),
            rspamd = failed(spam),
            clamd = failed(virus),
            "a scanner gave no answer"
        );
    }
    let said = line.report.said();
    tracing::info!(
        queue_id = text(&line.envelope.queue_id),
        message_id = line.message_id,
        client = line.client,
        user = text(&line.envelope.user),
        from = %format_args!("<{}>", word(&line.envelope.from)),
        recipients = line.envelope.recipients,
        size = line.octets,
        verdict = line.verdict.name,
        virus = line.report.found(),
        score = said.map(|spam| format!("{:.2}", spam.score)),
        symbols = said.map(|_| symbols(line.report)),
        forged = Some(line.forged).filter(|forged| *forged > 0),
        ms = u64::try_from(line.took.as_millis()).unwrap_or(u64::MAX),
        "scanned"
    );
}

/// `A(2.00),B(-1.50)`
fn symbols(report: &Report) -> String {
    let all = report.said().map(|spam| spam.symbols.as_slice()).unwrap_or_default();
    let shown = all.iter().take(SYMBOLS).map(|s| format!("{}({:.2})", s.name, s.score));
    shown.collect::<Vec<_>>().join(",")
}

/// The client as the log shows it: `mail.post.example [192.0.2.25]`.
pub fn client(host: &[u8], ip: Option<IpAddr>) -> String {
    match ip {
        Some(ip) => format!("{} [{ip}]", word(host)),
        None => word(host),
    }
}

/// What a stranger wrote as one word of printable text.
pub fn word(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets.get(..LONGEST).unwrap_or(octets)).into_owned();
    let safe = |c: char| if c.is_control() || c.is_whitespace() { '?' } else { c };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line stays one line, and a field one field.
    #[test]
    fn words_are_one_word() {
        assert_eq!(word(b"a b\r\nverdict=clean\xff"), "a?b??verdict=clean\u{fffd}");
        assert_eq!(word(&[b'x'; 1000]).len(), LONGEST);
        assert_eq!(client(b"mx.a", Some([192, 0, 2, 1].into())), "mx.a [192.0.2.1]");
        assert_eq!(client(b"[192.0.2.1]", None), "[192.0.2.1]");
    }
}
