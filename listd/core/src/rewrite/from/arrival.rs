//! What was known of the authors when their mail came, and what follows for From (rules F2, F8, F9).

use serde::{Deserialize, Serialize};

use crate::list::FromPolicy;

/// Found out at acceptance, where the list's `from` asks for it, and frozen: a retry asks nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// The policy of the author's domain; `None` where it was not asked for.
    pub dmarc: Option<Dmarc>,
    /// The author's own signatures that passed: aligned with the From by DMARC. In the order of the header.
    pub signatures: Vec<SignatureName>,
}

/// What a domain asks receivers to do with mail that fails DMARC: after the tree walk, `sp`, `np`, and `t=y`
/// (RFC 9989 4.10, 5.4).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dmarc {
    /// `p=none`, or no record at all.
    None,
    Quarantine,
    Reject,
    /// DNS did not say: taken as [`Dmarc::Reject`] (rule F8).
    Unknown,
}

/// Which of a mail's signatures is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureName(String);

impl SignatureName {
    /// Characters of `b=` that tell signatures apart.
    const LENGTH: usize = 24;

    /// By its `b=`, the base64 text; white space in it does not count.
    pub fn new(b: &str) -> SignatureName {
        SignatureName(b.split_whitespace().flat_map(str::chars).take(Self::LENGTH).collect())
    }
}

/// What becomes of the From of one author whose domain is none of ours.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::rewrite) enum Way {
    Keep,
    Rewrite,
    /// It stays if the author's signature survives everything else that is done to this copy.
    KeepIfSigned,
}

pub(in crate::rewrite) fn way(policy: FromPolicy, arrival: &Arrival) -> Way {
    match policy {
        FromPolicy::Keep | FromPolicy::Unproven => Way::Keep,
        FromPolicy::Rewrite => Way::Rewrite,
        FromPolicy::Policy => match arrival.dmarc {
            Some(Dmarc::None) => Way::Keep,
            Some(Dmarc::Quarantine | Dmarc::Reject | Dmarc::Unknown) | None => Way::Rewrite,
        },
        FromPolicy::Broken if arrival.signatures.is_empty() => Way::Rewrite,
        FromPolicy::Broken => Way::KeepIfSigned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F2, F8: what is not known is taken for the strictest.
    #[test]
    fn when_from_changes() {
        let asked = |dmarc| Arrival { dmarc, ..Arrival::default() };
        let signed =
            Arrival { signatures: vec![SignatureName::new("a b\r\n c")], ..Arrival::default() };
        let cases = [
            (FromPolicy::Rewrite, asked(Some(Dmarc::None)), Way::Rewrite),
            (FromPolicy::Keep, asked(Some(Dmarc::Reject)), Way::Keep),
            (FromPolicy::Unproven, asked(Some(Dmarc::Reject)), Way::Keep),
            (FromPolicy::Policy, asked(None), Way::Rewrite),
            (FromPolicy::Policy, asked(Some(Dmarc::None)), Way::Keep),
            (FromPolicy::Policy, asked(Some(Dmarc::Quarantine)), Way::Rewrite),
            (FromPolicy::Policy, asked(Some(Dmarc::Reject)), Way::Rewrite),
            (FromPolicy::Policy, asked(Some(Dmarc::Unknown)), Way::Rewrite),
            (FromPolicy::Broken, asked(Some(Dmarc::None)), Way::Rewrite),
            (FromPolicy::Broken, signed.clone(), Way::KeepIfSigned),
        ];
        for (policy, arrival, expect) in cases {
            assert_eq!(way(policy, &arrival), expect, "{policy:?} {arrival:?}");
        }
        assert_eq!(signed.signatures, [SignatureName::new("abc")]);
        let stored: Arrival = serde_json::from_str("{}").expect("an older store");
        assert_eq!(stored, Arrival::default());
    }
}
