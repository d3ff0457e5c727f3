//! What the filter said so far and how long it took, for whoever watches.

use std::time::Duration;

use listcore::scan::Finding;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// The label of a count.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Found {
    verdict: &'static str,
}

/// Counts since the start. Clones share them.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Mails by what was found.
    pub verdicts: Family<Found, Counter>,
    /// From the question to the verdict, the wait for a turn included.
    pub seconds: Histogram,
}

impl Default for Tally {
    fn default() -> Tally {
        let verdicts = Family::<Found, Counter>::default();
        // A series that begins with its first event hides that event from `rate()`.
        for verdict in Finding::WORDS {
            verdicts.get_or_create(&Found { verdict }).inc_by(0);
        }
        let bounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
        Tally { verdicts, seconds: Histogram::new(bounds) }
    }
}

impl Tally {
    pub(super) fn note(&self, finding: &Finding, took: Duration) {
        self.verdicts.get_or_create(&Found { verdict: finding.as_str() }).inc();
        self.seconds.observe(took.as_secs_f64());
    }
}
