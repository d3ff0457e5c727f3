//! Public keys as their domains publish them (RFC 6376 3.6.1, RFC 8463 4), and what they say of a signature.
//!
//! Not the lookup, and not our own keys.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey,
};
use data_encoding::BASE64;

use super::Algorithm;
use crate::message::tags::Tags;

/// A key that may be used for mail, with SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// SubjectPublicKeyInfo for RSA, the 32 octets for Ed25519.
    octets: Vec<u8>,
}

impl PublicKey {
    /// Reads the text of a TXT record. `None` for a key that was withdrawn (`p=`), that is not meant for mail or for
    /// SHA-256, and for what is no key.
    pub fn read(record: &[u8]) -> Option<PublicKey> {
        let tags = Tags::read(record)?;
        let allows = |tag: &str, word: &str| {
            tags.packed(tag)
                .is_none_or(|list| list.split(':').any(|item| item == word || item == "*"))
        };
        let is_key = tags.get("v").is_none_or(|version| version == "DKIM1")
            && allows("h", "sha256")
            && allows("s", "email");
        let algorithm = match tags.get("k") {
            None | Some("rsa") => Algorithm::Rsa,
            Some("ed25519") => Algorithm::Ed25519,
            Some(_) => return None,
        };
        let octets = BASE64.decode(tags.packed("p")?.as_bytes()).ok()?;
        (is_key && !octets.is_empty()).then_some(PublicKey { algorithm, octets })
    }

    /// True where `signature` is this key's over `text`. RSA keys have 1024 bits or more (RFC 8301 3.2).
    pub fn signed(&self, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
        if algorithm != self.algorithm {
            return false;
        }
        let verified = match algorithm {
            Algorithm::Rsa => {
                let rsa = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
                UnparsedPublicKey::new(rsa, &self.octets).verify(text, signature)
            }
            // RFC 8463 3: the hash is what is signed.
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.octets)
                .verify(digest(&SHA256, text).as_ref(), signature),
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::RSA_PKCS1_SHA256;

    use super::*;
    use crate::dkim::{Inner, PrivateKey, generate, record};

    /// RFC 6376 3.6.1: records that give a key, and those that don't.
    #[test]
    fn records_are_read() {
        for (text, usable) in [
            ("p=YQ==", true),
            ("v=DKIM1; k=rsa; p=YQ ==;", true),
            ("v=DKIM1; k=ed25519; h=sha1:sha256; s=email; t=y; n=x; p=YQ==", true),
            ("s=*; p=YQ==", true),
            ("v=DKIM1; p=", false),
            ("v=DKIM2; p=YQ==", false),
            ("k=dsa; p=YQ==", false),
            ("h=sha1; p=YQ==", false),
            ("s=tlsrpt; p=YQ==", false),
            ("p=!", false),
            ("k=rsa", false),
            ("no record", false),
        ] {
            assert_eq!(PublicKey::read(text.as_bytes()).is_some(), usable, "{text}");
        }
    }

    /// What `key` signs, as a signer of mail does it.
    fn sign(key: &PrivateKey, text: &[u8]) -> Vec<u8> {
        match &key.inner {
            Inner::Rsa(key, _) => {
                let mut out = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut out).expect("signed");
                out
            }
            Inner::Ed25519(key, _) => key.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec(),
        }
    }

    /// Our own records are read; a key takes its own signature, and none of another text, algorithm or key.
    #[test]
    fn keys_that_signed_or_not() {
        for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
            let [key, foreign] = [0, 1].map(|_| generate(algorithm).expect("key"));
            let text = record(&key, "s", "schule.example").expect("record").text;
            let public = PublicKey::read(text.as_bytes()).expect("key");
            let signature = sign(&key, b"text");
            for other in [Algorithm::Rsa, Algorithm::Ed25519] {
                assert_eq!(public.signed(other, b"text", &signature), other == algorithm);
                assert!(!public.signed(other, b"texT", &signature));
                assert!(!public.signed(other, b"text", &sign(&foreign, b"text")));
                assert!(!public.signed(other, b"text", b""));
            }
        }
    }
}
