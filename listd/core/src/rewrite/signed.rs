//! Which fields our DKIM signatures cover (rules D4, D5). Not the signing itself.

/// In `h=` wherever they occur (RFC 6376 5.4.1, RFC 8058 4).
pub const SIGNED: [&str; 22] = [
    "From",
    "Sender",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "To",
    "Cc",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "Auto-Submitted",
];

/// Named once more than they occur, so that nobody can add another one (RFC 6376 8.15).
pub const OVERSIGNED: [&str; 13] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "Sender",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// The names to hand to the signer: each of [`SIGNED`], and those of [`OVERSIGNED`] a second time. A copy has each
/// of them at most once (rule T6).
pub fn sign_fields() -> Vec<&'static str> {
    SIGNED.into_iter().chain(OVERSIGNED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D4, D5: what is oversigned is signed; trace fields are not.
    #[test]
    fn trace_fields_are_not_signed() {
        assert!(OVERSIGNED.iter().all(|name| SIGNED.contains(name)));
        for name in
            ["Received", "Return-Path", "DKIM-Signature", "Authentication-Results", "ARC-Seal"]
        {
            assert!(!sign_fields().contains(&name), "{name}");
        }
        assert_eq!(sign_fields().iter().filter(|n| **n == "From").count(), 2);
    }
}
