//! One connection against a relay by script: what is sent, what the fates say, and TLS.
use super::*;
use crate::delivery::fake::{ALL, Act, Ask, FakeRelay};
use listcore::address::Address;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Write;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

fn copy(to: &[&str], body: Payload) -> Copy {
    Copy {
        sender: Address::parse("l-bounces@schule.example").ok(),
        recipients: to.iter().map(|a| Address::parse(a).expect("address")).collect(),
        head: "Subject: x\r\n\r\n".into(),
        body,
        utf8: false,
        eight_bit: false,
    }
}

fn memory(text: &str) -> Payload {
    Payload::Memory(text.to_owned().into())
}

async fn connect(relay: &FakeRelay) -> Connection {
    let relay = Relay::new(&relay.address.to_string(), "lists.schule.example");
    relay.connect().await.expect("connected")
}

/// A body in a file is sent from its offset on, as it is, by BDAT and by DATA.
#[tokio::test]
async fn a_body_in_a_file() {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    let body = ".dots and lines\r\n".repeat(20_000);
    write!(file, "Header: of the original\r\n\r\n{body}and more").expect("written");
    for offers in [ALL, &["PIPELINING"]] {
        let relay = FakeRelay::start(offers, |_| Act::Yes).await;
        let mut connection = connect(&relay).await;
        assert_eq!(connection.can().chunking, offers == ALL);
        let payload = Payload::File {
            path: Arc::new(file.path().to_owned()),
            offset: 27,
            len: body.len() as u64,
        };
        let sent = connection.send(&copy(&["a@x.example"], payload)).await;
        assert!(matches!(&sent, Sent::Fates(f) if matches!(f[..], [Fate::Accepted { .. }])));
        assert!(relay.message() == format!("Subject: x\r\n\r\n{body}").into_bytes());
    }
}

/// What is new stands between what stays of a file.
#[tokio::test]
async fn a_body_in_pieces() {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    write!(file, "first line\r\nsecond line\r\nthird line\r\n").expect("written");
    let path = Arc::new(file.path().to_owned());
    let stays = |offset, len| Payload::File { path: Arc::clone(&path), offset, len };
    let pieces = [stays(0, 12), memory(".between\r\n"), stays(25, 12), memory("footer\r\n")];
    let body = Payload::Pieces(pieces.into());
    assert_eq!(body.len(), 12 + 10 + 12 + 8);
    for offers in [ALL, &["PIPELINING"]] {
        let relay = FakeRelay::start(offers, |_| Act::Yes).await;
        let sent = connect(&relay).await.send(&copy(&["a@x.example"], body.clone())).await;
        assert!(matches!(&sent, Sent::Fates(f) if matches!(f[..], [Fate::Accepted { .. }])));
        let text = "Subject: x\r\n\r\nfirst line\r\n.between\r\nthird line\r\nfooter\r\n";
        assert_eq!(String::from_utf8_lossy(&relay.message()), text);
    }
}

/// Trouble of ours is never a refusal, and the connection stays of use.
#[tokio::test]
async fn a_body_that_is_gone() {
    let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
    let mut connection = connect(&relay).await;
    let path = Arc::new(PathBuf::from("/nonexistent/body"));
    let sent = connection
        .send(&copy(&["a@x.example", "b@x.example"], Payload::File { path, offset: 0, len: 9 }))
        .await;
    let Sent::Fates(fates) = sent else { panic!("{sent:?}") };
    assert!(matches!(&fates[..], [Fate::Deferred { reply, relay: false }, Fate::Deferred { .. }]
        if reply.code == 0 && reply.text.contains("/nonexistent/body")));
    assert!(connection.is_usable());
}

