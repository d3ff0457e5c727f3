//! clamav-milter on loopback: a foreign milter to compare with.

use std::net::SocketAddr;
use std::path::Path;

use crate::claim::Port;
use crate::milter::Client;
use crate::process::Server;
use crate::{Result, template};

/// A running clamav-milter.
#[derive(Debug)]
pub struct ClamavMilter {
    pub server: Server,
    port: Port,
}

impl ClamavMilter {
    /// Starts it in front of this clamd, and waits until it agrees on a protocol.
    pub fn start(dir: &Path, clamd: SocketAddr) -> Result<ClamavMilter> {
        let port = Port::claim()?;
        let home = dir.join("clamav-milter");
        std::fs::create_dir_all(&home)?;
        let values = [
            ("DIR", home.to_string_lossy().into_owned()),
            ("PORT", port.number().to_string()),
            ("CLAMD", clamd.to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let conf = home.join("clamav-milter.conf");
        std::fs::write(&conf, template::fill(include_str!("conf/clamav-milter.conf"), &values)?)?;
        let argv = ["clamav-milter", "-c", &conf.to_string_lossy()];
        let mut server = Server::start("clamav-milter", &dir.join("log"), &argv)?;
        let address = port.address();
        server.ready(|| Client::connect(address).map(Client::quit))?;
        Ok(ClamavMilter { server, port })
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }
}
