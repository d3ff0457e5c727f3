//! The footer of a mail, planned: into its texts, else a part of its own, else the mail stays as it is.

use crate::list::FooterSigned;
use crate::message::lines;
use crate::rewrite::content_type;
use crate::rewrite::edit::{Done, Edit, What};
use crate::rewrite::footer::{self, Footer, Grown, Otherwise, Unfit};
use crate::rewrite::part_head::Head;
use crate::rewrite::transfer;

use super::{Need, Part, Plan, Wishes};
use crate::message::Encoding;

/// A text that grows.
pub(super) struct Below {
    grown: Grown,
    /// The new field Content-Type, where the charset changes.
    content_type: Option<Vec<u8>>,
}

impl Plan<'_> {
    /// A mail that can't have its footer goes without it; never is it unsendable for that.
    pub(super) fn footer(&mut self, wishes: &Wishes<'_>) {
        let Some(footer) = wishes.footer.filter(|footer| !self.divides(footer)) else { return };
        let places = footer::plan(self.raw, self.tree);
        let mut placed = false;
        for index in places.leaves {
            match self.below(index, footer) {
                Ok(below) => {
                    self.below.insert(index, below);
                    placed = true;
                }
                Err(Unfit::Already) => placed = true,
                Err(Unfit::Unreadable) => {}
            }
        }
        if placed {
            return;
        }
        let wrap = wishes.footer_signed == FooterSigned::Wrap;
        match places.otherwise {
            Otherwise::Part { sealed } if wrap || !sealed => {
                self.edits.extend(footer::extended(self.raw, self.tree, footer));
            }
            Otherwise::Wrap if wrap => self.wrap(footer, wishes),
            _ => {}
        }
    }

    /// True where a line of it would be a delimiter of this mail, and cut it in two (rule X4).
    fn divides(&self, footer: &Footer) -> bool {
        let mut boundaries = self.tree.parts.iter().filter_map(|part| part.param("boundary"));
        boundaries.any(|boundary| {
            let delimiter = |line: &str| {
                let name = line.trim_start().strip_prefix("--");
                name.is_some_and(|name| name.starts_with(boundary.trim_end()))
            };
            footer.plain.lines().chain(footer.html.lines()).any(delimiter)
        })
    }

    fn below(&self, index: usize, footer: &Footer) -> Result<Below, Unfit> {
        let part = self.tree.parts.get(index).ok_or(Unfit::Unreadable)?;
        let grown = footer::grow(&footer::Leaf::of(part, self.raw), footer)?;
        let fields = part.fields(self.raw);
        let field = fields.iter().find(|f| f.is(self.raw, "Content-Type"));
        let field = field.and_then(|f| self.raw.get(f.whole.clone()));
        let content_type = match grown.charset {
            Some(charset) => {
                let new = content_type::with_charset(field, charset);
                Some(new.ok_or(Unfit::Unreadable)?)
            }
            None => None,
        };
        Ok(Below { grown, content_type })
    }

    /// Where the mail's header must change for transfer too, it is left alone.
    fn wrap(&mut self, footer: &Footer, wishes: &Wishes<'_>) {
        let Some(mail) = self.tree.parts.first() else { return };
        let needs = self.needs(wishes).first().is_some_and(|need| need.body);
        if mail.sealed.is_some() || !needs {
            self.edits.extend(footer::wrapped(self.raw, mail, footer));
        }
    }

    /// The edits of a text that grows: one stretch, or all of it where that can't pass as it is.
    pub(super) fn grow(
        &mut self,
        part: &Part,
        below: Below,
        need: Need,
        wishes: &Wishes<'_>,
        head: &mut Head<'_>,
    ) {
        let Below { grown, content_type } = below;
        if let Some(field) = content_type {
            head.set("Content-Type", field);
        }
        if !need.body && !wishes.forbid(&lines(&grown.new)) {
            grown.encoding.iter().for_each(|name| head.set_encoding(name));
            let by = part.body.start;
            let old = grown.at.start + by..grown.at.end + by;
            let what = What::part(&part.section, Done::Footer);
            self.edits.push(Edit { old, new: grown.new, what });
            return;
        }
        let mut whole = part.body(self.raw).to_vec();
        whole.splice(grown.at, grown.new);
        let present = match grown.encoding {
            Some("base64") => Encoding::Base64,
            Some("quoted-printable") => Encoding::QuotedPrintable,
            _ => part.encoding,
        };
        let (encoding, body) = transfer::encode(present, &part.kind, &whole);
        head.set_encoding(encoding);
        self.body_edit(part, body, Done::Footer);
    }
}
