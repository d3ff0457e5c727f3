//! What must hold for any octets whatever, one function per parser: the bodies of the fuzz targets.
//!
//! Used twice: by libFuzzer (`./x fuzz`) and by the test `fuzz` of the stories crate. A function panics where
//! something does not hold. No I/O, no clock, no chance in them: the same octets do the same each time.

#![allow(clippy::expect_used, reason = "a target says where it broke")]

mod directory;
mod footers;
mod keys;
mod mail;
mod milter;
mod rewriting;
mod scanners;
mod surgery;
mod wire;

/// A target: its name (also the folder under `fixtures/fuzz/`) and what it does with one input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("address", mail::address),
    ("answer", mail::answer),
    ("auth_results", mail::auth_results),
    ("body", mail::body),
    ("bounce", mail::bounce),
    ("clamd", scanners::clamd),
    ("command", mail::command),
    ("config", keys::config),
    ("dkim_key", keys::dkim_key),
    ("dn", directory::dn),
    ("dots", wire::dots),
    ("exim_log", wire::exim_log),
    ("file", rewriting::file),
    ("filter", directory::filter),
    ("footer", footers::texts),
    ("footer_html", footers::html),
    ("footer_text", footers::plain),
    ("head", mail::head),
    ("ldap_url", directory::ldap_url),
    ("ldif", directory::ldif),
    ("lmtp", wire::server),
    ("mail", mail::mail),
    ("mailboxes", mail::mailboxes),
    ("mapping", directory::mapping),
    ("milter", milter::packets),
    ("milter_filter", milter::filter),
    ("milter_mta", milter::mta),
    ("notice", mail::notice),
    ("page", rewriting::page),
    ("quoted", rewriting::quoted_tokens),
    ("relay", wire::client),
    ("relay_reply", wire::replies),
    ("rspamd", scanners::rspamd),
    ("rules", rewriting::rules),
    ("subject", rewriting::subject),
    ("surgery", surgery::surgery),
    ("survives", rewriting::survives),
    ("token", keys::token),
    ("values", keys::values),
    ("words", mail::words),
];

/// As text, where it is text: most inputs of most parsers are.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
