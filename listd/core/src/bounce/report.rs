//! Delivery reports for machines (RFC 3464, RFC 6533): who failed, by which code, in which words.
//!
//! Reads the fields as they come: groups that run together or fall apart are put right. Not what it means (`classify`).

use crate::address::Address;
use crate::message::fields::{fields, split, unfold};
use crate::message::text;

use super::MAX_RECIPIENTS;
use super::classify::enhanced;
use super::texts::{addresses, is_redacted};

/// Octets of a diagnostic that are kept.
pub(super) const MAX_DIAGNOSTIC: usize = 600;

/// Most groups of fields that are read.
const MAX_GROUPS: usize = 2_000;

/// What a report says of one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    pub original: Option<Address>,
    pub last: Option<Address>,
    pub action: Option<Action>,
    pub status: Option<String>,
    pub diagnostic: Option<String>,
}

/// RFC 3464 2.3.3.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Failed,
    Delayed,
    /// Delivered, relayed or expanded.
    Done,
}

impl Reported {
    /// Whom we had sent it to, where the report tells (rule V5).
    pub fn address(&self) -> Option<&Address> {
        self.original.as_ref().or(self.last.as_ref())
    }

    fn is_empty(&self) -> bool {
        *self == Reported::default()
    }
}

/// All recipients of all reports, in order.
pub(super) fn read(report: &[u8]) -> Vec<Reported> {
    let (mut out, mut one) = (Vec::new(), Reported::default());
    let mut rest = report;
    for _ in 0..MAX_GROUPS {
        if rest.is_empty() || out.len() >= MAX_RECIPIENTS {
            break;
        }
        let (group, after) = rest.split_at(split(rest));
        for field in fields(group) {
            let name = text::utf8_or_latin(field.name(group)).to_ascii_lowercase();
            let value = text::decode(&unfold(field.value(group)));
            take(&mut out, &mut one, &name, value.trim());
        }
        rest = after;
        // A recipient's group ends here, unless its fields fell apart.
        if one.address().is_some() && one.action.is_some() {
            out.push(std::mem::take(&mut one));
        }
    }
    if !one.is_empty() {
        out.push(one);
    }
    out.retain(|one| one.address().is_some() || one.action.is_some());
    out
}

fn take(out: &mut Vec<Reported>, one: &mut Reported, name: &str, value: &str) {
    let mut next = |one: &mut Reported| {
        if out.len() < MAX_RECIPIENTS {
            out.push(std::mem::take(one));
        }
    };
    match name {
        "original-recipient" => {
            if one.original.is_some() {
                next(one);
            }
            one.original = recipient(value);
        }
        "final-recipient" => {
            if one.last.is_some() {
                next(one);
            }
            one.last = recipient(value);
        }
        // Sendmail: where its own forwarding led to.
        "x-actual-recipient" if one.last.is_none() => one.last = recipient(value),
        "action" => one.action = one.action.or_else(|| action(value)),
        "status" => one.status = one.status.take().or_else(|| enhanced(value).map(str::to_owned)),
        "disposition" => one.action = one.action.or_else(|| disposition(value)),
        "diagnostic-code" if one.diagnostic.is_none() && !value.is_empty() => {
            let words = value.split_once(';').filter(|(kind, _)| !kind.contains(' '));
            let words = words.map_or(value, |(_, words)| words).trim();
            one.diagnostic = Some(words.chars().take(MAX_DIAGNOSTIC).collect());
        }
        _ => {}
    }
}

fn action(value: &str) -> Option<Action> {
    let value = value.to_ascii_lowercase();
    let word = value.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match word {
        "failed" | "failure" | "fail" | "error" => Some(Action::Failed),
        "delayed" | "delay" | "warning" => Some(Action::Delayed),
        "delivered" | "relayed" | "expanded" | "deliverable" => Some(Action::Done),
        _ => None,
    }
}

/// RFC 8098 3.2.6: a mailbox that threw the mail away without anybody seeing it.
fn disposition(value: &str) -> Option<Action> {
    let value = value.to_ascii_lowercase();
    let automatic = value.contains("automatic-action");
    match automatic && ["deleted", "denied", "failed"].iter().any(|word| value.contains(word)) {
        true => Some(Action::Failed),
        false => Some(Action::Done),
    }
}

/// `rfc822; a@b`, `utf-8; ä@b` (RFC 6533 3, with its `\x{e4}`), and what else stands there.
fn recipient(value: &str) -> Option<Address> {
    let (kind, rest) = value.split_once(';').unwrap_or(("", value));
    let rest = rest.trim().trim_start_matches('<').trim_end_matches('>').trim();
    if kind.trim().eq_ignore_ascii_case("utf-8") {
        return Address::parse(&unicode(rest)).ok();
    }
    match Address::parse(rest) {
        Ok(address) if is_redacted(&address) => None,
        Ok(address) => Some(address),
        Err(_) => {
            let mut found = addresses(value).into_iter().map(|found| found.address);
            found.find(|address| !is_redacted(address))
        }
    }
}

/// `\x{20AC}` as its character (RFC 6533 3).
fn unicode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        out.push_str(before);
        let hex = after.split_once('}').filter(|(hex, _)| hex.len() <= 6);
        let found = hex.and_then(|(hex, behind)| {
            Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, behind))
        });
        match found {
            Some((c, behind)) => {
                out.push(c);
                rest = behind;
            }
            None => {
                out.push_str("\\x{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
