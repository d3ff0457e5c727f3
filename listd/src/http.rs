//! HTTP on a socket of ours: so many connections at once, so long for each, and none that is slow holds another up.
//!
//! HTTP/1.1 without TLS. Not what is answered: that is a room's router (`web`, `control`, `metrics`).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a client waits in the system's queue after one that could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// What one client may use up.
#[derive(Copy, Clone, Debug)]
pub struct Limits {
    /// Connections at once; the next one waits in the system's queue.
    pub connections: usize,
    /// A client that has not said its whole head by then is cut off; so is one that is idle so long.
    pub head: Duration,
    /// How long one connection lives, whatever is asked on it.
    pub life: Duration,
    /// Octets of a request's head.
    pub head_octets: usize,
}

/// Where connections come from. Its router finds the peer in [`ConnectInfo`].
pub trait Door: Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    type Peer: Clone + Send + Sync + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> + Send;
}

impl Door for TcpListener {
    type Stream = tokio::net::TcpStream;
    type Peer = SocketAddr;

    async fn accept(&self) -> io::Result<(Self::Stream, SocketAddr)> {
        TcpListener::accept(self).await
    }
}

/// Answers until `shutdown`, then finishes the requests that are under way.
pub async fn serve<D: Door>(
    door: &D,
    router: Router,
    limits: Limits,
    shutdown: &CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(door, &room) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(async move {
            let converse = converse(stream, peer, router, limits, shutdown);
            _ = tokio::time::timeout(limits.life, converse).await;
            drop(place);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn accept<D: Door>(
    door: &D,
    room: &Arc<Semaphore>,
) -> Option<(D::Stream, D::Peer, OwnedSemaphorePermit)> {
    let place = room.clone().acquire_owned().await.ok()?;
    match door.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            // Too many open files, or a client that is gone already: neither ends the service.
            tracing::warn!(%error, "a connection was not taken");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

/// All requests of one connection.
async fn converse<S, P>(
    stream: S,
    peer: P,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Clone + Send + Sync + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, peer) = (router.clone(), peer.clone());
        async move { Ok::<Response, Infallible>(answer(router, request, peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_octets)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A client that breaks off or talks nonsense is its own affair: no line in the log for it.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    _ = connection.await;
}

async fn answer<P: Clone + Send + Sync + 'static>(
    router: Router,
    request: hyper::Request<Incoming>,
    peer: P,
) -> Response {
    use tower_service::Service as _;
    let mut router = router;
    let mut request: Request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    const LIMITS: Limits = Limits {
        connections: 2,
        head: Duration::from_millis(300),
        life: Duration::from_millis(900),
        head_octets: 8 * 1024,
    };

    /// A service of one page, and where it listens.
    async fn open() -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let asked = stop.clone();
        tokio::spawn(async move {
            let page = get(|info: ConnectInfo<SocketAddr>| async move { info.0.ip().to_string() });
            let router = Router::new()
                .route("/", page)
                .route("/never", get(std::future::pending::<&'static str>));
            serve(&listener, router, LIMITS, &asked).await;
        });
        (address, stop)
    }

    async fn ask(address: SocketAddr, said: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(said.as_bytes()).await.expect("taken");
        let mut heard = vec![0; 4096];
        let read = stream.read(&mut heard).await.unwrap_or(0);
        let heard = String::from_utf8_lossy(heard.get(..read).unwrap_or_default()).into_owned();
        (stream, heard)
    }

    const PAGE: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// Promise 10: those who hold all places without a word, amid a head, after an answer, or with a question that takes
    /// for ever, lose them; who waits behind them is answered.
    #[tokio::test]
    async fn who_hangs_makes_room() {
        let (address, stop) = open().await;
        for hang in ["", "GET / HTTP/1.1\r\nHo", PAGE, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let mut hanging = Vec::new();
            for _ in 0..LIMITS.connections {
                let mut stream = TcpStream::connect(address).await.expect("it listens");
                stream.write_all(hang.as_bytes()).await.expect("taken");
                hanging.push(stream);
            }
            let asked = tokio::time::timeout(Duration::from_secs(20), ask(address, PAGE)).await;
            let (_, heard) = asked.expect("not for ever");
            assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("127.0.0.1"), "{heard}");
        }
        stop.cancel();
    }

    #[tokio::test]
    async fn a_head_has_a_limit() {
        let (address, _stop) = open().await;
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(9_000));
        let (_, heard) = ask(address, &long).await;
        assert!(heard.starts_with("HTTP/1.1 431") || heard.is_empty(), "{heard}");
        let (_, heard) = ask(address, PAGE).await;
        assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    }
}
