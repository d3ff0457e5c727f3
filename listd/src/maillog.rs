//! The mail log: one line for each mail that was accepted, refused or finished, to be found with grep or journalctl.
//!
//! It says who, which list, what was decided and under which ids; no subject, no body, no token (rule GD23). What is not
//! durable is not in it, except that the sender was asked to come again. `listctl trace` tells more of one mail.

use std::time::Duration;

use listcore::address::Address;

use crate::store::witness::{About, Counted, Fact, Kind, Witness};
use crate::store::{BounceEvent, SCANNED, StoreError, TraceEvent};

/// Longest text of a mail's own that goes into a line (characters); the longest legal address has 254.
const LONGEST: usize = 256;

/// Writes the lines. Told of everything by the store.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailLog;

impl Witness for MailLog {
    fn saw(&self, fact: &Fact) {
        match fact {
            Fact::Accepted { post, about, sender, recipients, size } => {
                let (list, message_id, sender) = (&about.list, id(about), path(sender.as_ref()));
                tracing::info!(%list, post = post.0, message_id, sender, recipients, size, "accepted");
            }
            Fact::Held { held, about, sender, reason, size } => {
                let (list, message_id, sender) = (&about.list, id(about), path(sender.as_ref()));
                let reason = reason.as_str();
                tracing::info!(%list, held = held.0, message_id, sender, reason, size, "held");
            }
            Fact::Decided { held, about, end, by, waited, recipients } => {
                let list = about.as_ref().map(|about| about.list.to_string()).unwrap_or_default();
                let message_id = about.as_ref().map(id).unwrap_or_default();
                let (held, seconds) = (held.0, waited.as_secs());
                tracing::info!(list, held, message_id, end, by, recipients, seconds, "decided");
            }
            Fact::Repeated { earlier, about } => {
                let (list, message_id) = (&about.list, id(about));
                tracing::info!(%list, post = earlier.0, message_id, "accepted before, nothing new is sent");
            }
            Fact::Conflict { earlier, about } => {
                let (list, message_id) = (&about.list, id(about));
                let rule = "conflict";
                tracing::info!(%list, post = earlier.0, message_id, rule, "refused");
            }
            Fact::NotStored { about, .. } => {
                let (list, message_id, rule) = (&about.list, id(about), "store");
                tracing::info!(%list, message_id, rule, "deferred");
            }
            // Has its line already, from whoever asked the filter.
            Fact::Told(event) if event.what == SCANNED => {}
            Fact::Told(event) => told(event),
            Fact::Settled { post, about, outcomes, .. } => {
                let list = about.as_ref().map(|about| about.list.to_string()).unwrap_or_default();
                let count = |kind: Kind| outcomes.iter().filter(|k| **k == kind).count();
                let (delivered, deferred) = (count(Kind::Delivered), count(Kind::Deferred));
                let (failed, dropped) = (count(Kind::Failed), count(Kind::Dropped));
                tracing::debug!(
                    list,
                    post = post.0,
                    delivered,
                    deferred,
                    failed,
                    dropped,
                    "settled"
                );
            }
            Fact::Finished { post, about, took, counts } => {
                let (list, message_id) = (&about.list, id(about));
                let Counted { delivered, failed, dropped } = counts;
                let seconds = took.as_secs();
                tracing::info!(%list, post = post.0, message_id, delivered, failed, dropped, seconds, "finished");
            }
            Fact::Bounce(event) => bounce(event),
            // The relay's log has a line for each.
            Fact::Heard(_) | Fact::Refused(_) => {}
        }
    }

    /// A failure has its line from the store already.
    fn committed(&self, _took: Duration, _result: Result<(), &StoreError>) {}
}

fn told(event: &TraceEvent) {
    let (list, message_id) = (without_token(&clean(&event.recipient)), clean(&event.message_id));
    let author = event.author.as_deref().map(clean).unwrap_or_default();
    let (what, why) = (clean(&event.what), clean(&event.why));
    tracing::info!(list, message_id, author, why, "{what}");
}

fn bounce(event: &BounceEvent) {
    let list = event.list.as_ref().map(ToString::to_string).unwrap_or_default();
    let summary = clean(&event.summary);
    match event.recipient {
        Some(who) => tracing::info!(list_id = list, recipient_ref = who.0, summary, "bounce"),
        None => tracing::info!(summary, "bounce without a token that names somebody"),
    }
}

fn id(about: &About) -> String {
    clean(&about.message_id)
}

fn path(sender: Option<&Address>) -> String {
    sender.map(ToString::to_string).unwrap_or_else(|| "<>".to_owned())
}

