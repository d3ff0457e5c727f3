//! DKIM and DMARC for one mail (RFC 6376 6, RFC 9989): what mail-auth finds, and what it means for us.

use listcore::address::{Address, normal_domain};
use listcore::message::Mailbox;
use listcore::policy::{Unproven, Verified};
use mail_auth::crypto::Algorithm;
use mail_auth::dkim::{DkimError, Signature};
use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, MessageAuthenticator,
    Parameters, SpfOutput, SpfResult,
};

use super::Authenticity;
use super::cache::Cache;

/// Signatures looked at; more are ignored (promise 10: each costs a DNS question).
const MAX_SIGNATURES: usize = 8;

/// What is known before DNS is asked.
pub struct Evidence<'a> {
    /// The author who answers for the mail.
    pub from: &'a Address,
    /// Everybody whom From names, as we read it.
    pub named: &'a [Mailbox],
    /// The domain of an SPF pass that our front MTA saw.
    pub spf: Option<&'a str>,
    /// The `d=` of signatures that our front MTA saw pass. It had the bytes before us (rule X2a).
    pub dkim: &'a [String],
}

pub async fn judge(
    dns: &MessageAuthenticator,
    cache: &Cache,
    raw: &[u8],
    evidence: &Evidence<'_>,
) -> Authenticity {
    let Some(message) = parse(raw) else {
        return Authenticity::unproven(Unproven::Nothing, "the header can't be read");
    };
    if !names_as_we(&message, evidence.named) {
        // Two parsers that read two authors: nobody's word counts then.
        return Authenticity::unproven(Unproven::Nothing, "From can be read in more than one way");
    }
    let mut found = dns.verify_dkim(Parameters::new(&message).with_cache(cache)).await;
    let author = evidence.from.domain();
    let claimed: Vec<Signature> = evidence.dkim.iter().map(|d| claimed(d)).collect();
    found.extend(claimed.iter().map(|s| DkimOutput::from(DkimResult::Pass).with_signature(s)));
    // The very domain is aligned whatever its policy says (RFC 9989 4.4), so DMARC need not be asked.
    if let Some(domain) = passed(&found).find(|d| *d == author) {
        return Authenticity::proven(Verified::Dkim(domain));
    }

    let spf_domain = evidence.spf.unwrap_or_default();
    let spf_result = if evidence.spf.is_some() { SpfResult::Pass } else { SpfResult::None };
    let spf = SpfOutput::new(spf_domain.to_owned()).with_result(spf_result);
    let head = head_of(evidence.from);
    let Some(alone) = AuthenticatedMessage::parse(&head) else {
        return Authenticity::unproven(Unproven::Nothing, "From can't be read");
    };
    let parameters = DmarcParameters::new(&alone, &found, spf_domain, &spf);
    let dmarc = dns.verify_dmarc(Parameters::new(parameters).with_cache(cache)).await;
    conclude(evidence, &found, &dmarc)
}

/// The mail with the signatures that can prove something.
pub(super) fn parse(raw: &[u8]) -> Option<AuthenticatedMessage<'_>> {
    let mut message = AuthenticatedMessage::parse(raw)?;
    drop_unfit(&mut message);
    Some(message)
}

/// A header with this author alone: of several authors, DMARC is asked about the one who answers for the mail.
pub(super) fn head_of(author: &Address) -> Vec<u8> {
    format!("From: x@{}\r\n\r\n", author.domain()).into_bytes()
}

/// True where mail-auth, whose alignment counts, reads the same authors as we do.
fn names_as_we(message: &AuthenticatedMessage<'_>, named: &[Mailbox]) -> bool {
    let same = |(theirs, ours): (&String, &Mailbox)| {
        Address::parse(theirs).is_ok_and(|a| {
            a.domain() == ours.address.domain()
                && a.local().to_lowercase() == ours.address.local().to_lowercase()
        })
    };
    let theirs = message.from_addresses();
    theirs.len() == named.len() && theirs.iter().zip(named).all(same)
}

