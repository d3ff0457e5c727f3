//! Texts in the one form that a list wants: plain text only, or HTML only.
//!
//! One step at a time, from the outside in; the filter reads the mail anew in between. Signed and encrypted parts,
//! reports, mails inside the mail, and what an invitation consists of stay as they are. No attachment is lost.

use crate::list::Form;
use crate::message::{Part, Shape, Tree};
use crate::rewrite::edit::{Done, Edit};
use crate::rewrite::filter::Filter;
use crate::rewrite::structure;

mod html;

/// The edits of one step; none where every text has its form.
pub(super) fn edits(raw: &[u8], tree: &Tree, filter: &Filter) -> Vec<Edit> {
    if filter.form == Form::Any {
        return Vec::new();
    }
    let step = Step { raw, tree, filter };
    step.part(0)
}

struct Step<'a> {
    raw: &'a [u8],
    tree: &'a Tree,
    filter: &'a Filter,
}

/// What a part has in it.
#[derive(Copy, Clone, Debug, Default)]
struct Holds {
    plain: bool,
    html: bool,
    pictures: usize,
    /// Something that must not be lost: an attachment, a mail, a sealed part.
    more: bool,
}

impl Step<'_> {
    fn part(&self, index: usize) -> Vec<Edit> {
        let Some(part) = self.tree.parts.get(index).filter(|part| part.sealed.is_none()) else {
            return Vec::new();
        };
        let inside = || self.tree.children(index).flat_map(|(child, _)| self.part(child)).collect();
        let text = self.filter.form == Form::Text;
        match (part.shape, part.kind.as_str()) {
            (Shape::Leaf, "text/html") if text && part.is_shown() => self.plain(part),
            (Shape::Leaf | Shape::Message, _) | (_, "multipart/report") => Vec::new(),
            _ if self.has_calendar(index) && part.kind == "multipart/alternative" => Vec::new(),
            (_, "multipart/alternative") => self.alternative(index, part).unwrap_or_else(inside),
            (_, "multipart/related") if text => self.related(index, part).unwrap_or_else(inside),
            _ => inside(),
        }
    }

    /// The HTML as plain text. What stands in the header and is no field may be text: such a part stays as it is.
    fn plain(&self, part: &Part) -> Vec<Edit> {
        if part.fields(self.raw).iter().any(|field| !field.valid) {
            return Vec::new();
        }
        let text = html::to_text(&part.content(self.raw), part.param("charset"));
        let (fields, body) = structure::text_entity(&text);
        structure::instead(self.raw, part, &fields, &body, Done::Converted)
    }

    /// One of the forms instead of all; what else hangs on the others stays behind it.
    fn alternative(&self, index: usize, part: &Part) -> Option<Vec<Edit>> {
        let forms: Vec<(usize, &Part, Holds)> =
            self.tree.children(index).map(|(i, p)| (i, p, self.holds(i))).collect();
        if forms.iter().any(|(_, p, _)| p.sealed.is_some()) {
            return None;
        }
        let text = self.filter.form == Form::Text;
        let (kept, child) = match text {
            true => forms
                .iter()
                .rfind(|(_, part, holds)| holds.plain && part.is_leaf())
                .or_else(|| forms.iter().find(|(_, _, holds)| holds.plain))
                .or_else(|| forms.iter().find(|(_, _, holds)| holds.html)),
            // The last is the best (RFC 2046 5.1.4).
            false => forms.iter().rfind(|(_, _, holds)| holds.html),
        }
        .map(|(i, p, _)| (*i, *p))?;
        let others = || forms.iter().filter(|(i, _, _)| *i != kept);
        let pictures: usize = others().map(|(_, _, holds)| holds.pictures).sum();
        let more = others().any(|(_, _, holds)| holds.more);
        if !more && pictures == 0 {
            return Some(structure::collapsed(self.raw, part, child));
        }
        if !text {
            return None;
        }
        let dropped = others().flat_map(|(i, _, _)| self.without_page(*i)).collect();
        self.loosened(part, dropped, pictures)
    }

    /// The page of a multipart/related without its pictures.
    fn related(&self, index: usize, part: &Part) -> Option<Vec<Edit>> {
        let root = self.tree.root(index)?;
        let page = self.tree.parts.get(root)?;
        if !page.is_leaf() || !page.kind.starts_with("text/") || page.sealed.is_some() {
            return None;
        }
        let others: Vec<usize> =
            self.tree.children(index).map(|(i, _)| i).filter(|i| *i != root).collect();
        if others.is_empty() {
            return Some(structure::collapsed(self.raw, part, page));
        }
        let dropped: Vec<Edit> = others.iter().flat_map(|i| self.without_page(*i)).collect();
        let pictures = others.iter().map(|i| self.holds(*i).pictures).sum();
        self.loosened(part, dropped, pictures)
    }

    /// A multipart whose parts no longer are one thing, with a note about pictures that went.
    fn loosened(&self, part: &Part, mut edits: Vec<Edit>, pictures: usize) -> Option<Vec<Edit>> {
        edits.push(structure::renamed(self.raw, part, "multipart/mixed")?);
        if pictures > 0 {
            let note = self.filter.notes.pictures(pictures);
            edits.extend(structure::appended(self.raw, part, &note, Done::Converted));
        }
        Some(edits)
    }

    /// What leaves out a part's texts and pictures, and whatever of it would be empty then.
    fn without_page(&self, index: usize) -> Vec<Edit> {
        let Some(part) = self.tree.parts.get(index) else { return Vec::new() };
        if !self.holds(index).more {
            return vec![structure::left_out(part, Done::Converted)];
        }
        match part.shape {
            Shape::Multipart if part.sealed.is_none() => {
                self.tree.children(index).flat_map(|(child, _)| self.without_page(child)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn holds(&self, index: usize) -> Holds {
        let Some(part) = self.tree.parts.get(index) else { return Holds::default() };
        let more = Holds { more: true, ..Holds::default() };
        match (part.shape, part.kind.as_str()) {
            _ if part.sealed.is_some() => more,
            // Without a part in it nobody knows what it is.
            (Shape::Multipart, _) if self.tree.children(index).next().is_none() => {
                if self.is_blank(part) { Holds::default() } else { more }
            }
            (Shape::Multipart, _) => {
                self.tree.children(index).fold(Holds::default(), |all, (child, _)| {
                    let one = self.holds(child);
                    Holds {
                        plain: all.plain || one.plain,
                        html: all.html || one.html,
                        pictures: all.pictures + one.pictures,
                        more: all.more || one.more,
                    }
                })
            }
            // A form that says nothing stands for no other.
            (Shape::Leaf, "text/plain" | "text/html") if part.is_shown() && self.is_blank(part) => {
                Holds::default()
            }
            (Shape::Leaf, "text/plain") if part.is_shown() => {
                Holds { plain: true, ..Holds::default() }
            }
            (Shape::Leaf, "text/html") if part.is_shown() => {
                Holds { html: true, ..Holds::default() }
            }
            // Other forms of the same text, e.g. for a watch.
            (Shape::Leaf, kind) if kind.starts_with("text/") && part.is_shown() => Holds::default(),
            (Shape::Leaf, kind) if kind.starts_with("image/") && self.is_inline(part) => {
                Holds { pictures: 1, ..Holds::default() }
            }
            _ => more,
        }
    }

    fn is_blank(&self, part: &Part) -> bool {
        part.content(self.raw).trim_ascii().is_empty()
    }

    /// A picture of a page, not one that was sent along.
    fn is_inline(&self, part: &Part) -> bool {
        let parent = part.parent.and_then(|index| self.tree.parts.get(index));
        parent.is_some_and(|parent| parent.kind == "multipart/related")
            && part.disposition.as_deref() != Some("attachment")
    }

    fn has_calendar(&self, index: usize) -> bool {
        let Some(whole) = self.tree.parts.get(index).map(Part::whole) else { return false };
        let inside = self.tree.parts.iter().skip(index);
        inside
            .take_while(|part| part.head.start < whole.end)
            .any(|part| part.kind == "text/calendar" || part.kind == "application/ms-tnef")
    }
}
