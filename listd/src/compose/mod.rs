//! From a stored post to the copies that go out: one body and one body hash for each edition, and its header.
//!
//! Not who gets one (`scheduler`), nor how a header is rewritten (`listcore::rewrite`). Everything comes from the
//! original bytes and the frozen settings, without clock or chance: a retry sends the same copy. Nothing personal
//! is ever in a body (promise 9), and no body is copied per recipient (promise 12).

mod body;
mod changes;
mod pieces;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use listcore::address::Address;
use listcore::arc::Sealing;
use listcore::links;
use listcore::list::{Copies, FromPolicy, ListId};
use listcore::outcome::Reply;
use listcore::recipients::Recipient;
use listcore::rewrite::body::Wishes;
use listcore::rewrite::filter::Filter;
use listcore::rewrite::footer::{self, Footer};
use listcore::rewrite::{
    BodyOf, Edition, Frozen, Ours, Unsendable, copy_head, own_of_digest, unsubscribe,
};
use listcore::time::Timestamp;
use listcore::token::{self, Keys};

use crate::delivery::{Can, Copy, Payload};
use crate::scheduler::{NoCopy, Render};
use crate::sign::{BodyHash, Signer, Signers};
use crate::store::{Body, RecipientRef, StoredPost};

/// Signatures are made anew after this many milliseconds, so that `t=` and `x=` stay true for a post that is
/// retried for days, and 5,000 copies cost one signature per key and minute.
const SIGNATURE_AGE: i64 = 60_000;

/// Makes copies. One for all lists.
pub struct Composer {
    signers: Signers,
    keys: Arc<Keys>,
    /// Ours, lower-case (rule T8).
    authserv_ids: Vec<String>,
}

impl Composer {
    /// `domains` are those of the lists: one without a DKIM key is told to the log, and its copies go out unsigned.
    pub fn new(
        signers: Signers,
        keys: Arc<Keys>,
        authserv_ids: &[String],
        domains: &[String],
    ) -> Composer {
        for domain in domains.iter().filter(|domain| !signers.signs_for(domain)) {
            tracing::warn!(
                %domain,
                "no DKIM key: copies go out unsigned and many providers refuse them; run `listctl dkim keygen {domain}`"
            );
        }
        let authserv_ids = authserv_ids.iter().map(|id| id.to_ascii_lowercase()).collect();
        Composer { signers, keys, authserv_ids }
    }

    /// What is ours, for a relay.
    fn ours<'a>(
        &'a self,
        signs_for: &'a dyn Fn(&str) -> bool,
        can: &Can,
        body: BodyOf<'a>,
    ) -> Ours<'a> {
        Ours { signs_for, authserv_ids: &self.authserv_ids, body, utf8: can.utf8 }
    }

    /// Signatures made since the start.
    pub fn signatures(&self) -> u64 {
        self.signers.made()
    }

    /// The signers of one copy: that of the From, so that DMARC passes, and that of the list (rule D3). Where nobody
    /// vouched for the author, none that could be aligned with the From: we would make a forgery valid (promise 8).
    fn signers_for(&self, from: &Address, frozen: &Frozen) -> Vec<Arc<Signer>> {
        let unproven = frozen.settings.from == FromPolicy::Unproven;
        let mut domains = vec![from.domain()];
        if frozen.domain != from.domain() {
            domains.push(&frozen.domain);
        }
        domains.retain(|domain| !(unproven && may_align(domain, from.domain())));
        domains.into_iter().filter_map(|domain| self.signers.of(domain).cloned()).collect()
    }

    /// Who seals the copies of a post (rule D10): the list's domain, whoever From names.
    fn sealer_for(&self, frozen: &Frozen) -> Option<(Arc<Signer>, Sealing)> {
        let sealing = frozen.arc.clone()?;
        Some((self.signers.of(&frozen.domain).cloned()?, sealing))
    }
}

/// True where DMARC could find two names aligned (RFC 9989 4.4). Which part of them is the organisational domain only
/// DNS knows, so two labels in common are enough to be careful.
fn may_align(a: &str, b: &str) -> bool {
    let common = a.rsplit('.').zip(b.rsplit('.')).take_while(|(a, b)| a == b).count();
    let shorter = a.split('.').count().min(b.split('.').count());
    common >= shorter.min(2)
}

/// What all copies of one edition of a post have in common for one kind of relay.
pub struct Variant {
    list: ListId,
    address: Address,
    is_notice: bool,
    /// Of a probe: the list that a bounce of it comes back to.
    probe: Option<ListId>,
    /// Of a digest: the list that a bounce of it comes back to.
    digest: Option<ListId>,
    /// The lists in it, and when it was made.
    digest_of: (Vec<ListId>, Timestamp),
    copies: Copies,
    /// All fields, without signatures and the empty line.
    head: Vec<u8>,
    body: Payload,
    hash: BodyHash,
    signers: Vec<Arc<Signer>>,
    /// Who seals with ARC, and what the seal says.
    seal: Option<(Arc<Signer>, Sealing)>,
    needs_utf8: bool,
    eight_bit: bool,
    relay_takes_utf8: bool,
    /// Where each copy has a link of its own to unsubscribe.
    one_click: Option<String>,
    /// The minute of the signature, and the header block with it, where that is the same for all recipients.
    signed: Mutex<Option<(Timestamp, Bytes)>>,
}

