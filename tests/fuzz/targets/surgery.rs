//! Mails as trees, and what edits make of them.

use listcore::list::FooterSigned;
use listcore::message::{Tree, split};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::{Changes, Done, Edit, Edits, Ours, What, copy_head};

use super::footers;
use super::mail::frozen;

/// Each octet has its place in the tree, no edit changes what it does not name, and each copy can be undone.
pub fn surgery(raw: &[u8]) {
    assert_eq!(Edits::default().apply(raw), raw, "B11: without edits nothing changes");
    any_edits(raw);
    let Ok(tree) = Tree::parse(raw) else { return };
    places(&tree, raw.len());
    let footer = footers::sample();
    let bare = |seven_bit| Wishes { seven_bit, ..Wishes::default() };
    let with = |seven_bit, footer_signed| Wishes {
        seven_bit,
        footer: Some(&footer),
        footer_signed,
        ..Wishes::default()
    };
    let (skip, wrap) = (with(false, FooterSigned::Skip), with(true, FooterSigned::Wrap));
    for wishes in [bare(false), bare(true), skip, wrap] {
        if wishes.footer.is_some() {
            never_unsendable(raw, &tree, &wishes);
        }
        let Ok(edits) = body::edits(raw, &tree, &wishes) else { continue };
        let mut changes = Changes::of(raw);
        changes.add(raw, &edits);
        let middle = edits.apply(raw);
        assert_eq!(changes.undo(&middle).as_deref(), Ok(raw));
        let ours = Ours {
            signs_for: &|_| false,
            authserv_ids: &[],
            body: listcore::rewrite::BodyOf::Original,
            utf8: true,
        };
        let head = middle.get(..split(&middle)).unwrap_or_default();
        let Ok(head) = copy_head(head, &frozen(), &ours) else { continue };
        let copy = head.edits.apply(&middle);
        assert!(copy.starts_with(&[head.bytes.as_slice(), b"\r\n"].concat()));
        changes.add(&middle, &head.edits);
        assert_eq!(changes.undo(&copy).as_deref(), Ok(raw), "the original comes back");
        assert!(changes.diff(&copy).is_ok_and(|shown| !shown.contains('\u{1b}')));
    }
}

/// A mail that can be sent without its footer can be sent with it, and what is sealed is in the copy as it was.
fn never_unsendable(raw: &[u8], tree: &Tree, wishes: &Wishes<'_>) {
    let without = body::edits(raw, tree, &Wishes { footer: None, ..*wishes });
    let with = body::edits(raw, tree, wishes);
    assert_eq!(with.as_ref().err(), without.as_ref().err());
    let Ok(edits) = with else { return };
    let copy = edits.apply(raw);
    for part in tree.parts.iter().filter(|part| part.sealed.is_some()) {
        let body = part.body(raw);
        assert!(copy.windows(body.len().max(1)).any(|window| window == body) || body.is_empty());
    }
}

/// Headers, bodies of leaves, delimiters and fillers are the whole mail, each octet once.
fn places(tree: &Tree, len: usize) {
    let mut all = Vec::new();
    for (index, part) in tree.parts.iter().enumerate() {
        assert!(part.parent.is_none_or(|parent| parent < index), "in document order");
        all.extend([part.delimiter.clone(), part.head.clone()]);
        all.extend(part.is_leaf().then(|| part.body.clone()));
        all.extend(part.fillers.iter().cloned().chain(part.close.clone()));
    }
    all.retain(|range| !range.is_empty());
    all.sort_by_key(|range| range.start);
    let mut at = 0;
    for range in all {
        assert_eq!(range.start, at);
        at = range.end;
    }
    assert_eq!(at, len);
}

/// Edits at places that the input names: refused, or undone.
fn any_edits(raw: &[u8]) {
    let edit = |triple: &[u8]| {
        let [at, len, new] = *triple else { return None };
        let start = usize::from(at);
        let old = start..start + usize::from(len % 16);
        Some(Edit {
            old,
            new: vec![new; usize::from(new % 8)],
            what: What::part("", Done::Encoded),
        })
    };
    let edits: Vec<Edit> = raw.chunks(3).take(12).filter_map(edit).collect();
    let Ok(edits) = Edits::new(edits, raw.len()) else { return };
    let mut changes = Changes::of(raw);
    changes.add(raw, &edits);
    assert_eq!(changes.undo(&edits.apply(raw)).as_deref(), Ok(raw));
}
