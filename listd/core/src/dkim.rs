//! DKIM keys and the DNS records that publish them (RFC 6376 3.6.1, RFC 8301, RFC 8463).
//!
//! Not signing (`listd/sign`) and not files: keys go in and out as PEM text. [`generate`] is the one function
//! here that draws random numbers, because a key cannot be made without.

pub mod published;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use data_encoding::BASE64;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

/// What a key signs with.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256`, 2048 bits or more (RFC 8301 3.2).
    Rsa,
    /// `ed25519-sha256` (RFC 8463).
    Ed25519,
}

impl Algorithm {
    /// The record's `k=` (RFC 6376 3.6.1, RFC 8463 4).
    fn tag(self) -> &'static str {
        match self {
            Algorithm::Rsa => "rsa",
            Algorithm::Ed25519 => "ed25519",
        }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Algorithm::Rsa => "RSA",
            Algorithm::Ed25519 => "Ed25519",
        })
    }
}

/// A private key. Its `Debug` shows the algorithm only.
pub struct PrivateKey {
    inner: Inner,
}

enum Inner {
    /// Boxed, and with the DER it came as, so that a signer can load the very same key.
    Rsa(Box<RsaKeyPair>, PrivateKeyDer<'static>),
    Ed25519(Box<Ed25519KeyPair>, PrivateKeyDer<'static>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")]
    NoPem,
    #[error(
        "it is neither an RSA key of 2048 to 8192 bits nor an Ed25519 key; make one with `listctl dkim keygen`"
    )]
    Unusable,
    #[error("no key could be made: the system's random numbers or the crypto library failed")]
    NotMade,
}

/// Makes a new key: RSA with 2048 bits, or Ed25519.
pub fn generate(algorithm: Algorithm) -> Result<PrivateKey, KeyError> {
    let pkcs8 = |der: Vec<u8>| PrivateKeyDer::Pkcs8(der.into());
    let inner = match algorithm {
        Algorithm::Rsa => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::NotMade)?;
            let der: Pkcs8V1Der = key.as_der().map_err(|_| KeyError::NotMade)?;
            let der = pkcs8(der.as_ref().to_vec());
            Inner::Rsa(Box::new(key), der)
        }
        Algorithm::Ed25519 => {
            let key = Ed25519KeyPair::generate().map_err(|_| KeyError::NotMade)?;
            let der: Pkcs8V1Der = key.as_der().map_err(|_| KeyError::NotMade)?;
            let der = pkcs8(der.as_ref().to_vec());
            Inner::Ed25519(Box::new(key), der)
        }
    };
    Ok(PrivateKey { inner })
}

impl PrivateKey {
    /// Reads a PKCS#8 (`PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`) PEM text. RSA keys under 2048 bits are refused.
    pub fn from_pem(pem: &str) -> Result<PrivateKey, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NoPem)?;
        let rsa = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).ok(),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok(),
            _ => None,
        };
        if let Some(key) = rsa {
            return Ok(PrivateKey { inner: Inner::Rsa(Box::new(key), der) });
        }
        let PrivateKeyDer::Pkcs8(key) = &der else { return Err(KeyError::Unusable) };
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.secret_pkcs8_der())
            .map_err(|_| KeyError::Unusable)?;
        Ok(PrivateKey { inner: Inner::Ed25519(Box::new(key), der) })
    }

    pub fn algorithm(&self) -> Algorithm {
        match self.inner {
            Inner::Rsa(..) => Algorithm::Rsa,
            Inner::Ed25519(..) => Algorithm::Ed25519,
        }
    }

    /// The key in DER, for a signer. Secret.
    pub fn secret_der(&self) -> &PrivateKeyDer<'static> {
        match &self.inner {
            Inner::Rsa(_, der) | Inner::Ed25519(_, der) => der,
        }
    }

    /// The key as PEM text, to be written to a file with mode 0600. Secret.
    pub fn secret_pem(&self) -> String {
        let der = self.secret_der();
        let label =
            if matches!(der, PrivateKeyDer::Pkcs1(_)) { "RSA PRIVATE KEY" } else { "PRIVATE KEY" };
        let text = BASE64.encode(der.secret_der());
        let mut pem = format!("-----BEGIN {label}-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem.push_str(&format!("-----END {label}-----\n"));
        pem
    }

    /// What goes into the record's `p=`, before base64: SubjectPublicKeyInfo for RSA (RFC 6376 3.6.1 and its
    /// erratum 3017), the 32 raw octets for Ed25519 (RFC 8463 4).
    pub fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        match &self.inner {
            Inner::Rsa(key, _) => {
                let der: PublicKeyX509Der =
                    key.public_key().as_der().map_err(|_| KeyError::Unusable)?;
                Ok(der.as_ref().to_vec())
            }
            Inner::Ed25519(key, _) => Ok(key.public_key().as_ref().to_vec()),
        }
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", self.algorithm())
    }
}

