//! Sockets in: one task per connection, one spool per mail.
//!
//! Not the protocol (crate `lmtp`) and not a decision (`pipeline`).

pub mod spool;
pub mod tally;
mod visit;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use daemon::Listener;
use lmtp::drive::Timeouts;
use lmtp::reply::Reply;
use lmtp::server::Config;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use spool::Budget;
use tally::{Stage, Tally};
use visit::Visit;

use crate::pipeline::Pipeline;

/// Connections at once on one socket; the next one hears 421 and may come again.
const MAX_CONNECTIONS: usize = 4_000;

/// What all connections of one socket share.
pub struct Door {
    pub pipeline: Arc<Pipeline>,
    /// Flavour, name and limits of the protocol.
    pub wire: Config,
    pub timeouts: Timeouts,
    /// Where a large mail goes while it comes in: the store's spool directory.
    pub spool_dir: PathBuf,
    pub budget: Arc<Budget>,
    /// One for all doors.
    pub tally: Arc<Tally>,
}

/// Serves one socket until `shutdown`; returns when the last connection is closed.
pub async fn serve(door: Arc<Door>, listener: Listener, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let listening = door.tally.socket();
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let guest = Guest::enter(&open);
                let (door, shutdown) = (door.clone(), shutdown.clone());
                connections.spawn(async move {
                    serve_one(&door, stream, peer, guest, shutdown).await;
                });
            }
            // Out of file descriptors or a client that is gone already: the socket itself is fine.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection; trying again in a moment");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, listening));
    connections.close();
    connections.wait().await;
}

/// One connection that counts against the limit while it is open.
struct Guest {
    open: Arc<AtomicUsize>,
    number: usize,
}

impl Guest {
    fn enter(open: &Arc<AtomicUsize>) -> Guest {
        Guest { number: open.fetch_add(1, Ordering::Relaxed), open: open.clone() }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one stream to its end.
#[cfg(test)]
pub(crate) async fn visit_once<S>(door: &Door, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let guest = Guest::enter(&Arc::default());
    serve_one(door, stream, "[192.0.2.1]".to_owned(), guest, CancellationToken::new()).await;
}

async fn serve_one<S>(
    door: &Door,
    mut stream: S,
    peer: String,
    guest: Guest,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    if guest.number >= MAX_CONNECTIONS {
        let text = format!("{} has too many connections, try again later", door.wire.hostname);
        let busy = Reply::new(421, "4.3.2", text);
        door.tally.note(Stage::Connect, &busy);
        let mut line = Vec::new();
        busy.write(&mut line);
        let _ = stream.write_all(&line).await;
        return;
    }
    let _counted = door.tally.connection();
    let mut visit = Visit::new(door, peer);
    let leave = async move { shutdown.cancelled().await };
    if let Err(error) =
        lmtp::drive::serve(stream, &door.wire, &door.timeouts, &mut visit, leave).await
    {
        tracing::debug!(%error, "connection lost");
    }
}

#[cfg(test)]
mod tests;
