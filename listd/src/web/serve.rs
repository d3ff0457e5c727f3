//! The pages' socket, for a reverse proxy before it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::routes::router;
use crate::http::{self, Limits};

const LIMITS: Limits = Limits {
    connections: 256,
    head: Duration::from_secs(15),
    life: Duration::from_secs(300),
    head_octets: 16 * 1024,
};

/// Opens the socket.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until `shutdown`, then finishes the requests that are under way.
pub async fn serve(listener: TcpListener, site: Arc<Site>, shutdown: CancellationToken) {
    http::serve(&listener, router(site), LIMITS, &shutdown).await;
}
