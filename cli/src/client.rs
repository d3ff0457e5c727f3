//! HTTP over the daemon's unix socket, one connection per question.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use listcore::api::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::fail::{Done, Fail};

/// Longest answer that is read (octets): a simulation with its copies in base64.
const ANSWER: usize = 1_000_000_000;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The daemon behind a socket.
pub struct Client {
    socket: PathBuf,
    reason: Option<String>,
}

impl Client {
    /// With a `reason`, protected people are shown too.
    pub fn new(socket: PathBuf, reason: Option<String>) -> Client {
        Client { socket, reason }
    }

    /// GET `path` with query parameters.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, args: &[(&str, &str)]) -> Done<T> {
        self.ask(Method::GET, self.question(path, args), Vec::new()).await
    }

    /// POST a value as JSON.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Done<T> {
        let body = serde_json::to_vec(value).map_err(|e| Fail::cannot("ask", &e))?;
        self.ask(Method::POST, target(path, &[]), body).await
    }

    /// POST bytes as they are.
    pub async fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        args: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Done<T> {
        self.ask(Method::POST, self.question(path, args), body).await
    }

    fn question(&self, path: &str, args: &[(&str, &str)]) -> String {
        let reason = self.reason.iter().map(|reason| ("reason", reason.as_str()));
        target(path, &args.iter().copied().chain(reason).collect::<Vec<_>>())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        target: String,
        body: Vec<u8>,
    ) -> Done<T> {
        let exchanged = tokio::time::timeout(PATIENCE, self.exchange(method, target, body)).await;
        let (status, body) = exchanged.map_err(|_| self.lost("no answer within two minutes"))??;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                Fail::broken(
                    format!("listd's answer is not understood: {error}"),
                    "Use the listctl that came with this listd (listctl --version; listctl status).",
                )
            });
        }
        let code = if status == StatusCode::NOT_FOUND { 1 } else { 2 };
        match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => Err(Fail { code, what: failure.error, what_to_do: failure.what_to_do }),
            Err(_) => Err(self.lost(&format!("it answered {status}"))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        target: String,
        body: Vec<u8>,
    ) -> Done<(StatusCode, Bytes)> {
        let stream =
            UnixStream::connect(&self.socket).await.map_err(|e| unreachable(&self.socket, &e))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| self.lost(&e.to_string()))?;
        // Ends by itself when the answer is read and the sender is dropped.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "listd")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| Fail::cannot("ask", &e))?;
        let answer = sender.send_request(request).await.map_err(|e| self.lost(&e.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER).collect().await;
        Ok((status, body.map_err(|e| self.lost(&e.to_string()))?.to_bytes()))
    }

    fn lost(&self, why: &str) -> Fail {
        Fail::broken(
            format!("listd on {} did not answer: {why}", self.socket.display()),
            "See what it does: journalctl -u listd",
        )
    }
}

fn unreachable(socket: &Path, error: &std::io::Error) -> Fail {
    let what_to_do = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "You may not use this socket: run it as root (sudo), or join the group of the socket."
        }
        _ => "Is listd running? systemctl status listd; or name its socket with --socket PATH.",
    };
    Fail::broken(format!("cannot reach listd on {}: {error}", socket.display()), what_to_do)
}

/// Path and query (RFC 3986): everything but unreserved characters is percent-encoded.
fn target(path: &str, args: &[(&str, &str)]) -> String {
    let mut target = path.to_owned();
    for (n, (name, value)) in args.iter().enumerate() {
        target.push(if n == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    target.push(char::from(byte));
                }
                _ => target.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_any_character_are_asked_for() {
        let asked = target("/v1/list", &[("list", "5b & c/ü"), ("n", "")]);
        assert_eq!(asked, "/v1/list?list=5b%20%26%20c%2F%C3%BC&n=");
        assert_eq!(target("/v1/lists", &[]), "/v1/lists");
    }
}
