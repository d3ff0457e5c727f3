//! A footer below a text/plain part (rules B1, B2, B3, B9, B10).

use super::charset::{Charset, Fit};
use super::wire::{Change, Wire};
use super::{Footer, Grown, Leaf, Unfit};
use crate::message::Encoding;
use crate::message::params::param;
use crate::notice;
use crate::rewrite::transfer;

/// What to change so that the footer stands below the text.
pub(super) fn grow(leaf: &Leaf<'_>, footer: &Footer) -> Result<Grown, Unfit> {
    let wire = Wire::read(leaf.encoding, leaf.body).ok_or(Unfit::Unreadable)?;
    let charset = Charset::of(leaf.params);
    if ends_with_ours(&charset.shown(&wire.octets), &footer.plain) {
        return Err(Unfit::Already);
    }
    let below = below(leaf, &wire.octets, footer);
    let fit = charset.fit(&wire.octets, &below);
    // What nobody can decode for certain can't be said in another charset.
    let stays = |fit: &Fit| fit.old.is_none() || !wire.damaged;
    let fit = fit.filter(stays).or_else(|| charset.in_letters(&wire.octets, &below));
    let fit = fit.ok_or(Unfit::Unreadable)?;
    if let Some(mut octets) = fit.old {
        octets.extend(fit.new);
        return Ok(anew(leaf, [&octets, b""], fit.charset));
    }
    // Seven bits stay seven: such a text reaches everybody, whatever stands between.
    if leaf.encoding == Encoding::Identity && leaf.body.is_ascii() && !fit.new.is_ascii() {
        return Ok(anew(leaf, [leaf.body, &fit.new], fit.charset));
    }
    let Change { at, new } = wire.insert(wire.octets.len(), &fit.new);
    Ok(Grown { at, new, charset: fit.charset, encoding: None })
}

/// The whole body anew, given in two pieces.
fn anew(leaf: &Leaf<'_>, octets: [&[u8]; 2], charset: Option<&'static str>) -> Grown {
    let at = 0..leaf.body.len();
    let (encoding, new) = match leaf.encoding {
        Encoding::Identity if leaf.body.is_ascii() => {
            let (name, new) = transfer::fitting("text/plain", &octets);
            (Some(name), new)
        }
        Encoding::Base64 => (None, transfer::based(&octets.concat())),
        Encoding::QuotedPrintable => (None, transfer::quoted(&octets)),
        Encoding::Identity | Encoding::Other => (None, octets.concat()),
    };
    Grown { at, new, charset, encoding }
}

/// The footer as it continues the text: an empty line, the lines, and a line end where the text had one.
fn below(leaf: &Leaf<'_>, octets: &[u8], footer: &Footer) -> String {
    let flowed = param(leaf.params, "format").is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
    let ended = octets.ends_with(b"\n");
    let blank = octets.ends_with(b"\n\r\n") || octets.ends_with(b"\n\n") || octets == b"\r\n";
    let mut out = match (octets.is_empty(), ended, blank) {
        (true, ..) | (_, _, true) => String::new(),
        (_, true, _) => "\r\n".to_owned(),
        // An empty line also ends a paragraph that would flow on (RFC 3676 4.1).
        _ => "\r\n\r\n".to_owned(),
    };
    for (i, line) in footer.plain.lines().enumerate() {
        if i > 0 {
            out.push_str("\r\n");
        }
        // Space-stuffing (RFC 3676 4.4). No line of a footer ends in a space, so each is fixed.
        if flowed && (line.starts_with([' ', '>']) || line.starts_with("From ")) {
            out.push(' ');
        }
        out.push_str(line);
    }
    if ended || leaf.is_mail {
        out.push_str("\r\n");
    }
    out
}

/// True where the text ends in this very footer, not quoted: below a mail that has passed the list before, or that
/// somebody forwarded or answered with a program that does not quote.
pub(super) fn ends_with_ours(text: &str, footer: &str) -> bool {
    let plain = |line: &str| notice::in_ascii(line).unwrap_or_else(|| line.to_owned());
    let mut text = text.lines().rev().map(str::trim).skip_while(|line| line.is_empty());
    let mut ours = footer.lines().rev().map(str::trim).skip_while(|line| line.is_empty());
    ours.all(|ours| text.next().is_some_and(|line| line == ours || plain(line) == plain(ours)))
}

#[cfg(test)]
mod tests;
