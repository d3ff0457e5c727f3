//! clamd on loopback with a few signatures of our own: EICAR's test file, and a heuristic alarm for what is over a limit.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;

use crate::claim::Port;
use crate::process::{Server, run};
use crate::{Failure, Result, template};

/// What [`eicar`] is found as. clamd marks signatures that are not the vendor's.
pub const SIGNATURE: &str = "Eicar-Test-Signature.UNOFFICIAL";

/// A file that every scanner calls a virus and that does nothing (eicar.org). Put together here, so that no scanner
/// takes this source for one.
pub fn eicar() -> Vec<u8> {
    let halves = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"];
    halves.concat().into_bytes()
}

/// A zip archive of these files, packed: names, and what is in them. Python's, for no crate here writes one.
pub fn zip(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    const PACK: &str = "import io, json, sys, zipfile, base64\n\
        out = io.BytesIO()\n\
        with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:\n\
        \x20   for name, data in json.load(sys.stdin):\n\
        \x20       z.writestr(name, base64.b64decode(data))\n\
        sys.stdout.buffer.write(out.getvalue())\n";
    let coded: Vec<(&str, String)> = files.iter().map(|(n, d)| (*n, BASE64.encode(d))).collect();
    let input = serde_json::to_vec(&coded).map_err(|e| Failure(e.to_string()))?;
    run(&["/usr/bin/python3", "-c", PACK], &input, Duration::from_secs(60))
}

/// A running clamd.
#[derive(Debug)]
pub struct Clamd {
    /// `None` while it is stopped.
    pub server: Option<Server>,
    port: Port,
    dir: PathBuf,
}

impl Clamd {
    pub fn start(dir: &Path) -> Result<Clamd> {
        let port = Port::claim()?;
        let home = dir.join("clamd");
        std::fs::create_dir_all(home.join("signatures"))?;
        let text = home.to_string_lossy();
        let values = [("DIR", text.as_ref()), ("PORT", &port.number().to_string())];
        let conf = template::fill(include_str!("conf/clamd.conf"), &values)?;
        std::fs::write(home.join("clamd.conf"), conf)?;
        let hex: String = eicar().iter().map(|octet| format!("{octet:02x}")).collect();
        let signature = format!("Eicar-Test-Signature:0:*:{hex}\n");
        std::fs::write(home.join("signatures/own.ndb"), signature)?;
        let mut clamd = Clamd { server: None, port, dir: dir.to_owned() };
        clamd.restart()?;
        Ok(clamd)
    }

    /// Starts it (again) on its sockets, and waits until it finds EICAR.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        let conf = self.dir.join("clamd/clamd.conf");
        let argv = ["clamd", "-c", &conf.to_string_lossy()];
        let mut server = Server::start("clamd", &self.dir.join("log"), &argv)?;
        let address = self.address();
        server.ready(|| {
            let answer = scan(address, &eicar())?;
            let found = answer.contains(SIGNATURE);
            found.then_some(()).ok_or_else(|| Failure(format!("EICAR is no virus to it: {answer}")))
        })?;
        self.server = Some(server);
        Ok(())
    }

    /// `kill -9`.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Sends a signal, e.g. `STOP` and `CONT`.
    pub fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            server.signal(name);
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("clamd/clamd.sock")
    }
}

/// Scans by hand: clamd's words.
fn scan(server: SocketAddr, bytes: &[u8]) -> Result<String> {
    let limit = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let length = u32::try_from(bytes.len()).map_err(|e| Failure(e.to_string()))?;
    let said = [b"zINSTREAM\0", &length.to_be_bytes()[..], bytes, &[0; 4]].concat();
    stream.write_all(&said)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
