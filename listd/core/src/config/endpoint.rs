//! `unix:/path` and `address:port` as text.

use std::path::{Path, PathBuf};

use super::Endpoint;

/// Neither `unix:` with an absolute path nor an IP address with a port.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected unix:/path or address:port")]
pub struct NoEndpoint;

impl std::str::FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, NoEndpoint> {
        let Some(path) = text.strip_prefix("unix:") else {
            return text.parse().map(Endpoint::Tcp).map_err(|_| NoEndpoint);
        };
        let fine = path.starts_with('/') && !path.ends_with('/');
        // The kernel's limit for a socket's path is 108 octets with the NUL (unix(7)).
        let sound = path.len() < 108 && !path.chars().any(char::is_control);
        if fine && sound { Ok(Endpoint::Unix(PathBuf::from(path))) } else { Err(NoEndpoint) }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix:{}", Path::display(path)),
            Endpoint::Tcp(addr) => addr.fmt(f),
        }
    }
}
