//! Message-IDs (RFC 5322 3.6.4): which a mail names, and whose addresses one may show.
//!
//! Not what becomes of them: that is said by what is frozen with a post.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::message::{Mail, fields, text};

use super::shown::{self, JOINTS};

/// Fields of Message-IDs, lower-case.
pub(super) const FIELDS: [&str; 3] = ["message-id", "in-reply-to", "references"];

/// Most ids of a mail that are looked at; the others go where they show an address.
const MOST_IDS: usize = 1_000;

/// Most ways to read an address out of one id: beginnings of its local part, and ends of its domain.
const MOST_LOCALS: usize = 8;
const MOST_DOMAINS: usize = 4;

/// The Message-IDs of a mail, of what it answers, and of the thread, without brackets; a program may have left them out.
pub fn message_ids(mail: &Mail) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in FIELDS.into_iter().flat_map(|name| mail.values(name)) {
        let line = text::utf8_or_latin(&fields::unfold(value));
        for id in ids(&line) {
            if found.len() < MOST_IDS && !found.iter().any(|known| known == id) {
                found.push(id.to_owned());
            }
        }
    }
    found
}

pub(super) fn ids(line: &str) -> Vec<&str> {
    let bracketed: Vec<&str> = line
        .split('<')
        .skip(1)
        .filter_map(|piece| piece.split_once('>'))
        .map(|(id, _)| id.trim())
        .filter(|id| !id.is_empty() && !id.contains(char::is_whitespace))
        .collect();
    if bracketed.is_empty() { line.split_whitespace().collect() } else { bracketed }
}

/// Every address that a Message-ID may have been made of, most of which are nobody's: `1.anna@gmx.example-2` may show
/// `anna@gmx.example`. Bounded, whatever the id.
pub fn addresses_in(id: &str) -> Vec<Address> {
    let lower = id.to_lowercase();
    let mut texts = BTreeSet::new();
    for text in [&*shown::escapes(&lower, '%'), &*shown::escapes(&lower, '='), &lower] {
        let joined = JOINTS.iter().fold(text.to_owned(), |text, joint| text.replace(joint, "@"));
        texts.extend([text.to_owned(), joined]);
    }
    let mut found: Vec<Address> = Vec::new();
    for text in &texts {
        let pieces: Vec<&str> = text.split('@').collect();
        for pair in pieces.windows(2).take(MOST_LOCALS) {
            let [before, behind] = pair else { continue };
            found.extend(addresses(before, behind));
            // Return paths that were rewritten (SRS) name the domain first.
            found.extend(Address::new(*behind, before).ok());
        }
    }
    found.sort_by_cached_key(|address| address.key());
    found.dedup();
    found
}

/// The local part may begin behind any sign, the domain end in front of any.
fn addresses(before: &str, behind: &str) -> Vec<Address> {
    let is_sign = |c: char| !c.is_alphanumeric();
    let begins = before.char_indices().filter(|(_, c)| is_sign(*c) || c.is_ascii_digit());
    let mut begins: Vec<usize> = begins.map(|(at, c)| at + c.len_utf8()).collect();
    begins.insert(0, 0);
    let domain_end = |c: char| is_sign(c) && c != '.' && c != '-';
    let domain = behind.split(domain_end).next().unwrap_or_default();
    let shorter = domain.match_indices(['.', '-']).map(|(at, _)| at).rev();
    let ends: Vec<usize> =
        std::iter::once(domain.len()).chain(shorter).take(MOST_DOMAINS).collect();
    let locals = begins.iter().rev().take(MOST_LOCALS).filter_map(|at| before.get(*at..));
    let pairs = locals.flat_map(|local| {
        ends.iter().filter_map(move |end| Address::new(local, domain.get(..*end)?).ok())
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GD3: what programs make ids of.
    #[test]
    fn addresses_are_found_in_ids() {
        for id in [
            "anna.öz@gmx.example",
            "anna.öz@gmx.example-123",
            "1.Anna.ÖZ@GMX.example",
            "20261122-anna.öz@gmx.example",
            "20261122anna.öz@gmx.example",
            "7_anna.öz@gmx.example.4711",
            "1-anna.öz=gmx.example@relay.example",
            "anna.öz%40gmx.example@relay.example",
            "anna.öz=40gmx.example.1@relay.example",
            "srs0=x=gmx.example=anna.öz@relay.example",
            "x_anna.öz_at_gmx.example",
        ] {
            let found = addresses_in(id);
            assert!(
                found.iter().any(|a| a.to_string() == "anna.öz@gmx.example"),
                "{id}: {found:?}"
            );
        }
        for id in ["", "@", "4711@x", "a@b@c", "<>"] {
            assert!(addresses_in(id).iter().all(|a| !a.domain().contains("gmx")), "{id}");
        }
    }

    /// Promise 10: an id as long as a header costs no more than its length.
    #[test]
    fn a_hostile_id_has_few_addresses() {
        for piece in ["a@b.", "a.", "@", "=", "%40", "1@1-", "_at_x"] {
            let found = addresses_in(&piece.repeat(50_000));
            assert!(found.len() < 6 * MOST_LOCALS * (MOST_LOCALS * MOST_DOMAINS + 1), "{piece}");
        }
    }
}
