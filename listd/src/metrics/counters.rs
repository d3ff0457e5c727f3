//! What is counted while it happens: mail in, outcomes, bounces, commits.
//!
//! The number of series is bounded: what comes beyond the limit is counted as `other`.

use std::collections::HashSet;
use std::fmt::Write;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use listcore::provider;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::PREFIX;
use crate::learning;
use crate::store::last_mile::Said;
use crate::store::witness::{Fact, Kind, Witness};
use crate::store::{SCANNED, StoreError};
use crate::verdicts::Tally;

/// Lists and outcomes with a series of their own: a town has 2,500 lists.
const MOST_OUTCOMES: usize = 20_000;

/// Rules with a series of their own; there are about twenty.
const MOST_RULES: usize = 100;

/// Providers with series of their own, beside those of `listcore::provider`; each has at most eleven.
const MOST_PROVIDERS: usize = 40;

/// Where a label would be one too many.
const OTHER: &str = "other";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Decided {
    decision: &'static str,
    rule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    list: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Attributed {
    attributed: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Returned {
    kind: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    provider: String,
    answer: String,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    end: &'static str,
    by: &'static str,
}

/// A family that does not grow beyond its limit.
#[derive(Debug)]
struct Bounded<L> {
    family: Family<L, Counter>,
    /// Series so far; two threads may both count a new one, which does no harm.
    known: AtomicUsize,
    most: usize,
}

impl<L: Clone + Hash + Eq> Bounded<L> {
    fn new(most: usize) -> Bounded<L> {
        Bounded { family: Family::default(), known: AtomicUsize::new(0), most }
    }

    fn inc(&self, label: L, other: impl FnOnce() -> L) {
        if let Some(counter) = self.family.get(&label) {
            counter.inc();
            return;
        }
        let fits = self.known.load(Ordering::Relaxed) < self.most;
        if fits {
            self.known.fetch_add(1, Ordering::Relaxed);
        }
        self.family.get_or_create(&if fits { label } else { other() }).inc();
    }
}

/// The counters. One for the daemon; told of everything by the store.
#[derive(Debug)]
pub struct Counters {
    registry: Registry,
    posts: Bounded<Decided>,
    outcomes: Bounded<Outcome>,
    finished: Histogram,
    ended: Family<Ended, Counter>,
    waited: Histogram,
    bounces: Family<Attributed, Counter>,
    returned: Family<Returned, Counter>,
    answers: Family<Answered, Counter>,
    /// Providers with series of their own beside the known ones.
    providers: Mutex<HashSet<String>>,
    commits: Histogram,
    failures: Family<Reason, Counter>,
}

impl Default for Counters {
    fn default() -> Counters {
        let counters = Counters {
            registry: Registry::with_prefix(PREFIX),
            posts: Bounded::new(MOST_RULES),
            outcomes: Bounded::new(MOST_OUTCOMES),
            // From seconds to the days after which a copy is given up.
            finished: Histogram::new([
                1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 432_000.0,
            ]),
            ended: Family::default(),
            // From minutes to the days after which nobody is waited for.
            waited: Histogram::new([
                60.0,
                600.0,
                3_600.0,
                14_400.0,
                43_200.0,
                86_400.0,
                259_200.0,
                604_800.0,
                1_209_600.0,
            ]),
            bounces: Family::default(),
            returned: Family::default(),
            answers: Family::default(),
            providers: Mutex::default(),
            commits: Histogram::new([
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ]),
            failures: Family::default(),
        };
        counters.registered().begun()
    }
}

impl Counters {
    fn registered(mut self) -> Counters {
        let r = &mut self.registry;
        let help = "Mails to lists by what was decided and by which rule";
        r.register("posts", help, self.posts.family.clone());
        let help = "Outcomes of copies by list; each try of a deferred copy counts";
        r.register("outcomes", help, self.outcomes.family.clone());
        let help = "From the acceptance of a mail to the last final outcome";
        r.register("post_finish_seconds", help, self.finished.clone());
        let help = "Held mails by how they ended and by whom";
        r.register("decisions", help, self.ended.clone());
        let help = "How long held mails waited for their end";
        r.register("held_wait_seconds", help, self.waited.clone());
        let help = "Bounces by whether their token named a recipient";
        r.register("bounces", help, self.bounces.clone());
        let help = "What the recipients' own servers answered, by provider; each try counts";
        r.register("provider_answers", help, self.answers.clone());
        let help =
            "What came back with a good token, by what it is and what it means for the recipient";
        r.register("returned", help, self.returned.clone());
        let help = "How long a commit took to become durable";
        r.register("store_commit_seconds", help, self.commits.clone());
        let help = "Commits that failed";
        r.register("store_commit_failures", help, self.failures.clone());
        self
    }

    /// A series that begins with its first event hides that event from `rate()`.
    fn begun(self) -> Counters {
        for decision in ["accepted", "held", "refused", "deferred", "dropped", "duplicate"] {
            let rule = usual(decision).to_owned();
            self.posts.family.get_or_create(&Decided { decision, rule }).inc_by(0);
        }
        for end in ["accepted", "rejected"] {
            self.ended.get_or_create(&Ended { end, by: "moderator" }).inc_by(0);
        }
        for attributed in ["yes", "no"] {
            self.bounces.get_or_create(&Attributed { attributed }).inc_by(0);
        }
        for reason in ["full", "failed"] {
            self.failures.get_or_create(&Reason { reason }).inc_by(0);
        }
        self
    }

    /// Also what the spam and virus filter says.
    #[must_use]
    pub fn watching(mut self, scans: &Tally) -> Counters {
        let help = "Mails by what the spam and virus filter found";
        self.registry.register("verdicts", help, scans.verdicts.clone());
        let help = "From the question to the filter's verdict, the wait for a turn included";
        self.registry.register("verdict_seconds", help, scans.seconds.clone());
        self
    }

    /// Also what the spam filter is taught.
    #[must_use]
    pub fn teaching(mut self, lessons: &learning::Tally) -> Counters {
        let help = "Mails that rspamd was to learn from, and what became of it";
        self.registry.register("lessons", help, lessons.lessons.clone());
        self
    }

    /// All counters in the OpenMetrics text format, without its end.
    pub(super) fn encode(&self, out: &mut impl Write) -> std::fmt::Result {
        text::encode_registry(out, &self.registry)
    }

    fn decided(&self, decision: &'static str, rule: &str) {
        let other = || Decided { decision, rule: OTHER.to_owned() };
        self.posts.inc(Decided { decision, rule: rule.to_owned() }, other);
    }

    fn said(&self, said: &Said) {
        let provider = if self.has_room(&said.provider) { &said.provider } else { OTHER };
        let (answer, reason) = (said.answer.clone(), said.reason.clone());
        let label = Answered { provider: provider.to_owned(), answer, reason };
        self.answers.get_or_create(&label).inc_by(said.count);
    }

    fn has_room(&self, name: &str) -> bool {
        if provider::known().any(|known| known == name) {
            return true;
        }
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        providers.contains(name)
            || (providers.len() < MOST_PROVIDERS && providers.insert(name.to_owned()))
    }

    fn outcome(&self, list: &str, kind: Kind) {
        let Some(outcome) = word(kind) else { return };
        let other = || Outcome { list: OTHER.to_owned(), outcome };
        self.outcomes.inc(Outcome { list: list.to_owned(), outcome }, other);
    }
}

/// The rule that stands for a decision where no other is named.
fn usual(decision: &str) -> &'static str {
    match decision {
        "accepted" => "allowed",
        "held" => "moderated",
        "deferred" => "store",
        "duplicate" => "repeated",
        "dropped" => "loop",
        _ => "author",
    }
}

fn word(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Waiting => None,
        Kind::Deferred => Some("deferred"),
        Kind::Delivered => Some("delivered"),
        Kind::Failed => Some("failed"),
        Kind::Dropped => Some("dropped"),
    }
}

