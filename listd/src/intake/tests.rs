//! Connections over real sockets: many, rude, broken off, and one that panics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::pipeline::testing::{BUDGET, Client, School, letter, talk};

/// A door with a socket; closes with the test.
async fn open(school: &School) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
    let listener =
        daemon::listen::bind(&daemon::Endpoint::Tcp("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let Listener::Tcp(socket) = &listener else { panic!("a TCP socket was asked for") };
    let address = socket.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(school.door.clone(), listener, stop.clone()));
    (address, stop, serving)
}

async fn knock(address: SocketAddr) -> Client<TcpStream> {
    Client::greeted(TcpStream::connect(address).await.unwrap()).await
}

async fn mail_goes(address: SocketAddr, id: &str) {
    let stream = TcpStream::connect(address).await.unwrap();
    let mail = letter(id, "Hallo");
    let replies = talk(stream, "<anna@home.example>", &["5b@schule.example"], mail.as_bytes());
    let replies = tokio::time::timeout(Duration::from_secs(5), replies).await.unwrap();
    assert!(replies.iter().all(|r| r.starts_with("250")), "{replies:?}");
}

async fn all_given_back(school: &School) {
    let back = async {
        while school.door.budget.left() != BUDGET
            || std::fs::read_dir(&school.spool).unwrap().count() > 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), back).await.expect("budget and spool given back");
}

/// LM22, LM32: a client that goes in the middle of a large mail leaves nothing behind.
#[tokio::test]
async fn a_mail_that_breaks_off_leaves_nothing() {
    let school = School::new();
    let (address, _stop, _serving) = open(&school).await;
    let mut client = knock(address).await;
    client.say("LHLO mx.schule.example").await;
    client.say("MAIL FROM:<anna@home.example>").await;
    client.say("RCPT TO:<5b@schule.example>").await;
    assert!(client.say("DATA").await.starts_with("354"));
    client.stream.write_all(&b"Subject: large\r\n".repeat(40_000)).await.unwrap();
    let spilled = async {
        while std::fs::read_dir(&school.spool).unwrap().count() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), spilled).await.expect("a file in the spool");
    drop(client);
    all_given_back(&school).await;
    mail_goes(address, "after@home.example").await;
}

/// LM32: at the shutdown a mail under way may come to its end, and who waits hears 421.
#[tokio::test]
async fn a_shutdown_finishes_the_mail_that_is_under_way() {
    let school = School::new();
    let (address, stop, serving) = open(&school).await;
    let mut idle = knock(address).await;
    let mut busy = knock(address).await;
    busy.say("LHLO mx.schule.example").await;
    busy.say("MAIL FROM:<anna@home.example>").await;
    busy.say("RCPT TO:<5b@schule.example>").await;
    assert!(busy.say("DATA").await.starts_with("354"));
    stop.cancel();
    assert!(idle.reply().await.starts_with("421 4.3.2"));
    busy.stream.write_all(letter("late@home.example", "Hallo").as_bytes()).await.unwrap();
    assert!(busy.say(".").await.starts_with("250"));
    assert!(busy.reply().await.starts_with("421"));
    drop((idle, busy));
    tokio::time::timeout(Duration::from_secs(5), serving).await.expect("the end").unwrap();
    assert_eq!(school.announced(), ["5b"]);
    assert!(TcpStream::connect(address).await.is_err(), "the socket is closed");
}

/// Promise 10: a panic in one connection ends that one only, and gives back what it held.
#[tokio::test]
async fn a_panic_ends_one_connection() {
    let mut school = School::new();
    let clock = school.door.pipeline.clock.clone();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    // RCPT asks for the time first; the fourth question panics.
    let door = Arc::get_mut(&mut school.door).unwrap();
    Arc::get_mut(&mut door.pipeline).unwrap().clock = Arc::new(move || {
        assert!(counted.fetch_add(1, Ordering::Relaxed) != 3, "a test wanted this panic");
        clock()
    });
    let (address, _stop, _serving) = open(&school).await;
    let mut other = knock(address).await;
    let mut unlucky = knock(address).await;
    unlucky.say("LHLO mx.schule.example").await;
    unlucky.say("MAIL FROM:<anna@home.example>").await;
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(unlucky.say("RCPT TO:<5b@schule.example>").await);
    }
    assert_eq!(said.pop().unwrap(), "", "the connection ended");
    assert!(said.iter().all(|r| r.starts_with("250")), "{said:?}");
    assert!(other.say("NOOP").await.starts_with("250"));
    mail_goes(address, "panic@home.example").await;
    all_given_back(&school).await;
}

/// LM31: connections that say nothing, or little, cost nobody else anything.
#[tokio::test]
async fn a_thousand_idle_connections_and_a_dripping_one_stop_nobody() {
    rlimit::increase_nofile_limit(8_192).unwrap();
    let school = School::new();
    let (address, _stop, _serving) = open(&school).await;
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let mut dripping = knock(address).await;
    dripping.stream.write_all(b"LHL").await.unwrap();
    let before = std::time::Instant::now();
    mail_goes(address, "idle@home.example").await;
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
    dripping.stream.write_all(b"O x\r\n").await.unwrap();
    assert!(dripping.reply().await.starts_with("250"));
    drop(idle);
}

/// A callout asks and hangs up: it counts as nothing, whatever it hears. What a mail is refused counts.
#[tokio::test]
async fn a_callout_counts_as_nothing() {
    let school = School::new();
    let (address, stop, serving) = open(&school).await;
    let unknown = "RCPT TO:<nobody@schule.example>";
    let mut client = knock(address).await;
    client.say("LHLO mx.schule.example").await;
    for end in ["RSET", "MAIL FROM:<>", "QUIT"] {
        client.say("MAIL FROM:<anna@home.example>").await;
        assert!(client.say(unknown).await.starts_with("550"));
        client.say(end).await;
    }
    assert_eq!(school.door.tally.refused(), []);
    let stream = TcpStream::connect(address).await.unwrap();
    let mail = letter("1@home.example", "Hallo");
    let to = ["nobody@schule.example", "5b@schule.example"];
    talk(stream, "<anna@home.example>", &to, mail.as_bytes()).await;
    assert_eq!(school.door.tally.refused(), [(Stage::Recipient, "5.1.1".to_owned(), 1)]);
    stop.cancel();
    serving.await.unwrap();
}
