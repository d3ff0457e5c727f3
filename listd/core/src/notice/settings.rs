//! What a member reads about her own settings: the link that she asked for, and that no more mail comes.

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};

/// The way to her settings, asked for on the list's page.
pub fn settings_link(frame: &Frame<'_>, url: &str) -> Words {
    let say = Say::new(frame);
    let mut blocks = vec![say.paragraph("letter-settings-what")];
    blocks.extend(say.choice("letter-settings-link", Some(url)));
    blocks.push(say.paragraph("letter-settings-not-you"));
    letter(frame, &say.text("letter-settings-subject"), blocks)
}

/// She gets no more mail of the list, and how she gets it again.
pub fn unsubscribed(frame: &Frame<'_>, url: &str) -> Words {
    let say = Say::new(frame);
    let mut blocks = vec![Block::Paragraph(say.text("letter-left-what"))];
    blocks.extend(say.choice("letter-left-link", Some(url)));
    letter(frame, &say.text("letter-left-subject"), blocks)
}
