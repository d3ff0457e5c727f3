//! The Authenticated Received Chain of a mail (RFC 8617): its sets, and the words of a set of ours.
//!
//! Pure: keys, DNS and time are the daemon's. ARC proves no author to us (rule D11); lists seal because some
//! receivers ask for it, and the protocol is on its way to Historic, so that all of it can go with this file.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::dkim::Algorithm;
use crate::message::canonical::relaxed;
use crate::message::fields::{self, unfold};
use crate::message::signature::{Signature, canonical_field};
use crate::message::tags::{Tags, without_signature};
use crate::message::{Field, Mail, auth_results, text};
use crate::time::Timestamp;

/// Most sets of a chain (RFC 8617 4.2.1).
pub const MAX_SETS: u32 = 50;

/// Longest text of results that a seal takes over, octets.
const MAX_RESULTS: usize = 4000;

/// The three fields of a set, in the order in which a seal covers them (RFC 8617 5.1.1).
const NAMES: [&str; 3] = ["ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"];

/// What a chain is worth (RFC 8617 4.4).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validation {
    /// There is none.
    #[default]
    None,
    Pass,
    Fail,
}

impl Validation {
    /// As `cv=` and `arc=` say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Validation::None => "none",
            Validation::Pass => "pass",
            Validation::Fail => "fail",
        }
    }
}

/// The chain of one mail as its fields tell it; nothing is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Sets by instance, each field in relaxed form and complete, in the order of [`NAMES`].
    sets: BTreeMap<u32, [Vec<u8>; 3]>,
    /// The highest instance that any ARC field names.
    highest: u32,
    /// A field without an instance, twice the same, or a set with a hole.
    broken: bool,
    /// The newest seal says `cv=fail`.
    closed: bool,
}

impl Chain {
    /// Reads all ARC fields of a mail.
    pub fn of(mail: &Mail) -> Chain {
        let mut chain = Chain::default();
        for field in &mail.fields {
            let Some(which) = NAMES.iter().position(|name| field.is(&mail.head, name)) else {
                continue;
            };
            chain.add(mail, field, which);
        }
        let whole = |set: &[Vec<u8>; 3]| set.iter().all(|field| !field.is_empty());
        chain.broken |= !chain.sets.values().all(whole)
            || chain.sets.len() != usize::try_from(chain.highest).unwrap_or(usize::MAX);
        let newest = chain.sets.last_key_value().map(|(_, set)| set);
        chain.closed =
            newest.is_some_and(|[_, _, seal]| tag(seal, "cv").as_deref() == Some("fail"));
        chain
    }

    fn add(&mut self, mail: &Mail, field: &Field, which: usize) {
        let value = field.value(&mail.head);
        self.broken |= match which {
            // The results are no list of tags.
            0 => false,
            1 => !is_sound(value, &["a", "b", "bh", "d", "h", "i", "s"]),
            // RFC 8617 4.1.3: a seal covers no fields by name.
            _ => {
                !is_sound(value, &["a", "b", "cv", "d", "i", "s"])
                    || Tags::read(value).is_some_and(|tags| tags.get("h").is_some())
            }
        };
        let line = [b":".as_slice(), value].concat();
        let Some(instance) = instance(&line).filter(|i| (1..=MAX_SETS).contains(i)) else {
            self.broken = true;
            return;
        };
        self.highest = self.highest.max(instance);
        let set = self.sets.entry(instance).or_default();
        match set.get_mut(which) {
            Some(place) if place.is_empty() => *place = relaxed(field.name(&mail.head), value),
            _ => self.broken = true,
        }
    }

    /// There is no ARC field at all.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty() && !self.broken
    }

    /// Instances from 1 on, each whole and once (RFC 8617 5.2, steps 1 to 3, as far as fields tell).
    pub fn is_whole(&self) -> bool {
        !self.broken
    }

    /// The instance of the next set; `None` where none may be added (RFC 8617 5.1.2, rule D10).
    pub fn next(&self) -> Option<u32> {
        (!self.closed && self.highest < MAX_SETS).then_some(self.highest + 1)
    }

    /// What a seal covers of the sets before it: all, or none of a chain that failed (RFC 8617 5.1.2).
    pub fn covered(&self, validation: Validation) -> Vec<u8> {
        match validation {
            Validation::Pass => self.sets.values().flatten().flatten().copied().collect(),
            Validation::None | Validation::Fail => Vec::new(),
        }
    }
}

