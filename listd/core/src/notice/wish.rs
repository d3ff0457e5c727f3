//! What we write about a wish to be on a list: to the one who wishes it, and to the owners, who decide.
//!
//! Not who is asked, nor when: that is the daemon's desk. The one who wishes is known for sure, so her own words may
//! stand in a letter to the owners; nobody else's do.

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};
use super::{ended, moment};
use crate::hold::{By, End, Ended};
use crate::list::Role;
use crate::rewrite::role_address;
use crate::time::Local;

/// What the owners must know.
#[derive(Copy, Clone, Debug)]
pub struct Wish<'a> {
    /// Name and address as From has them, decoded.
    pub who: &'a str,
    /// The beginning of her text.
    pub text: &'a str,
    pub at: Local,
    /// A page for the decision.
    pub url: Option<&'a str>,
    pub until: Local,
    /// Others were asked before, and did not answer.
    pub deputy: bool,
}

/// Asks the owners.
pub fn wish_for_owners(frame: &Frame<'_>, wish: &Wish<'_>) -> Words {
    let say = Say::new(frame)
        .with("who", wish.who)
        .with("until", &moment(frame.language, &wish.until))
        .with_word("yes", "answer-yes")
        .with_word("no", "answer-no")
        .with_word("reject", "answer-reject");
    let mut blocks = vec![say.paragraph("letter-wish-what")];
    if wish.deputy {
        blocks.push(say.paragraph("letter-held-deputy"));
    }
    blocks.push(Block::Facts(vec![
        say.fact("letter-wish-who", wish.who),
        say.fact("letter-came", &moment(frame.language, &wish.at)),
    ]));
    if !wish.text.trim().is_empty() {
        blocks.push(say.paragraph("letter-wish-text"));
        blocks.push(Block::Quote(wish.text.to_owned()));
    }
    let how = ["letter-wish-yes", "letter-wish-no", "letter-wish-reject"];
    blocks.push(say.paragraph("letter-held-how"));
    blocks.push(Block::Lines(how.map(|key| say.text(key)).to_vec()));
    blocks.push(say.paragraph("letter-wish-group"));
    blocks.extend(say.choice("letter-wish-link", wish.url));
    blocks.push(say.paragraph("letter-wish-until"));
    blocks.push(say.paragraph("letter-held-secret"));
    letter(frame, &say.text("letter-wish-subject"), blocks)
}

/// Tells her that the owners are asked. `url` takes the wish back.
pub fn wish_waits(frame: &Frame<'_>, url: Option<&str>, until: &Local) -> Words {
    let say = Say::new(frame)
        .with("until", &super::day(frame.language, until))
        .with_word("withdraw", "answer-withdraw");
    let mut blocks = vec![
        say.paragraph("letter-wish-waits-what"),
        say.paragraph("letter-wish-waits-then"),
        say.paragraph("letter-wish-waits-withdraw"),
    ];
    blocks.extend(say.choice("letter-wish-waits-link", url));
    letter(frame, &say.text("letter-wish-waits-subject"), blocks)
}

/// Tells her how it ended; `None` where nobody is told.
pub fn wish_decided(frame: &Frame<'_>, end: &End) -> Option<Words> {
    let key = match end {
        End::Accepted => "accepted",
        End::Rejected(_) | End::Refused(_) => "rejected",
        End::Withdrawn => "withdrawn",
        End::Expired => "expired",
        End::NotMine | End::Discarded | End::Spam => return None,
    };
    let leave = role_address(frame.list.address, Role::Unsubscribe);
    let leave = leave.map(|address| address.to_string()).unwrap_or_default();
    let say = Say::new(frame).with("leave", &leave);
    let mut blocks = vec![say.paragraph(&format!("letter-wish-{key}-what"))];
    match end {
        End::Accepted => blocks.push(say.paragraph("letter-wish-accepted-leave")),
        End::Rejected(why) if !why.trim().is_empty() => {
            blocks.push(say.paragraph("letter-rejected-why"));
            blocks.push(Block::Quote(why.clone()));
        }
        _ => {}
    }
    Some(letter(frame, &say.text(&format!("letter-wish-{key}-subject")), blocks))
}

/// Tells her that she is on the list already, and how she gets its mail.
pub fn already_on(frame: &Frame<'_>, how: &str, url: Option<&str>) -> Words {
    let say = Say::new(frame).with("how", how);
    let mut blocks = vec![say.paragraph("letter-already-on-what")];
    blocks.extend(say.choice("letter-changed-link", url));
    letter(frame, &say.text("letter-already-on-subject"), blocks)
}

/// Thanks an owner who decided by mail.
pub fn wish_taken(frame: &Frame<'_>, who: &str, end: &End) -> Words {
    let say = Say::new(frame).with("who", who).with("what", &ended(frame.language, end));
    let blocks = vec![say.paragraph("letter-wish-taken-what")];
    letter(frame, &say.text("letter-wish-taken-subject"), blocks)
}

/// Tells an owner that somebody was first: who, when and how.
pub fn wish_already(frame: &Frame<'_>, who: &str, was: &Ended, when: &Local) -> Words {
    let say = Say::new(frame)
        .with("when", &moment(frame.language, when))
        .with("what", &ended(frame.language, &was.end));
    let (say, key) = match &was.by {
        By::Moderator(who) => (say.with("who", &who.to_string()), "letter-already-moderator"),
        By::Admin(_) => (say, "letter-already-admin"),
        By::Author => (say, "letter-wish-already-author"),
        By::Clock => (say, "letter-already-clock"),
    };
    let blocks = vec![
        Say::new(frame).with("who", who).paragraph("letter-wish-already-what"),
        say.paragraph(key),
    ];
    letter(frame, &say.text("letter-wish-already-subject"), blocks)
}

/// Tells the owners that nobody answered in time.
pub fn wish_undecided(frame: &Frame<'_>, who: &str) -> Words {
    let say = Say::new(frame).with("who", who);
    let blocks = vec![say.paragraph("letter-wish-undecided-what")];
    letter(frame, &say.text("letter-wish-undecided-subject"), blocks)
}
