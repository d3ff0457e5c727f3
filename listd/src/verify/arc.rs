//! The ARC chain of a mail as it came in (RFC 8617 5.2): only so that a seal of ours can say what it saw.
//!
//! It proves no author (rule D11). What a seal looks like is `sign`'s.

use listcore::arc::{Chain, Validation};
use listcore::message::Mail;
use mail_auth::{ArcResult, AuthenticatedMessage, MessageAuthenticator, Parameters};

use super::cache::Cache;

/// Validates the chain of `raw`, whose header is `mail`. `None` where DNS did not answer: then nobody can say.
pub async fn validate(
    dns: &MessageAuthenticator,
    cache: &Cache,
    raw: &[u8],
    mail: &Mail,
) -> Option<Validation> {
    let chain = Chain::of(mail);
    if chain.is_empty() {
        return Some(Validation::None);
    }
    if !chain.is_whole() {
        return Some(Validation::Fail);
    }
    let Some(message) = AuthenticatedMessage::parse(raw) else { return Some(Validation::Fail) };
    let verified = dns.verify_arc(Parameters::new(&message).with_cache(cache)).await;
    match verified.result() {
        ArcResult::Pass => Some(Validation::Pass),
        ArcResult::TempError(_) => None,
        _ => Some(Validation::Fail),
    }
}

#[cfg(test)]
mod tests;
