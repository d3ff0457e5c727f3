//! The control socket: for root, for our own user, and for whoever its group lets in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use daemon::socket::{self, SocketFile};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use super::{Rooms, routes};
use crate::http::{self, Door, Limits};

/// Admins are few. A client that says nothing loses its place soon, so that a second `listctl` is answered; a large mail
/// for a simulation, or a lesson for a slow filter, has its time.
const LIMITS: Limits = Limits {
    connections: 32,
    head: Duration::from_secs(5),
    life: Duration::from_secs(180),
    head_octets: 16 * 1024,
};

/// A bound control socket; its file goes away with it.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
    file: SocketFile,
}

/// Binds `path` with mode 0660, as [`socket::bind`] says.
pub async fn bind(path: &Path) -> io::Result<Listener> {
    let (inner, file) = socket::bind(path, 0o660).await?;
    Ok(Listener { inner, path: path.to_owned(), file })
}

impl Door for UnixListener {
    type Stream = UnixStream;
    type Peer = Peer;

    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = UnixListener::accept(self).await?;
        let peer = Peer { uid: stream.peer_cred().ok().map(|cred| cred.uid()) };
        Ok((stream, peer))
    }
}

/// Answers until `shutdown`, then finishes the requests that are under way.
pub async fn serve(listener: Listener, rooms: Arc<dyn Rooms>, shutdown: CancellationToken) {
    let Listener { inner, path, file } = listener;
    tracing::info!(socket = %path.display(), "listening: control");
    http::serve(&inner, routes::router(rooms, file.uid), LIMITS, &shutdown).await;
}
