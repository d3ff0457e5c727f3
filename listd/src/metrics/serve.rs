//! The HTTP side: `/metrics`, `/healthz` and `/readyz`, for machines that ask every few seconds.
//!
//! Nobody is asked who he is, so no answer may cost much or tell of a person: questions are answered one after the
//! other, each within a deadline, and the store is probed at most once a second.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Counters, Rooms, Snapshot};
use crate::http::{self, Limits};

/// OpenMetrics 1.0, which Prometheus reads since 2.5.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a room may take to answer.
const DEADLINE: Duration = Duration::from_secs(8);

/// An answer of the store is good for so long.
const PROBED: Duration = Duration::from_secs(1);

/// Opens the socket.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Whoever scrapes asks on one connection or two.
const LIMITS: Limits = Limits {
    connections: 32,
    head: Duration::from_secs(90),
    life: Duration::from_secs(3600),
    head_octets: 16 * 1024,
};

/// Answers until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    counters: Arc<Counters>,
    rooms: Arc<dyn Rooms>,
    shutdown: CancellationToken,
) {
    http::serve(&listener, router(counters, rooms), LIMITS, &shutdown).await;
}

fn router(counters: Arc<Counters>, rooms: Arc<dyn Rooms>) -> Router {
    let desk = Desk { counters, rooms, probed: Mutex::new(None), turn: Mutex::new(()) };
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(desk))
}

struct Desk {
    counters: Arc<Counters>,
    rooms: Arc<dyn Rooms>,
    /// When the store was tried last, and what it said.
    probed: Mutex<Option<(Instant, Result<(), String>)>>,
    /// One look at a time.
    turn: Mutex<()>,
}

impl Desk {
    async fn look(&self) -> Option<Snapshot> {
        let look = async {
            let _turn = self.turn.lock().await;
            self.rooms.look().await
        };
        tokio::time::timeout(DEADLINE, look).await.ok()
    }

    async fn store_works(&self) -> Result<(), String> {
        let mut probed = self.probed.lock().await;
        if let Some((_, last)) = probed.as_ref().filter(|(at, _)| at.elapsed() < PROBED) {
            return last.clone();
        }
        let works = tokio::time::timeout(DEADLINE, self.rooms.store_works()).await;
        let works = works.unwrap_or_else(|_| Err(late("the store")));
        *probed = Some((Instant::now(), works.clone()));
        works
    }
}

fn late(who: &str) -> String {
    format!("{who} did not answer within {} s", DEADLINE.as_secs())
}

fn unavailable(reasons: &[String]) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", reasons.join("\n"))).into_response()
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    let Some(snapshot) = desk.look().await else {
        return unavailable(&[late("a room")]);
    };
    let mut out = String::new();
    let written = desk
        .counters
        .encode(&mut out)
        .and_then(|()| snapshot.encode(&mut out))
        .and_then(|()| text::encode_eof(&mut out));
    match written {
        Ok(()) => ([(header::CONTENT_TYPE, FORMAT)], out).into_response(),
        Err(error) => {
            tracing::error!(%error, "the figures could not be written out");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The process lives and what it commits becomes durable.
async fn healthz(State(desk): State<Arc<Desk>>) -> Response {
    match desk.store_works().await {
        Ok(()) => "ok\n".into_response(),
        Err(why) => unavailable(&[why]),
    }
}

/// Mail is taken and goes out.
async fn readyz(State(desk): State<Arc<Desk>>) -> Response {
    let mut troubles = match desk.look().await {
        Some(snapshot) => snapshot.troubles(),
        None => vec![late("a room")],
    };
    troubles.extend(desk.store_works().await.err());
    if troubles.is_empty() { "ready\n".into_response() } else { unavailable(&troubles) }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use http_body_util::BodyExt;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpStream;

    use super::super::snapshot::tests::well;
    use super::*;

    /// Rooms that say what they are told to say.
    struct Told {
        snapshot: Snapshot,
        store: Result<(), String>,
    }

    #[async_trait]
    impl Rooms for Told {
        async fn look(&self) -> Snapshot {
            self.snapshot.clone()
        }

        async fn store_works(&self) -> Result<(), String> {
            self.store.clone()
        }
    }

    /// Serves these rooms and asks for a path: status, content type, body.
    async fn ask(rooms: Told, path: &str) -> (u16, String, String) {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let counters = Arc::new(Counters::default());
        let served = tokio::spawn(serve(listener, counters, Arc::new(rooms), stop.clone()));
        let stream = TcpStream::connect(address).await.expect("it listens");
        let (mut client, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        let connection = tokio::spawn(connection);
        let request = axum::http::Request::get(path)
            .header("host", "localhost")
            .body(String::new())
            .expect("a request");
        let response = client.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").expect("a type").to_str().expect("text");
        let kind = kind.to_owned();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        drop(client);
        connection.await.expect("it ends").expect("well");
        stop.cancel();
        served.await.expect("it ends");
        (status, kind, String::from_utf8(body.to_vec()).expect("text"))
    }

    fn healthy() -> Told {
        Told { snapshot: well(), store: Ok(()) }
    }

    #[tokio::test]
    async fn figures_come_as_openmetrics() {
        let (status, kind, body) = ask(healthy(), "/metrics").await;
        assert_eq!((status, kind.as_str()), (200, FORMAT));
        assert!(body.ends_with("# EOF\n"), "{body}");
        assert!(body.contains("# TYPE verteiler_posts counter"), "{body}");
        let names: Vec<&str> = body.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(names.len() > 30 && names.iter().all(|line| line.starts_with("verteiler_")));
        let types: Vec<&str> = body.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let mut once = types.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), types.len(), "no name stands there twice: {types:#?}");
    }

    #[tokio::test]
    async fn health_is_the_stores_and_readiness_everybodys() {
        let stale = || {
            let mut told = healthy();
            told.snapshot.directory.freshness = crate::directory::Freshness::Never;
            told
        };
        let full = || Told { store: Err("the store's disk is full: 0 octets".into()), ..healthy() };
        let cases = [
            (healthy(), "/healthz", 200, "ok"),
            (healthy(), "/readyz", 200, "ready"),
            (stale(), "/healthz", 200, "ok"),
            (stale(), "/readyz", 503, "the directory was never read"),
            (full(), "/healthz", 503, "the store's disk is full"),
            (full(), "/readyz", 503, "the store's disk is full"),
            (full(), "/metrics", 200, "verteiler_ready"),
        ];
        for (rooms, path, expect, word) in cases {
            let (status, _, body) = ask(rooms, path).await;
            assert_eq!(status, expect, "{path}: {body}");
            assert!(body.contains(word), "{path}: {body}");
        }
    }
}
