//! The client machine against scripted servers: what it says, and what it makes of the replies.
use super::*;

const ALL: &str = "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n";
const NO_BDAT: &str = "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
const PLAIN: &str = "250 mx\r\n";

fn ready(ehlo: &str) -> Client {
    let mut client = Client::new("lists.example", false);
    client.receive(b"220 mx ESMTP\r\n");
    assert_eq!(said(&mut client), "EHLO lists.example\r\n");
    client.receive(ehlo.as_bytes());
    assert_eq!(client.next(), Next::Ready);
    client
}

fn said(client: &mut Client) -> String {
    String::from_utf8(client.output()).expect("text")
}

fn begin(client: &mut Client, to: &[&str], size: u64) -> Result<(), CannotSend> {
    let recipients: Vec<String> = to.iter().map(|t| (*t).to_owned()).collect();
    client.begin(&Envelope {
        sender: Some("l-bounces@s.example"),
        recipients: &recipients,
        size,
        eight_bit: false,
        utf8: false,
    })
}

/// One letter for each fate, with the reply's code.
fn fates(client: &mut Client) -> Vec<String> {
    let report = client.take_report().expect("a report");
    report.fates.iter().map(short).collect()
}

fn short(fate: &Fate) -> String {
    match fate {
        Fate::Accepted(a) => format!("accepted {}", a.code),
        Fate::Deferred(stage, a) => format!("deferred {} {stage:?}", a.code),
        Fate::Refused(stage, a) => format!("refused {} {stage:?}", a.code),
        Fate::Lost { complete, .. } => format!("lost {complete}"),
    }
}

/// RFC 2920, RFC 3030: the whole transaction goes out at once, and each recipient has a result.
#[test]
fn one_flight_with_bdat() {
    let mut client = ready(ALL);
    begin(&mut client, &["a@x", "b@x", "c@x"], 42).expect("begun");
    assert_eq!(client.next(), Next::Message(Framing::Counted));
    assert_eq!(
        said(&mut client),
        "MAIL FROM:<l-bounces@s.example> SIZE=42\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nBDAT 42 LAST\r\n"
    );
    client.message_sent();
    client.receive(b"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n451 4.2.1 later\r\n250 OK id=1a\r\n");
    assert_eq!(client.next(), Next::Ready);
    assert_eq!(fates(&mut client), ["accepted 250", "refused 550 Rcpt", "deferred 451 Rcpt"]);
    begin(&mut client, &["a@x"], 1).expect("again, without RSET");
    assert!(said(&mut client).starts_with("MAIL FROM"));
}

/// RFC 5321 with PIPELINING only: DATA closes the group.
#[test]
fn data_in_the_group() {
    let mut client = ready(NO_BDAT);
    begin(&mut client, &["a@x"], 42).expect("begun");
    assert_eq!(client.next(), Next::Read);
    assert_eq!(said(&mut client), "MAIL FROM:<l-bounces@s.example>\r\nRCPT TO:<a@x>\r\nDATA\r\n");
    client.receive(b"250 ok\r\n250 ok\r\n354 go\r\n");
    assert_eq!(client.next(), Next::Message(Framing::Dots));
    client.message_sent();
    assert!(client.awaits_message_reply());
    client.receive(b"250 2.0.0 Ok: queued as ABCDEF\r\n");
    assert_eq!(fates(&mut client), ["accepted 250"]);
}

