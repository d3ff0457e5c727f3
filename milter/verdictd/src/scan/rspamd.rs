//! rspamd, asked over HTTP (`POST /checkv2`), the mail streamed in chunks.
//!
//! A connection per mail, because rspamd closes it behind its answer. What the answer says: [`answer`].

pub mod answer;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::envelope::Envelope;
use crate::verdict::{Action, Failure, Spam, printable};

/// Longest answer that is read (octets).
pub const LONGEST: usize = 1 << 20;

/// Octets of the question's header that recipients may take. rspamd takes 80 KiB of header, and drops a question with more
/// without a word; so the recipients above that are not told.
const RECIPIENTS: usize = 60_000;
/// Longest value that a stranger chose.
const VALUE: usize = 1_000;

/// Where rspamd listens, and the settings that it is to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rspamd {
    /// `host:port`; a name is looked up at each question.
    pub authority: String,
    /// The id of settings in rspamd's configuration, or settings as a JSON object; empty: none.
    pub settings: String,
}

impl Rspamd {
    /// The question about a mail, without the mail.
    pub fn request(&self, envelope: &Envelope) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &[u8]| {
            // A map that is full takes no more recipients; nothing else comes behind them.
            let _ = headers.try_append(HeaderName::from_static(name), clean(value));
        };
        put("host", self.authority.as_bytes());
        if let Some(ip) = envelope.ip {
            put("ip", ip.to_string().as_bytes());
        }
        for (name, value) in [
            ("hostname", &envelope.hostname),
            ("helo", &envelope.helo),
            ("user", &envelope.user),
            ("queue-id", &envelope.queue_id),
        ] {
            if let Some(value) = value {
                put(name, short(value));
            }
        }
        match self.settings.as_str() {
            "" => {}
            json if json.starts_with('{') => put("settings", json.as_bytes()),
            id => put("settings-id", id.as_bytes()),
        }
        put("from", &[b"<", short(&envelope.from), b">"].concat());
        let mut room = RECIPIENTS;
        for to in &envelope.to {
            let Some(rest) = room.checked_sub("rcpt: \r\n".len() + short(to).len()) else { break };
            room = rest;
            put("rcpt", short(to));
        }
        headers
    }

    /// Sends question and pieces, and gives the answer.
    pub fn ask(
        &self,
        headers: HeaderMap,
        pieces: mpsc::Receiver<Bytes>,
    ) -> impl Future<Output = Result<Spam, Failure>> + Send + 'static {
        let authority = self.authority.clone();
        async move {
            let whole = Arc::new(AtomicBool::new(false));
            let body = Pieces { pieces, whole: whole.clone() };
            let mut request = Request::new(body);
            *request.method_mut() = Method::POST;
            *request.uri_mut() = hyper::Uri::from_static("/checkv2");
            *request.headers_mut() = headers;
            let (response, _connection) = send(&authority, request).await?;
            let spam = read(response).await?;
            // Only a refusal needs no more of the mail.
            if !whole.load(Ordering::Acquire) && spam.action != Action::Reject {
                let what = "an answer before the end of the mail";
                return Err(Failure::Garbage(what.to_owned()));
            }
            Ok(spam)
        }
    }

    /// Does it answer?
    pub async fn ping(&self) -> Result<(), Failure> {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = hyper::Uri::from_static("/ping");
        request.headers_mut().insert("host", clean(self.authority.as_bytes()));
        let (response, _connection) = send(&self.authority, request).await?;
        match response.status() {
            StatusCode::OK => Ok(()),
            status => Err(Failure::Error(format!("HTTP status {status}"))),
        }
    }
}

fn short(value: &[u8]) -> &[u8] {
    value.get(..VALUE).unwrap_or(value)
}

/// What no HTTP header takes becomes `?`.
fn clean(value: &[u8]) -> HeaderValue {
    let safe = |octet: &u8| if octet.is_ascii_control() { b'?' } else { *octet };
    let value: Vec<u8> = value.iter().map(safe).collect();
    HeaderValue::from_bytes(&value).unwrap_or_else(|_| HeaderValue::from_static("?"))
}

/// Works the connection until it is dropped.
type Connection = AbortOnDropHandle<()>;

async fn send<B>(
    authority: &str,
    request: Request<B>,
) -> Result<(Response<Incoming>, Connection), Failure>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let unreachable = |error: std::io::Error| Failure::Unreachable(format!("{authority}: {error}"));
    let stream = TcpStream::connect(authority).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        // What goes wrong in it is told by the answer that does not come.
        let _ = connection.await;
    }));
    let response = client.send_request(request).await.map_err(broken)?;
    Ok((response, connection))
}

fn broken(error: hyper::Error) -> Failure {
    if error.is_parse() {
        return Failure::Garbage(error.to_string());
    }
    Failure::Broken(error.to_string())
}

async fn read(response: Response<Incoming>) -> Result<Spam, Failure> {
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    let body = body.map_err(|error| Failure::Garbage(printable(&error.to_string(), 200)))?;
    let body = body.to_bytes();
    match status {
        StatusCode::OK => answer::parse(&body),
        StatusCode::PAYLOAD_TOO_LARGE => Err(Failure::TooLarge(format!("HTTP status {status}"))),
        status => {
            let text = printable(&String::from_utf8_lossy(&body), 200);
            Err(Failure::Error(format!("HTTP status {status} {text}")))
        }
    }
}

