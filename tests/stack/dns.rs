//! unbound on a private loopback address, port 53: the DNS of the school and of the world outside.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use crate::claim::Loopback;
use crate::process::Server;
use crate::{Doing, Failure, Result, template};

/// What is in the zones besides the DKIM keys. Every other name does not exist.
const RECORDS: &[&str] = &[
    "schule.example. A 127.0.0.1",
    "schule.example. MX 10 mx.schule.example.",
    "schule.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"",
    "_dmarc.schule.example. TXT \"v=DMARC1; p=reject\"",
    "mx.schule.example. A 127.0.0.1",
    "localhost. A 127.0.0.1",
    "post.example. MX 10 mail.post.example.",
    "post.example. TXT \"v=spf1 ip4:192.0.2.25 -all\"",
    "_dmarc.post.example. TXT \"v=DMARC1; p=reject\"",
    "mail.post.example. A 192.0.2.25",
    "firma.example. TXT \"v=spf1 ip4:192.0.2.26 -all\"",
    "_dmarc.firma.example. TXT \"v=DMARC1; p=reject\"",
    "sorge.example. TXT \"v=spf1 ip4:192.0.2.27 -all\"",
    "_dmarc.sorge.example. TXT \"v=DMARC1; p=quarantine\"",
    "still.example. TXT \"v=spf1 ip4:192.0.2.28 -all\"",
    "_dmarc.still.example. TXT \"v=DMARC1; p=none; sp=quarantine; np=none\"",
    "post.still.example. A 192.0.2.28",
];

/// A running resolver.
#[derive(Debug)]
pub struct Dns {
    pub server: Server,
    address: Loopback,
}

impl Dns {
    /// Starts it with the records above and the TXT records of `fixtures/keys/dns.json`.
    pub fn start(dir: &Path) -> Result<Dns> {
        let address = Loopback::claim()?;
        let ip = address.address().to_string();
        let zones: String = records()?.iter().map(|r| format!("  local-data: '{r}'\n")).collect();
        let home = dir.join("unbound");
        std::fs::create_dir_all(&home)?;
        let home_text = home.to_string_lossy();
        let values = [("IP", ip.as_str()), ("DIR", &home_text), ("RECORDS", &zones)];
        let conf = home.join("unbound.conf");
        std::fs::write(&conf, template::fill(include_str!("conf/unbound.conf"), &values)?)?;
        let line = format!("unbound -d -p -c {}", conf.display());
        let mut server = Server::start_contained("unbound", &dir.join("log"), &line)?;
        let at = address.address();
        server.ready(|| ask(at, "mx.schule.example"))?;
        Ok(Dns { server, address })
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((self.address.address(), 53))
    }

    /// The text of a `resolv.conf` that names this server alone.
    pub fn resolv_conf(&self) -> String {
        format!("nameserver {}\noptions timeout:2 attempts:2\n", self.address.address())
    }
}

fn records() -> Result<Vec<String>> {
    let file = crate::school::fixtures().join("keys/dns.json");
    let text = std::fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
    let keys: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&text).doing(|| format!("parse {}", file.display()))?;
    let mut all: Vec<String> = RECORDS.iter().map(|r| (*r).to_owned()).collect();
    all.extend(keys.iter().map(|(name, value)| format!("{name}. TXT {}", quoted(value))));
    Ok(all)
}

/// A TXT value in strings of at most 255 octets.
fn quoted(value: &str) -> String {
    let chunks =
        value.as_bytes().chunks(250).map(|c| format!("\"{}\"", String::from_utf8_lossy(c)));
    chunks.collect::<Vec<_>>().join(" ")
}

/// Asks for an A record over UDP; an error unless there is one.
fn ask(server: Ipv4Addr, name: &str) -> Result<()> {
    const ID: [u8; 2] = [0x5b, 0x5b];
    let mut query = vec![ID[0], ID[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).doing(|| name.to_owned())?);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    socket.send_to(&query, (server, 53))?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    match answer.get(..length) {
        // Header: id, flags with the result code in the last four bits, then the count of answers at 6.
        Some([a, b, _, flags, _, _, hi, lo, ..])
            if [*a, *b] == ID && flags & 15 == 0 && (*hi, *lo) != (0, 0) =>
        {
            Ok(())
        }
        _ => Err(Failure(format!("{server} has no A record for {name}"))),
    }
}
