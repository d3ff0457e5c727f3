//! Whether the relay may be tried now: pure bookkeeping of its failures.
//!
//! While the relay is in trouble one connection at a time tries it, the others wait.

use listcore::retry;
use listcore::time::Timestamp;

/// The relay's state as our connections see it.
#[derive(Debug, Default)]
pub struct Gate {
    /// In a row; 0 = all is well.
    failures: u32,
    until: Timestamp,
    probing: bool,
    /// Copies in a row that it did not take from us.
    denials: u32,
    last_error: Option<(Timestamp, String)>,
}

/// So many denials in a row mean that it takes nothing from us; fewer may be about some domains alone, and the copies
/// for others go on.
const DENIALS: u32 = 10;

/// May I?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Open,
    /// You are the one who finds out; answer with `succeeded`, `failed` or `leave`.
    Probe,
    /// Not before then.
    Wait(Timestamp),
    /// Somebody else is finding out.
    Busy,
}

impl Gate {
    pub fn enter(&mut self, now: Timestamp) -> Entry {
        if self.failures == 0 {
            return Entry::Open;
        }
        if self.probing {
            return Entry::Busy;
        }
        if now < self.until {
            return Entry::Wait(self.until);
        }
        self.probing = true;
        Entry::Probe
    }

    /// It could not be reached, or said that it can't take anything now. `probe`: who says so was let in as one;
    /// the others only tell of trouble that is known already.
    pub fn failed(&mut self, now: Timestamp, why: String, probe: bool, seed: u64) {
        self.last_error = Some((now, why));
        if self.failures > 0 && !probe {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.probing = false;
        self.until = now + retry::relay_pause(self.failures, seed);
    }

    /// It did not take a copy because of how it, or we, are set up. True where that is news.
    pub fn denied(&mut self, now: Timestamp, why: String, probe: bool, seed: u64) -> bool {
        self.denials = self.denials.saturating_add(1);
        if self.denials >= DENIALS {
            self.failed(now, why, probe, seed);
        } else {
            self.last_error = Some((now, why));
            if probe {
                self.leave();
            }
        }
        matches!(self.denials, 1 | DENIALS)
    }

    /// It answered a transaction. True where that ends a time of trouble.
    pub fn succeeded(&mut self) -> bool {
        self.probing = false;
        self.denials = 0;
        std::mem::take(&mut self.failures) > 0
    }

    /// The probe found nothing to do after all.
    pub fn leave(&mut self) {
        self.probing = false;
    }

    /// Somebody asks for another try now.
    pub fn try_now(&mut self) {
        self.until = Timestamp::default();
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Kept after the trouble is over.
    pub fn last_error(&self) -> Option<&(Timestamp, String)> {
        self.last_error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_finds_out_and_the_others_wait() {
        let mut gate = Gate::default();
        let now = Timestamp(1_000_000);
        assert_eq!(gate.enter(now), Entry::Open);
        gate.failed(now, "connection refused".into(), false, 0);
        gate.failed(now, "connection refused, says another".into(), false, 0);
        let Entry::Wait(until) = gate.enter(now) else { panic!("it waits") };
        assert!((800..=1200).contains(&(until.0 - now.0)));
        assert_eq!(gate.enter(until), Entry::Probe);
        assert_eq!(gate.enter(until), Entry::Busy);
        gate.leave();
        assert_eq!(gate.enter(until), Entry::Probe);
        gate.failed(until, "still".into(), true, 0);
        let Entry::Wait(later) = gate.enter(until) else { panic!("it waits") };
        assert!((1600..=2400).contains(&(later.0 - until.0)));
        gate.try_now();
        assert_eq!(gate.enter(until), Entry::Probe);
        assert!(gate.succeeded());
        assert!(!gate.succeeded());
        assert_eq!(gate.enter(until), Entry::Open);
        assert_eq!(gate.last_error(), Some(&(until, "still".to_owned())));
    }

    #[test]
    fn a_relay_that_takes_nothing_from_us_is_left_alone() {
        let mut gate = Gate::default();
        let now = Timestamp(1_000_000);
        let news = |gate: &mut Gate, probe| gate.denied(now, "550 no relay".into(), probe, 0);
        assert!(news(&mut gate, false) && !news(&mut gate, false));
        assert_eq!(gate.last_error(), Some(&(now, "550 no relay".to_owned())));
        assert_eq!(gate.enter(now), Entry::Open, "it may take the copies for others");
        assert!(!gate.succeeded());
        let told = (0..DENIALS).filter(|_| news(&mut gate, false)).count();
        assert_eq!(told, 2, "the first, and that it is all of them");
        let Entry::Wait(until) = gate.enter(now) else { panic!("it waits") };
        assert_eq!(gate.enter(until), Entry::Probe);
        news(&mut gate, true);
        assert!(matches!(gate.enter(now), Entry::Wait(_)), "the probe is over");
        assert!(gate.succeeded());
    }
}
