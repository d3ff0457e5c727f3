//! The one place where a body's changes are planned: what is wished for, as edits on the mail's octets.
//!
//! A [`Plan`] collects what is to become of each part; then each leaf that got a new content, or can't pass as it is,
//! is encoded once. Inside a signed or encrypted part nothing changes ever (promise 9).

use std::collections::BTreeMap;

use crate::list::FooterSigned;
use crate::message::lines::MAX_LINE;
use crate::message::{Lines, Part, Seal, Shape, Tree, lines, split};
use crate::rewrite::edit::{Done, Edit, Edits, What};
use crate::rewrite::filter::{self, Filter};
use crate::rewrite::footer::Footer;
use crate::rewrite::part_head::{self, Head};
use crate::rewrite::{Unsendable, password, quoted, transfer};

mod below;

use below::Below;

/// What is wanted of a body. By default only that it can be sent at all: no line over 998 octets (rules D9, X3).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes<'a> {
    /// Seven bits only, for a relay without 8BITMIME (rule U4).
    pub seven_bit: bool,
    /// What stands below the mail.
    pub footer: Option<&'a Footer>,
    /// What becomes of it where nothing may be added.
    pub footer_signed: FooterSigned,
    /// Which attachments may stay, and in which form the text goes.
    pub filter: Option<&'a Filter>,
    /// Tokens that nobody is to read.
    pub quoted: &'a [String],
    /// A former list's password goes from the beginning of a text (rule R3).
    pub passwords: bool,
}

impl Wishes<'_> {
    /// True where the content of a part may change, whatever its lines are like.
    pub fn change_content(&self) -> bool {
        self.footer.is_some() || self.filter.is_some() || !self.quoted.is_empty() || self.passwords
    }

    /// True where octets with such lines can't stay.
    pub fn forbid(&self, found: &Lines) -> bool {
        found.longest > MAX_LINE || (self.seven_bit && found.eight_bit)
    }
}

/// The edits that make a mail's body as wished. The mail's own header changes only where it speaks of the body
/// (Content-Type, Content-Transfer-Encoding, MIME-Version); the rest of it is
/// [`copy_head`](crate::rewrite::copy_head)'s. Without edits there was nothing to do.
pub fn edits(raw: &[u8], tree: &Tree, wishes: &Wishes<'_>) -> Result<Edits, Unsendable> {
    let cleansed = if wishes.passwords { password::edits(raw, tree) } else { Vec::new() };
    if !cleansed.is_empty() {
        return behind(raw, cleansed, &Wishes { passwords: false, ..*wishes });
    }
    let veiled = quoted::edits(raw, tree, wishes.quoted);
    if !veiled.is_empty() {
        return behind(raw, veiled, &Wishes { quoted: &[], ..*wishes });
    }
    let Some(first) = filter::edits(raw, tree, wishes.filter)? else {
        return rest(raw, tree, wishes);
    };
    let middle = first.apply(raw);
    let tree = Tree::parse(&middle).map_err(|_| Unsendable::BadStructure)?;
    first.then(raw, &rest(&middle, &tree, wishes)?).map_err(|_| Unsendable::BadStructure)
}

/// What is wished for beside, of the mail as these edits leave it.
fn behind(raw: &[u8], first: Vec<Edit>, wishes: &Wishes<'_>) -> Result<Edits, Unsendable> {
    let first = finished(raw, first)?;
    let middle = first.apply(raw);
    let tree = Tree::parse(&middle).map_err(|_| Unsendable::BadStructure)?;
    let behind = edits(&middle, &tree, wishes)?;
    first.then(raw, &behind).map_err(|_| Unsendable::BadStructure)
}

/// What is not about which parts there are.
fn rest(raw: &[u8], tree: &Tree, wishes: &Wishes<'_>) -> Result<Edits, Unsendable> {
    let mut plan = Plan::new(raw, tree);
    plan.footer(wishes);
    plan.encode(wishes)?;
    plan.edits()
}

/// Encodes the parts with lines over 998 octets. `None`: nothing had to change.
pub fn wrap_lines(raw: &[u8]) -> Result<Option<Vec<u8>>, Unsendable> {
    changed(raw, &Wishes::default())
}

/// Encodes the parts with octets above 127, and those with long lines. Looks at the body only:
/// [`copy_head`](crate::rewrite::copy_head) makes the top header ASCII.
pub fn to_seven_bit(raw: &[u8]) -> Result<Option<Vec<u8>>, Unsendable> {
    changed(raw, &Wishes { seven_bit: true, ..Wishes::default() })
}

