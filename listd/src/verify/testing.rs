//! For tests: DNS that always fails, or knows no name.

use std::net::SocketAddr;

use listcore::policy::Verified;

use super::Authenticity;

pub(crate) fn is_proven(authenticity: &Authenticity) -> bool {
    matches!(authenticity, Authenticity::Known { verified, .. } if !matches!(verified, Verified::No(_)))
}

/// A name server that answers SERVFAIL to everything, until the test's runtime ends.
pub(crate) fn failing_server() -> SocketAddr {
    server(2)
}

/// A name server for which no name exists.
pub(crate) fn empty_server() -> SocketAddr {
    server(3)
}

fn server(rcode: u8) -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("port");
    socket.set_nonblocking(true).expect("socket");
    let address = socket.local_addr().expect("address");
    let socket = tokio::net::UdpSocket::from_std(socket).expect("socket");
    tokio::spawn(async move {
        let mut packet = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            // RFC 1035 4.1.1: QR in octet 2, RCODE in octet 3.
            packet[2] |= 0x80;
            packet[3] = packet[3] & 0xf0 | rcode;
            let _ = socket.send_to(&packet[..length], from).await;
        }
    });
    address
}