/// True for the tags of a signature or a seal that can count: an algorithm that is strong enough, all that are `needed`
/// (RFC 8617 4.1.2, 4.1.3), and no seal among the signed fields (4.1.2).
fn is_sound(value: &[u8], needed: &[&str]) -> bool {
    let Some(tags) = Tags::read(value) else { return false };
    let signed = tags.get("h").map(|names| names.split(':').map(str::trim));
    let number = |text: &str| text.parse::<u64>().is_ok();
    needed.iter().all(|tag| tags.get(tag).is_some())
        && algorithm(&tags).is_some()
        && ["t", "x"].iter().all(|tag| tags.get(tag).is_none_or(number))
        && !signed.is_some_and(|mut names| names.any(|n| n.eq_ignore_ascii_case("ARC-Seal")))
}

/// `a=` (RFC 8301 3.1, RFC 8463 3).
fn algorithm(tags: &Tags) -> Option<Algorithm> {
    match tags.get("a")? {
        "rsa-sha256" => Some(Algorithm::Rsa),
        "ed25519-sha256" => Some(Algorithm::Ed25519),
        _ => None,
    }
}

/// The number in `i=`, which stands anywhere in a list of tags, and first in the results (RFC 8617 4.1.1).
fn instance(field: &[u8]) -> Option<u32> {
    let number = tag(field, "i")?;
    (number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit()))
        .then(|| number.parse().ok())?
}

/// The value of a tag in a field (RFC 6376 3.2), white space around it taken away.
fn tag(field: &[u8], name: &str) -> Option<String> {
    let line = text::utf8_or_latin(&unfold(field));
    let (_, value) = line.split_once(':')?;
    value.split(';').find_map(|piece| {
        let (tag, value) = piece.split_once('=')?;
        (tag.trim() == name).then(|| value.trim().to_owned())
    })
}

/// One signature of a chain, and what it has to cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Where the key is: `SELECTOR._domainkey.DOMAIN`.
    pub key: String,
    pub algorithm: Algorithm,
    pub signature: Vec<u8>,
    /// It holds if one of these was signed.
    pub texts: Vec<Vec<u8>>,
}

impl Chain {
    /// The signatures that must all hold for this chain to pass: the newest message signature, and the seals from the
    /// newest on (RFC 8617 5.2, steps 4 to 6). `None` where the chain fails whatever the keys are: a hole, what the seals
    /// say of each other, another body, an end that has passed. `raw` is the whole mail, `mail` its header.
    pub fn checks(&self, mail: &Mail, raw: &[u8], now: Timestamp) -> Option<Vec<Check>> {
        let first = |i: u32, said: &str| said == if i == 1 { "none" } else { "pass" };
        let said = |(i, [_, _, seal]): (&u32, &[Vec<u8>; 3])| {
            tag(seal, "cv").is_some_and(|said| first(*i, &said))
        };
        if self.broken || self.sets.is_empty() || !self.sets.iter().all(said) {
            return None;
        }
        let mut checks = vec![self.newest(mail, raw, now)?];
        for (instance, [.., seal]) in self.sets.iter().rev() {
            let mut covered: Vec<u8> =
                self.sets.range(..=instance).flat_map(|(_, set)| set).flatten().copied().collect();
            covered.truncate(covered.len() - seal.len());
            let own = without_signature(seal);
            covered.extend(own.trim_ascii_end());
            let tags = Tags::read(seal.splitn(2, |b| *b == b':').nth(1)?)?;
            checks.push(Check::new(&tags, vec![covered])?);
        }
        Some(checks)
    }

