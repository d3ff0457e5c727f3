//! Teaches rspamd what people say of a mail: that it is spam, or that it is not.
//!
//! One HTTP question to its controller for each lesson (`/learnspam`, `/learnham`). Not who says so (`desk`, `office`), and
//! not where the mail is kept until then (`store`).

mod tally;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

pub use tally::Tally;

/// For one lesson, the wait for its turn not included.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Longest answer that is read (octets).
const LONGEST: usize = 64 * 1024;

/// Longest password (octets).
const PASSWORD: u64 = 4 * 1024;

/// Lessons at a time: it has people's mail to look at as well.
const AT_ONCE: usize = 2;

/// Waits before a lesson that its controller could not hear is given again: a restart, a machine that comes back.
const AGAIN: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_secs(60),
    Duration::from_secs(180),
];

/// Octets of mails that wait to be given again: what is more is given once.
const WAITING: usize = 64 << 20;

/// What a mail is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    Spam,
    Ham,
}

impl Lesson {
    pub fn as_str(self) -> &'static str {
        match self {
            Lesson::Spam => "spam",
            Lesson::Ham => "ham",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Lesson::Spam => "/learnspam",
            Lesson::Ham => "/learnham",
        }
    }
}

/// What became of a lesson.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Taught {
    Learned,
    /// It had learned this before.
    Known,
}

/// Why it learned nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("verdict.rspamd_password_file {0}: {1}")]
    Password(PathBuf, String),
    #[error("rspamd's controller {0} takes no password of ours, or not this one (HTTP 401 or 403)")]
    Unauthorized(String),
    #[error("rspamd's controller {0} does not answer: {1}")]
    Unreachable(String, String),
    #[error("rspamd's controller {0} learned nothing: {1}")]
    Refused(String, String),
}

impl Trouble {
    /// What an admin does now.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Trouble::Password(..) => "The file must be there and readable for listd.",
            Trouble::Unauthorized(_) => {
                "verdict.rspamd_password_file must hold the password in the clear, of which rspamd's worker \
                 \"controller\" has the hash (rspamadm pw)."
            }
            Trouble::Unreachable(..) => {
                "Does rspamd run, and does its worker \"controller\" listen on verdict.rspamd_controller?"
            }
            Trouble::Refused(..) => {
                "rspamd's log says more. It learns where a classifier is set up (statistic), and not from \
                 mails with too few words."
            }
        }
    }
}

/// The room.
#[derive(Debug)]
pub struct Teacher {
    /// `host:port`; a name is looked up at each lesson.
    authority: String,
    /// Read at each lesson, so that a new password needs no restart.
    password_file: Option<PathBuf>,
    tally: Tally,
    turns: Semaphore,
    /// [`WAITING`], and how long each time.
    room: Semaphore,
    again: Vec<Duration>,
}

impl Teacher {
    pub fn new(authority: String, password_file: Option<PathBuf>, tally: Tally) -> Teacher {
        let (turns, room) = (Semaphore::new(AT_ONCE), Semaphore::new(WAITING));
        Teacher { authority, password_file, tally, turns, room, again: AGAIN.to_vec() }
    }

    /// A lesson that nobody waits for: while the controller can't be reached it is given again, some minutes long. Not
    /// over a restart of ours.
    pub async fn keep_teaching(&self, lesson: Lesson, raw: Bytes) {
        for pause in &self.again {
            let Err(Trouble::Unreachable(..)) = self.teach(lesson, raw.clone()).await else {
                return;
            };
            // One semaphore's permits are octets.
            let octets = u32::try_from(raw.len()).unwrap_or(u32::MAX);
            let Ok(_room) = self.room.try_acquire_many(octets) else {
                tracing::warn!(lesson = lesson.as_str(), "too many lessons wait, this one is lost");
                return;
            };
            tokio::time::sleep(*pause).await;
        }
        if self.teach(lesson, raw).await.is_err() {
            tracing::error!(
                lesson = lesson.as_str(),
                "rspamd's controller was not there for minutes: this lesson is lost; listctl spam and ham give it again"
            );
        }
    }

    /// One lesson. `raw` is the mail as it came.
    ///
    /// # Errors
    /// Why it learned nothing; it is in the log, and counted.
    pub async fn teach(&self, lesson: Lesson, raw: Bytes) -> Result<Taught, Trouble> {
        let _turn = self.turns.acquire().await;
        let size = raw.len();
        let asked = tokio::time::timeout(TIMEOUT, self.ask(lesson, raw)).await;
        let late = || self.unreachable(format!("no answer within {} s", TIMEOUT.as_secs()));
        let taught = asked.unwrap_or_else(|_| Err(late()));
        self.tally.note(lesson, taught.as_ref().ok());
        match &taught {
            Ok(taught) => {
                tracing::info!(lesson = lesson.as_str(), size, ?taught, "rspamd was taught")
            }
            Err(error) => {
                tracing::warn!(lesson = lesson.as_str(), size, %error, "rspamd was not taught")
            }
        }
        taught
    }

    async fn ask(&self, lesson: Lesson, raw: Bytes) -> Result<Taught, Trouble> {
        let mut request = Request::new(Full::new(raw));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = hyper::Uri::from_static(lesson.path());
        let headers = request.headers_mut();
        let host = HeaderValue::from_str(&self.authority);
        headers.insert(HOST, host.unwrap_or_else(|_| HeaderValue::from_static("rspamd")));
        if let Some(password) = self.password().await? {
            headers.insert("password", password);
        }
        let (status, text) = self.send(request).await.map_err(|why| self.unreachable(why))?;
        let refused = |why: String| Err(Trouble::Refused(self.authority.clone(), why));
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Trouble::Unauthorized(self.authority.clone()))
            }
            // 3.4 says 404, others 208.
            _ if text.contains("already learned") => Ok(Taught::Known),
            status if status.is_success() && !text.contains("\"error\"") => Ok(Taught::Learned),
            status => refused(format!("HTTP {} {text}", status.as_u16())),
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String), String> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|e| e.to_string())?;
        let (mut client, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        // Ends by itself when the answer is read and the client is dropped.
        tokio::spawn(connection);
        let answer = client.send_request(request).await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|e| e.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        Ok((status, text.trim().chars().take(200).map(shown).collect()))
    }

    /// The first line of the file, marked as not to be logged.
    async fn password(&self) -> Result<Option<HeaderValue>, Trouble> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let failed = |why: String| Trouble::Password(path.clone(), why);
        let size = tokio::fs::metadata(path).await.map_err(|e| failed(e.to_string()))?.len();
        if size > PASSWORD {
            return Err(failed(format!("{size} octets are no password")));
        }
        let text = tokio::fs::read_to_string(path).await.map_err(|e| failed(e.to_string()))?;
        let line = text.lines().next().unwrap_or_default();
        let mut value = HeaderValue::from_str(line).map_err(|_| {
            failed("its first line has characters that no HTTP header takes".into())
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    fn unreachable(&self, why: String) -> Trouble {
        Trouble::Unreachable(self.authority.clone(), why)
    }
}
