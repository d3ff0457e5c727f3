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
use super::{SignError, Signer};

const RESULTS: &str = "ARC-Authentication-Results";
const SIGNATURE: &str = "ARC-Message-Signature";
const SEAL: &str = "ARC-Seal";

/// Longest line of a field that we fold, octets (RFC 5322 2.1.1).
const LINE: usize = 78;

/// Longest row of names without a space, octets.
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
        let Some(key) = self.keys.iter().find(|key| matches!(key.secret, DkimKey::Rsa(_))) else {
            return Ok(Vec::new());
        };
        let sign = |text: &[u8]| key.secret.sign(Text(text)).map_err(|e| e.to_string());
        let sealer = Sealer { domain: &self.domain, selector: &key.selector, sign: &sign };
        sealer
            .seal(head, body, sealing, now, covered)
            .map_err(|why| SignError { domain: self.domain.clone(), why })
    }
}

/// From text to its signature.
type Sign<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, String> + 'a;

/// One key; the signing itself is a function.
struct Sealer<'a> {
    domain: &'a str,
    selector: &'a str,
    sign: &'a Sign<'a>,
}

impl Sealer<'_> {
    fn seal<'f>(
        &self,
        head: &[u8],
        body: &BodyHash,
        sealing: &Sealing,
        now: Timestamp,
        covered: impl Iterator<Item = &'f str>,
    ) -> Result<Vec<u8>, String> {
        let mail = Mail::parse_within(head, head.len()).map_err(|e| e.to_string())?;
        let chain = Chain::of(&mail);
        let Some(instance) = chain.next() else { return Ok(Vec::new()) };
        let tags = Tags { instance, sealer: self, now: now.seconds() };

        let results = format!("i={instance}; {}", sealing.results);
        let (text, names) = signed_fields(&mail, covered);
        let signature = tags.signature(&text, &names, body)?;
        let mut sealed = chain.covered(sealing.validation);
        sealed.extend(relaxed(RESULTS.as_bytes(), results.as_bytes()));
        sealed.extend(relaxed(SIGNATURE.as_bytes(), signature.as_bytes()));
        let seal = tags.seal(&sealed, sealing.validation.as_str())?;

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
    sealer: &'a Sealer<'a>,
    /// Seconds after 1970.
    now: i64,
}

impl Tags<'_> {
    /// RFC 8617 4.1.2; the tags in alphabetical order, as other signers of ARC have them.
    fn signature(&self, text: &[u8], names: &str, body: &BodyHash) -> Result<String, String> {
        let Tags { instance, now, sealer: Sealer { domain, selector, .. } } = self;
        let hash = BASE64.encode(body.octets());
        let value = |b: &str| {
            format!(
                "a=rsa-sha256; b={b}; bh={hash}; c=relaxed/relaxed; d={domain}; h={names}; i={instance}; s={selector}; t={now}"
            )
        };
        Ok(value(&self.sign(text, SIGNATURE, &value(""))?))
    }

    /// RFC 8617 4.1.3; `sealed` is every field that the seal covers but itself.
    fn seal(&self, sealed: &[u8], validation: &str) -> Result<String, String> {
        let Tags { instance, now, sealer: Sealer { domain, selector, .. } } = self;
        let value = |b: &str| {
            format!(
                "a=rsa-sha256; b={b}; cv={validation}; d={domain}; i={instance}; s={selector}; t={now}"
            )
        };
        Ok(value(&self.sign(sealed, SEAL, &value(""))?))
    }

    /// Signs `text` and the field itself, whose `b=` is empty, without its line end (RFC 6376 3.7).
    fn sign(&self, text: &[u8], name: &str, empty: &str) -> Result<String, String> {
        let own = relaxed(name.as_bytes(), empty.as_bytes());
        let own = own.strip_suffix(b"\r\n").unwrap_or(&own);
        Ok(BASE64.encode(&(self.sealer.sign)(&[text, own].concat())?))
    }
}

struct Text<'a>(&'a [u8]);

impl Writable for Text<'_> {
    fn write(self, writer: &mut impl Writer) {
        writer.write(self.0);
    }
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

/// Writes a field, folded at its spaces, each of which a verifier sees as one space again. Base64 stays on one line:
/// a fold in it would be octets that the seal covers.
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