/// On one line, whatever a stranger wrote, and not too long.
fn clean(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { '?' } else { c };
    text.chars().take(LONGEST).map(shown).collect()
}

/// `klasse-5b-bounces+TOKEN@d` without what makes it personal.
fn without_token(address: &str) -> String {
    match (address.split_once('+'), address.rsplit_once('@')) {
        (Some((local, _)), Some((_, domain))) => format!("{local}+...@{domain}"),
        (Some((local, _)), None) => format!("{local}+..."),
        (None, _) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use listcore::hold::Reason;
    use listcore::list::ListId;
    use listcore::time::Timestamp;

    use super::*;
    use crate::store::{PostId, RecipientRef};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lines").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What stands in the log after these facts, at level info.
    fn logged(facts: &[Fact]) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .finish();
        tracing::subscriber::with_default(log, || facts.iter().for_each(|f| MailLog.saw(f)));
        let bytes = lines.0.lock().expect("lines").clone();
        String::from_utf8(bytes).expect("text").lines().map(|l| l.trim().to_owned()).collect()
    }

    fn about() -> About {
        let list = Address::parse("klasse-5b@schule.example").expect("an address");
        About { list, message_id: "1@post.example".into() }
    }

    fn refused(recipient: &str, author: &str) -> Fact {
        Fact::Told(TraceEvent {
            at: Timestamp(0),
            message_id: "2@post.example".into(),
            list: Some(ListId("uuid".into())),
            recipient: recipient.into(),
            author: Some(author.into()),
            what: "refused".into(),
            why: "post: 550 5.7.1 Nur Elternvertreter".into(),
        })
    }

    /// Rule GD23.
    #[test]
    fn each_mail_has_one_line_with_list_decision_and_ids() {
        let post = PostId(7);
        let sender = Address::parse("joerg@post.example").ok();
        let counts = Counted { delivered: 18, failed: 1, dropped: 0 };
        let facts = [
            Fact::Accepted { post, about: about(), sender, recipients: 19, size: 2048 },
            Fact::Settled {
                post,
                about: Some(about()),
                outcomes: vec![Kind::Delivered],
                copies: Vec::new(),
            },
            Fact::Finished { post, about: about(), took: Duration::from_secs(3), counts },
            refused("klasse-5b@schule.example", "joerg@post.example"),
            Fact::Held { held: post, about: about(), sender: None, reason: Reason::First, size: 9 },
            Fact::Decided {
                held: post,
                about: Some(about()),
                end: "accepted",
                by: "moderator",
                waited: Duration::from_secs(90),
                recipients: Some(19),
            },
        ];
        let lines = logged(&facts);
        assert_eq!(lines.len(), 5, "{lines:#?}");
        let expect = [
            r#"INFO accepted list=klasse-5b@schule.example post=7 message_id="1@post.example" sender="joerg@post.example" recipients=19 size=2048"#,
            r#"INFO finished list=klasse-5b@schule.example post=7 message_id="1@post.example" delivered=18 failed=1 dropped=0 seconds=3"#,
            r#"INFO refused list="klasse-5b@schule.example" message_id="2@post.example" author="joerg@post.example" why="post: 550 5.7.1 Nur Elternvertreter""#,
            r#"INFO held list=klasse-5b@schule.example held=7 message_id="1@post.example" sender="<>" reason="first" size=9"#,
            r#"INFO decided list="klasse-5b@schule.example" held=7 message_id="1@post.example" end="accepted" by="moderator" recipients=19 seconds=90"#,
        ];
        assert_eq!(lines, expect);
    }

    /// Rules GD23, X4: no token is logged, and nobody writes lines of his own into the log.
    #[test]
    fn strangers_write_neither_lines_nor_tokens() {
        let facts = [
            refused("klasse-5b-bounces+abcdef@schule.example", "a\r\nERROR forged@x.example"),
            refused(&"x".repeat(5000), "a\u{2028}b@x.example"),
            Fact::Bounce(BounceEvent {
                at: Timestamp(0),
                recipient: Some(RecipientRef(3)),
                list: Some(ListId("uuid".into())),
                summary: "dsn 5.1.1".into(),
                ..BounceEvent::default()
            }),
        ];
        let lines = logged(&facts);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines.iter().all(|line| line.starts_with("INFO ") && line.len() < 700));
        assert!(!lines.concat().contains("abcdef"), "{lines:#?}");
        assert!(lines[0].contains("klasse-5b-bounces+...@schule.example"), "{lines:#?}");
        assert!(lines[2].contains("recipient_ref=3"), "{lines:#?}");
    }
}
