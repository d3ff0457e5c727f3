//! The ARC chain of a mail as it came in (RFC 8617 5.2): only so that a seal of ours can say what it saw.
//!
//! It proves no author (rule D11). What must hold is found by `listcore::arc`; here keys are asked for. What a seal looks
//! like is `sign`'s.

use listcore::arc::{Chain, Check, Validation};
use listcore::dkim::published::PublicKey;
use listcore::message::Mail;
use listcore::time::Timestamp;
use mail_auth::{DnsError, Error, MessageAuthenticator};

/// Validates the chain of `raw`, whose header is `mail`. `None` where DNS did not answer: then nobody can say.
///
/// Not by mail-auth's own validator: it refuses what ValiMail's suite wants accepted, a message signature without `c=`
/// or with an empty `h=`. The latter covers no header, which gives nobody anything here, since ARC proves no author.
pub async fn validate(
    dns: &MessageAuthenticator,
    raw: &[u8],
    mail: &Mail,
    now: Timestamp,
) -> Option<Validation> {
    let chain = Chain::of(mail);
    if chain.is_empty() {
        return Some(Validation::None);
    }
    let Some(checks) = chain.checks(mail, raw, now) else { return Some(Validation::Fail) };
    for check in &checks {
        if !holds(dns, check).await? {
            return Some(Validation::Fail);
        }
    }
    Some(Validation::Pass)
}

/// One signature against the key that DNS has now.
async fn holds(dns: &MessageAuthenticator, check: &Check) -> Option<bool> {
    let record = match dns.txt_raw_lookup(format!("{}.", check.key)).await {
        Ok(record) => record,
        Err(Error::Dns(DnsError::Resolver(_))) => return None,
        // No such name, or a name that can't be.
        Err(_) => return Some(false),
    };
    let Some(key) = PublicKey::read(&record) else { return Some(false) };
    Some(check.texts.iter().any(|text| key.signed(check.algorithm, text, &check.signature)))
}

#[cfg(test)]
mod tests;
