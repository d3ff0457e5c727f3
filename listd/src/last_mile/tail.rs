//! A log file that grows, is renamed and made anew (logrotate), or is emptied in place: its whole lines, each once.
//!
//! Blocking. Not what a line says.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use listcore::exim_log::MAX_LINE;

use super::place::Place;

/// Lines that one [`Tail::read`] gives at most.
pub const LINES: usize = 2_000;
/// Octets that it reads at most.
const CHUNK: usize = 512 * 1024;
/// A first start, or one after a long time, reads no more than this of what is there already (octets).
const BACK: u64 = 256 * 1024 * 1024;

#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// Where to go on once it can be opened; `None` = at its end.
    start: Option<Place>,
}

#[derive(Debug)]
struct Open {
    file: File,
    place: Place,
}

impl Tail {
    pub fn new(path: PathBuf, start: Option<Place>) -> Tail {
        Tail { path, open: None, start }
    }

    /// Behind the last line that was given.
    pub fn place(&self) -> Option<Place> {
        self.open.as_ref().map(|open| open.place)
    }

    /// What is new, in order: fewer than [`LINES`] where that is all there is now. Where the file was renamed, its rest
    /// comes first, then the new one. A line without an end is not given yet.
    pub fn read(&mut self) -> io::Result<Vec<String>> {
        if self.open.is_none() {
            self.open = Some(self.find()?);
        }
        let mut lines = Vec::new();
        // At most: the rest of an old file, and the new one.
        for _ in 0..2 {
            let Some(open) = &mut self.open else { break };
            // Looked at before it is read to its end: what is renamed gets no line later.
            let renamed = std::fs::metadata(&self.path).is_ok_and(|m| m.ino() != open.place.inode);
            open.lines(LINES, &mut lines)?;
            if !renamed || lines.len() >= LINES || !open.is_at_end()? {
                break;
            }
            self.open = Some(Open::at(&self.path, Some(0))?);
        }
        Ok(lines)
    }

    fn find(&self) -> io::Result<Open> {
        let Some(Place { inode, position }) = self.start else {
            return Open::at(&self.path, None);
        };
        let found = |path: &Path| std::fs::metadata(path).is_ok_and(|m| m.ino() == inode);
        if found(&self.path) {
            return Open::at(&self.path, Some(position));
        }
        match self.renamed().into_iter().find(|path| found(path)) {
            Some(old) => Open::at(&old, Some(position)),
            // It is gone: what was in it is lost to us.
            None => Open::at(&self.path, Some(0)),
        }
    }

    /// `mainlog.1` and its like beside `mainlog`.
    fn renamed(&self) -> Vec<PathBuf> {
        let (Some(dir), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Vec::new();
        };
        let name = name.to_string_lossy().into_owned();
        let Ok(all) = std::fs::read_dir(dir) else { return Vec::new() };
        let beside = |path: &PathBuf| {
            path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&name))
        };
        all.filter_map(Result::ok).map(|entry| entry.path()).filter(beside).take(1_000).collect()
    }
}

impl Open {
    /// `None` = at its end. What is too far back is left out.
    fn at(path: &Path, position: Option<u64>) -> io::Result<Open> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let position = position.unwrap_or(meta.len()).max(meta.len().saturating_sub(BACK));
        Ok(Open { file, place: Place { inode: meta.ino(), position } })
    }

    fn is_at_end(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() <= self.place.position)
    }

    fn lines(&mut self, most: usize, lines: &mut Vec<String>) -> io::Result<()> {
        if self.file.metadata()?.len() < self.place.position {
            // Emptied in place (copytruncate).
            self.place.position = 0;
        }
        self.file.seek(SeekFrom::Start(self.place.position))?;
        let mut chunk = Vec::new();
        self.file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        for line in chunk.split_inclusive(|octet| *octet == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else {
                // No end yet. One that would fill the chunk is no line of a log.
                if line.len() > MAX_LINE {
                    self.place.position += line.len() as u64;
                }
                break;
            };
            if lines.len() >= most {
                break;
            }
            lines.push(String::from_utf8_lossy(text).into_owned());
            self.place.position += line.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn each_line_comes_once_through_rotation_truncation_and_restart() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("mainlog");
        append(&log, "before\n");
        let mut tail = Tail::new(log.clone(), None);
        assert!(tail.read().unwrap().is_empty(), "a first start begins at the end");
        append(&log, "one\ntw");
        assert_eq!(tail.read().unwrap(), ["one"]);
        append(&log, "o\n");
        assert_eq!(tail.read().unwrap(), ["two"]);

        // Renamed, written to once more, and made anew.
        std::fs::rename(&log, dir.path().join("mainlog.1")).unwrap();
        append(&dir.path().join("mainlog.1"), "three\n");
        append(&log, "four\n");
        assert_eq!(tail.read().unwrap(), ["three", "four"]);

        // While nobody read.
        let place = tail.place();
        append(&log, "five\n");
        std::fs::rename(&log, dir.path().join("mainlog.2")).unwrap();
        append(&log, "six\n");
        let mut tail = Tail::new(log.clone(), place);
        assert_eq!(tail.read().unwrap(), ["five", "six"]);

        // Emptied in place.
        std::fs::write(&log, "").unwrap();
        assert!(tail.read().unwrap().is_empty());
        append(&log, "7\n");
        assert_eq!(tail.read().unwrap(), ["7"]);

        // The file that we knew is gone: the new one from its begin.
        let place = Some(Place { inode: 1, position: 99 });
        assert_eq!(Tail::new(log.clone(), place).read().unwrap(), ["7"]);
    }

    /// Promise 10
    #[test]
    fn what_is_no_log_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("mainlog");
        let mut tail = Tail::new(log.clone(), Some(Place { inode: 1, position: 0 }));
        assert!(tail.read().is_err(), "not there");
        std::fs::write(&log, vec![b'x'; 3 * CHUNK]).unwrap();
        append(&log, "\nline\n");
        let mut all = Vec::new();
        for _ in 0..5 {
            all.extend(tail.read().unwrap());
        }
        assert_eq!(all.last().map(String::as_str), Some("line"));
        assert!(all.iter().all(|line| line.len() <= CHUNK));
        append(&log, &"a\n".repeat(LINES + 5));
        assert_eq!((tail.read().unwrap().len(), tail.read().unwrap().len()), (LINES, 5));
        assert!(Tail::new(dir.path().to_owned(), None).read().is_err(), "a folder");
    }
}
