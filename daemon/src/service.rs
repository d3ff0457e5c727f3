//! The service manager: what it asks by signals, and what it is told about our state.

use tokio::signal::unix::{Signal, SignalKind, signal};

use sd_notify::NotifyState;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGHUP
    Reload,
    /// SIGTERM or SIGINT
    Stop,
}

/// The signals that a daemon obeys.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they do not end the process.
    pub fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.hangup.recv() => Asked::Reload,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
        }
    }
}

/// Everything is open and served.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is read anew; [`ready`] ends it.
pub fn reloading() {
    // Without the time newer versions do not believe it.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// What is under way is brought to its end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Where systemd did not start us there is nobody to tell.
fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