/// What a trace says was done, as one of few words.
fn decision(what: &str) -> &'static str {
    match what {
        "refused" => "refused",
        "deferred" => "deferred",
        "dropped" => "dropped",
        "duplicate" => "duplicate",
        _ => OTHER,
    }
}

/// The rule's name, first in a trace's `why`: `author (no signature): 550 ...` is `author`. A label never takes
/// anything else from a mail.
fn rule(why: &str) -> &str {
    let name = why.split([':', ' ']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c == '_';
    if (1..=24).contains(&name.len()) && name.chars().all(plain) { name } else { OTHER }
}

impl Witness for Counters {
    fn saw(&self, fact: &Fact) {
        match fact {
            Fact::Accepted { .. } => self.decided("accepted", "allowed"),
            Fact::Held { reason, .. } => self.decided("held", reason.as_str()),
            Fact::Decided { end, by, waited, .. } => {
                self.ended.get_or_create(&Ended { end, by }).inc();
                self.waited.observe(waited.as_secs_f64());
            }
            Fact::Repeated { .. } => self.decided("duplicate", "repeated"),
            Fact::Conflict { .. } => self.decided("refused", "conflict"),
            Fact::NotStored { .. } => self.decided("deferred", "store"),
            // The filter's verdict on a mail that is counted as accepted already.
            Fact::Told(event) if event.what == SCANNED => {}
            Fact::Told(event) => self.decided(decision(&event.what), rule(&event.why)),
            Fact::Settled { about, outcomes, .. } => {
                let list = about.as_ref().map(|about| about.list.to_string());
                let list = list.as_deref().unwrap_or(OTHER);
                outcomes.iter().for_each(|kind| self.outcome(list, *kind));
            }
            Fact::Finished { took, .. } => self.finished.observe(took.as_secs_f64()),
            Fact::Heard(said) => said.iter().for_each(|said| self.said(said)),
            // Counted with what was heard, and with the outcomes.
            Fact::Refused(_) => {}
            Fact::Bounce(event) => {
                let attributed = if event.recipient.is_some() { "yes" } else { "no" };
                self.bounces.get_or_create(&Attributed { attributed }).inc();
                if let (Some(_), Some(kind)) = (event.recipient, event.kind) {
                    let class = event.class.map_or("", |class| class.as_str());
                    self.returned.get_or_create(&Returned { kind: kind.as_str(), class }).inc();
                }
            }
        }
    }

    fn committed(&self, took: Duration, result: Result<(), &StoreError>) {
        self.commits.observe(took.as_secs_f64());
        if let Err(error) = result {
            let reason = if matches!(error, StoreError::Full(_)) { "full" } else { "failed" };
            self.failures.get_or_create(&Reason { reason }).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use listcore::address::Address;
    use listcore::time::Timestamp;

    use super::*;
    use crate::store::witness::About;
    use crate::store::{PostId, TraceEvent};

    fn told(what: &str, why: &str) -> Fact {
        Fact::Told(TraceEvent {
            at: Timestamp(0),
            message_id: "1@post.example".into(),
            list: None,
            recipient: "klasse-5b@schule.example".into(),
            author: Some("anna.member@post.example".into()),
            what: what.into(),
            why: why.into(),
        })
    }

    fn about(list: &str) -> About {
        let list = Address::parse(list).expect("an address");
        About { list, message_id: "1@post.example".into() }
    }

    fn text(counters: &Counters) -> String {
        let mut out = String::new();
        counters.encode(&mut out).expect("a String takes all");
        out
    }

    #[test]
    fn each_fact_counts_where_it_belongs() {
        let counters = Counters::default();
        let sender = Address::parse("anna.member@post.example").ok();
        let accepted = Fact::Accepted {
            post: PostId(1),
            about: about("klasse-5b@schule.example"),
            sender,
            recipients: 3,
            size: 10,
        };
        let settled = Fact::Settled {
            post: PostId(1),
            about: Some(about("klasse-5b@schule.example")),
            outcomes: vec![Kind::Delivered, Kind::Delivered, Kind::Deferred, Kind::Waiting],
            copies: Vec::new(),
        };
        let facts = [
            accepted,
            settled,
            Fact::Held {
                held: PostId(2),
                about: about("klasse-5b@schule.example"),
                sender: None,
                reason: listcore::hold::Reason::Outside(31),
                size: 10,
            },
            Fact::Decided {
                held: PostId(2),
                about: None,
                end: "expired",
                by: "clock",
                waited: Duration::from_secs(14 * 24 * 3600),
                recipients: None,
            },
            told("refused", "author (no signature of post.example): 550 5.7.1 no"),
            told("refused", "author: 550 5.7.1 no"),
            told("refused", "<script> anna.member@post.example: 550"),
            told("deferred", "empty: 450 4.2.1 nobody"),
        ];
        facts.iter().for_each(|fact| counters.saw(fact));
        counters.committed(Duration::from_millis(3), Ok(()));
        counters.committed(Duration::from_millis(3), Err(&StoreError::Full("no".into())));
        let text = text(&counters);
        for line in [
            r#"verteiler_posts_total{decision="accepted",rule="allowed"} 1"#,
            r#"verteiler_posts_total{decision="held",rule="outside"} 1"#,
            r#"verteiler_decisions_total{end="expired",by="clock"} 1"#,
            "verteiler_held_wait_seconds_count 1",
            r#"verteiler_posts_total{decision="refused",rule="author"} 2"#,
            r#"verteiler_posts_total{decision="refused",rule="other"} 1"#,
            r#"verteiler_posts_total{decision="deferred",rule="empty"} 1"#,
            r#"verteiler_outcomes_total{list="klasse-5b@schule.example",outcome="delivered"} 2"#,
            r#"verteiler_outcomes_total{list="klasse-5b@schule.example",outcome="deferred"} 1"#,
            r#"verteiler_bounces_total{attributed="no"} 0"#,
            r#"verteiler_store_commit_failures_total{reason="full"} 1"#,
            "verteiler_store_commit_seconds_count 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(!text.contains("anna.member"), "{text}");
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let counters = Counters::default();
        for number in 0..MOST_OUTCOMES + 10 {
            let list = format!("liste-{number}@schule.example");
            counters.outcome(&list, Kind::Delivered);
        }
        for number in 0..u8::MAX {
            let rule = format!(
                "{}{}",
                char::from(b'a' + number % 26),
                "x".repeat(usize::from(number / 26))
            );
            counters.decided("refused", &rule);
        }
        let text = text(&counters);
        assert!(text.contains(r#"{list="other",outcome="delivered"} 10"#));
        assert!(text.contains(r#"{decision="refused",rule="other"}"#));
        let series = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(series("verteiler_outcomes_total"), MOST_OUTCOMES + 1);
        assert_eq!(series("verteiler_posts_total"), 6 + MOST_RULES + 1);
    }

    #[test]
    fn a_rule_is_a_short_word_or_other() {
        let cases = [
            ("author (why): 550 x", "author"),
            ("lines: 554", "lines"),
            ("", OTHER),
            ("Subject of a mail: 1", OTHER),
            ("a@b.example: 1", OTHER),
            ("averyveryverylongwordthatisnorule: 1", OTHER),
        ];
        for (why, expect) in cases {
            assert_eq!(rule(why), expect, "{why}");
        }
    }
}
