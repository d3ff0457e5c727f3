//! The fuzz entry for the server: `fuzz_one` over `fixtures/fuzz/lmtp/` and seeded mutations of it.
//!
//! Deterministic: the same octets on each run. A stream that once broke something belongs into the
//! folder. `fuzz_one` has the shape that libFuzzer wants, for long runs.

mod common;

use std::path::Path;

use common::Rule;
use common::invariants::{hold, small};
use lmtp::reply::Reply;
use lmtp::server::Flavor;

const MUTATIONS: usize = 300;

/// One stream, in both flavours, with kind and unkind answers, whole and in pieces.
fn fuzz_one(stream: &[u8]) {
    let on = |ask: &str, path: &str, code| {
        let reply = Reply::new(code, "5.0.0", "text\r\n250 forged \u{fc}");
        Rule { ask: ask.to_owned(), path: path.to_owned(), reply }
    };
    let unkind = [on("rcpt", "m@d.example", 550), on("end", "*", 451), on("begin", "*", 452)];
    for flavor in [Flavor::Lmtp, Flavor::Smtp] {
        let config = small(flavor);
        for rules in [&unkind[..0], &unkind[..2], &unkind[..]] {
            let whole = hold(&config, rules, stream, usize::MAX);
            assert_eq!(
                hold(&config, rules, stream, 3),
                whole,
                "{:?}",
                String::from_utf8_lossy(stream)
            );
        }
    }
}

/// LM35: the corpus, and each of its streams mutated again and again.
#[test]
fn lm35_corpus_and_mutations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fuzz/lmtp");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10);
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for seed in &corpus {
        fuzz_one(seed);
        for _ in 0..MUTATIONS {
            let other = &corpus[chance.below(corpus.len())];
            fuzz_one(&mutate(seed, other, &mut chance));
        }
    }
}

/// A few of: flip, insert, delete, repeat, cut in half and go on with another stream.
fn mutate(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    const SPECIAL: &[u8] = b"\r\n.\0 <>@\"\\:0\xff";
    let mut stream = seed.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(stream.len() + 1);
        let to = (at + chance.below(12)).min(stream.len());
        let special = SPECIAL[chance.below(SPECIAL.len())];
        match chance.below(6) {
            0 => stream.insert(at, special),
            1 => drop(stream.drain(at..to)),
            2 => stream[at..to].iter_mut().for_each(|octet| *octet = special),
            3 => {
                let again = stream[at..to].to_vec();
                stream.splice(at..at, again);
            }
            4 => {
                stream.truncate(at);
                stream.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
            _ => stream[at..to].iter_mut().for_each(|octet| *octet ^= 0x20),
        }
    }
    stream
}

/// xorshift64: chance without a clock.
struct Chance(u64);

impl Chance {
    /// Less than `limit`; 0 for 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}
