//! What one reads who writes to `-request` (rule Q4).

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};
use crate::list::Role;
use crate::rewrite::role_address;

/// Which addresses the list has and what each is for. It names nobody (rule GD2).
pub fn help(frame: &Frame<'_>) -> Words {
    let say = Say::new(frame);
    let mut facts = vec![say.fact("letter-help-write", &frame.list.address.to_string())];
    let roles = [("letter-help-ask", Role::Owner), ("letter-help-leave", Role::Unsubscribe)];
    for (key, role) in roles {
        let address = role_address(frame.list.address, role);
        facts.extend(address.map(|address| say.fact(key, &address.to_string())));
    }
    let blocks = vec![
        say.paragraph("letter-help-what"),
        Block::Facts(facts),
        say.paragraph("letter-help-change"),
    ];
    letter(frame, &say.text("letter-help-subject"), blocks)
}
