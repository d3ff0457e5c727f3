//! No token in the log, at whatever level, whatever goes wrong (rule GD23); over the real socket.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::fake::{ARRIVED, Fake, TOKENS};
use crate::web::{self, Site};

/// GD23: what may go wrong goes wrong, and nothing of it tells a token.
#[tokio::test]
async fn tokens_are_never_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // The only one of this process: one for a thread alone misses what another thread met first.
    tracing::subscriber::set_global_default(subscriber).expect("the first");
    let fake = Arc::new(Fake::default());
    let site = Site::new("https://l.example", vec![], fake.clone(), Arc::new(|| ARRIVED));
    let listener = web::bind(([127, 0, 0, 1], 0).into()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let served = tokio::spawn(web::serve(listener, Arc::new(site), stop.clone()));
    let secret = "s3cr3t7ok3n";
    let odd = [("GET", secret), ("GET", "panic"), ("GET", "trouble"), ("BREW", secret)];
    let usual = TOKENS.map(|token| ("GET", token));
    for (method, token) in odd.into_iter().chain(usual).chain([("POST", "confirm")]) {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!(
            "{method} /q/{token}?x={secret} HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n\r\nanswer=yes"
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains(secret), "{answer}");
    }
    tracing::trace!("the log works");
    stop.cancel();
    served.await.expect("it ends");
    assert_eq!(fake.answers.lock().expect("unharmed").len(), 1);
    let log = log.text();
    assert!(log.contains("the log works") && log.contains("panicked"), "{log}");
    for token in TOKENS.iter().chain(&[secret, "/q/"]) {
        assert!(!log.contains(token), "{token}: {log}");
    }
}

/// A log in memory.
#[derive(Clone, Default)]
pub struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("unharmed")).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unharmed").extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
