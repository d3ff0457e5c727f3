//! A server as a guarded child process: its output in a file, killed with all its children on drop.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::{Doing, Failure, Result, wait};

/// How long a server may take to stop after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program that stays in the foreground. It dies with this process, however that ends.
    pub fn start(name: &str, logs: &Path, argv: &[&str]) -> Result<Server> {
        let mut full = vec!["setpriv", "--pdeathsig", "KILL", "--"];
        full.extend_from_slice(argv);
        Server::spawn(name, logs, &full)
    }

    /// Starts a shell line as PID 1 of namespaces of its own (PID and mount): when it dies, so do all its
    /// descendants, also those that made sessions of their own or changed their user.
    pub fn start_contained(name: &str, logs: &Path, line: &str) -> Result<Server> {
        // The trailing command keeps the shell as PID 1, with root's credentials, where exec would hand over both.
        let line = format!("{line}; exit $?");
        let argv = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
        ];
        Server::spawn(name, logs, &[&argv[..], &["sh", "-c", &line]].concat())
    }

    fn spawn(name: &str, logs: &Path, argv: &[&str]) -> Result<Server> {
        let log = logs.join(format!("{name}.out"));
        let out = File::options().create(true).append(true).open(&log)?;
        let (program, rest) = argv.split_first().ok_or_else(|| Failure::new("no program"))?;
        let child = Command::new(program)
            .args(rest)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .doing(|| format!("start {name} ({program})"))?;
        Ok(Server { name: name.to_owned(), child, log })
    }

    /// Waits until `probe` gets a real answer; fails at once when the process ends before.
    pub fn ready(&mut self, probe: impl FnMut() -> Result<()>) -> Result<()> {
        self.ready_within(wait::START, probe)
    }

    /// [`Server::ready`] for a server that may take longer, or must not take so long.
    pub fn ready_within(
        &mut self,
        limit: Duration,
        mut probe: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let what = format!("{} to answer", self.name);
        let end = wait::until(&what, limit, || {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(Some(status)));
            }
            probe().map(|()| Some(None))
        });
        match end {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(Failure(format!(
                "{} ended at its start ({status}):\n{}",
                self.name,
                self.output()
            ))),
            Err(Failure(why)) => Err(Failure(format!("{why}\n{}", self.output()))),
        }
    }

    /// The process id: of the program itself when it was started by [`Server::start`].
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it wrote to stdout and stderr.
    pub fn output(&self) -> String {
        std::fs::read(&self.log)
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// SIGTERM, and a bounded wait for the end.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.signal("TERM");
        wait::until(&format!("{} to stop", self.name), GRACE, || Ok(self.child.try_wait()?))
    }

    /// `kill -9`, now.
    pub fn kill(&mut self) {
        // Not an error when it is gone already; a zombie is collected either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal to the process and all that it started, e.g. `STOP` to a contained server.
    pub fn signal_all(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("sh")
            .args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", name, &group])
            .stderr(Stdio::null())
            .status();
    }

    /// Sends a signal to the process, e.g. `HUP`.
    pub fn signal(&self, name: &str) {
        // The kill of the shell: a small system has no other.
        let _ = Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &self.child.id().to_string()])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// SQLite's write lock on a database, held by a process of its own as a backup or a curious admin would.
#[derive(Debug)]
pub struct WriteLock(Child);

impl WriteLock {
    const HOLD: &str = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n\
        db.execute('BEGIN IMMEDIATE')\n\
        print('held', flush=True)\n\
        sys.stdin.read()\n";

    /// Waits for the lock.
    pub fn take(database: &Path) -> Result<WriteLock> {
        let mut child = Command::new("/usr/bin/python3")
            .args(["-c", WriteLock::HOLD])
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing(|| "start python3".to_owned())?;
        let out = child.stdout.take();
        // From here on a failure ends the child.
        let lock = WriteLock(child);
        let mut said = [0; "held\n".len()];
        let out = out.ok_or_else(|| Failure::new("python3 has no stdout"));
        out?.read_exact(&mut said).doing(|| format!("lock {}", database.display()))?;
        Ok(lock)
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A line of `/proc/PID/status` in MB, e.g. `VmRSS` (now) or `VmHWM` (the most so far).
pub fn memory(pid: u32, what: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(what)?.strip_prefix(':'))?;
    let kb: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kb / 1024.0)
}

/// The proportional set size of a process now (MB): shared pages count in part.
pub fn pss(pid: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|l| l.strip_prefix("Pss:"));
    let kb = line.and_then(|l| l.split_ascii_whitespace().next()?.parse::<f64>().ok());
    kb.map(|kb| kb / 1024.0).ok_or_else(|| Failure::new("smaps_rollup has no Pss"))
}

/// Runs a program to its end, with `input` on stdin, for at most `limit`; its output when it succeeded.
pub fn run(argv: &[&str], input: &[u8], limit: Duration) -> Result<Vec<u8>> {
    let output = run_any(argv, input, limit)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why =
        output.status.signal().map_or_else(|| output.status.to_string(), |s| format!("signal {s}"));
    Err(Failure(format!(
        "{} failed ({why}):\n{}{}",
        argv.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// [`run`] for a program whose failure is an answer too.
pub fn run_any(argv: &[&str], input: &[u8], limit: Duration) -> Result<std::process::Output> {
    use std::io::Write as _;
    let seconds = limit.as_secs().max(1).to_string();
    let mut child = Command::new("timeout")
        .args(["--kill-after=2", &seconds])
        .args(argv)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing(|| format!("start {}", argv.join(" ")))?;
    let stdin = child.stdin.take();
    let bytes = input.to_vec();
    // A program that answers before it has read everything would block both of us.
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&bytes);
        }
    });
    let output = child.wait_with_output().doing(|| argv.join(" "))?;
    let _ = writer.join();
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contained_server_takes_its_children_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let line = format!(
            "setsid sh -c 'while :; do date +%N > {}; sleep 0.01; done' & wait",
            mark.display()
        );
        let server = Server::start_contained("loop", dir.path(), &line).unwrap();
        wait::until_true("the child to run", wait::START, || mark.exists()).unwrap();
        drop(server);
        // The namespace dies with its PID 1; then the file stays as it is.
        wait::until_true("the child to be gone", wait::START, || {
            let before = std::fs::read(&mark).unwrap_or_default();
            std::thread::sleep(Duration::from_millis(100));
            before == std::fs::read(&mark).unwrap_or_default()
        })
        .unwrap();
    }

    #[test]
    fn a_server_that_ends_at_once_says_so_with_its_words() {
        let dir = tempfile::tempdir().unwrap();
        let mut server =
            Server::start("sad", dir.path(), &["sh", "-c", "echo no such file; exit 3"]).unwrap();
        let error = server.ready(|| Err(Failure::new("not yet"))).unwrap_err();
        assert!(error.0.contains("no such file") && error.0.contains('3'), "{error}");
    }

    #[test]
    fn run_is_bounded() {
        assert!(run(&["sleep", "60"], b"", Duration::from_secs(1)).is_err());
    }
}
