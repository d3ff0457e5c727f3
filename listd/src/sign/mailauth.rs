//! How mail-auth's signer is used in two steps: the body is hashed once, each header block is signed by itself.
//!
//! mail-auth signs a whole message at the system's time. The canonical forms are what is wanted of it, and its
//! traits give them away: a "key" that returns what it is asked to sign. A test compares the result with
//! mail-auth's own whole signature, so that an upgrade can't change it silently.

use listcore::dkim::PrivateKey;
use listcore::time::Timestamp;
use mail_auth::crypto::{
    Algorithm, DkimKey, Ed25519Key, HashImpl, HashOutput, RsaKey, Sha256, SigningKey,
};
use mail_auth::dkim::{Canonicalization, DkimSigner, Signature};
use mail_auth::headers::{Writable, Writer};
use rustls_pki_types::PrivateKeyDer;

use super::SignError;

/// Signatures are good for two weeks (rule D6): longer than our retries and a relay's together.
pub(super) const EXPIRES_AFTER: u64 = 14 * 24 * 3600;

/// SHA-256 of a relaxed body (RFC 6376 3.4.4), shared by all copies and both algorithms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyHash(Vec<u8>);

impl BodyHash {
    /// The 32 octets of `bh=`.
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

/// Hashes a body that `feed` hands over in pieces, in order; a piece may end anywhere.
pub fn body_hash<E: From<SignError>>(
    feed: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), E>,
) -> Result<BodyHash, E> {
    let probe = probe(["From"]);
    let mut stream = probe.sign_streaming();
    stream.write(b"From: body\r\n\r\n");
    feed(&mut |piece| stream.write(piece))?;
    let signature = stream
        .finish()
        .map_err(|e| SignError { domain: "the body".to_owned(), why: e.to_string() })?;
    Ok(BodyHash(signature.bh))
}

/// Loads a key into mail-auth.
pub(super) fn load(key: &PrivateKey) -> mail_auth::Result<DkimKey> {
    match (key.algorithm(), key.secret_der()) {
        (listcore::dkim::Algorithm::Ed25519, PrivateKeyDer::Pkcs8(der)) => {
            Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).map(DkimKey::Ed25519)
        }
        (_, der) => RsaKey::<Sha256>::from_key_der(der.clone_key()).map(DkimKey::Rsa),
    }
}

/// What stands in a signature besides the hashes.
pub(super) struct Tags<'a> {
    pub domain: &'a str,
    pub selector: &'a str,
    pub now: Timestamp,
}

/// A header block ready to be signed by several keys.
pub(super) struct Canonical {
    /// The signed fields in relaxed form, in the order of `names` (RFC 6376 3.7).
    text: Vec<u8>,
    /// `h=`
    names: Vec<String>,
}

impl Canonical {
    pub(super) fn new(head: &[u8]) -> mail_auth::Result<Canonical> {
        let mut signature = probe(super::fields::names(head)).sign(head)?;
        // The probe's "signature" is what would be signed: the fields, then the signature's own line.
        let mut text = std::mem::take(&mut signature.b);
        let mut own = Vec::with_capacity(512);
        signature.write(&mut own, false);
        if !text.ends_with(&own) {
            return Err(mail_auth::Error::Parse);
        }
        text.truncate(text.len() - own.len());
        Ok(Canonical { text, names: signature.h })
    }

    /// Appends one `DKIM-Signature` field with CRLF to `lines`.
    pub(super) fn sign(
        &self,
        key: &DkimKey,
        tags: &Tags<'_>,
        body: &BodyHash,
        lines: &mut Vec<u8>,
    ) -> mail_auth::Result<()> {
        let now = u64::try_from(tags.now.seconds()).unwrap_or(0);
        let mut signature = Signature {
            v: 1,
            a: key.algorithm(),
            d: tags.domain.to_owned(),
            s: tags.selector.to_owned(),
            h: self.names.clone(),
            bh: body.0.clone(),
            t: now,
            x: now.saturating_add(EXPIRES_AFTER),
            ch: Canonicalization::Relaxed,
            cb: Canonicalization::Relaxed,
            ..Signature::default()
        };
        signature.b = key.sign(Signed { head: &self.text, signature: &signature })?;
        signature.write(lines, true);
        Ok(())
    }
}

/// What is signed: the fields, then the signature's own line with an empty `b=` (RFC 6376 3.7).
struct Signed<'a> {
    head: &'a [u8],
    signature: &'a Signature,
}

impl Writable for Signed<'_> {
    fn write(self, writer: &mut impl Writer) {
        writer.write(self.head);
        self.signature.write(writer, false);
    }
}

/// The key that signs nothing and shows what it was given.
struct Probe;

impl SigningKey for Probe {
    type Hasher = Sha256;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        let mut shown = Vec::with_capacity(4096);
        input.write(&mut shown);
        Ok(shown)
    }

    fn hash(&self, _: impl Writable) -> HashOutput {
        // The body hash is put in later.
        Sha256::digest(&b""[..])
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::RsaSha256
    }
}

fn probe<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> DkimSigner<Probe, mail_auth::signer::Ready> {
    DkimSigner::from_key(Probe).domain("probe").selector("probe").headers(names)
}
