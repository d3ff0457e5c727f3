//! Is the author who From says (promise 8)? DKIM by our own eyes, SPF and SMTP AUTH by our front MTA's word.
//!
//! Not what follows from it (`listcore::policy`). Works on the bytes as they came in (rule D1), before anything
//! is changed. ARC is not believed (rule D11).

mod arc;
mod arrival;
mod cache;
mod dns;
mod judge;
mod patience;

use std::net::SocketAddr;

use listcore::address::Address;
use listcore::arc::{Sealing, Validation};
use listcore::message::{Mail, auth_results};
use listcore::policy::{Unproven, Verified};
use listcore::time::Timestamp;
use mail_auth::MessageAuthenticator;

pub use arrival::Wanted;
use cache::Cache;
pub use patience::Patience;
use patience::{Health, PATIENCE, PROBE};

/// What is known about the author of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// DNS answered, or was not needed. `why` is one line for the log and `listctl trace`.
    Known { verified: Verified, why: String },
    /// DNS did not answer, and nothing that needs no DNS verified the author: answer 451. What failed.
    TempError(String),
}

impl Authenticity {
    fn proven(verified: Verified) -> Authenticity {
        let why = match &verified {
            Verified::Dkim(domain) => format!("a DKIM signature of {domain}"),
            Verified::Spf(domain) => format!("an SPF pass of {domain}"),
            Verified::Auth(login) => format!("the login {login}"),
            Verified::Confirmed => "the author's own word".to_owned(),
            Verified::No(_) => String::new(),
        };
        Authenticity::Known { verified, why }
    }

    fn unproven(reason: Unproven, why: impl Into<String>) -> Authenticity {
        Authenticity::Known { verified: Verified::No(reason), why: why.into() }
    }
}

/// Asks DNS and judges. Shared by all sessions.
pub struct Verifier {
    dns: MessageAuthenticator,
    health: Health,
    cache: Cache,
    /// Lower-case.
    trusted: Vec<String>,
}

/// There is no resolver to ask.
#[derive(Debug, thiserror::Error)]
#[error("no DNS resolver: {0}; set [dns] server or repair /etc/resolv.conf")]
pub struct NoResolver(String);

impl Verifier {
    /// `server`: whom to ask instead of the system's resolver. `trusted`: whose Authentication-Results are ours.
    pub fn new(server: Option<SocketAddr>, trusted: &[String]) -> Result<Verifier, NoResolver> {
        let dns = dns::resolver(server).map_err(|e| NoResolver(e.to_string()))?;
        let prober = dns::prober(server, PROBE).map_err(|e| NoResolver(e.to_string()))?;
        let trusted = trusted.iter().map(|id| id.to_ascii_lowercase()).collect();
        let health = Health::new(prober, PROBE);
        Ok(Verifier { dns, health, cache: Cache::default(), trusted })
    }

    /// Judges one mail.
    ///
    /// `raw` is the whole mail as received, `mail` its parsed header. `envelope_from` is MAIL FROM: an SPF result
    /// for another domain is not about this transaction and does not count. `owns` tells whether a login is the
    /// person to whom an address belongs. Where DNS takes longer than `patience` it is an [`Authenticity::TempError`].
    pub async fn verify(
        &self,
        raw: &[u8],
        mail: &Mail,
        envelope_from: Option<&Address>,
        owns: &(dyn Fn(&str, &Address) -> bool + Sync),
        patience: &Patience,
    ) -> Authenticity {
        let Some(author) = mail.author() else {
            let why = "From does not name one author who answers for the mail";
            return Authenticity::unproven(Unproven::Nothing, why);
        };
        let from = &author.address;
        let shown = auth_results(mail, &self.trusted);
        if let Some(login) = shown.auth.as_ref().filter(|login| owns(login, from)) {
            return Authenticity::proven(Verified::Auth(login.clone()));
        }
        let spf = shown.spf.filter(|d| envelope_from.is_some_and(|e| e.domain() == d));
        if let Some(domain) = spf.as_ref().filter(|d| *d == from.domain()) {
            return Authenticity::proven(Verified::Spf(domain.clone()));
        }
        let evidence =
            judge::Evidence { from, named: &mail.from, spf: spf.as_deref(), dkim: &shown.dkim };
        let judged = judge::judge(&self.dns, &self.cache, raw, &evidence);
        match self.health.within(patience, judged).await {
            Some(authenticity) => {
                if matches!(authenticity, Authenticity::TempError(_)) {
                    self.health.doubt();
                }
                other_login(authenticity, shown.auth)
            }
            None if self.health.is_dead() => {
                Authenticity::TempError("the DNS resolver does not answer".to_owned())
            }
            None => Authenticity::TempError(format!(
                "DNS took longer than {} s for {}",
                PATIENCE.as_secs(),
                from.domain()
            )),
        }
    }

    /// What a seal of ours is to say of this mail: the chain as it came in, and what was found out about its author.
    /// `None` where DNS did not answer: then nothing can be said, and the copies go out without a seal.
    /// `hostname` stands for us where no authserv-id is ours.
    pub async fn sealing(
        &self,
        raw: &[u8],
        mail: &Mail,
        author: &Authenticity,
        hostname: &str,
        (now, patience): (Timestamp, &Patience),
    ) -> Option<Sealing> {
        let validated = arc::validate(&self.dns, raw, mail, now);
        let validation: Validation = self.health.within(patience, validated).await??;
        let name = self.trusted.first().map_or(hostname, String::as_str);
        Some(Sealing::new(mail, name, &self.trusted, validation, &found_out(mail, author)))
    }
}

/// Our own results in the words of RFC 8601 2.7; a login is nobody's business out there.
fn found_out(mail: &Mail, author: &Authenticity) -> Vec<String> {
    let from = mail.author().map(|author| author.address.domain().to_owned());
    let from = from.unwrap_or_default();
    match author {
        Authenticity::Known { verified: Verified::Dkim(domain), .. } => {
            vec![format!("dkim=pass header.d={domain}"), format!("dmarc=pass header.from={from}")]
        }
        Authenticity::Known { verified: Verified::Spf(domain), .. } => {
            vec![
                format!("spf=pass smtp.mailfrom={domain}"),
                format!("dmarc=pass header.from={from}"),
            ]
        }
        _ => Vec::new(),
    }
}

/// Somebody did log in, only not as the author: that is the better thing to say.
fn other_login(authenticity: Authenticity, login: Option<String>) -> Authenticity {
    match (authenticity, login) {
        (Authenticity::Known { verified: Verified::No(Unproven::Nothing), why }, Some(login)) => {
            Authenticity::unproven(
                Unproven::OtherLogin,
                format!("the login {login} does not own the From address; {why}"),
            )
        }
        (authenticity, _) => authenticity,
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
