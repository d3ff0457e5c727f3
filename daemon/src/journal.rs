//! Log lines to the systemd journal in its own protocol, so that each field can be asked for:
//! `journalctl -u listd LISTD_LIST=klasse-5b@schule.example`.
//!
//! The message holds the fields too, because `journalctl` shows nothing else, and that is why it is written here: the
//! crate for it keeps them apart. The protocol: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.

use std::fmt::Debug;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

const SOCKET: &str = "/run/systemd/journal/socket";

/// Longest value that is sent (octets), far below what a datagram takes.
const LONGEST: usize = 8 * 1024;

/// Sends every event to the journal; to stderr, which is the journal too, where that fails.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// The daemon's name. In upper case it stands before the name of each field.
    name: &'static str,
}

impl Journal {
    /// The journal, where systemd says that our stderr leads there; `None` otherwise.
    pub fn ours(name: &'static str) -> Option<Journal> {
        let told = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = std::fs::metadata("/proc/self/fd/2").ok()?;
        if !is_stream(&told, stderr.dev(), stderr.ino()) || !Path::new(SOCKET).exists() {
            return None;
        }
        Journal::at(SOCKET, name).ok()
    }

    /// A journal that listens elsewhere.
    pub fn at(path: impl Into<PathBuf>, name: &'static str) -> io::Result<Journal> {
        Ok(Journal { socket: UnixDatagram::unbound()?, path: path.into(), name })
    }
}

/// `JOURNAL_STREAM` is `DEVICE:INODE` of the stream (systemd.exec(5)); a child with another stderr inherits it too.
fn is_stream(told: &str, device: u64, inode: u64) -> bool {
    told == format!("{device}:{inode}")
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let record = fields.record(self.name, *event.metadata().level(), event.metadata().target());
        // Not connected, so that a journal that was restarted is found again.
        if self.socket.send_to(&record, &self.path).is_err() {
            eprintln!("{} {}", event.metadata().level(), fields.line());
        }
    }
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.others.push((name, value)),
        }
    }

    /// As on stderr: the message, then the fields.
    fn line(&self) -> String {
        let mut line = self.message.clone();
        for (name, value) in &self.others {
            line.push_str(&format!(" {name}={value}"));
        }
        line
    }

    fn record(&self, daemon: &str, level: Level, target: &str) -> Vec<u8> {
        let mut record = Vec::new();
        append(&mut record, "PRIORITY", priority(level));
        append(&mut record, "SYSLOG_IDENTIFIER", daemon);
        append(&mut record, &key(daemon, "target"), target);
        append(&mut record, "MESSAGE", &self.line());
        for (name, value) in &self.others {
            append(&mut record, &key(daemon, name), value);
        }
        record
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// As in syslog(3).
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    }
}

/// Upper-case letters, digits and underscores, at most 64 of them.
fn key(daemon: &str, name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    daemon.chars().chain(['_']).chain(name.chars()).map(letter).take(64).collect()
}

/// `KEY=value`, or where the value has more lines the key, its length, and the value.
fn append(record: &mut Vec<u8>, key: &str, value: &str) {
    let value = value.as_bytes();
    let value = value.get(..LONGEST).unwrap_or(value);
    record.extend_from_slice(key.as_bytes());
    if value.contains(&b'\n') {
        record.push(b'\n');
        record.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        record.push(b'=');
    }
    record.extend_from_slice(value);
    record.push(b'\n');
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn fields_arrive_as_fields_and_in_the_message() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let journal = UnixDatagram::bind(&path).expect("a socket");
        let log =
            tracing_subscriber::registry().with(Journal::at(&path, "listd").expect("a socket"));
        tracing::subscriber::with_default(log, || {
            tracing::info!(list = %"klasse-5b@schule.example", post = 7, why = "a\nb", "accepted");
        });
        let mut bytes = [0; 4096];
        let length = journal.recv(&mut bytes).expect("a record");
        let record = String::from_utf8_lossy(&bytes[..length]).into_owned();
        for part in [
            "PRIORITY=6\n",
            "SYSLOG_IDENTIFIER=listd\n",
            "MESSAGE\n",
            "accepted list=klasse-5b@schule.example post=7 why=a\nb\n",
            "LISTD_LIST=klasse-5b@schule.example\n",
            "LISTD_POST=7\n",
            "LISTD_WHY\n\u{3}\0\0\0\0\0\0\0a\nb\n",
        ] {
            assert!(record.contains(part), "{part:?} in {record:?}");
        }
    }

    #[test]
    fn only_our_own_stderr_counts() {
        assert!(is_stream("8:12345", 8, 12345));
        for told in ["", "8", "8:1234", "9:12345", "8:12345 "] {
            assert!(!is_stream(told, 8, 12345), "{told:?}");
        }
    }

    #[test]
    fn keys_and_values_stay_within_what_the_journal_takes() {
        assert_eq!(key("listd", "message_id"), "LISTD_MESSAGE_ID");
        assert_eq!(key("listd", "log.file"), "LISTD_LOG_FILE");
        assert_eq!(key("listd", &"x".repeat(100)).len(), 64);
        let mut record = Vec::new();
        append(&mut record, "K", &"ü".repeat(LONGEST));
        assert_eq!(record.len(), LONGEST + 3);
    }
}
