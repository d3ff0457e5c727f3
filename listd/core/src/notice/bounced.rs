//! Letters because of bounces: the probe, and what the admins read when an address is paused (rule V7) or when a
//! member complained at her provider (rule C1).

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words, words};

/// To an address whose mail came back several times: whoever reads it has nothing to do.
pub fn probe(frame: &Frame<'_>) -> Words {
    let say = Say::new(frame);
    let keys = ["letter-probe-what", "letter-probe-fine", "letter-probe-else"];
    letter(frame, &say.text("letter-probe-subject"), keys.map(|key| say.paragraph(key)).to_vec())
}

/// An address that gets nothing any more.
#[derive(Copy, Clone, Debug)]
pub struct PausedAddress<'a> {
    /// `None` for a protected person.
    pub address: Option<&'a str>,
    /// What the other server said; somebody else's words.
    pub said: &'a str,
}

/// To the admins of the domain: who is paused, why, and how it ends.
pub fn paused(frame: &Frame<'_>, paused: &PausedAddress<'_>) -> Words {
    let say = Say::new(frame);
    let hidden = say.text("letter-paused-protected");
    let address = paused.address.unwrap_or(&hidden);
    let said = if paused.said.is_empty() { "-" } else { paused.said };
    let mut blocks = vec![
        say.paragraph("letter-paused-what"),
        Block::Facts(vec![
            say.fact("letter-paused-address", address),
            say.fact("letter-paused-list", &frame.list.address.to_string()),
            say.fact("letter-paused-said", said),
        ]),
        say.paragraph("letter-paused-end"),
    ];
    blocks.extend(paused.address.map(|a| Block::Lines(vec![format!("listctl member resume {a}")])));
    letter(frame, &say.text("letter-paused-subject"), blocks)
}

/// Whose provider said that she calls mail of a list spam.
#[derive(Copy, Clone, Debug)]
pub struct ComplainedOf<'a> {
    /// `None` for a protected person.
    pub address: Option<&'a str>,
    /// The domain that proved it.
    pub provider: &'a str,
}

/// To the admins of the domain: who gets no more mail of a list, and how to undo it. Which mail it was about is not told,
/// so that nobody who wrote it can know (RFC 6377 5.10); nor are the owners named as those to ask.
pub fn complained(frame: &Frame<'_>, of: &ComplainedOf<'_>) -> Words {
    let say = Say::new(frame);
    let hidden = say.text("letter-paused-protected");
    let mut blocks = vec![
        say.paragraph("letter-complaint-what"),
        Block::Facts(vec![
            say.fact("letter-paused-address", of.address.unwrap_or(&hidden)),
            say.fact("letter-paused-list", &frame.list.address.to_string()),
            say.fact("letter-complaint-provider", of.provider),
        ]),
        say.paragraph("letter-complaint-page"),
    ];
    if let Some(address) = of.address {
        blocks.push(say.paragraph("letter-complaint-end"));
        blocks.push(Block::Lines(vec![format!("listctl member resume {address}")]));
    }
    blocks.push(say.paragraph("letter-complaint-quiet"));
    words(frame.language, &say.text("letter-complaint-subject"), &blocks)
}
