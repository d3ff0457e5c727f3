//! For tests: DNS that always fails, or knows no name; the corpora, and ValiMail's suite among them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

/// The same, with how many questions for TXT records came.
pub(crate) fn counting_server() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    (serve((3, 3), Arc::clone(&count)), count)
}

/// Knows no TXT record, and fails for all else.
pub(crate) fn half_server() -> SocketAddr {
    serve((3, 2), Arc::default())
}

/// Takes every question and answers none, until it is told to speak: then no name exists.
pub(crate) fn silent_server() -> (SocketAddr, impl Fn()) {
    let speaks = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&speaks);
    let address = answer(move |_, packet| match speaks.load(Ordering::Relaxed) {
        true => failed(packet, 3),
        false => packet.clear(),
    });
    (address, move || told.store(true, Ordering::Relaxed))
}

/// Says nothing about this domain and what is below it; no other name exists.
pub(crate) fn deaf_for(domain: &'static str) -> SocketAddr {
    answer(move |question, packet| match name(question).ends_with(domain) {
        true => packet.clear(),
        false => failed(packet, 3),
    })
}

fn server(rcode: u8) -> SocketAddr {
    serve((rcode, rcode), Arc::default())
}

/// Knows these names, lower-case without the dot at the end, each with the text of one TXT record.
pub(crate) fn txt_server(records: HashMap<String, String>) -> SocketAddr {
    answer(move |question, packet| {
        let Some(text) = records.get(&name(question)) else { return failed(packet, 3) };
        packet[2] |= 0x80;
        packet[3] &= 0xf0;
        packet[7] = 1;
        // RFC 1035 4.1: nothing behind the question but one answer, which points to its name.
        packet.truncate(12 + question.len());
        packet[10..12].fill(0);
        let strings: Vec<u8> =
            text.as_bytes().chunks(255).flat_map(|s| [&[s.len() as u8], s].concat()).collect();
        packet.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        packet.extend((strings.len() as u16).to_be_bytes());
        packet.extend(strings);
    })
}

/// The name in a question, lower-case.
fn name(question: &[u8]) -> String {
    let (mut at, mut labels) = (0, Vec::new());
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    labels.join(".")
}

fn failed(packet: &mut [u8], rcode: u8) {
    packet[2] |= 0x80;
    packet[3] = packet[3] & 0xf0 | rcode;
}

/// `rcodes`: for TXT, and for all else.
fn serve(rcodes: (u8, u8), count: Arc<AtomicUsize>) -> SocketAddr {
    answer(move |question, packet| {
        let is_txt = question.ends_with(&[0, 16, 0, 1]);
        count.fetch_add(usize::from(is_txt), Ordering::Relaxed);
        failed(packet, if is_txt { rcodes.0 } else { rcodes.1 });
    })
}

/// A name server that makes of each packet the answer to it, none of an empty one, given the packet's question (name, type and class).
fn answer(reply: impl Fn(&[u8], &mut Vec<u8>) + Send + 'static) -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("port");
    socket.set_nonblocking(true).expect("socket");
    let address = socket.local_addr().expect("address");
    let socket = tokio::net::UdpSocket::from_std(socket).expect("socket");
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let mut packet = buffer[..length].to_vec();
            let end = packet[12..].iter().position(|b| *b == 0).unwrap_or_default();
            let question = packet[12..12 + end + 5].to_vec();
            reply(&question, &mut packet);
            if !packet.is_empty() {
                let _ = socket.send_to(&packet, from).await;
            }
        }
    });
    address
}

/// `VERTEILER_CORPORA`, else `shared/corpora` beside the workspace or above it, since a worktree may stand deeper;
/// `None` (said aloud) where there is none.
pub(crate) fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("VERTEILER_CORPORA").map(PathBuf::from);
    let above =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared/corpora"));
    let found = named.into_iter().chain(above).find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: no corpora; set VERTEILER_CORPORA to their directory");
    }
    found
}

/// One document of ValiMail's ARC suite.
pub(crate) struct Scenario(yaml_rust2::Yaml);

/// One case of it.
pub(crate) struct Case<'a> {
    pub name: String,
    fields: &'a yaml_rust2::Yaml,
}

/// The documents of one file of the suite; `None` (said aloud) where the corpora are absent.
pub(crate) fn arc_suite(file: &str) -> Option<Vec<Scenario>> {
    let path = corpora()?.join("dkim-arc/valimail-arc_test_suite/tests").join(file);
    let text = match path.extension().is_some_and(|end| end == "gz") {
        true => {
            std::process::Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip").stdout
        }
        false => std::fs::read(&path).expect("suite"),
    };
    let text = String::from_utf8(text).expect("UTF-8");
    let documents = yaml_rust2::YamlLoader::load_from_str(&each_once(&text)).expect("YAML");
    Some(documents.into_iter().map(Scenario).collect())
}

/// Two cases of the suite have the same name in one document, which is no YAML: the second gets another one.
fn each_once(text: &str) -> String {
    let (mut seen, mut out) = (std::collections::HashSet::new(), String::new());
    for line in text.lines() {
        if line.starts_with("---") {
            seen.clear();
        }
        let is_case = line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
        let again = is_case && !seen.insert(line);
        out.push_str(if again { line.trim_end_matches(':') } else { line });
        out.push_str(if again { "_again:\n" } else { "\n" });
    }
    out
}

impl Scenario {
    /// A text at the top of the document.
    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// Names and texts of the DNS records.
    pub fn records(&self) -> Vec<(String, String)> {
        let records = self.0["txt-records"].as_hash().into_iter().flatten();
        records
            .filter_map(|(name, text)| {
                Some((name.as_str()?.to_owned(), text.as_str()?.replace(' ', "")))
            })
            .collect()
    }

    pub fn cases(&self) -> Vec<Case<'_>> {
        let cases = self.0["tests"].as_hash().into_iter().flatten();
        cases
            .map(|(name, fields)| Case {
                name: name.as_str().unwrap_or_default().to_owned(),
                fields,
            })
            .collect()
    }
}

impl Case<'_> {
    pub fn text(&self, name: &str) -> String {
        match &self.fields[name] {
            yaml_rust2::Yaml::Integer(number) => number.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The mail as it comes from the wire.
    pub fn message(&self) -> Vec<u8> {
        self.text("message").replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
    }
}