/// The mail as the body of a request, as it comes.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    /// Set when the last piece was taken.
    whole: Arc<AtomicBool>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => {
                self.whole.store(true, Ordering::Release);
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const HAM: &str = r#"{"score":0.5,"required_score":15.0,"action":"no action","symbols":{}}"#;

    fn envelope() -> Envelope {
        let mut envelope = Envelope {
            ip: Some([192, 0, 2, 1].into()),
            helo: Some(b"mail.post.example".to_vec()),
            from: b"a@post.example".to_vec(),
            user: Some(b"evil\r\nIp: 127.0.0.1".to_vec()),
            ..Envelope::default()
        };
        envelope.add(b"x@schule.example");
        envelope.add("ü@schule.example".as_bytes());
        envelope
    }

    fn at(authority: String) -> Rspamd {
        Rspamd { authority, settings: "lists".to_owned() }
    }

    #[test]
    fn the_envelope_stands_in_headers_and_can_not_leave_them() {
        let headers = at("r:1".to_owned()).request(&envelope());
        let all = |name: &str| {
            let values = headers.get_all(name).into_iter();
            values.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(all("ip"), ["192.0.2.1"]);
        assert_eq!(all("helo"), ["mail.post.example"]);
        assert_eq!(all("from"), ["<a@post.example>"]);
        assert_eq!(all("rcpt"), ["x@schule.example", "ü@schule.example"]);
        assert_eq!(all("user"), ["evil??Ip: 127.0.0.1"]);
        assert_eq!(all("settings-id"), ["lists"]);
        assert!(all("settings").is_empty() && all("hostname").is_empty());
        let json = Rspamd { authority: "r:1".to_owned(), settings: "{\"a\":1}".to_owned() };
        let headers = json.request(&Envelope::default());
        assert_eq!(headers.get("settings").map(HeaderValue::as_bytes), Some(&b"{\"a\":1}"[..]));
        assert_eq!(headers.get("from").map(HeaderValue::as_bytes), Some(&b"<>"[..]));
    }

    #[test]
    fn no_number_of_recipients_is_too_much() {
        let mut envelope = envelope();
        for _ in 0..50_000 {
            envelope.add(b"x@schule.example");
        }
        let headers = at("r:1".to_owned()).request(&envelope);
        let octets: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        assert!((50_000..80 * 1024).contains(&octets), "{octets}");
        assert_eq!(envelope.recipients, 50_002);
        envelope.helo = Some(vec![b'x'; 1_000_000]);
        envelope.from = vec![b'x'; 1_000_000];
        let headers = at("r:1".to_owned()).request(&envelope);
        assert!(headers.iter().all(|(_, value)| value.len() <= VALUE + 2));
    }

    /// An rspamd that reads until `until` and answers with these octets, whatever they are.
    async fn asked(until: &'static [u8], answer: String, mail: usize) -> Result<Spam, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let rspamd = at(listener.local_addr().expect("an address").to_string());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut got = Vec::new();
            while !got.windows(until.len()).any(|w| w == until) {
                assert!(stream.read_buf(&mut got).await.expect("octets") > 0, "it closed");
            }
            stream.write_all(answer.as_bytes()).await.expect("taken");
        });
        let (sender, pieces) = mpsc::channel(1);
        let headers = rspamd.request(&envelope());
        let question = tokio::spawn(rspamd.ask(headers, pieces));
        for _ in 0..mail {
            if sender.send(Bytes::from_static(b"mail")).await.is_err() {
                break;
            }
        }
        drop(sender);
        let answer = question.await.expect("no panic");
        server.await.expect("no panic");
        answer
    }

    fn http(status: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    const END: &[u8] = b"\r\n0\r\n\r\n";

    #[tokio::test]
    async fn a_mail_goes_in_chunks_and_is_answered() {
        let spam = asked(END, http("200 OK", HAM), 3).await.expect("an answer");
        assert_eq!((spam.action, spam.score, spam.required), (Action::Pass, 0.5, 15.0));
    }

    #[tokio::test]
    async fn whatever_is_no_answer_is_a_failure() {
        let long = format!("{}{}", HAM, " ".repeat(LONGEST));
        let cases = [
            (END, http("200 OK", "<html><body>It works!</body></html>"), "garbage"),
            (END, http("200 OK", ""), "garbage"),
            (END, http("200 OK", &long), "garbage"),
            (END, http("200 OK", "{\"error\":\"no\"}"), "garbage"),
            (END, http("500 Internal Server Error", "{\"error\":\"no\"}"), "error"),
            (END, http("413 Too Large", ""), "too_large"),
            (END, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_owned(), "garbage"),
            (END, "stream: OK\0\r\n\r\n".to_owned(), "garbage"),
            (END, String::new(), "broken"),
            // Before it saw all.
            (b"\r\n\r\n", http("200 OK", HAM), "garbage"),
        ];
        for (until, answer, kind) in cases {
            let shown = answer.chars().take(60).collect::<String>();
            let got = asked(until, answer, 500).await.expect_err("no answer");
            assert_eq!(got.kind(), kind, "{shown:?}: {got}");
        }
    }

    #[tokio::test]
    async fn who_is_not_there_is_unreachable() {
        let (_sender, pieces) = mpsc::channel(1);
        let rspamd = at("127.0.0.1:1".to_owned());
        let headers = rspamd.request(&envelope());
        let error = rspamd.ask(headers, pieces).await.expect_err("nobody");
        assert_eq!(error.kind(), "unreachable");
        assert_eq!(rspamd.ping().await.expect_err("nobody").kind(), "unreachable");
    }
}
