//! Sockets that the service manager opened for us (systemd's socket activation): who comes while the daemon is
//! restarted waits in them. The configuration still names each; what it does not name is an error, never a silent hang.

use std::io;

use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use crate::{Endpoint, Listener};

/// Sockets that nobody has claimed yet.
#[derive(Debug, Default)]
pub struct Passed {
    sockets: Vec<(Endpoint, Socket)>,
}

#[derive(Debug)]
enum Socket {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// A socket that is passed, and no endpoint of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "systemd passes the socket {socket}, which is not in {keys}; name it there, or take it out of {unit} (systemctl edit {unit})"
)]
pub struct NotNamed {
    pub socket: String,
    /// Where it could be named.
    pub keys: &'static str,
    /// The unit that opens it.
    pub unit: &'static str,
}

impl Passed {
    /// Takes what the environment hands over. To be called first of all: it clears the variables that say so,
    /// which no second thread must read at that moment.
    pub fn take() -> io::Result<Passed> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for number in 0..passed.len() {
            let socket = match passed.take_tcp_listener(number) {
                Ok(tcp) => tcp.map(Socket::Tcp),
                Err(_) => passed.take_unix_listener(number)?.map(Socket::Unix),
            };
            if let Some(socket) = socket {
                sockets.push((socket.endpoint()?, socket));
            }
        }
        Ok(Passed { sockets })
    }

    /// Every passed socket must be one of the endpoints that are served: those in the configuration's `keys`.
    pub fn check(
        &self,
        named: &[Endpoint],
        keys: &'static str,
        unit: &'static str,
    ) -> Result<(), NotNamed> {
        match self.sockets.iter().find(|(endpoint, _)| !named.contains(endpoint)) {
            Some((endpoint, _)) => Err(NotNamed { socket: endpoint.to_string(), keys, unit }),
            None => Ok(()),
        }
    }

    /// The socket for this endpoint: the one that was passed, else a new one.
    pub async fn open(&mut self, endpoint: &Endpoint) -> io::Result<Listener> {
        match self.claim(endpoint) {
            Some(passed) => passed,
            None => crate::listen::bind(endpoint).await,
        }
    }

    /// The socket for this endpoint, `None` where it was not passed.
    fn claim(&mut self, endpoint: &Endpoint) -> Option<io::Result<Listener>> {
        let at = self.sockets.iter().position(|(passed, _)| passed == endpoint)?;
        Some(self.sockets.swap_remove(at).1.listener())
    }
}

impl Socket {
    fn endpoint(&self) -> io::Result<Endpoint> {
        match self {
            Socket::Tcp(tcp) => Ok(Endpoint::Tcp(tcp.local_addr()?)),
            Socket::Unix(unix) => match unix.local_addr()?.as_pathname() {
                Some(path) => Ok(Endpoint::Unix(path.to_owned())),
                None => Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "a unix socket without a path was passed",
                )),
            },
        }
    }

    fn listener(self) -> io::Result<Listener> {
        Ok(match self {
            Socket::Tcp(tcp) => {
                tcp.set_nonblocking(true)?;
                Listener::Tcp(TcpListener::from_std(tcp)?)
            }
            Socket::Unix(unix) => {
                unix.set_nonblocking(true)?;
                Listener::Unix(UnixListener::from_std(unix)?, None)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn tcp() -> (Endpoint, Socket) {
        let socket = Socket::Tcp(std::net::TcpListener::bind("127.0.0.1:0").expect("bound"));
        (socket.endpoint().expect("address"), socket)
    }

    /// Each socket is found by its endpoint, once, and it is the one that was passed: what waited in it is served.
    #[tokio::test]
    async fn a_passed_socket_is_claimed_once_and_works() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("lmtp.sock");
        let unix = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        let (at, socket) = tcp();
        let named = Endpoint::Unix(path.clone());
        let mut passed =
            Passed { sockets: vec![(at.clone(), socket), (named.clone(), Socket::Unix(unix))] };

        let mut early = tokio::net::UnixStream::connect(&path).await.expect("the backlog takes it");
        early.write_all(b"LHLO").await.expect("written");

        assert_eq!(passed.check(&[at.clone(), named.clone()], "listen", "x.socket"), Ok(()));
        assert!(passed.claim(&Endpoint::Unix(dir.path().join("other"))).is_none());
        let listener = passed.claim(&named).expect("passed").expect("usable");
        assert!(passed.claim(&named).is_none(), "claimed twice");
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.expect("read");
        assert_eq!(&said, b"LHLO");
        assert!(matches!(passed.claim(&at), Some(Ok(Listener::Tcp(_)))));
    }

    #[test]
    fn a_socket_that_nobody_serves_is_an_error() {
        let (at, socket) = tcp();
        let passed = Passed { sockets: vec![(at.clone(), socket)] };
        let check = |passed: &Passed| passed.check(&[], "lmtp.listen", "listd-lmtp.socket");
        let error = check(&passed).expect_err("not named").to_string();
        assert!(error.contains(&at.to_string()) && error.contains("lmtp.listen"), "{error}");
        assert_eq!(check(&Passed::default()), Ok(()));
    }
}
