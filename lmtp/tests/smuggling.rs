//! Nobody gets a second mail past us inside a first one: the known fake ends of data, at each split.

#![allow(clippy::unwrap_used)] // in the helpers of the tests

mod common;

use common::{Bench, Said};
use lmtp::server::{Config, Flavor};

const HEAD: &[u8] = b"LHLO a\r\nMAIL FROM:<a@d>\r\nRCPT TO:<l@d>\r\nDATA\r\n";
const EVIL: &[u8] = b"MAIL FROM:<evil@d>\r\nRCPT TO:<l@d>\r\nDATA\r\nevil\r\n.\r\n";

/// Name, octets, and whether they end the data.
fn sequences() -> Vec<(String, Vec<u8>, bool)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/smuggling/fake-end-of-data.json");
    let text = std::fs::read_to_string(file).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let case = |case: &serde_json::Value| {
        let hex = case["hex"].as_str().unwrap();
        let octets = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
        let octets = octets.collect::<Result<Vec<u8>, _>>().unwrap();
        (case["name"].as_str().unwrap().to_owned(), octets, case["ends_data"].as_bool().unwrap())
    };
    json.as_array().unwrap().iter().map(case).collect()
}

/// X1, X2, LM24: a fake end stays inside the one message, which is then refused; at every split of
/// the stream in two, and octet by octet.
#[test]
fn x1_fake_ends_of_data() {
    let config = Config::new(Flavor::Lmtp, "h");
    let sequences = sequences();
    assert_eq!(sequences.iter().filter(|(_, _, ends)| !ends).count(), 12);
    for (name, sequence, ends) in sequences {
        let stream = [HEAD, b"text", &sequence, EVIL].concat();
        let splits = (0..=stream.len()).map(|at| vec![&stream[..at], &stream[at..]]);
        for pieces in splits.chain([stream.chunks(1).collect()]) {
            let mut bench = Bench::new(&config, &[]);
            pieces.iter().for_each(|piece| bench.feed(piece));
            let mails = bench.said.iter().filter(|said| matches!(said, Said::Mail(_))).count();
            let messages = bench.messages();
            if ends {
                assert_eq!((mails, messages.len()), (2, 2), "{name}");
                assert_eq!(messages[0].0, b"text\r\n", "{name}");
                continue;
            }
            assert_eq!((mails, messages.len()), (1, 1), "{name}");
            let (message, end) = &messages[0];
            assert!(message.ends_with(b"evil\r\n"), "{name}");
            assert!(end.bare || end.nul, "{name}");
            let replies = String::from_utf8(bench.output.clone()).unwrap();
            assert!(
                replies.ends_with(
                    "\r\n550 5.6.0 <l@d> The message has a CR or LF that is no line end\r\n"
                ) || replies.ends_with("\r\n550 5.6.0 <l@d> The message has a NUL octet\r\n"),
                "{replies}"
            );
        }
    }
}

/// X1: the same sequences as counted octets of BDAT end nothing at all.
#[test]
fn x1_fake_ends_in_bdat() {
    let config = Config { strict_lines: false, ..Config::new(Flavor::Lmtp, "h") };
    for (name, sequence, _) in sequences() {
        let body = [b"text", &sequence[..], EVIL].concat();
        let bdat = format!("BDAT {} LAST\r\n", body.len());
        let head = HEAD.strip_suffix(b"DATA\r\n").unwrap();
        let stream = [head, bdat.as_bytes(), &body, b"QUIT\r\n"].concat();
        for size in [1, 5, stream.len()] {
            let mut bench = Bench::new(&config, &[]);
            bench.feed_split(&stream, size);
            let messages: Vec<_> = bench.messages().into_iter().map(|(bytes, _)| bytes).collect();
            assert_eq!(messages, std::slice::from_ref(&body), "{name}");
            assert!(bench.server.is_closed(), "{name}");
        }
    }
}
