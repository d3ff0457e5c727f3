//! The temp dir of a stack, with a folder for logs, that goes away with it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Doing, Result, wait};

/// How many lines of each log a failed story prints.
const TAIL: usize = 60;

/// The temp dir. Says what the servers said when a test fails, then goes away.
#[derive(Debug)]
pub struct Home(PathBuf);

impl Home {
    pub fn make() -> Result<Home> {
        let dir = tempfile::Builder::new().prefix("verteiler-").tempdir()?.keep();
        let home = Home(dir);
        std::fs::create_dir(home.0.join("log"))?;
        // Exim, Dovecot and slapd run as users of their own and have to pass through.
        for path in [home.0.clone(), home.0.join("log")] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
                .doing(|| format!("open {}", path.display()))?;
        }
        Ok(home)
    }

    pub fn dir(&self) -> &Path {
        &self.0
    }

    fn print_logs(&self) {
        let Ok(entries) = std::fs::read_dir(self.0.join("log")) else { return };
        let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        files.sort();
        for file in files {
            let text = std::fs::read(&file)
                .map(|b| String::from_utf8_lossy(&b).into_owned())
                .unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            if !lines.is_empty() {
                eprintln!("---- {}", file.file_name().unwrap_or_default().to_string_lossy());
                eprintln!(
                    "{}",
                    lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
                );
            }
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
        // A server's last child may still be writing while its namespace is torn down.
        let gone = || std::fs::remove_dir_all(&self.0).is_ok() || !self.0.exists();
        if wait::until_true("the temp dir to be gone", Duration::from_secs(5), gone).is_err() {
            eprintln!("could not remove {}", self.0.display());
        }
    }
}
