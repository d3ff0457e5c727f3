//! What a list lets through of a mail's parts: its attachment rules and the form of its texts, one after the other.
//!
//! Each step reads the mail anew as the step before left it, so that nothing hides behind what went. The steps
//! together are edits of the mail that came in. A signed or encrypted part stays or the mail goes nowhere (promise 9).

use std::borrow::Cow;

use crate::list::{Allowed, Forbidden, Form};
use crate::message::canonical::relaxed;
use crate::message::{Part, Tree};
use crate::rewrite::edit::Edits;
use crate::rewrite::{Edition, Frozen, PostKind, Unsendable, attachments, body, form};

mod notes;

pub use notes::Notes;
pub(super) use notes::{Gone, shown};

/// Most steps. What is nested deeper than any mail program nests stays as it is, or goes nowhere.
const MOST: usize = 8;

/// What may pass, and the words for what did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub allowed: Allowed,
    pub forbidden: Forbidden,
    /// Octets of one attachment, decoded; 0 = any.
    pub max: u64,
    pub form: Form,
    pub notes: Notes,
}

impl Filter {
    /// What a post's list lets through for an edition, with notes in its language; `None` where it is everything.
    pub fn of(frozen: &Frozen, edition: &Edition) -> Option<Filter> {
        let s = &frozen.settings;
        let filter = Filter {
            allowed: s.attachments_allowed.clone(),
            forbidden: s.attachments_forbidden.clone(),
            max: s.max_attachment,
            form: if edition.plain { Form::Text } else { s.form },
            notes: Notes::of(frozen, &edition.language),
        };
        let wanted = frozen.kind == PostKind::List;
        (wanted && (filter.has_rules() || filter.form != Form::Any)).then_some(filter)
    }

    /// True where an attachment may be one too many.
    pub(super) fn has_rules(&self) -> bool {
        self.allowed != Allowed::Any || !self.forbidden.0.is_empty() || self.max > 0
    }
}

/// The edits, or `None` where everything may pass as it is.
pub(super) fn edits(
    raw: &[u8],
    tree: &Tree,
    filter: Option<&Filter>,
) -> Result<Option<Edits>, Unsendable> {
    let Some(filter) = filter else { return Ok(None) };
    let unclear = |part: &Part| is_ambiguous(raw, part) || shares_a_boundary(tree, part);
    if filter.has_rules() && tree.parts.iter().any(unclear) {
        return Err(Unsendable::BadStructure);
    }
    let mut done: Option<Edits> = None;
    let (mut now, mut tree) = (Cow::Borrowed(raw), Cow::Borrowed(tree));
    for step in 0.. {
        let mut edits = match filter.has_rules() {
            true => attachments::edits(&now, &tree, filter)?,
            false => Vec::new(),
        };
        if !edits.is_empty() && step >= MOST {
            return Err(Unsendable::BadStructure);
        }
        if edits.is_empty() && step < MOST {
            edits = form::edits(&now, &tree, filter);
        }
        let edits = body::finished(&now, edits)?;
        if edits.is_empty() {
            break;
        }
        let new = edits.apply(&now);
        done = Some(match done {
            None => edits,
            Some(first) => first.then(raw, &edits).map_err(|_| Unsendable::BadStructure)?,
        });
        tree = Cow::Owned(Tree::parse(&new).map_err(|_| Unsendable::BadStructure)?);
        now = Cow::Owned(new);
    }
    Ok(done)
}

/// True for a part that says twice what it is, and not the same: one program sees a text where another sees a mail with
/// a program in it. Where not everything may pass, nobody knows what is in such a mail.
fn is_ambiguous(raw: &[u8], part: &Part) -> bool {
    let fields = part.fields(raw);
    ["Content-Type", "Content-Transfer-Encoding"].into_iter().any(|name| {
        let mut values =
            fields.iter().filter(|f| f.is(raw, name)).map(|f| relaxed(b"", f.value(raw)));
        let first = values.next();
        first.is_some_and(|first| values.any(|other| !other.eq_ignore_ascii_case(&first)))
    })
}

/// True for a multipart inside another with the same boundary: where the one ends and the other goes on is read in two
/// ways (RFC 2046 5.1.2 forbids it), and what stands behind may be files to one program and nothing to another.
fn shares_a_boundary(tree: &Tree, part: &Part) -> bool {
    let boundary = |part: &Part| {
        let multipart = part.kind.starts_with("multipart/");
        part.param("boundary").filter(|_| multipart).map(str::to_owned)
    };
    let Some(own) = boundary(part) else { return false };
    let parent = |part: &Part| part.parent.and_then(|index| tree.parts.get(index));
    std::iter::successors(parent(part), |part| parent(part))
        .any(|above| boundary(above).is_some_and(|b| b.trim_end() == own.trim_end()))
}

#[cfg(test)]
mod tests;