fn changed(raw: &[u8], wishes: &Wishes<'_>) -> Result<Option<Vec<u8>>, Unsendable> {
    if !wishes.forbid(&lines(raw.get(split(raw)..).unwrap_or_default())) {
        return Ok(None);
    }
    let tree = Tree::parse(raw).map_err(|_| Unsendable::BadStructure)?;
    let edits = edits(raw, &tree, wishes)?;
    Ok((!edits.is_empty()).then(|| edits.apply(raw)))
}

/// What is to become of a mail's parts.
pub(super) struct Plan<'a> {
    pub raw: &'a [u8],
    pub tree: &'a Tree,
    /// Texts with a footer, by index of the part.
    below: BTreeMap<usize, Below>,
    edits: Vec<Edit>,
}

impl<'a> Plan<'a> {
    fn new(raw: &'a [u8], tree: &'a Tree) -> Plan<'a> {
        Plan { raw, tree, below: BTreeMap::new(), edits: Vec::new() }
    }

    /// Each part that must change for transfer, each leaf once.
    fn encode(&mut self, wishes: &Wishes<'_>) -> Result<(), Unsendable> {
        let needs = self.needs(wishes);
        let mut sealed_until = 0;
        for (index, part) in self.tree.parts.iter().enumerate() {
            if part.head.start < sealed_until {
                continue;
            }
            let mut need = needs.get(index).copied().unwrap_or_default();
            self.can_pass(&part.delimiter, wishes)?;
            if part.sealed.is_some() {
                self.is_fit(part, need, wishes)?;
                sealed_until = part.body.end;
                need.body = false;
            }
            part.close.iter().try_for_each(|close| self.can_pass(close, wishes))?;
            self.can_change(part, need)?;
            self.part(index, part, need, wishes)?;
        }
        Ok(())
    }

    /// A delimiter line is the one thing that can't be changed by itself.
    fn can_pass(
        &self,
        line: &std::ops::Range<usize>,
        wishes: &Wishes<'_>,
    ) -> Result<(), Unsendable> {
        match wishes.forbid(&lines(self.raw.get(line.clone()).unwrap_or_default())) {
            true => Err(Unsendable::BadStructure),
            false => Ok(()),
        }
    }

    /// Which parts can't stay as they are; a container can't where something in it can't. Each octet is looked at once.
    fn needs(&self, wishes: &Wishes<'_>) -> Vec<Need> {
        let look =
            |range: &std::ops::Range<usize>| lines(self.raw.get(range.clone()).unwrap_or_default());
        let mut needs = vec![Need::default(); self.tree.parts.len()];
        for (index, part) in self.tree.parts.iter().enumerate().rev() {
            let Some(mut need) = needs.get(index).copied() else { continue };
            // The mail's own header is copy_head's.
            if part.depth > 0 {
                need.add_head(look(&part.head), wishes);
            }
            if part.is_leaf() {
                need.add_body(look(&part.body), wishes);
            }
            part.fillers.iter().for_each(|filler| need.add_body(look(filler), wishes));
            part.close.iter().for_each(|close| need.add_body(look(close), wishes));
            if let Some(own) = needs.get_mut(index) {
                *own = need;
            }
            if let Some(above) = part.parent.and_then(|parent| needs.get_mut(parent)) {
                above.add_body(look(&part.delimiter), wishes);
                above.add(need);
            }
        }
        needs
    }

    /// A sealed part goes as it is or not at all.
    fn is_fit(&self, part: &Part, need: Need, wishes: &Wishes<'_>) -> Result<(), Unsendable> {
        // The text alone of an inline OpenPGP message is sealed, not its header.
        let head = need.head && part.sealed != Some(Seal::InlinePgp);
        if !(need.body || head) {
            return Ok(());
        }
        Err(match wishes.seven_bit && !need.long {
            true => Unsendable::EightBitSigned,
            false => Unsendable::LongLineSigned,
        })
    }

    fn part(
        &mut self,
        index: usize,
        part: &Part,
        need: Need,
        wishes: &Wishes<'_>,
    ) -> Result<(), Unsendable> {
        let below = self.below.remove(&index);
        if below.is_none() && !need.body && !need.head {
            return Ok(());
        }
        let mut head = Head::new(self.raw, part);
        if need.head {
            head.repair(wishes);
        }
        match (part.shape, below) {
            (Shape::Leaf, Some(below)) => self.grow(part, below, need, wishes, &mut head),
            (Shape::Leaf, None) if need.body => {
                let (encoding, body) =
                    transfer::encode(part.encoding, &part.kind, part.body(self.raw));
                head.set_encoding(encoding);
                self.body_edit(part, body, Done::Encoded);
            }
            (Shape::Leaf, None) => {}
            (Shape::Multipart | Shape::Message, ..) => {
                // What a container says of its insides must become true with them.
                if wishes.seven_bit && matches!(head.encoding().as_slice(), b"8bit" | b"binary") {
                    head.set_encoding("7bit");
                }
                self.fillers(part, wishes);
            }
        }
        self.edits.extend(head.edits());
        Ok(())
    }

    /// Where text stands in an encoding of its own, another one would hide it: programs undo uuencode by its name.
    fn can_change(&self, part: &Part, need: Need) -> Result<(), Unsendable> {
        let declared = Head::new(self.raw, part).encoding();
        let foreign = declared.starts_with(b"x-uu") || declared.starts_with(b"uu");
        match part.shape == Shape::Leaf && need.body && foreign {
            true => Err(Unsendable::BadStructure),
            false => Ok(()),
        }
    }

    fn body_edit(&mut self, part: &Part, new: Vec<u8>, done: Done) {
        self.edits.push(Edit {
            old: part.body.clone(),
            new,
            what: What::part(&part.section, done),
        });
    }

    fn fillers(&mut self, part: &Part, wishes: &Wishes<'_>) {
        for range in &part.fillers {
            let text = self.raw.get(range.clone()).unwrap_or_default();
            if wishes.forbid(&lines(text)) {
                let what = What::part(&part.section, Done::Encoded);
                self.edits.push(Edit { old: range.clone(), new: filler(text, wishes), what });
            }
        }
    }

    /// All of them, and a line end at the end of a changed mail that has none.
    fn edits(self) -> Result<Edits, Unsendable> {
        finished(self.raw, self.edits)
    }
}

