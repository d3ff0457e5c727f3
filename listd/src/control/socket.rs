//! The control socket: for root, for our own user, and for whoever its group lets in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daemon::socket::{self, SocketFile};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use super::{Rooms, routes};

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

/// Answers until `shutdown`, then finishes the requests that are under way.
pub async fn serve(
    listener: Listener,
    rooms: Arc<dyn Rooms>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let Listener { inner, path, file } = listener;
    tracing::info!(socket = %path.display(), "listening: control");
    let service = routes::router(rooms, file.uid).into_make_service_with_connect_info::<Peer>();
    let stop = shutdown.cancelled_owned();
    axum::serve(inner, service).with_graceful_shutdown(stop).await
}
