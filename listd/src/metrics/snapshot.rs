//! What is asked for at a scrape, as figures, and whether it means that mail can be taken. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use listcore::time::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use super::PREFIX;
use crate::directory::{Freshness, Mode};
use crate::store::Counts;

/// The rooms at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub now: Timestamp,
    pub started: Timestamp,
    /// `None` where the store could not be read.
    pub queue: Option<Queue>,
    pub directory: Directory,
    pub intake: Intake,
    pub relay: Relay,
    /// Signatures made since the start.
    pub signatures: u64,
    /// Outcomes that are known and not durable yet.
    pub uncommitted: usize,
    /// Outcomes can't be committed now.
    pub store_trouble: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    pub counts: Counts,
    /// When the oldest post with unfinished recipients was accepted.
    pub oldest: Option<Timestamp>,
    pub waits: Waits,
}

/// What waits for somebody's word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waits {
    /// Why, for whose word, how many; of the oldest [`super::HELD`].
    pub reasons: BTreeMap<(&'static str, &'static str), u64>,
    /// When the oldest was accepted.
    pub oldest: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    pub mode: Mode,
    pub freshness: Freshness,
    pub fresh_at: Option<Timestamp>,
    pub people: usize,
    pub groups: usize,
    pub lists: usize,
    /// Lists that the safety catch holds.
    pub held_lists: usize,
    /// Something went wrong last.
    pub has_error: bool,
    /// Entries that an admin should mend.
    pub warnings: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intake {
    pub connections: usize,
    pub sockets: usize,
    /// How many there should be.
    pub sockets_expected: usize,
    /// Stage, enhanced status code, count.
    pub refused: Vec<(&'static str, String, u64)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relay {
    pub connections: usize,
    /// In a row; 0 = all is well.
    pub failures: u32,
    /// Since the start.
    pub troubles: u64,
    /// Since the start.
    pub denials: u64,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct How {
    mode: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    stage: &'static str,
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Why {
    reason: &'static str,
    waits_for: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// Registers what it is given under its name.
struct Sheet(Registry);

impl Sheet {
    fn put(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.put(name, help, gauge);
    }

    fn gauges<L>(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (L, u64)>)
    where
        L: EncodeLabelSet + Clone + std::hash::Hash + Eq + std::fmt::Debug + Send + Sync + 'static,
    {
        let family = Family::<L, Gauge<f64, AtomicU64>>::default();
        for (label, value) in values {
            family.get_or_create(&label).set(float(value));
        }
        self.put(name, help, family);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.put(name, help, counter);
    }
}

/// Exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    float(value as u64)
}

/// Seconds since the epoch, with milliseconds.
fn seconds(at: Timestamp) -> f64 {
    Duration::from_millis(at.0.unsigned_abs()).as_secs_f64()
}

impl Snapshot {
    /// Why mail can't be taken and sent now, as far as the rooms know; empty where it can.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        match self.directory.freshness {
            Freshness::Fresh => {}
            Freshness::Stale { .. } => {
                let age = self.directory.fresh_at.map_or(0, |at| self.now.since(at).as_secs());
                troubles.push(format!(
                    "the directory is stale, nothing was heard of it for {age} s; listctl status says why"
                ));
            }
            Freshness::Never => {
                troubles.push("the directory was never read; listctl status says why".to_owned())
            }
        }
        let Intake { sockets, sockets_expected, .. } = self.intake;
        if sockets < sockets_expected {
            troubles.push(format!("{sockets} of {sockets_expected} mail sockets are open"));
        }
        if self.store_trouble {
            troubles.push("outcomes can't be committed; listctl status says why".to_owned());
        }
        if self.queue.is_none() {
            troubles.push("the store can't be read; see the log".to_owned());
        }
        troubles
    }

    /// All figures in the OpenMetrics text format, without its end.
    pub fn encode(&self, out: &mut impl Write) -> std::fmt::Result {
        let mut sheet = Sheet(Registry::with_prefix(PREFIX));
        let build = Info::new(Build { version: env!("CARGO_PKG_VERSION") });
        sheet.put("build", "The daemon that answers", build);
        sheet.gauge("start_time_seconds", "When it started, Unix time", seconds(self.started));
        let ready = self.troubles().is_empty();
        sheet.gauge("ready", "1 where mail is taken, as far as the rooms know", f64::from(ready));
        self.queue_figures(&mut sheet);
        self.directory_figures(&mut sheet);
        self.wire_figures(&mut sheet);
        text::encode_registry(out, &sheet.0)
    }

    fn queue_figures(&self, sheet: &mut Sheet) {
        let help = "Outcomes that are known and not durable yet";
        sheet.gauge("outcomes_uncommitted", help, count(self.uncommitted));
        let Some(Queue { counts, oldest, waits }) = &self.queue else { return };
        let help = "Recipients without a final outcome: waiting = not tried yet, deferred = tried";
        let states =
            [("waiting", counts.recipients_waiting), ("deferred", counts.recipients_deferred)];
        let states = states.map(|(state, value)| (State { state }, value));
        sheet.gauges("queue_recipients", help, states);
        sheet.gauge(
            "queue_posts",
            "Mails to lists with such recipients",
            float(counts.posts_waiting),
        );
        sheet.gauge("queue_mails", "Mails whose body is still needed", float(counts.mails));
        let help = "Mails that wait for somebody's word";
        sheet.gauge("mails_held", help, float(counts.held));
        // The usual two are there from the start.
        let usual = [("asked", "author"), ("moderated", "moderator")].map(|usual| (usual, 0));
        let mut reasons = BTreeMap::from(usual);
        reasons.extend(&waits.reasons);
        let why = |((reason, waits_for), count)| (Why { reason, waits_for }, count);
        let reasons = reasons.into_iter().map(why);
        sheet.gauges("held", "The oldest 1,000 of them by reason and by whose word", reasons);
        let age =
            |oldest: Option<Timestamp>| oldest.map_or(0.0, |at| self.now.since(at).as_secs_f64());
        let help = "Age of the oldest mail that waits for somebody's word; 0 = none";
        sheet.gauge("held_oldest_age_seconds", help, age(waits.oldest));
        let help = "Age of the oldest mail with such recipients; 0 = none";
        sheet.gauge("queue_oldest_age_seconds", help, age(*oldest));
        let help = "Mails of which delivery pauses, because many servers refuse them";
        sheet.gauge("posts_braked", help, float(counts.braked));
        let help = "Addresses that get no copies, because their mail comes back";
        sheet.gauge("addresses_paused", help, float(counts.paused));
    }

    fn directory_figures(&self, sheet: &mut Sheet) {
        let d = &self.directory;
        if let Some(at) = d.fresh_at {
            let age = self.now.since(at).as_secs_f64();
            sheet.gauge(
                "directory_age_seconds",
                "Since the directory was last known for sure",
                age,
            );
        }
        let fresh = f64::from(d.freshness == Freshness::Fresh);
        sheet.gauge("directory_fresh", "1 where mail may go out on what is known", fresh);
        let modes = [Mode::File, Mode::Sync, Mode::Poll, Mode::PollChanges];
        let modes = modes.map(|mode| (How { mode: mode_word(mode) }, u64::from(mode == d.mode)));
        sheet.gauges("directory_mode", "1 for how the directory is followed now", modes);
        let kinds = [("people", d.people), ("groups", d.groups), ("lists", d.lists)];
        let kinds = kinds.map(|(kind, value)| (Kind { kind }, value as u64));
        sheet.gauges("directory_entries", "What the replica holds", kinds);
        let error = f64::from(d.has_error);
        sheet.gauge("directory_error", "1 while the last attempt to follow it failed", error);
        let help = "Lists that the safety catch holds: their mail waits until an admin decides";
        sheet.gauge("directory_held_lists", help, count(d.held_lists));
        let help = "Entries that an admin should mend";
        sheet.gauge("directory_warnings", help, count(d.warnings));
    }

    fn wire_figures(&self, sheet: &mut Sheet) {
        let Intake { connections, sockets, refused, .. } = &self.intake;
        let help = "Connections of Exim to us that are open";
        sheet.gauge("intake_connections", help, count(*connections));
        sheet.gauge("intake_sockets", "Sockets that take mail", count(*sockets));
        let family = Family::<Refused, Counter>::default();
        for (stage, code, value) in refused {
            let label = Refused { stage, code: code.clone() };
            family.get_or_create(&label).inc_by(*value);
        }
        let help = "Refusals in the dialogue, before a rule was asked, by stage and status code";
        sheet.put("intake_refusals", help, family);
        let Relay { connections, failures, troubles, denials } = self.relay;
        let help = "Connections of ours to the relay that are open";
        sheet.gauge("relay_connections", help, count(connections));
        let help = "How often in a row the relay could not be used; 0 = all is well";
        sheet.gauge("relay_failures_in_a_row", help, f64::from(failures));
        sheet.counter("relay_failures", "How often the relay could not be used", troubles);
        let help = "How often it did not take a copy because of how it, or we, are set up";
        sheet.counter("relay_denials", help, denials);
        sheet.counter("signatures", "DKIM signatures made", self.signatures);
    }
}

/// As `listctl status` calls it.
fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::File => "file",
        Mode::Sync => "refreshAndPersist",
        Mode::Poll => "poll",
        Mode::PollChanges => "poll_changes",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// All is well.
    pub fn well() -> Snapshot {
        let now = Timestamp(1_700_000_000_000);
        Snapshot {
            now,
            started: Timestamp(now.0 - 1_500),
            queue: Some(Queue::default()),
            directory: Directory {
                mode: Mode::Sync,
                freshness: Freshness::Fresh,
                fresh_at: Some(Timestamp(now.0 - 2_500)),
                people: 7,
                groups: 3,
                lists: 2,
                held_lists: 1,
                has_error: false,
                warnings: 0,
            },
            intake: Intake { sockets: 3, sockets_expected: 3, ..Intake::default() },
            relay: Relay::default(),
            signatures: 4,
            uncommitted: 0,
            store_trouble: false,
        }
    }

    fn text(snapshot: &Snapshot) -> String {
        let mut out = String::new();
        snapshot.encode(&mut out).expect("a String takes all");
        out
    }

    #[test]
    fn figures_are_what_the_rooms_say() {
        let mut all = well();
        let counts = Counts {
            mails: 1,
            posts_waiting: 2,
            recipients_waiting: 30,
            recipients_deferred: 4,
            held: 7,
            braked: 1,
            paused: 5,
            ..Counts::default()
        };
        let ago = |ms: i64| Some(Timestamp(all.now.0 - ms));
        let reasons = BTreeMap::from([(("suspect", "moderator"), 4), (("asked", "author"), 3)]);
        let waits = Waits { reasons, oldest: ago(7_000) };
        all.queue = Some(Queue { counts, oldest: ago(90_000), waits });
        all.intake.refused = vec![("recipient", "5.1.1".into(), 5)];
        all.relay = Relay { connections: 2, failures: 1, troubles: 9, denials: 3 };
        let text = text(&all);
        for line in [
            concat!("verteiler_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "verteiler_start_time_seconds 1699999998.5",
            "verteiler_ready 1.0",
            r#"verteiler_queue_recipients{state="waiting"} 30.0"#,
            r#"verteiler_queue_recipients{state="deferred"} 4.0"#,
            "verteiler_queue_oldest_age_seconds 90.0",
            "verteiler_mails_held 7.0",
            r#"verteiler_held{reason="suspect",waits_for="moderator"} 4.0"#,
            r#"verteiler_held{reason="asked",waits_for="author"} 3.0"#,
            "verteiler_held_oldest_age_seconds 7.0",
            "verteiler_posts_braked 1.0",
            "verteiler_addresses_paused 5.0",
            "verteiler_directory_age_seconds 2.5",
            r#"verteiler_directory_mode{mode="refreshAndPersist"} 1.0"#,
            r#"verteiler_directory_mode{mode="poll"} 0.0"#,
            r#"verteiler_directory_entries{kind="people"} 7.0"#,
            "verteiler_directory_held_lists 1.0",
            r#"verteiler_intake_refusals_total{stage="recipient",code="5.1.1"} 5"#,
            "verteiler_relay_failures_in_a_row 1.0",
            "verteiler_relay_failures_total 9",
            "verteiler_relay_denials_total 3",
            "verteiler_signatures_total 4",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
    }

    /// Promise 5: what is not known is said, and is not zero.
    #[test]
    fn a_store_that_cannot_be_read_has_no_queue_of_zero() {
        let snapshot = Snapshot { queue: None, ..well() };
        let text = text(&snapshot);
        assert!(!text.contains("verteiler_queue"), "{text}");
        assert!(text.contains("verteiler_ready 0.0"), "{text}");
    }

    #[test]
    fn each_trouble_has_its_reason() {
        assert_eq!(well().troubles(), Vec::<String>::new());
        type Change = fn(&mut Snapshot);
        let cases: [(Change, &str); 5] = [
            (|s| s.directory.freshness = Freshness::Stale { since: s.now }, "stale"),
            (|s| s.directory.freshness = Freshness::Never, "never read"),
            (|s| s.intake.sockets = 1, "1 of 3 mail sockets"),
            (|s| s.store_trouble = true, "committed"),
            (|s| s.queue = None, "can't be read"),
        ];
        for (change, word) in cases {
            let mut snapshot = well();
            change(&mut snapshot);
            let troubles = snapshot.troubles();
            assert_eq!(troubles.len(), 1, "{troubles:?}");
            assert!(troubles[0].contains(word), "{troubles:?}");
        }
    }
}
