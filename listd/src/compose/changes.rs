//! What was changed in a copy, for an admin who wants to see it. Only asked for by a simulation.

use listcore::message::{fields, split};
use listcore::rewrite::filter::Filter;
use listcore::rewrite::footer;
use listcore::rewrite::{BodyOf, Change, Changes, Edit, Edition, Edits, What, copy_head};

use super::{Composer, NoCopy, body, never, plain_or_whole, wishes};
use crate::delivery::Can;
use crate::store::StoredPost;

impl Composer {
    /// The record of a copy that was made of `original` for this relay and edition, signatures included.
    ///
    /// # Errors
    /// No copy can be made, or `copy` is another one.
    pub fn changes(
        &self,
        post: &StoredPost,
        original: &[u8],
        can: &Can,
        edition: &Edition,
        copy: &[u8],
    ) -> Result<Changes, NoCopy> {
        plain_or_whole(edition, |edition| self.record(post, original, can, edition, copy))
    }

    fn record(
        &self,
        post: &StoredPost,
        original: &[u8],
        can: &Can,
        edition: &Edition,
        copy: &[u8],
    ) -> Result<Changes, NoCopy> {
        let frozen = post.frozen.in_language(&edition.language);
        let mut changes = Changes::of(original);
        let footer = footer::footer(&post.frozen, &edition.language);
        let filter = Filter::of(&post.frozen, edition);
        let edits = body::plan(original, &wishes(can, &frozen, footer.as_ref(), filter.as_ref()))?;
        changes.add(original, &edits);
        let middle = edits.apply(original);
        let (head, sent) = middle.split_at(split(&middle).min(middle.len()));
        let before = original.get(..split(original)).unwrap_or_default();
        let body = edits.reach(before.len()).then_some(sent);
        let body_of = match edits.is_empty() {
            true => BodyOf::Original,
            false => BodyOf::Changed { head: before, body },
        };
        let signs_for = |domain: &str| self.signers.signs_for(domain);
        let head = copy_head(head, &frozen, &self.ours(&signs_for, can, body_of))
            .map_err(|e| never(&e))?;
        changes.add(&middle, &head.edits);
        let unsigned = head.edits.apply(&middle);
        let other =
            || NoCopy::Later("the record is of another copy; please report this".to_owned());
        let on_top = copy.strip_suffix(unsigned.as_slice()).ok_or_else(other)?;
        let on_top = Edits::new(added(on_top), unsigned.len()).map_err(|_| other())?;
        changes.add(&unsigned, &on_top);
        Ok(changes)
    }
}

/// Fields that were put in front.
fn added(on_top: &[u8]) -> Vec<Edit> {
    let fields = fields::fields(on_top).into_iter();
    let edit = |field: fields::Field| Edit {
        old: 0..0,
        what: What::field("", &String::from_utf8_lossy(field.name(on_top)), Change::Added),
        new: on_top.get(field.whole).unwrap_or_default().to_vec(),
    };
    fields.map(edit).collect()
}
