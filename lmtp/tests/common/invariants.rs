//! What holds for every stream of bytes whatever: used by the property tests and the fuzz corpus.

use lmtp::server::{Config, Flavor};

use super::{Bench, Rule, Said};

/// Small limits, so that short streams reach them.
pub fn small(flavor: Flavor) -> Config {
    Config {
        max_message_size: 200,
        max_line_length: 100,
        max_recipients: 3,
        max_errors: 6,
        ..Config::new(flavor, "lists.example")
    }
}

/// Runs a stream in pieces of `size` and checks what must hold for all (LM35); gives what was said.
pub fn hold(config: &Config, rules: &[Rule], stream: &[u8], size: usize) -> (Vec<Said>, Vec<u8>) {
    let mut bench = Bench::new(config, rules);
    bench.feed_split(stream, size);
    let mut gone = Bench { said: bench.said.clone(), ..bench };
    gone.server.abandon();
    gone.feed(b"");
    replies(&gone.output);
    story(config, &gone.said);
    (gone.said, gone.output)
}

/// LM4, LM5: whatever came in, what goes out are well-formed reply lines.
fn replies(output: &[u8]) {
    let text = std::str::from_utf8(output).expect("replies are ASCII");
    assert!(text.is_empty() || text.ends_with("\r\n"));
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= 510, "{line}");
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
        let (code, rest) = line.split_at(3);
        assert!(code.parse::<u16>().is_ok_and(|code| (214..=555).contains(&code)), "{line}");
        assert!(rest.starts_with([' ', '-']), "{line}");
        // The greeting, 354, and the reply to LHLO have no enhanced code.
        let plain = ["220 ", "354 ", "250-", "250 CHUNKING", "250 lists.example"];
        let plain = plain.iter().any(|start| line.starts_with(start));
        assert!(plain || rest[1..].starts_with(&code[..1]), "no enhanced code: {line}");
    }
}

/// Events come in an order that a handler can rely on, and never more octets than the limit.
fn story(config: &Config, said: &[Said]) {
    let (mut open, mut begun, mut kept, mut recipients) = (false, false, 0, 0);
    for event in said {
        match event {
            Said::Hello(name) => assert!(name.is_ascii() && !name.is_empty()),
            Said::Mail(_) => {
                assert!(!open, "MAIL in a message: {said:?}");
                (open, begun, kept, recipients) = (true, false, 0, 0);
            }
            Said::Rcpt(path) => {
                assert!(open && !begun && !path.is_empty(), "{said:?}");
                recipients += 1;
            }
            Said::Begin(go) => {
                assert!(open && !begun && recipients > 0, "{said:?}");
                begun = *go;
            }
            Said::Bytes(bytes) => {
                assert!(open && begun, "{said:?}");
                kept += bytes.len() as u64;
                assert!(kept <= config.max_message_size);
            }
            Said::End(end) => {
                assert!(open && begun, "{said:?}");
                assert_eq!(kept, end.size.min(config.max_message_size));
                assert_eq!(end.too_big, end.size > config.max_message_size);
                (open, begun) = (false, false);
            }
            Said::Reset => {
                assert!(open, "a reset of nothing: {said:?}");
                (open, begun) = (false, false);
            }
        }
    }
    assert!(!open, "the client is gone and the handler was not told: {said:?}");
}
