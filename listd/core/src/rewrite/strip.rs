//! Which incoming fields a copy does not have. Nothing is judged here but names and, for one field, its claim.

use crate::message::{Field, Mail, auth_results};
use crate::rewrite::{Frozen, Ours};

/// Whole names, lower-case.
const NAMES: [&str; 32] = [
    "return-path", // T2
    // R1: they reveal who is a member
    "disposition-notification-to",
    "disposition-notification-options",
    "return-receipt-to",
    "x-confirm-reading-to",
    "generate-delivery-report",
    "x-pmrqc",
    // R2, T10: they reveal addresses
    "bcc",
    "resent-bcc",
    "apparently-to",
    "x-envelope-to",
    "x-original-to",
    "x-rcpt-to",
    "envelope-to",
    "delivery-date",
    "delivered-to",
    "x-delivered-to",
    "x-envelope-from",
    // R3: passwords
    "approved",
    "approve",
    "x-approved",
    "x-approve",
    "urgent",
    // R4: where the author sits
    "x-originating-ip",
    "x-sender-ip",
    "x-client-ip",
    "archived-at", // H5
    // H12, H13: ours are added
    "precedence",
    "x-auto-response-suppress",
    // H14
    "errors-to",
    "x-errors-to",
    "return-errors-to",
];

/// Beginnings of names, lower-case: H1 foreign lists, R4, T9 foreign verdicts.
const PREFIXES: [&str; 5] = ["list-", "x-forwarded-", "x-spam", "x-rspamd-", "x-virus-"];

/// True where a copy must not have this field (rules T2, T8 to T10, R1 to R5, H1, H5, H12 to H14).
pub(super) fn removed(mail: &Mail, field: &Field, frozen: &Frozen, ours: &Ours<'_>) -> bool {
    if !field.valid {
        return true;
    }
    let name = String::from_utf8_lossy(field.name(&mail.head)).to_ascii_lowercase();
    match name.as_str() {
        // Also our own one: it names the author's login, and nobody behind us has a use for it.
        "authentication-results" => {
            auth_results::claims(field.value(&mail.head), ours.authserv_ids)
        }
        // An unusable one makes room for ours.
        "message-id" => mail.message_id.is_none() && frozen.add_message_id.is_some(),
        name => NAMES.contains(&name) || PREFIXES.iter().any(|p| name.starts_with(p)),
    }
}
