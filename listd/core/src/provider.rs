//! Whose mailboxes a domain has, and why they do not take a mail: for figures that show that one provider blocks us.
//!
//! Not which words mean what: that is `bounce`.

use crate::bounce::{Class, of_reply};
use crate::exim_log::{Answer, Heard};
use crate::outcome::Reply;

/// Providers of many parents, each under its first domain. A figure always has room for these.
const KNOWN: &[&[&str]] = &[
    &[
        "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "gmx.eu", "gmx.org", "gmx.info",
        "gmx.biz",
    ],
    &["web.de", "email.de"],
    &["t-online.de", "magenta.de", "telekom.de"],
    &["gmail.com", "googlemail.com"],
    &["outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "live.de", "live.com", "msn.com"],
    &["icloud.com", "me.com", "mac.com"],
    &["yahoo.com", "yahoo.de", "ymail.com", "rocketmail.com"],
    &["aol.com", "aol.de", "aim.com"],
    &["freenet.de", "mobilcom.de"],
    &["1und1.de", "ionos.de", "online.de", "onlinehome.de", "kabelmail.de"],
    &["arcor.de", "vodafone.de", "vodafonemail.de", "unitybox.de", "kabelbw.de"],
    &["posteo.de", "posteo.net"],
    &["mailbox.org"],
    &["strato.de", "strato.com"],
    &["proton.me", "protonmail.com", "pm.me"],
    &["bluewin.ch"],
    &["a1.net", "aon.at"],
];

/// All that are known, as [`provider`] names them.
pub fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter_map(|domains| domains.first().copied())
}

/// Where the mailboxes of a domain are; of one that is not known the domain itself, in lower case.
pub fn provider(domain: &str) -> String {
    let domain = domain.to_ascii_lowercase();
    let found = KNOWN.iter().find(|domains| domains.contains(&domain.as_str()));
    found.and_then(|domains| domains.first()).map_or(domain, |name| (*name).to_owned())
}

/// Why a recipient's server did not take a mail (yet).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// There is no such mailbox.
    Hard,
    /// It is full.
    Full,
    /// They don't want mail of ours.
    Policy,
    /// They don't want this mail.
    Content,
    /// Anything else: greylisting, a host that does not answer.
    Other,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Hard => "hard",
            Reason::Full => "full",
            Reason::Policy => "policy",
            Reason::Content => "content",
            Reason::Other => "other",
        }
    }
}

/// As a label and in the store: `accepted`, `deferred`, `refused`.
pub fn answer_word(answer: Answer) -> &'static str {
    match answer {
        Answer::Accepted => "accepted",
        Answer::Deferred => "deferred",
        Answer::Refused => "refused",
    }
}

/// `None` where it was accepted.
pub fn reason(heard: &Heard) -> Option<Reason> {
    (heard.answer != Answer::Accepted).then(|| reason_of(&heard.reply))
}

/// By the rules for bounces, so that both say the same of the same words.
fn reason_of(reply: &Reply) -> Reason {
    match of_reply(reply.code, &reply.text) {
        Class::Hard => Reason::Hard,
        Class::Full => Reason::Full,
        Class::Policy => Reason::Policy,
        Class::Content => Reason::Content,
        Class::Soft => Reason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_belongs_to_its_provider() {
        for (domain, expect) in [
            ("GMX.net", "gmx.de"),
            ("googlemail.com", "gmail.com"),
            ("t-online.de", "t-online.de"),
            ("Firma.example", "firma.example"),
        ] {
            assert_eq!(provider(domain), expect);
        }
        let mut all: Vec<&str> = KNOWN.iter().flat_map(|d| d.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "one provider for each");
        assert!(all.iter().all(|d| *d == d.to_ascii_lowercase()));
        assert_eq!(known().count(), KNOWN.len());
    }

    #[test]
    fn why_it_was_not_taken() {
        let telekom = "IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact \
            tosa@rx.t-online.de to clarify. (BL)";
        for (code, text, expect) in [
            (550, "5.1.1 no such user", Reason::Hard),
            (550, "Requested action not taken: mailbox unavailable", Reason::Hard),
            (452, "4.2.2 over quota", Reason::Full),
            (552, "5.2.2 mailbox full", Reason::Full),
            (554, telekom, Reason::Policy),
            (
                421,
                "4.7.0 Our system has detected an unusual rate of unsolicited mail",
                Reason::Policy,
            ),
            (550, "5.7.26 DMARC", Reason::Policy),
            (554, "5.6.0 broken", Reason::Content),
            (552, "5.3.4 message size exceeds fixed limit", Reason::Content),
            (451, "try again later", Reason::Other),
            (0, "Connection refused", Reason::Other),
        ] {
            let reply = Reply { code, text: text.to_owned() };
            let heard = |answer| Heard {
                answer,
                recipient: String::new(),
                host: None,
                reply: reply.clone(),
            };
            assert_eq!(reason(&heard(Answer::Refused)), Some(expect), "{text}");
            assert_eq!(reason(&heard(Answer::Deferred)), Some(expect), "{text}");
            assert_eq!(reason(&heard(Answer::Accepted)), None);
        }
    }
}
