//! A set of ours on top of a mail's ARC chain (RFC 8617 5.1): results, message signature, seal.
//!
//! Not what the chain below is worth (`verify`): that was found out when the mail came in, and stands in [`Sealing`].
//! The set goes above everything, our DKIM signatures included, which it covers (rule D10).

use data_encoding::BASE64;
use listcore::arc::{Chain, Sealing};
use listcore::message::canonical::relaxed;
use listcore::message::{Field, Mail};
use listcore::rewrite::SIGNED;
use listcore::time::Timestamp;
use mail_auth::crypto::{DkimKey, SigningKey};
use mail_auth::headers::{Writable, Writer};

use super::mailauth::BodyHash;
use super::{Key, SignError, Signer};

const RESULTS: &str = "ARC-Authentication-Results";
const SIGNATURE: &str = "ARC-Message-Signature";
const SEAL: &str = "ARC-Seal";

/// Longest line of a field that we fold, octets (RFC 5322 2.1.1).
const LINE: usize = 78;

/// Longest row of base64 or of names without a space, octets.
const PIECE: usize = 72;

impl Signer {
    /// The three fields of our set, CRLF included, to be put above `head`; empty where the chain takes no further
    /// set, or where this domain has no RSA key, the only kind that receivers of ARC must know.
    ///
    /// `head` is all header lines of the copy with our DKIM signatures, each with CRLF, without the empty line.
    pub fn seal(
        &self,
        head: &[u8],
        body: &BodyHash,
        sealing: &Sealing,
        now: Timestamp,
    ) -> Result<Vec<u8>, SignError> {
        let covered = SIGNED.into_iter().chain(["DKIM-Signature"]);
        self.seal_fields(head, body, sealing, now, covered)
    }

    fn seal_fields<'a>(
        &self,
        head: &[u8],
        body: &BodyHash,
        sealing: &Sealing,
        now: Timestamp,
        covered: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<u8>, SignError> {
        let failed = |why: String| SignError { domain: self.domain.clone(), why };
        let Some(key) = self.keys.iter().find(|key| matches!(key.secret, DkimKey::Rsa(_))) else {
            return Ok(Vec::new());
        };
        let mail = Mail::parse_within(head, head.len()).map_err(|e| failed(e.to_string()))?;
        let chain = Chain::of(&mail);
        let Some(instance) = chain.next() else { return Ok(Vec::new()) };
        let tags = Tags { instance, domain: &self.domain, key, now: now.seconds() };

        let results = format!("i={instance}; {}", sealing.results);
        let (text, names) = signed_fields(&mail, covered);
        let signature = tags.signature(&text, &names, body).map_err(|e| failed(e.to_string()))?;
        let mut sealed = chain.covered(sealing.validation);
        sealed.extend(relaxed(RESULTS.as_bytes(), results.as_bytes()));
        sealed.extend(relaxed(SIGNATURE.as_bytes(), signature.as_bytes()));
        let seal = tags.seal(&sealed, sealing.validation.as_str());
        let seal = seal.map_err(|e| failed(e.to_string()))?;

        let mut out = Vec::with_capacity(2048);
        for (name, value) in [(SEAL, &seal), (SIGNATURE, &signature), (RESULTS, &results)] {
            fold(name, value, &mut out);
        }
        Ok(out)
    }
}

/// What stands in all fields of a set.
struct Tags<'a> {
    instance: u32,
    domain: &'a str,
    key: &'a Key,
    /// Seconds after 1970.
    now: i64,
}

impl Tags<'_> {
    /// RFC 8617 4.1.2; the tags in alphabetical order, as other signers of ARC have them.
    fn signature(&self, text: &[u8], names: &str, body: &BodyHash) -> mail_auth::Result<String> {
        let Tags { instance, domain, now, key } = self;
        let (hash, selector) = (BASE64.encode(body.octets()), &key.selector);
        let value = |b: &str| {
            format!(
                "a=rsa-sha256; b={b}; bh={hash}; c=relaxed/relaxed; d={domain}; h={names}; i={instance}; s={selector}; t={now}"
            )
        };
        Ok(value(&self.sign(text, SIGNATURE, &value(""))?))
    }

    /// RFC 8617 4.1.3; `sealed` is every field that the seal covers but itself.
    fn seal(&self, sealed: &[u8], validation: &str) -> mail_auth::Result<String> {
        let Tags { instance, domain, now, key } = self;
        let selector = &key.selector;
        let value = |b: &str| {
            format!(
                "a=rsa-sha256; b={b}; cv={validation}; d={domain}; i={instance}; s={selector}; t={now}"
            )
        };
        Ok(value(&self.sign(sealed, SEAL, &value(""))?))
    }

    /// Signs `text` and the field itself, whose `b=` is empty, without its line end (RFC 6376 3.7).
    fn sign(&self, text: &[u8], name: &str, empty: &str) -> mail_auth::Result<String> {
        let own = relaxed(name.as_bytes(), empty.as_bytes());
        let own = own.strip_suffix(b"\r\n").unwrap_or(&own);
        Ok(in_pieces(&BASE64.encode(&self.key.secret.sign(Text(&[text, own]))?)))
    }
}

struct Text<'a>(&'a [&'a [u8]]);

impl Writable for Text<'_> {
    fn write(self, writer: &mut impl Writer) {
        for piece in self.0 {
            writer.write(piece);
        }
    }
}

/// Base64 with a space wherever the field may be folded; white space counts for nothing there (RFC 6376 3.5), but the
/// seal covers it, so it is put in before.
fn in_pieces(text: &str) -> String {
    let (first, rest) = text.split_at(text.len().min(PIECE - "b=".len()));
    let mut out = first.to_owned();
    for (n, c) in rest.chars().enumerate() {
        if n % PIECE == 0 {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// The covered fields in relaxed form and their names for `h=`: of each name every occurrence, from the bottom up
/// (RFC 6376 5.4.2).
fn signed_fields<'a>(mail: &Mail, covered: impl Iterator<Item = &'a str>) -> (Vec<u8>, String) {
    let (mut text, mut names) = (Vec::new(), String::new());
    let mut line = 0;
    for name in covered {
        let of_name = |field: &&Field| field.is(&mail.head, name);
        for field in mail.fields.iter().rev().filter(of_name) {
            text.extend(relaxed(field.name(&mail.head), field.value(&mail.head)));
            if !names.is_empty() {
                names.push(':');
            }
            line += name.len() + 1;
            if line > PIECE {
                names.push(' ');
                line = name.len();
            }
            names.push_str(&name.to_ascii_lowercase());
        }
    }
    (text, names)
}

/// Writes a field, folded at its spaces, each of which a verifier sees as one space again.
fn fold(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = name.len() + 1;
    for word in value.split(' ') {
        if column + 1 + word.len() > LINE {
            out.extend_from_slice(b"\r\n");
            column = 0;
        }
        out.push(b' ');
        out.extend_from_slice(word.as_bytes());
        column += 1 + word.len();
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
