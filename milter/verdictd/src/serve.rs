//! Sockets in: one task for each mail server's connection.

use std::sync::Arc;
use std::time::Duration;

use daemon::{Listener, Stream};
use milter::drive::{self, Broken, Timeouts};
use milter::filter::Limits;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Counted;
use crate::session::{House, Session, wish};

/// How long to wait where a connection can't be taken: most often there are too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves one socket until `shutdown`; returns when the last connection is closed. `places` are shared by all sockets:
/// who finds none waits in the socket's queue.
pub async fn serve(
    house: Arc<House>,
    listener: Listener,
    places: Arc<Semaphore>,
    timeouts: Timeouts,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = shutdown.cancelled() => break,
        };
        match (accepted, place) {
            (Ok((stream, peer)), Ok(place)) => {
                let (house, shutdown) = (house.clone(), shutdown.clone());
                connections.spawn(async move {
                    talk(house, stream, &peer, timeouts, shutdown).await;
                    drop(place);
                });
            }
            (Err(error), _) => {
                tracing::warn!(%error, "a mail server's connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
            (_, Err(_)) => break,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn talk(
    house: Arc<House>,
    stream: Stream,
    peer: &str,
    timeouts: Timeouts,
    shutdown: CancellationToken,
) {
    let counters = house.counters.clone();
    let _here = Counted::one(&counters.connections);
    let mut session = Session::new(house);
    let stop = shutdown.cancelled_owned();
    let ended =
        drive::serve(stream, &wish(), Limits::default(), &timeouts, &mut session, stop).await;
    match ended {
        Ok(()) => {}
        Err(Broken::Stream(error)) => tracing::debug!(peer, %error, "a mail server is gone"),
        Err(error) => {
            counters.broke();
            tracing::warn!(peer, %error, "a mail server broke the protocol; its connection is closed");
        }
    }
}