/// Takes out signatures that prove nothing: SHA-1 (RFC 8301 3.1), and those that do not sign From
/// (RFC 6376 6.1.1), which mail-auth would accept; and all beyond the limit.
fn drop_unfit(message: &mut AuthenticatedMessage<'_>) {
    let mut seen = 0;
    message.retain_dkim_signatures(|signature| {
        seen += 1;
        let signs_from = signature.h.iter().any(|name| name.eq_ignore_ascii_case("from"));
        if seen > MAX_SIGNATURES || !signs_from || signature.a == Algorithm::RsaSha1 {
            return Err(DkimError::UnsupportedAlgorithm);
        }
        Ok(())
    });
}

fn claimed(domain: &str) -> Signature {
    Signature { v: 1, d: domain.to_owned(), ..Signature::default() }
}

/// Domains of valid signatures, as A-labels.
fn passed<'a>(found: &'a [DkimOutput<'_>]) -> impl Iterator<Item = String> + 'a {
    signed_by(found, |result| *result == DkimResult::Pass)
}

fn signed_by<'a>(
    found: &'a [DkimOutput<'_>],
    wanted: impl Fn(&DkimResult) -> bool + 'a,
) -> impl Iterator<Item = String> + 'a {
    found
        .iter()
        .filter(move |output| wanted(output.result()))
        .filter_map(|output| normal_domain(&output.signature()?.d).ok())
}

fn conclude(
    evidence: &Evidence<'_>,
    found: &[DkimOutput<'_>],
    dmarc: &DmarcOutput,
) -> Authenticity {
    let author = evidence.from.domain();
    match dmarc.result() {
        DmarcResult::Pass if *dmarc.dkim_result() == DmarcResult::Pass => {
            // Which of them was aligned is not told; it is one that shares the end of the name.
            let aligned = passed(found).max_by_key(|d| common_end(d, author));
            let domain = aligned.unwrap_or_else(|| author.to_owned());
            Authenticity::proven(Verified::Dkim(domain))
        }
        DmarcResult::Pass => {
            let domain = evidence.spf.unwrap_or(author).to_owned();
            Authenticity::proven(Verified::Spf(domain))
        }
        DmarcResult::Fail(_) if dmarc.policy() == Policy::Reject => {
            let why = explain(evidence, found);
            Authenticity::unproven(Unproven::Forbidden, format!("{author} says p=reject; {why}"))
        }
        DmarcResult::TempError(error) => {
            Authenticity::TempError(format!("DMARC of {author}: {error}"))
        }
        DmarcResult::Fail(_) | DmarcResult::None | DmarcResult::PermError(_) => {
            let waits = |result: &DkimResult| matches!(result, DkimResult::TempError(_));
            if signed_by(found, waits).any(|domain| domain == author) {
                return Authenticity::TempError(format!("the DKIM key of {author} did not come"));
            }
            Authenticity::unproven(Unproven::Nothing, explain(evidence, found))
        }
    }
}

/// How many labels two names share at their end.
fn common_end(a: &str, b: &str) -> usize {
    a.rsplit('.').zip(b.rsplit('.')).take_while(|(a, b)| a == b).count()
}

/// One line for the log: what was there and did not suffice.
fn explain(evidence: &Evidence<'_>, found: &[DkimOutput<'_>]) -> String {
    let mut seen: Vec<String> = found
        .iter()
        .map(|output| {
            let domain = output.signature().map_or("?", |s| s.d.as_str());
            let domain: String = domain.chars().filter(|c| !c.is_control()).take(100).collect();
            format!("dkim={} d={domain}", output.result())
        })
        .collect();
    seen.extend(evidence.spf.map(|domain| format!("spf=pass {domain}")));
    let seen =
        if seen.is_empty() { "no signature, no SPF pass".to_owned() } else { seen.join(", ") };
    format!("nothing aligned with {}: {seen}", evidence.from.domain())
}