/// What the relay says of itself, of the mail, and of one recipient are three things.
#[tokio::test]
async fn fates() {
    let relay = FakeRelay::start(&["PIPELINING", "SIZE 1000"], |ask| match ask {
        Ask::Rcpt("busy@x.example") => Act::Say("452 4.2.2 mailbox full"),
        Ask::Rcpt("nobody@x.example") => Act::Say("550 5.1.1 nobody"),
        Ask::Rcpt("outside@y.example") => Act::Say("550 relay not permitted"),
        Ask::Message(to) if to.len() == 2 => Act::Say("554 5.7.1 not this one"),
        Ask::Message(to) if to.len() == 3 => Act::Die,
        _ => Act::Yes,
    })
    .await;
    let show = |sent: Sent| match sent {
        Sent::Fates(fates) => fates
            .iter()
            .map(|fate| match fate {
                Fate::Accepted { reply, queue_id } => format!("ok {} {queue_id:?}", reply.code),
                Fate::Deferred { reply, relay } => format!("later {} {relay}", reply.code),
                Fate::Denied { reply } => format!("denied {}", reply.text),
                Fate::Refused { reply } => format!("no {} {}", reply.code, reply.text),
                Fate::Lost { reply } => format!("lost {}", reply.text),
            })
            .collect(),
        Sent::Stale(why) => vec![why],
    };
    let mut connection = connect(&relay).await;
    let all = ["a@x.example", "busy@x.example", "nobody@x.example"];
    assert_eq!(
        show(connection.send(&copy(&all, memory("b\r\n"))).await),
        ["ok 250 Some(\"1fakeX-000000001-0001\")", "later 452 false", "no 550 5.1.1 nobody"]
    );
    assert_eq!(
        show(connection.send(&copy(&["outside@y.example"], memory("b\r\n"))).await),
        ["denied relay not permitted"]
    );
    assert_eq!(
        show(connection.send(&copy(&["a@x.example", "b@x.example"], memory("b\r\n"))).await),
        ["no 554 5.7.1 not this one"; 2]
    );
    assert_eq!(
        show(connection.send(&copy(&["a@x.example"], memory(&"b\r\n".repeat(400)))).await),
        ["no 0 5.3.4 the server takes at most 1000 octets"]
    );
    let three = ["a@x.example", "b@x.example", "c@x.example"];
    let lost = show(connection.send(&copy(&three, memory("b\r\n"))).await);
    assert!(lost.len() == 3 && lost[0].contains("it may have arrived"), "{lost:?}");
    assert!(!connection.is_usable());
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_told_in_words() {
    let relay = FakeRelay::start(ALL, |_| Act::Say("554 5.3.2 closed")).await;
    let turned_away = Relay::new(&relay.address.to_string(), "me").connect().await.err();
    let why = turned_away.expect("turned away");
    assert!(why.contains(&relay.address.to_string()) && why.contains("554 5.3.2 closed"), "{why}");
    let nobody = Relay::new("relay.invalid:25", "me").connect().await.err().expect("no such host");
    assert!(nobody.contains("relay.invalid:25 can't be reached"), "{nobody}");
}

#[test]
fn what_is_near() {
    for (ip, near) in [
        ("127.0.0.1", true),
        ("127.8.0.1", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("192.0.2.1", false),
        ("2001:db8::1", false),
    ] {
        assert_eq!(is_loopback(ip.parse().expect("ip")), near, "{ip}");
    }
}

/// RFC 3207, RFC 7435: over TLS where it is offered, whoever signed the certificate.
#[tokio::test]
async fn tls_where_it_is_offered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("config");
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        stream.write_all(b"220 mx\r\n").await.expect("greeting");
        let mut plain = BufReader::new(stream);
        let mut line = String::new();
        plain.read_line(&mut line).await.expect("EHLO");
        plain.write_all(b"250-mx\r\n250 STARTTLS\r\n").await.expect("offers");
        plain.read_line(&mut line).await.expect("STARTTLS");
        plain.write_all(b"220 go\r\n").await.expect("220");
        let tls = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let mut tls = BufReader::new(tls.accept(plain.into_inner()).await.expect("handshake"));
        tls.read_line(&mut line).await.expect("EHLO");
        tls.write_all(b"250-mx\r\n250 CHUNKING\r\n").await.expect("offers");
        assert_eq!(line, "EHLO me\r\nSTARTTLS\r\nEHLO me\r\n");
    };
    let relay = Relay::new(&address.to_string(), "me");
    let stream = TcpStream::connect(address).await.expect("connected");
    let (session, ()) = tokio::join!(relay.greet(stream, true), server);
    assert!(session.expect("hello inside TLS").capabilities().chunking);
}

/// For this test only; valid for a hundred years.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUWXE+pKnOY994tVefsQbypJ5zOcMwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTAgFw0yNjExMjIwMTQzMjNaGA8yMTI2
MTAyOTAxNDMyM1owGDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABNDKm2+RKb604e9FV3GbnfgJNHIXsZBaBgJQHFjHPuo1
xrxE7975Tu/LqfD2l32N+UJKQvuu9kzFCqPYd+bu2WqjbTBrMB0GA1UdDgQWBBQh
NPqOBs85obkwEyXh5ypRb1VnSzAfBgNVHSMEGDAWgBQhNPqOBs85obkwEyXh5ypR
b1VnSzAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDXJlbGF5LmV4YW1wbGUw
CgYIKoZIzj0EAwIDRwAwRAIgHkUXId+F0VslVHQh7f9O5MqvSF29RACAEHqgyNxG
Yt0CIHiM6RCu9z6iDfbNNclgWgli8wWaVZGazIMqnFb9/YWn
-----END CERTIFICATE-----
";
const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghXJD63+a3L2xWaJn
9XyxgM9nSSAdN1D5BHIxMQrLZHChRANCAATQyptvkSm+tOHvRVdxm534CTRyF7GQ
WgYCUBxYxz7qNca8RO/e+U7vy6nw9pd9jflCSkL7rvZMxQqj2Hfm7tlq
-----END PRIVATE KEY-----
";