    /// The message signature on top.
    fn newest(&self, mail: &Mail, raw: &[u8], now: Timestamp) -> Option<Check> {
        let number = |field: &Field| instance(&[b":", field.value(&mail.head)].concat());
        let mut signatures = mail.fields.iter().filter(|field| field.is(&mail.head, NAMES[1]));
        let field = signatures.find(|field| number(field) == Some(self.highest))?;
        let value = field.value(&mail.head);
        let (tags, signature) = (Tags::read(value)?, Signature::read(value)?);
        let end = tags.get("x").and_then(|text| text.parse::<i64>().ok());
        let body = raw.get(fields::split(raw)..)?;
        if end.is_some_and(|end| end <= now.seconds()) {
            return None;
        }
        // RFC 6376 3.5 means simple where `c=` is absent; signers of ARC are about that sign as if it said relaxed.
        let forms = match tags.get("c") {
            Some(_) => vec![signature],
            None => {
                let relaxed =
                    Signature { relaxed_head: true, relaxed_body: true, ..signature.clone() };
                vec![signature, relaxed]
            }
        };
        let fits = forms.iter().filter(|signature| signature.has_body(body));
        let texts: Vec<Vec<u8>> = fits.map(|signature| signed(mail, field, signature)).collect();
        if texts.is_empty() { None } else { Check::new(&tags, texts) }
    }
}

/// What a message signature covers of the header: the fields it names, and itself (RFC 6376 3.7).
fn signed(mail: &Mail, own: &Field, signature: &Signature) -> Vec<u8> {
    let others: Vec<&Field> = mail.fields.iter().filter(|field| *field != own).collect();
    let chosen = signature.chosen(&others, |field, name| field.is(&mail.head, name));
    let form = |field: &Field| canonical_field(&mail.head, field, signature.relaxed_head);
    let mut text: Vec<u8> = chosen.into_iter().flatten().flat_map(|field| form(field)).collect();
    let own = without_signature(&form(own));
    text.extend(own.strip_suffix(b"\r\n").unwrap_or(&own));
    text
}

impl Check {
    fn new(tags: &Tags, texts: Vec<Vec<u8>>) -> Option<Check> {
        let name = |tag: &str| tags.get(tag).filter(|name| !name.is_empty());
        Some(Check {
            key: format!("{}._domainkey.{}", name("s")?, name("d")?),
            algorithm: algorithm(tags)?,
            signature: BASE64.decode(tags.packed("b")?.as_bytes()).ok()?,
            texts,
        })
    }
}

/// What a seal of ours says, fixed when the mail was accepted, so that a retry says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    pub validation: Validation,
    /// What stands in ARC-Authentication-Results behind the instance: our name and what we found out. One line, ASCII.
    pub results: String,
}

impl Sealing {
    /// `own`: what we found out ourselves, such as `dkim=pass header.d=gmx.example`; a method of which our front MTA
    /// speaks already is left out. `trusted`: its names, lower-case (RFC 8601 5).
    pub fn new(
        mail: &Mail,
        authserv_id: &str,
        trusted: &[String],
        validation: Validation,
        own: &[String],
    ) -> Sealing {
        let mut said = auth_results::said(mail, trusted);
        let method = |text: &str| text.split(['=', '/', ' ']).next().unwrap_or_default().to_owned();
        let known: Vec<String> = said.iter().map(|text| method(text)).collect();
        said.extend(own.iter().filter(|text| !known.contains(&method(text))).cloned());
        if !known.iter().any(|name| name == "arc") {
            said.push(format!("arc={}", validation.as_str()));
        }
        let mut results = authserv_id.to_owned();
        for text in said.iter().filter(|text| text.is_ascii()) {
            if results.len() + text.len() > MAX_RESULTS {
                break;
            }
            results.push_str("; ");
            results.push_str(text);
        }
        Sealing { validation, results }
    }

