//! What a member reads about her own settings: the link that she asked for, and that no more mail comes. And what the
//! owners read of it.

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};
use crate::address::Address;
use crate::command::Kind;
use crate::list::Unsubscribe;

/// The way to her settings, asked for on the list's page.
pub fn settings_link(frame: &Frame<'_>, url: &str) -> Words {
    let say = Say::new(frame);
    let mut blocks = vec![say.paragraph("letter-settings-what")];
    blocks.extend(say.choice("letter-settings-link", Some(url)));
    blocks.push(say.paragraph("letter-settings-not-you"));
    letter(frame, &say.text("letter-settings-subject"), blocks)
}

/// She gets no more mail of the list, what else that means there, and how she gets it again.
pub fn unsubscribed(frame: &Frame<'_>, unsubscribe: Unsubscribe, url: Option<&str>) -> Words {
    let say = Say::new(frame);
    let what = match unsubscribe {
        Unsubscribe::Mute => "letter-left-what",
        Unsubscribe::Leave => "letter-left-gone",
        Unsubscribe::Request => "letter-left-asked",
    };
    let mut blocks = vec![say.paragraph(what)];
    match say.choice("letter-left-link", url) {
        Some(link) => blocks.extend([say.paragraph("letter-left-undo"), link]),
        // Who is off the list can't ask its program.
        None if unsubscribe == Unsubscribe::Leave => blocks.push(say.paragraph("letter-left-ask")),
        None => blocks.push(undo_by_mail(frame, Kind::Unmute)),
    }
    letter(frame, &say.text("letter-left-subject"), blocks)
}

/// How she takes it back where there are no pages: by a command, or with the help of those who answer.
pub(super) fn undo_by_mail(frame: &Frame<'_>, kind: Kind) -> Block {
    let say = Say::new(frame).with_command(frame, kind);
    match say {
        Some(say) => say.paragraph("letter-left-undo-mail"),
        None => Say::new(frame).paragraph("letter-left-ask"),
    }
}

/// To those who look after the list: somebody unsubscribed, and is to be taken out of the group
/// (`unsubscribe = "request"`). `who`: name and address; `None` for a protected person.
pub fn leaves(frame: &Frame<'_>, who: Option<(&str, &Address)>) -> Words {
    let say = Say::new(frame);
    let facts = match who {
        Some((name, address)) => vec![
            say.fact("letter-leaves-name", if name.is_empty() { "-" } else { name }),
            say.fact("letter-leaves-address", &address.to_string()),
        ],
        None => {
            vec![say.fact("letter-leaves-address", &say.text("letter-paused-protected"))]
        }
    };
    let mut blocks = vec![say.paragraph("letter-leaves-what"), Block::Facts(facts)];
    blocks.push(say.paragraph("letter-leaves-else"));
    letter(frame, &say.text("letter-leaves-subject"), blocks)
}