/// The DNS record that publishes a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `SELECTOR._domainkey.DOMAIN`, without the final dot.
    pub name: String,
    /// The whole text, e.g. `v=DKIM1; k=rsa; p=...`; for web forms that take it in one piece.
    pub text: String,
}

/// The record for `key` under `selector` at `domain`.
pub fn record(key: &PrivateKey, selector: &str, domain: &str) -> Result<Record, KeyError> {
    let text =
        format!("v=DKIM1; k={}; p={}", key.algorithm().tag(), BASE64.encode(&key.public_key()?));
    Ok(Record { name: format!("{selector}._domainkey.{domain}"), text })
}

impl Record {
    /// The text in strings of at most 255 octets, as a TXT record holds them (RFC 1035 3.3).
    pub fn strings(&self) -> Vec<&str> {
        let mut strings = Vec::new();
        let mut rest = self.text.as_str();
        while !rest.is_empty() {
            // The text is ASCII, so every place is a character border.
            let (first, more) = rest.split_at(rest.len().min(255));
            strings.push(first);
            rest = more;
        }
        strings
    }

    /// A line for a zone file (RFC 1035 5.1).
    pub fn zone_line(&self) -> String {
        let strings: Vec<String> = self.strings().iter().map(|s| format!("\"{s}\"")).collect();
        match strings.as_slice() {
            [one] => format!("{}. IN TXT {one}", self.name),
            many => format!("{}. IN TXT ( {} )", self.name, many.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D7, D8: both kinds survive a round trip through PEM, and the record names the same public key.
    #[test]
    fn a_new_key_comes_back_from_its_pem() {
        for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
            let key = generate(algorithm).expect("key");
            let pem = key.secret_pem();
            assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{algorithm}");
            assert!(pem.lines().all(|line| line.len() <= 64), "{algorithm}");
            let again = PrivateKey::from_pem(&pem).expect("its own PEM");
            assert_eq!(again.algorithm(), algorithm);
            assert_eq!(
                record(&again, "s1", "schule.example"),
                record(&key, "s1", "schule.example")
            );
            assert_eq!(format!("{key:?}"), format!("PrivateKey({algorithm})"));
        }
    }

    /// D8: the record fits into TXT strings, and a zone file takes it.
    #[test]
    fn a_record_is_split_into_strings() {
        let rsa = record(&generate(Algorithm::Rsa).expect("key"), "r2026", "schule.example")
            .expect("record");
        assert_eq!(rsa.name, "r2026._domainkey.schule.example");
        assert!(rsa.text.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
        assert_eq!(rsa.strings().concat(), rsa.text);
        assert_eq!(rsa.strings().iter().map(|s| s.len()).max(), Some(255));
        assert!(
            rsa.zone_line().starts_with("r2026._domainkey.schule.example. IN TXT ( \"v=DKIM1;")
        );

        let ed = record(&generate(Algorithm::Ed25519).expect("key"), "e2026", "schule.example")
            .expect("record");
        assert_eq!(ed.text.len(), "v=DKIM1; k=ed25519; p=".len() + 44);
        assert_eq!(
            ed.zone_line(),
            format!("e2026._domainkey.schule.example. IN TXT \"{}\"", ed.text)
        );
    }

    /// D7: what is no usable key is refused with the reason; small RSA keys are (RFC 8301 3.2).
    #[test]
    fn other_keys_are_refused() {
        let small = include_str!("../testdata/rsa1024.pem");
        let ec = include_str!("../testdata/ec.pem");
        let cases = [
            ("", KeyError::NoPem),
            ("no key", KeyError::NoPem),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeyError::Unusable),
            (small, KeyError::Unusable),
            (ec, KeyError::Unusable),
        ];
        for (pem, expect) in cases {
            assert_eq!(PrivateKey::from_pem(pem).map(|k| k.algorithm()), Err(expect), "{pem:?}");
        }
    }

    /// Keys made by openssl load, in both PEM forms, and give the public key that openssl prints.
    #[test]
    fn keys_of_openssl_load() {
        let cases = [
            (include_str!("../testdata/rsa-pkcs1.pem"), include_str!("../testdata/rsa.pub")),
            (include_str!("../testdata/rsa-pkcs8.pem"), include_str!("../testdata/rsa.pub")),
            (include_str!("../testdata/ed25519.pem"), include_str!("../testdata/ed25519.pub")),
        ];
        for (pem, public) in cases {
            let key = PrivateKey::from_pem(pem).expect("key");
            assert_eq!(BASE64.encode(&key.public_key().expect("public key")), public.trim());
        }
    }
}
