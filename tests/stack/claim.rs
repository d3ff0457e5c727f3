//! Ports and loopback addresses that no other stack on this machine uses, also not one of another process.
//!
//! A claim is an abstract unix socket with the number in its name: the kernel gives it once, and takes it back when
//! the process dies. Nothing is left on disk. Ports lie below the ephemeral range, so that an outgoing
//! connection never takes one between the claim and the server's bind.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Failure, Result};

const FIRST_PORT: u32 = 12_000;
const PORTS: u32 = 20_000;

/// Spreads the searches, so that parallel stacks do not walk over each other's claims.
static NEXT: AtomicU32 = AtomicU32::new(0);

fn lock(name: &str) -> Option<UnixDatagram> {
    let address = UnixAddr::from_abstract_name(format!("verteiler-tests/{name}")).ok()?;
    UnixDatagram::bind_addr(&address).ok()
}

fn start(range: u32) -> u32 {
    let step = NEXT.fetch_add(1, Ordering::Relaxed);
    (std::process::id().wrapping_mul(131).wrapping_add(step)) % range
}

/// A TCP port on 127.0.0.1, ours until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: UnixDatagram,
}

impl Port {
    /// Claims a port on which nothing listens.
    pub fn claim() -> Result<Port> {
        let from = start(PORTS);
        (0..PORTS)
            .find_map(|i| {
                let number = u16::try_from(FIRST_PORT + (from + i) % PORTS).ok()?;
                let lock = lock(&format!("port-{number}"))?;
                // Not by a bind: a process that is just being started by another thread would have it too, until its exec.
                TcpStream::connect((Ipv4Addr::LOCALHOST, number)).err()?;
                Some(Port { number, _lock: lock })
            })
            .ok_or_else(|| Failure::new("no free port between 12000 and 31999"))
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// A loopback address 127.x.y.53, ours until this is dropped: for a DNS server on port 53.
#[derive(Debug)]
pub struct Loopback {
    address: Ipv4Addr,
    _lock: UnixDatagram,
}

impl Loopback {
    pub fn claim() -> Result<Loopback> {
        const COUNT: u32 = 100 * 250;
        let from = start(COUNT);
        (0..COUNT)
            .find_map(|i| {
                let n = (from + i) % COUNT;
                let (x, y) = (u8::try_from(100 + n / 250).ok()?, u8::try_from(1 + n % 250).ok()?);
                let lock = lock(&format!("loopback-{x}-{y}"))?;
                let address = Ipv4Addr::new(127, x, y, 53);
                TcpListener::bind((address, 53)).ok()?;
                Some(Loopback { address, _lock: lock })
            })
            .ok_or_else(|| {
                Failure::new("no loopback address with a free port 53; the tests need root")
            })
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports: Vec<Port> = (0..50).map(|_| Port::claim().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
    }

    #[test]
    fn a_dropped_port_is_free_again() {
        let port = Port::claim().unwrap();
        let name = format!("port-{}", port.number());
        assert!(lock(&name).is_none());
        drop(port);
        assert!(lock(&name).is_some());
    }
}