impl Variant {
    /// Its header has UTF-8 that can't be encoded away.
    pub fn needs_utf8(&self) -> bool {
        self.needs_utf8
    }

    /// The header block with signatures and the empty line. With a field of the recipient's own (rule H8) it is hers
    /// alone; without, one serves all recipients.
    fn signed_head(&self, own: &[u8], now: Timestamp) -> Result<Bytes, NoCopy> {
        let minute = minute(now);
        if !own.is_empty() {
            return self.sign(own, minute).map(Bytes::from);
        }
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, head)) = signed.as_ref().filter(|(at, _)| *at == minute) {
            return Ok(head.clone());
        }
        let head = Bytes::from(self.sign(own, minute)?);
        *signed = Some((minute, head.clone()));
        Ok(head)
    }

    /// The header block that all recipients get is there.
    fn is_signed(&self, now: Timestamp) -> bool {
        let signed = self.signed.try_lock();
        signed.is_ok_and(|signed| signed.as_ref().is_some_and(|(at, _)| *at == minute(now)))
    }

    fn sign(&self, own: &[u8], at: Timestamp) -> Result<Vec<u8>, NoCopy> {
        let fields = [own, &self.head].concat();
        let mut head = Vec::with_capacity(fields.len() + 4096);
        for signer in &self.signers {
            let lines = signer.sign(&fields, &self.hash, at);
            head.extend(lines.map_err(|e| NoCopy::Later(e.to_string()))?);
        }
        head.extend_from_slice(&fields);
        if let Some((sealer, sealing)) = &self.seal {
            let set = sealer.seal(&head, &self.hash, sealing, at);
            head.splice(..0, set.map_err(|e| NoCopy::Later(e.to_string()))?);
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }
}

/// When the signatures of a moment are made.
fn minute(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0.rem_euclid(SIGNATURE_AGE))
}

/// What is made for an edition; where a mail can't be had as plain text, its readers get it as it is.
fn plain_or_whole<T>(
    edition: &Edition,
    make: impl Fn(&Edition) -> Result<T, NoCopy>,
) -> Result<T, NoCopy> {
    match make(edition) {
        Err(NoCopy::Never(_)) if edition.plain => make(&edition.language.as_str().into()),
        made => made,
    }
}

impl Render for Composer {
    type Variant = Variant;

    fn edition(&self, post: &Frozen, who: &Recipient, plain: bool) -> Edition {
        post.edition_of(who, plain)
    }

    fn variant(
        &self,
        post: &StoredPost,
        body: &Body,
        can: &Can,
        edition: &Edition,
    ) -> Result<Arc<Variant>, NoCopy> {
        plain_or_whole(edition, |edition| self.made(post, body, can, edition))
    }

    fn copy(
        &self,
        variant: &Variant,
        to: &[(RecipientRef, Recipient)],
        now: Timestamp,
    ) -> Result<Copy, NoCopy> {
        let recipients: Vec<Address> = to.iter().map(|(_, r)| r.address.clone()).collect();
        let utf8 = variant.needs_utf8 || recipients.iter().any(|address| !address.is_ascii());
        if utf8 && !variant.relay_takes_utf8 && recipients.len() == 1 {
            return Err(never_with(
                "5.6.7",
                "the recipient's address needs SMTPUTF8, and the relay does not take it",
            ));
        }
        Ok(Copy {
            sender: match (variant.is_notice, &variant.digest) {
                (false, _) => Some(self.return_path(variant, &variant.list, to, now)?),
                (true, Some(list)) => Some(self.return_path(variant, list, to, now)?),
                (true, None) => self.probe_path(variant, to, now)?,
            },
            recipients,
            head: variant.signed_head(&self.own_fields(variant, to, now), now)?,
            body: variant.body.clone(),
            utf8,
            eight_bit: variant.eight_bit,
        })
    }

    fn is_quick(&self, variant: &Variant, now: Timestamp) -> bool {
        let same_for_all = variant.one_click.is_none() && variant.digest.is_none();
        same_for_all && variant.is_signed(now)
    }
}

