//! A footer as a part of its own: behind the others of a multipart/mixed, or beside a mail that must stay as it is
//! (rules B6, B7).

use crate::message::{Part, Tree};
use crate::rewrite::edit::{Done, Edit};
use crate::rewrite::structure;

use super::Footer;

/// The footer as the last part of the mail, a multipart/mixed. A missing last delimiter line is mended (rule B10).
pub(in crate::rewrite) fn extended(raw: &[u8], tree: &Tree, footer: &Footer) -> Option<Edit> {
    let mail = tree.parts.first()?;
    structure::appended(raw, mail, &entity(footer), Done::Footer)
}

/// The mail as the first part of a new one, not one octet of its body changed, and the footer as the second.
pub(in crate::rewrite) fn wrapped(raw: &[u8], mail: &Part, footer: &Footer) -> Vec<Edit> {
    structure::beside(raw, mail, &entity(footer), Done::Footer)
}

/// The part with its header, without a line end behind it.
fn entity(footer: &Footer) -> String {
    structure::text_part(&footer.plain, &footer.language)
}

#[cfg(test)]
mod tests;