/// Edits of a mail, and a line end at the end of a changed one that has none.
pub(super) fn finished(raw: &[u8], mut edits: Vec<Edit>) -> Result<Edits, Unsendable> {
    let len = raw.len();
    if !edits.is_empty() && !last(raw, &edits).ends_with(b"\r\n") {
        let what = What::part("", Done::Encoded);
        edits.push(Edit { old: len..len, new: b"\r\n".to_vec(), what });
    }
    // Overlapping plans would be a mistake of ours; such a mail goes nowhere.
    Edits::new(edits, len).map_err(|_| Unsendable::BadStructure)
}

/// What the changed mail ends in: the last edit that puts something there, or what stands before all that goes.
fn last<'a>(raw: &'a [u8], edits: &'a [Edit]) -> &'a [u8] {
    let mut end = raw.len();
    loop {
        let there = || edits.iter().filter(|edit| edit.old.end == end);
        if let Some(edit) = there().rfind(|edit| !edit.new.is_empty()) {
            return &edit.new;
        }
        match there().find(|edit| !edit.old.is_empty()) {
            Some(gone) => end = gone.old.start,
            None => return raw.get(..end).unwrap_or_default(),
        }
    }
}

/// Why a part can't stay as it is.
#[derive(Copy, Clone, Debug, Default)]
struct Need {
    /// Its own header.
    head: bool,
    body: bool,
    /// A line is too long; else it is eight bits alone.
    long: bool,
}

impl Need {
    fn add_head(&mut self, found: Lines, wishes: &Wishes<'_>) {
        self.head |= wishes.forbid(&found);
        self.long |= found.longest > MAX_LINE;
    }

    fn add_body(&mut self, found: Lines, wishes: &Wishes<'_>) {
        self.body |= wishes.forbid(&found);
        self.long |= found.longest > MAX_LINE;
    }

    /// What is inside.
    fn add(&mut self, inner: Need) {
        self.body |= inner.body || inner.head;
        self.long |= inner.long;
    }
}

/// Text that no mail program shows: long lines are broken, other octets become `?`.
fn filler(text: &[u8], wishes: &Wishes<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 100);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let mut rest = line;
        while rest.len() > MAX_LINE {
            let (start, tail) = rest.split_at(MAX_LINE - 100);
            out.extend(start.iter().map(|b| part_head::seven(*b, wishes)));
            out.extend_from_slice(b"\r\n");
            rest = tail;
        }
        out.extend(rest.iter().map(|b| part_head::seven(*b, wishes)));
    }
    out
}

#[cfg(test)]
mod tests;
