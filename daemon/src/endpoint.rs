//! Where a socket is: `unix:/path` or `address:port`.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a socket listens or a peer is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// Neither `unix:` with an absolute path nor an IP address with a port.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected unix:/path or address:port")]
pub struct NoEndpoint;

/// The kernel's limit for a socket's path (octets), its NUL included (unix(7)).
const LONGEST_PATH: usize = 108;

impl std::str::FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, NoEndpoint> {
        let Some(path) = text.strip_prefix("unix:") else {
            return text.parse().map(Endpoint::Tcp).map_err(|_| NoEndpoint);
        };
        let fine = path.starts_with('/') && !path.ends_with('/');
        let sound = path.len() < LONGEST_PATH && !path.chars().any(char::is_control);
        if fine && sound { Ok(Endpoint::Unix(PathBuf::from(path))) } else { Err(NoEndpoint) }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
            Endpoint::Tcp(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in ["unix:/run/a.sock", "127.0.0.1:25", "[::1]:8026"] {
            assert_eq!(text.parse::<Endpoint>().map(|e| e.to_string()).as_deref(), Ok(text));
        }
        let long = format!("unix:/{}", "x".repeat(LONGEST_PATH));
        for text in
            ["", "unix:", "unix:a", "unix:/a/", "unix:/a\nb", "localhost:25", "1.2.3.4", &long]
        {
            assert_eq!(text.parse::<Endpoint>(), Err(NoEndpoint), "{text:?}");
        }
    }
}
