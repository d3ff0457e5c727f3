//! What is frozen of an author when the mail comes: the policy of the domain (RFC 9989 4.10) and which of the author's
//! own signatures passed. Only for lists that ask for it; what was asked to judge the author is in the cache.

use data_encoding::BASE64;
use listcore::address::{Address, normal_domain};
use listcore::message::Mail;
use listcore::rewrite::{Arrival, Dmarc, SignatureName};
use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, DnsCache, DnsError,
    Error, Parameters, SpfOutput,
};

use super::{Patience, Verifier, judge};

/// What the `from` settings of the lists need.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `from = "policy"`
    pub policy: bool,
    /// `from = "broken"`
    pub signatures: bool,
}

impl Verifier {
    /// Finds out what is wanted of a verified author. Never fails: what DNS does not say counts for the strictest.
    pub async fn arrival(
        &self,
        raw: &[u8],
        mail: &Mail,
        wanted: Wanted,
        patience: &Patience,
    ) -> Arrival {
        // With several authors From is rewritten whatever DNS says.
        let [author] = mail.from.as_slice() else { return Arrival::default() };
        let mut arrival = Arrival::default();
        if wanted.policy {
            let policy = self.health.within(patience, self.policy(&author.address));
            arrival.dmarc = Some(policy.await.unwrap_or(Dmarc::Unknown));
        }
        if wanted.signatures {
            let signatures = self.health.within(patience, self.signatures(raw, &author.address));
            arrival.signatures = signatures.await.unwrap_or_default();
        }
        arrival
    }

    /// The policy that holds for the author's domain.
    async fn policy(&self, author: &Address) -> Dmarc {
        let mut asked = self.dmarc(author, &[]).await;
        let np_differs = |output: &DmarcOutput| output.record().is_some_and(|r| r.np != r.sp);
        if asked.as_ref().is_some_and(np_differs) {
            // Which of the two counts hangs on whether the name exists; where DNS fails, mail-auth takes `sp`.
            if !self.answers(author.domain()).await {
                return Dmarc::Unknown;
            }
            asked = self.dmarc(author, &[]).await;
        }
        let failed = |result: &DmarcResult| {
            matches!(result, DmarcResult::TempError(_) | DmarcResult::PermError(_))
        };
        match asked {
            None => Dmarc::Unknown,
            Some(output) if failed(output.dkim_result()) => Dmarc::Unknown,
            Some(output) => match output.policy() {
                Policy::Reject => Dmarc::Reject,
                Policy::Quarantine => Dmarc::Quarantine,
                Policy::None | Policy::Unspecified => Dmarc::None,
            },
        }
    }

    /// True where DNS says whether a name exists.
    async fn answers(&self, domain: &str) -> bool {
        let found = self.dns.ipv4_lookup(domain, self.cache.ipv4()).await;
        matches!(found, Ok(_) | Err(Error::Dns(DnsError::RecordNotFound(_))))
    }

    /// The signatures that passed and are aligned with the author (RFC 9989 4.4).
    async fn signatures(&self, raw: &[u8], author: &Address) -> Vec<SignatureName> {
        let Some(message) = judge::parse(raw) else { return Vec::new() };
        let found = self.dns.verify_dkim(Parameters::new(&message).with_cache(&self.cache)).await;
        let mut names = Vec::new();
        for output in found.iter().filter(|output| *output.result() == DkimResult::Pass) {
            let Some(signature) = output.signature() else { continue };
            let own = normal_domain(&signature.d).is_ok_and(|domain| domain == author.domain());
            if own || self.aligned(author, output).await {
                names.push(SignatureName::new(&BASE64.encode(&signature.b)));
            }
        }
        names
    }

    async fn aligned(&self, author: &Address, output: &DkimOutput<'_>) -> bool {
        let alone = [output.clone()];
        let asked = self.dmarc(author, &alone).await;
        asked.is_some_and(|output| *output.dkim_result() == DmarcResult::Pass)
    }

    async fn dmarc(&self, author: &Address, found: &[DkimOutput<'_>]) -> Option<DmarcOutput> {
        let head = judge::head_of(author);
        let message = AuthenticatedMessage::parse(&head)?;
        let no_spf = SpfOutput::new(String::new());
        let parameters = DmarcParameters::new(&message, found, "", &no_spf);
        Some(self.dns.verify_dmarc(Parameters::new(parameters).with_cache(&self.cache)).await)
    }
}
