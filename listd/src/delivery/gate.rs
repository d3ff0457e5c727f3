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
    last_error: Option<(Timestamp, String)>,
}

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

    /// It answered a transaction. True where that ends a time of trouble.
    pub fn succeeded(&mut self) -> bool {
        self.probing = false;
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
}
