//! What holds for any stream: the split changes nothing, dot-stuffing is exact, nothing panics.

mod common;

use common::invariants::{hold, small};
use common::{Bench, Said};
use lmtp::server::{Config, Flavor};
use proptest::prelude::*;

/// Pieces that, strung together, look like a client in good and bad moods.
fn snippet() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "LHLO a\r\n",
        "EHLO a\r\n",
        "MAIL FROM:<a@d>\r\n",
        "MAIL FROM:<>\r\n",
        "RCPT TO:<x@d>\r\n",
        "RCPT TO:<y@d>\r\n",
        "RCPT TO:<bad>\r\n",
        "DATA\r\n",
        ".\r\n",
        "\r\n.\r\n",
        "..\r\n",
        "text\r\n",
        "BDAT 0\r\n",
        "BDAT 5\r\n",
        "BDAT 7 LAST\r\n",
        "BDAT x\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "QUIT\r\n",
        "\n",
        "\r",
        "\r\n",
        ".",
        "\0",
        "MAIL FROM:<ü@d> SMTPUTF8\r\n",
        "RCPT TO:<ü@d>\r\n",
        "FROB\r\n",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (90_usize..300).prop_map(|count| vec![b'x'; count]),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let group = (prop::collection::vec(snippet(), 0..40), any::<bool>());
    group.prop_map(|(snippets, begin)| {
        let begin: &[u8] =
            if begin { b"LHLO a\r\nMAIL FROM:<a@d>\r\nRCPT TO:<x@d>\r\n" } else { b"" };
        [begin, &snippets.concat()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// LM24, LM29, LM35: how the stream is cut into reads changes neither events nor replies.
    #[test]
    fn any_split_says_the_same(stream in stream(), cuts in prop::collection::vec(0_usize..2000, 0..8)) {
        for flavor in [Flavor::Lmtp, Flavor::Smtp] {
            let config = small(flavor);
            let whole = hold(&config, &[], &stream, usize::MAX);
            prop_assert_eq!(&hold(&config, &[], &stream, 1), &whole);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut bench = Bench::new(&config, &[]);
            cuts.windows(2).for_each(|pair| bench.feed(&stream[pair[0]..pair[1]]));
            bench.server.abandon();
            bench.feed(b"");
            prop_assert_eq!((bench.said, bench.output), whole);
        }
    }

    /// LM23: any message in lines comes through DATA exactly, and any octets through BDAT.
    #[test]
    fn lm23_round_trip(lines in prop::collection::vec("[.a\\x00\\xff ]{0,5}", 0..12), size in 1_usize..40) {
        let config = Config { strict_lines: false, ..Config::new(Flavor::Lmtp, "h") };
        let message: Vec<u8> = lines.iter().flat_map(|l| [l.as_bytes(), b"\r\n"].concat()).collect();
        let mut data = b"LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<x@d>\r\nDATA\r\n".to_vec();
        for line in &lines {
            data.extend(if line.starts_with('.') { &b"."[..] } else { b"" });
            data.extend([line.as_bytes(), b"\r\n"].concat());
        }
        data.extend(b".\r\nMAIL FROM:<>\r\nRCPT TO:<x@d>\r\n");
        data.extend(format!("BDAT {} LAST\r\n", message.len()).bytes());
        data.extend(&message);
        let mut bench = Bench::new(&config, &[]);
        bench.feed_split(&data, size);
        let messages: Vec<Vec<u8>> = bench.messages().into_iter().map(|(bytes, _)| bytes).collect();
        prop_assert_eq!(messages, [message.clone(), message]);
    }

    /// LM35: octets without any sense.
    #[test]
    fn random_octets(stream in prop::collection::vec(any::<u8>(), 0..3000), size in 1_usize..500) {
        hold(&small(Flavor::Lmtp), &[], &stream, size);
    }
}

/// LM8, LM26, LM35: 30 MB without a line end, and 30 MB of data, leave no more than the limits.
#[test]
fn memory_stays_bounded() {
    let config = Config { max_message_size: 20_000_000, ..Config::new(Flavor::Lmtp, "h") };
    let block = vec![b'x'; 1 << 16];
    let mut bench = Bench::new(&config, &[]);
    for _ in 0..480 {
        bench.feed(&block);
    }
    assert!(bench.said.is_empty() && format!("{:?}", bench.server).len() < 5_000);
    bench.feed(b"\r\nLHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<x@d>\r\nDATA\r\n");
    let mut seen = 0;
    for _ in 0..480 {
        bench.feed(&block);
        if let Some(Said::Bytes(bytes)) = bench.said.last_mut() {
            seen += std::mem::take(bytes).len();
        }
    }
    assert_eq!(seen, 20_000_000);
    assert!(format!("{:?}", bench.server).len() < 5_000);
    bench.feed(b"\r\n.\r\n");
    assert!(
        bench.output.ends_with(b"552 5.3.4 <x@d> The message is larger than 20000000 octets\r\n")
    );
}
