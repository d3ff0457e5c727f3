//! A unix socket that is made so that nobody else gets in, taken over from a dead daemon, never from a live one.
//!
//! Not what is spoken over it (`intake`, `control`).

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// A bound unix socket; its file goes away with this value.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Which file is ours: another daemon may have put its own in its place since.
    inode: (u64, u64),
    /// The daemon's own user.
    pub uid: u32,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if std::fs::metadata(&self.path).is_ok_and(|meta| (meta.dev(), meta.ino()) == self.inode) {
            // Gone already is as good.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Binds `path` with this mode. A socket that nobody answers on is replaced; a live one is an error
/// (`AddrInUse`), and so is a file that is no socket.
pub async fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    make_room(path).await?;
    // Bound under another name and renamed when its mode is right: there is no moment at which others get in.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(mode))?;
    let meta = std::fs::metadata(&fresh)?;
    std::fs::rename(&fresh, path)?;
    let inode = (meta.dev(), meta.ino());
    Ok((listener, SocketFile { path: path.to_owned(), inode, uid: meta.uid() }))
}

/// Makes sure that nobody listens on `path`.
async fn make_room(path: &Path) -> io::Result<()> {
    let meta = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !meta.file_type().is_socket() {
        let text = format!("{} is there and is no socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match UnixStream::connect(path).await {
        Ok(_) => {
            let text = format!("another daemon answers on {}", path.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
        // Nobody listens: the rename replaces it.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}
