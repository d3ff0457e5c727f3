//! Bounded waits for a condition, so that no test sleeps and hopes.

use std::time::{Duration, Instant};

use crate::{Failure, Result};

/// How long a server may take to start. Far more than it needs, since the machine may be loaded.
pub const START: Duration = Duration::from_secs(30);

/// How long a mail may take from one end to the other.
pub const MAIL: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// Asks until there is an answer, or fails with what was waited for and the last reason given.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    let mut last = String::from("no answer yet");
    loop {
        match ask() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(Failure(why)) => last = why,
        }
        if Instant::now() >= end {
            return Err(Failure(format!("waited {} s for {what}: {last}", limit.as_secs())));
        }
        std::thread::sleep(POLL);
    }
}

/// [`until`] for a plain yes or no.
pub fn until_true(what: &str, limit: Duration, mut ask: impl FnMut() -> bool) -> Result<()> {
    until(what, limit, || Ok(ask().then_some(())))
}

/// Fails when the answer changes within `span`: for what must not happen any more.
pub fn stays<T: PartialEq + std::fmt::Debug>(
    what: &str,
    span: Duration,
    mut ask: impl FnMut() -> T,
) -> Result<()> {
    let (first, end) = (ask(), Instant::now() + span);
    while Instant::now() < end {
        std::thread::sleep(POLL);
        let now = ask();
        if now != first {
            return Err(Failure(format!("{what} changed from {first:?} to {now:?}")));
        }
    }
    Ok(())
}
