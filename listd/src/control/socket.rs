//! The unix socket itself: made so that nobody else gets in, taken over from a dead daemon, never from a live one.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use super::{Rooms, routes};

/// A bound control socket; its file goes away with it.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
    /// Which file is ours: another daemon may have put its own in its place since.
    inode: (u64, u64),
    /// The daemon's own user.
    uid: u32,
}

/// Binds `path` with mode 0660. A socket that nobody answers on is replaced; a live one is an error
/// (`AddrInUse`), and so is a file that is no socket.
pub async fn bind(path: &Path) -> io::Result<Listener> {
    make_room(path).await?;
    // Bound under another name and renamed when its mode is right: there is no moment at which others get in.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let inner = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o660))?;
    let meta = std::fs::metadata(&fresh)?;
    std::fs::rename(&fresh, path)?;
    let inode = (meta.dev(), meta.ino());
    Ok(Listener { inner, path: path.to_owned(), inode, uid: meta.uid() })
}

/// Makes sure that nobody listens on `path`.
async fn make_room(path: &Path) -> io::Result<()> {
    let meta = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !std::os::unix::fs::FileTypeExt::is_socket(&meta.file_type()) {
        let text = format!("{} is there and is no socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match UnixStream::connect(path).await {
        Ok(_) => {
            let text = format!("another daemon answers on {}", path.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
        // Nobody listens: the rename below replaces it.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}

/// Answers until `shutdown`, then finishes the requests that are under way.
pub async fn serve(
    listener: Listener,
    rooms: Arc<dyn Rooms>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let Listener { inner, path, inode, uid } = listener;
    tracing::info!(socket = %path.display(), "listening: control");
    let service = routes::router(rooms, uid).into_make_service_with_connect_info::<Peer>();
    let stop = shutdown.cancelled_owned();
    let served = axum::serve(inner, service).with_graceful_shutdown(stop).await;
    if std::fs::metadata(&path).is_ok_and(|meta| (meta.dev(), meta.ino()) == inode) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&path);
    }
    served
}
