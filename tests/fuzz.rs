//! The fuzz targets without libFuzzer: the corpora of `fixtures/fuzz/`, and a fixed number of mutations of them.
//!
//! Deterministic: the same octets on each run, in seconds. `./x fuzz` runs the same functions for as long as you like.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "fuzz/targets/mod.rs"]
mod targets;

use targets::TARGETS;

/// Mutations of all inputs of one target together.
const MUTATIONS: usize = 2_000;
/// No mutation gets longer than this (octets).
const LONGEST: usize = 4_096;
/// Octets of the input that is too long, and the most it may take. What is quadratic takes minutes.
const LARGE: usize = 50_000;
const PATIENCE: Duration = Duration::from_secs(5);

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fuzz")
}

/// The inputs of one target in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = corpora().join(target);
    let listing =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = listing.filter_map(Result::ok).map(|file| file.path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a readable file")).collect()
}

/// Runs one input, and keeps it where it breaks something, so that it can be looked at.
fn run(target: &str, check: fn(&[u8]), input: &[u8]) {
    let held = std::panic::catch_unwind(|| check(input));
    if held.is_err() {
        let file = std::env::temp_dir().join(format!("fuzz-{target}-broken"));
        let kept = std::fs::write(&file, input).map(|()| file.display().to_string());
        panic!("{target}: this input breaks it: {kept:?}");
    }
}

/// Every target has its folder, and every folder its target.
#[test]
fn every_corpus_has_a_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folders = std::fs::read_dir(corpora()).expect("fixtures/fuzz").filter_map(Result::ok);
    let folders: BTreeSet<String> =
        folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, names);
    assert!(TARGETS.iter().all(|(name, _)| !corpus(name).is_empty()));
}

/// LM35, promise 10: the corpora, and a fixed number of mutations of each.
#[test]
fn lm35_corpora_and_mutations() {
    for (name, check) in TARGETS {
        let corpus = corpus(name);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        run(name, *check, b"");
        for seed in &corpus {
            run(name, *check, seed);
        }
        for turn in 0..MUTATIONS {
            let (seed, other) = (&corpus[turn % corpus.len()], &corpus[chance.below(corpus.len())]);
            run(name, *check, &mutate(seed, other, &mut chance));
        }
    }
}

/// Promise 10: nothing is slower than linear. Each target gets what its grammar repeats, again and again.
#[test]
fn long_inputs_take_no_longer_than_their_length() {
    let repeated: [&[u8]; 22] = [
        b"(",
        b"<",
        b"\"",
        b"\\",
        b",",
        b"a,",
        b"a@b,",
        b";",
        b"=?utf-8?Q?a?= ",
        b"=?",
        b"\r\n ",
        b"\r\n",
        b"a:b\r\n",
        b"--b\r\n",
        b"--b\r\n\r\n",
        b"*",
        b"(&",
        b"(a=*a*)",
        b"a=b,",
        b".\r\n",
        b"\0\0\0\x01Q",
        b"250-a\r\n",
    ];
    for (name, check) in TARGETS {
        let first = corpus(name).into_iter().next().unwrap_or_default();
        for (at, token) in repeated.iter().enumerate() {
            // Half of them behind something that makes sense.
            let front = if at % 2 == 0 { &first[..] } else { b"" };
            let input = [front, &token.repeat(LARGE / token.len())].concat();
            let began = Instant::now();
            run(name, *check, &input);
            let took = began.elapsed();
            let shown = token.escape_ascii().to_string();
            if took > Duration::from_millis(300) {
                println!("{name}: {took:?} for {LARGE} octets of {shown:?}");
            }
            assert!(took < PATIENCE, "{name}: {took:?} for {LARGE} octets of {shown:?}");
        }
    }
}

/// A few of: flip, insert, delete, repeat, cut in half and go on with another input.
fn mutate(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    const SPECIAL: &[u8] = b"\r\n.\0 <>@\"\\:;,=?()*-0\xc3\xff";
    let mut input = seed.to_vec();
    input.truncate(LONGEST);
    for _ in 0..=chance.below(6) {
        let at = chance.below(input.len() + 1);
        let to = (at + chance.below(12)).min(input.len());
        let special = SPECIAL[chance.below(SPECIAL.len())];
        match chance.below(7) {
            0 => input.insert(at, special),
            1 => drop(input.drain(at..to)),
            2 => input[at..to].iter_mut().for_each(|octet| *octet = special),
            3 => {
                let again = input[at..to].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                input.truncate(at);
                input.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
            5 => {
                let long = vec![special; chance.below(1_200)];
                input.splice(at..at, long);
            }
            _ => input[at..to].iter_mut().for_each(|octet| *octet ^= 0x20),
        }
    }
    input.truncate(LONGEST);
    input
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