/// No PIPELINING: one command at a time, and no DATA where nobody is left.
#[test]
fn one_at_a_time() {
    let mut client = ready(PLAIN);
    begin(&mut client, &["a@x", "b@x"], 42).expect("begun");
    let dialogue = [
        ("MAIL FROM:<l-bounces@s.example>\r\n", "250 ok\r\n"),
        ("RCPT TO:<a@x>\r\n", "550 no\r\n"),
        ("RCPT TO:<b@x>\r\n", "550 no\r\n"),
    ];
    for (command, reply) in dialogue {
        assert_eq!(said(&mut client), command);
        client.receive(reply.as_bytes());
    }
    assert_eq!(client.next(), Next::Ready);
    assert_eq!(fates(&mut client), ["refused 550 Rcpt", "refused 550 Rcpt"]);
    begin(&mut client, &["a@x"], 42).expect("begun");
    let dialogue = [
        ("RSET\r\nMAIL FROM:<l-bounces@s.example>\r\n", "250 flushed\r\n250 ok\r\n"),
        ("RCPT TO:<a@x>\r\n", "250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
    ];
    for (command, reply) in dialogue {
        assert_eq!(said(&mut client), command);
        client.receive(reply.as_bytes());
    }
    assert_eq!(client.next(), Next::Message(Framing::Dots));
}

/// What each reply does to all who were not refused before; what is left open afterwards.
#[test]
fn replies_that_speak_for_all() {
    // Offers, replies after the message was sent (or not), fates, state.
    let cases: [(&str, &str, [&str; 2], Next); 12] = [
        (
            ALL,
            "452 4.3.1 full\r\n503 a\r\n503 b\r\n503 c\r\n",
            ["deferred 452 Mail"; 2],
            Next::Ready,
        ),
        (ALL, "550 no\r\n503 a\r\n503 b\r\n503 c\r\n", ["refused 550 Mail"; 2], Next::Ready),
        (
            ALL,
            "250 a\r\n550 b\r\n250 c\r\n451 d\r\n",
            ["refused 550 Rcpt", "deferred 451 Message"],
            Next::Ready,
        ),
        (ALL, "250 a\r\n550 b\r\n550 c\r\n503 d\r\n", ["refused 550 Rcpt"; 2], Next::Ready),
        (ALL, "250 a\r\n250 b\r\n421 bye\r\n", ["deferred 421 Rcpt"; 2], Next::Closed),
        (ALL, "421 bye\r\n", ["deferred 421 Mail"; 2], Next::Closed),
        (
            ALL,
            "250 a\r\n550 b\r\n250 c\r\n421 bye\r\n",
            ["refused 550 Rcpt", "deferred 421 Message"],
            Next::Closed,
        ),
        (ALL, "354 what\r\n", ["lost true"; 2], Next::Closed),
        (ALL, "250 a\r\nnonsense\r\n", ["lost true"; 2], Next::Closed),
        (
            NO_BDAT,
            "250 a\r\n550 b\r\n250 c\r\n451 d\r\n",
            ["refused 550 Rcpt", "deferred 451 Data"],
            Next::Ready,
        ),
        (NO_BDAT, "250 a\r\n250 b\r\n250 c\r\n554 d\r\n", ["refused 554 Data"; 2], Next::Ready),
        (NO_BDAT, "250 a\r\n250 b\r\n250 c\r\n250 d\r\n", ["lost false"; 2], Next::Closed),
    ];
    for (ehlo, replies, expect, next) in cases {
        let mut client = ready(ehlo);
        begin(&mut client, &["a@x", "b@x"], 42).expect("begun");
        if matches!(client.next(), Next::Message(_)) {
            client.message_sent();
        }
        client.receive(replies.as_bytes());
        assert_eq!(client.next(), next, "{replies}");
        assert_eq!(fates(&mut client), expect, "{replies}");
        client.output();
        if next == Next::Ready {
            begin(&mut client, &["a@x"], 1).expect("again");
            assert!(said(&mut client).starts_with("RSET\r\nMAIL"), "{replies}");
        }
    }
}

/// RFC 2920 3.1: all recipients refused, but DATA is answered 354: a lone dot, and nobody has got it.
#[test]
fn a_lone_dot_where_nobody_is_left() {
    let mut client = ready(NO_BDAT);
    begin(&mut client, &["a@x"], 42).expect("begun");
    client.receive(b"250 a\r\n550 b\r\n354 go\r\n");
    assert_eq!(client.next(), Next::Message(Framing::Nothing));
    client.message_sent();
    client.receive(b"250 thanks for nothing\r\n");
    assert_eq!(client.next(), Next::Ready);
    assert_eq!(fates(&mut client), ["refused 550 Rcpt"]);
}

/// A large message is not sent for nothing: it waits for the answers to the envelope.
#[test]
fn a_large_message_waits() {
    let mut client = ready(ALL);
    begin(&mut client, &["a@x", "b@x"], EAGER + 1).expect("begun");
    assert_eq!(client.next(), Next::Read);
    assert!(said(&mut client).ends_with("RCPT TO:<b@x>\r\n"));
    client.receive(b"250 a\r\n550 b\r\n250 c\r\n");
    assert_eq!(client.next(), Next::Message(Framing::Counted));
    assert_eq!(said(&mut client), format!("BDAT {} LAST\r\n", EAGER + 1));

    let mut client = ready(ALL);
    begin(&mut client, &["a@x"], EAGER + 1).expect("begun");
    client.receive(b"452 4.3.1 full\r\n503 no\r\n");
    assert_eq!(client.next(), Next::Ready);
    assert_eq!(fates(&mut client), ["deferred 452 Mail"]);
}

/// RFC 3030 2: refused in the middle of the message, the connection is of no more use. An early yes is nonsense.
#[test]
fn an_answer_in_the_middle_of_the_message() {
    for (reply, expect) in [
        ("552 5.3.4 too big\r\n", "refused 552 Message"),
        ("452 4.3.1 full\r\n", "deferred 452 Message"),
        ("250 ok\r\n", "lost false"),
    ] {
        let mut client = ready(ALL);
        begin(&mut client, &["a@x"], EAGER + 1).expect("begun");
        client.receive(b"250 a\r\n250 b\r\n");
        client.receive(reply.as_bytes());
        assert_eq!(client.next(), Next::Closed, "{reply}");
        assert_eq!(fates(&mut client), [expect]);
    }
}

#[test]
fn a_connection_that_dies() {
    let mut client = ready(ALL);
    begin(&mut client, &["a@x", "b@x"], 42).expect("begun");
    client.receive(b"250 a\r\n550 no\r\n");
    client.message_sent();
    client.lost("reset");
    assert_eq!(fates(&mut client), ["refused 550 Rcpt", "lost true"]);

    let mut client = ready(NO_BDAT);
    begin(&mut client, &["a@x"], 42).expect("begun");
    client.lost("reset");
    let report = client.take_report().expect("a report");
    assert!(!report.answered);
    assert_eq!(report.fates, [Fate::Lost { why: "reset".to_owned(), complete: false }]);
}

/// U1, Z1, X4: what this server can't take, or what would be a command of its own, is not even begun.
#[test]
fn what_is_not_offered() {
    let cases = [
        (PLAIN, "a@x", true, false, 1, CannotSend::NeedsUtf8),
        (PLAIN, "a@x", false, true, 1, CannotSend::NeedsEightBit),
        (ALL, "a@x", true, true, 1_000_001, CannotSend::TooBig { limit: 1_000_000 }),
        (ALL, "a@x>\r\nDATA", false, false, 1, CannotSend::BadAddress),
        (ALL, "a@x> NOTIFY=NEVER", false, false, 1, CannotSend::BadAddress),
    ];
    for (ehlo, to, utf8, eight_bit, size, expect) in cases {
        let mut client = ready(ehlo);
        let recipients = [to.to_owned()];
        let envelope = Envelope { sender: None, recipients: &recipients, size, eight_bit, utf8 };
        assert_eq!(client.begin(&envelope), Err(expect));
        assert_eq!(said(&mut client), "");
        assert_eq!(client.next(), Next::Ready);
    }
}

/// U1, V2, RFC 3461: parameters only where they are offered and needed.
#[test]
fn parameters() {
    let mut client =
        ready("250-mx\r\n250-DSN\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 PIPELINING\r\n");
    let recipients = ["\"a b\"@x".to_owned(), "\u{fc}@x".to_owned()];
    let envelope =
        Envelope { sender: None, recipients: &recipients, size: 9, eight_bit: true, utf8: true };
    client.begin(&envelope).expect("begun");
    assert_eq!(
        said(&mut client),
        "MAIL FROM:<> BODY=8BITMIME SMTPUTF8 RET=HDRS\r\nRCPT TO:<\"a b\"@x> NOTIFY=FAILURE\r\nRCPT TO:<\u{fc}@x> NOTIFY=FAILURE\r\nDATA\r\n"
    );
}

/// RFC 3207: after STARTTLS the offers count again, and what came with the 220 is not believed.
#[test]
fn tls() {
    let hello = || {
        let mut client = Client::new("lists.example", true);
        client.receive(b"220 mx\r\n250-mx\r\n250-CHUNKING\r\n250 STARTTLS\r\n");
        assert_eq!(said(&mut client), "EHLO lists.example\r\nSTARTTLS\r\n");
        client
    };
    let mut client = hello();
    client.receive(b"220 go\r\n");
    assert_eq!(client.next(), Next::Tls);
    client.tls_is_up();
    assert_eq!(said(&mut client), "EHLO lists.example\r\n");
    client.receive(b"250-mx\r\n250 STARTTLS\r\n");
    assert_eq!((client.next(), client.capabilities().chunking), (Next::Ready, false));

    let mut client = hello();
    client.receive(b"220 go\r\n250 injected\r\n");
    assert_eq!(client.next(), Next::Closed);

    let mut client = hello();
    client.receive(b"454 not now\r\n");
    assert_eq!(client.next(), Next::Ready);
}

#[test]
fn a_server_that_does_not_want_us() {
    for (said, stage, why) in [
        ("554 go away\r\n", Stage::Greeting, "554 go away"),
        ("421 too many\r\n", Stage::Greeting, "421 too many"),
        ("SSH-2.0-x\r\n", Stage::Greeting, "the reply does not begin with a three-digit code"),
        ("220 mx\r\n451 later\r\n", Stage::Hello, "451 later"),
        ("220 mx\r\n500 what\r\n550 no\r\n", Stage::Hello, "550 no"),
    ] {
        let mut client = Client::new("lists.example", false);
        client.receive(said.as_bytes());
        assert_eq!(client.next(), Next::Closed, "{said}");
        assert_eq!(client.trouble(), Some(&(stage, why.to_owned())), "{said}");
    }
    let mut old = Client::new("lists.example", false);
    old.receive(b"220 mx\r\n502 no EHLO here\r\n250 mx\r\n");
    assert_eq!(said(&mut old), "EHLO lists.example\r\nHELO lists.example\r\n");
    assert_eq!(old.next(), Next::Ready);
}