impl Composer {
    fn made(
        &self,
        post: &StoredPost,
        body: &Body,
        can: &Can,
        edition: &Edition,
    ) -> Result<Arc<Variant>, NoCopy> {
        let frozen = &post.frozen.in_language(&edition.language);
        // Of the list as it is, since its own language decides who reads which text.
        let footer = footer::footer(&post.frozen, &edition.language);
        let filter = Filter::of(&post.frozen, edition);
        // Whether the author's signature survives is asked of the body itself.
        let asks = frozen.settings.from == FromPolicy::Broken;
        let wishes = wishes(can, frozen, footer.as_ref(), filter.as_ref());
        let original = body::prepare(body, &wishes, asks)?;
        let signs_for = |domain: &str| self.signers.signs_for(domain);
        let head =
            copy_head(&original.head, frozen, &self.ours(&signs_for, can, original.body_of()));
        let head = head.map_err(|e| never(&e))?;
        Ok(Arc::new(Variant {
            list: frozen.list.clone(),
            address: frozen.address.clone(),
            is_notice: frozen.is_notice(),
            probe: frozen.probe.clone(),
            digest: frozen.digest.clone(),
            digest_of: (frozen.digest_of.clone(), post.accepted),
            copies: frozen.settings.copies,
            signers: self.signers_for(&head.from, frozen),
            seal: self.sealer_for(frozen),
            eight_bit: original.eight_bit || !head.bytes.is_ascii(),
            needs_utf8: head.needs_utf8,
            relay_takes_utf8: can.utf8,
            head: head.bytes,
            body: original.body,
            hash: original.hash,
            one_click: match frozen.digest {
                Some(_) => frozen.links.pages.clone(),
                None => frozen.one_click().map(str::to_owned),
            },
            signed: Mutex::new(None),
        }))
    }

    /// A notice has a null sender (rule A3); a probe is there to come back, and nothing answers its address.
    fn probe_path(
        &self,
        variant: &Variant,
        to: &[(RecipientRef, Recipient)],
        now: Timestamp,
    ) -> Result<Option<Address>, NoCopy> {
        let (Some(list), [(who, _)]) = (&variant.probe, to) else { return Ok(None) };
        let path = token::probe_path(&self.keys, list, &variant.address, who.0, now);
        path.map(Some).map_err(|e| {
            NoCopy::Later(format!("no return path for a probe of {}: {e}", variant.address))
        })
    }

    /// The fields of one recipient's copy: her own link to unsubscribe (rules H7 to H10), and to whom a digest goes.
    fn own_fields(
        &self,
        variant: &Variant,
        to: &[(RecipientRef, Recipient)],
        now: Timestamp,
    ) -> Vec<u8> {
        if let (Some(_), [(who, reader)]) = (&variant.digest, to) {
            let (lists, made) = &variant.digest_of;
            let domain = variant.address.domain();
            let token = token::in_digest(&self.keys, domain, lists, *made, who.0, now);
            let link =
                variant.one_click.as_ref().map(|pages| links::unsubscribe_url(pages, &token));
            let name = reader.name.as_deref().unwrap_or_default();
            return own_of_digest(name, &reader.address, link.as_deref());
        }
        let (Some(pages), [(who, _)]) = (&variant.one_click, to) else { return Vec::new() };
        let token = token::member(&self.keys, &variant.list, who.0, now);
        unsubscribe(&variant.address, &links::unsubscribe_url(pages, &token))
    }

    /// Where bounces go (rule V1): a token that names the recipient, or the list's plain address for many.
    fn return_path(
        &self,
        variant: &Variant,
        list: &ListId,
        to: &[(RecipientRef, Recipient)],
        now: Timestamp,
    ) -> Result<Address, NoCopy> {
        let path = match (variant.copies, to) {
            (Copies::Personal, [(who, _)]) => {
                token::return_path(&self.keys, list, &variant.address, who.0, now)
            }
            _ => {
                let local = format!("{}-bounces", variant.address.local());
                Address::new(local, variant.address.domain())
            }
        };
        path.map_err(|e| NoCopy::Later(format!("no return path for {}: {e}", variant.address)))
    }
}

/// What is to become of the body.
fn wishes<'a>(
    can: &Can,
    frozen: &'a Frozen,
    footer: Option<&'a Footer>,
    filter: Option<&'a Filter>,
) -> Wishes<'a> {
    Wishes {
        seven_bit: !can.eight_bit,
        footer,
        footer_signed: frozen.settings.footer_signed,
        filter,
        quoted: &frozen.quoted,
        passwords: frozen.passwords,
    }
}

/// Why the copy can never be sent, as an outcome (RFC 3463 3.7).
fn never(why: &Unsendable) -> NoCopy {
    let code = match why {
        Unsendable::EightBitSigned => "5.6.3",
        Unsendable::NeedsUtf8 => "5.6.7",
        Unsendable::AddressShown(_)
        | Unsendable::AttachmentSigned(_)
        | Unsendable::PasswordSigned => "5.7.1",
        Unsendable::Malformed(_) | Unsendable::LongLineSigned | Unsendable::BadStructure => "5.6.0",
    };
    never_with(code, &why.to_string())
}

fn never_with(code: &str, why: &str) -> NoCopy {
    NoCopy::Never(Reply { code: 554, text: format!("{code} {why}") })
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod footers;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod survival;
#[cfg(test)]
mod tests;