    /// The same without the local part of any address, for a list that hides its authors: `smtp.mailfrom=@gmx.example`.
    pub fn without_addresses(&self) -> Sealing {
        let of_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/?^_`{|}~.-".contains(c);
        let mut pieces = self.results.split('@');
        let mut results = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            results.truncate(results.trim_end_matches(of_local).len());
            results.push('@');
            results.push_str(piece);
        }
        Sealing { validation: self.validation, results }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(head: &str) -> Chain {
        Chain::of(&Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail"))
    }

    fn set(i: u32, cv: &str) -> String {
        format!(
            "ARC-Seal: i={i}; a=rsa-sha256;\r\n cv={cv}; b=x; d=d; s=s\r\nARC-Message-Signature: a=rsa-sha256; i = {i} ; b=y; bh=z; d=d; s=s; h=from;\r\n\
             ARC-Authentication-Results: i={i}; mx.example; spf=pass"
        )
    }

    /// RFC 8617 5.2: what fields alone tell of a chain.
    #[test]
    fn chains_are_read() {
        let one = set(1, "none");
        let two = format!("{}\r\n{one}", set(2, "pass"));
        let closed = format!("{}\r\n{one}", set(2, "fail"));
        let hole = format!("{}\r\n{one}", set(3, "pass"));
        let cases = [
            ("Subject: x", true, true, Some(1)),
            (one.as_str(), false, true, Some(2)),
            (&two, false, true, Some(3)),
            (&closed, false, true, None),
            (&hole, false, false, Some(4)),
            (&format!("{one}\r\n{one}"), false, false, Some(2)),
            ("ARC-Seal: i=1; cv=none", false, false, Some(2)),
            ("ARC-Seal: i=0; cv=none", false, false, Some(1)),
            ("ARC-Seal: i=99999999999999999999; cv=none", false, false, Some(1)),
            (&set(50, "pass"), false, false, None),
            ("ARC-Seal: cv=none", false, false, Some(1)),
        ];
        for (head, empty, whole, next) in cases {
            let chain = chain(head);
            assert_eq!(
                (chain.is_empty(), chain.is_whole(), chain.next()),
                (empty, whole, next),
                "{head}"
            );
        }
        let covered = String::from_utf8(chain(&two).covered(Validation::Pass)).expect("text");
        let order: Vec<&str> =
            covered.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
        let each = ["arc-authentication-results", "arc-message-signature", "arc-seal"];
        assert_eq!(order, [each, each].concat());
        assert!(chain(&two).covered(Validation::Fail).is_empty());
    }

    /// RFC 6376 3.2, RFC 8617 4.1: tags that can count.
    #[test]
    fn tags_are_strict() {
        let cases = [
            ("a=rsa-sha256; b=x", true),
            (" a = ed25519-sha256 ;\r\n b=x; ", true),
            ("a=rsa-sha256; h=from:to; x_1=y", true),
            ("b=x", false),
            ("a=rsa-sha1; b=x", false),
            ("a=rsa-sha256; b=x; b=x", false),
            ("a=rsa-sha256;; b=x", false),
            ("a=rsa-sha256; ;b=x", false),
            ("A=rsa-sha256; b=x", false),
            ("a=RSA-SHA256", false),
            ("a=rsa-sha256; _=x", false),
            ("a=rsa-sha256; 1x=x", false),
            ("a=rsa-sha256; word", false),
            ("a=rsa-sha256; h=from : arc-seal", false),
        ];
        for (value, sound) in cases {
            assert_eq!(is_sound(value.as_bytes(), &["a"]), sound, "{value}");
        }
    }

    /// D10, F6: our front MTA's words first, ours where it says nothing; of a hidden author no address.
    #[test]
    fn results_are_merged() {
        let head = "Authentication-Results: mx.example; spf=pass smtp.mailfrom=a.b+c@gmx.example;\r\n auth=pass smtp.auth=ayse\r\nReceived: by mx.example\r\n\r\n";
        let mail = Mail::parse(head.as_bytes()).expect("mail");
        let own = [
            "spf=pass smtp.mailfrom=other.example".to_owned(),
            "dmarc=pass header.from=gmx.example".to_owned(),
        ];
        let trusted = ["mx.example".to_owned()];
        let sealing = Sealing::new(&mail, "mx.example", &trusted, Validation::None, &own);
        let wanted = "mx.example; spf=pass smtp.mailfrom=a.b+c@gmx.example; dmarc=pass header.from=gmx.example; arc=none";
        assert_eq!(sealing.results, wanted);
        assert_eq!(sealing.without_addresses().results, wanted.replace("a.b+c@", "@"));
        let nobody = Sealing::new(&mail, "us.example", &[], Validation::Fail, &[]);
        assert_eq!(nobody.results, "us.example; arc=fail");
    }
}
