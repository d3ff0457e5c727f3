//! Large bodies as files beside the database: `ID.mail`, durable before the commit that names them.
//!
//! Blocking. Not the files that intake is still writing: those have other names, and no row.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::error::Trouble;
use crate::store::{INLINE_BODY, MailId, Raw};

/// Room that no new mail gets (octets): it is for outcomes, and for moving the journal into the database. On a disk
/// that is full to the last page neither could be written, and every copy would go out again and again.
const RESERVE: u64 = 64 * 1024 * 1024;

/// A body on its way into the store.
#[derive(Clone, Debug)]
pub(super) enum Prepared {
    Inline(Bytes),
    /// Durable under its final name.
    File {
        size: u64,
    },
    /// Another mail has this name.
    Refused(String),
}

#[derive(Clone, Debug)]
pub(super) struct Spool {
    dir: PathBuf,
}

impl Spool {
    pub(super) fn open(dir: PathBuf) -> io::Result<Spool> {
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(Spool { dir }),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn path(&self, mail: MailId) -> PathBuf {
        self.dir.join(format!("{}.mail", mail.0))
    }

    /// Makes a body ready for the commit. A spilled file is used up, whatever happens.
    pub(super) fn prepare(&self, mail: MailId, raw: &Raw) -> Result<Prepared, Trouble> {
        if let Err(trouble) = self.has_room() {
            if let Raw::Spilled { path, .. } = raw {
                discard(path);
            }
            return Err(trouble);
        }
        match raw {
            Raw::Memory(bytes) if bytes.len() <= INLINE_BODY => Ok(Prepared::Inline(bytes.clone())),
            Raw::Memory(bytes) => {
                let temporary = self.dir.join(format!("{}.tmp", mail.0));
                let written = write(&temporary, bytes);
                self.adopt(mail, &temporary, written.map(|()| bytes.len() as u64))
            }
            Raw::Spilled { path, size } if *size <= INLINE_BODY as u64 => {
                let read = check(path, *size).and_then(|_| fs::read(path));
                discard(path);
                Ok(Prepared::Inline(read?.into()))
            }
            Raw::Spilled { path, size } => {
                let synced = check(path, *size).and_then(|file| file.sync_all());
                self.adopt(mail, path, synced.map(|()| *size))
            }
        }
    }

    /// Gives a synced file its final name. A hard link, because a rename would replace another mail's body.
    fn adopt(&self, mail: MailId, from: &Path, size: io::Result<u64>) -> Result<Prepared, Trouble> {
        let linked = size.and_then(|size| {
            fs::hard_link(from, self.path(mail))?;
            Ok(size)
        });
        discard(from);
        match linked {
            Ok(size) => {
                sync_dir(&self.dir)?;
                Ok(Prepared::File { size })
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Prepared::Refused(format!("mail {} exists already", mail.0)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a mail could be taken in now.
    pub(super) fn has_room(&self) -> Result<(), Trouble> {
        let disk = rustix::fs::statvfs(&self.dir).map_err(io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= RESERVE {
            return Ok(());
        }
        let dir = self.dir.display();
        Err(Trouble::Full(format!(
            "{free} octets are free at {dir}; below {RESERVE} no mail is taken"
        )))
    }

    pub(super) fn remove(&self, mail: MailId) {
        discard(&self.path(mail));
    }

    /// Removes what a crash left: half files, and bodies whose commit never came. Tells what is missing.
    pub(super) fn sweep(&self, wanted: &HashSet<MailId>) -> io::Result<Vec<MailId>> {
        let mut missing = wanted.clone();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|n| n.strip_suffix(".mail")?.parse().ok()).map(MailId);
            if !id.is_some_and(|id| missing.remove(&id)) {
                fs::remove_file(self.dir.join(name))?;
            }
        }
        Ok(missing.into_iter().collect())
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn check(path: &Path, size: u64) -> io::Result<File> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length != size {
        let text = format!("{} has {length} octets instead of {size}", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(file)
}

/// A name is durable when its directory is synced.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// What stays is removed at the next start.
fn discard(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a body that is not needed stays until the next start");
        }
        _ => {}
    }
}
