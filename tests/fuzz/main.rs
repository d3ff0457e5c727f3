//! The libFuzzer program: all targets in one, chosen by the environment variable `FUZZ_TARGET`.
//!
//! What a target does stands in `targets/`. `./x fuzz` builds and runs this.

#![no_main]

mod targets;

use std::sync::OnceLock;

/// The target of this run.
fn target() -> fn(&[u8]) {
    static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();
    *TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        match targets::TARGETS.iter().find(|(known, _)| *known == name) {
            Some((_, target)) => *target,
            None => {
                let names: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
                eprintln!("fuzz: set FUZZ_TARGET to one of: {}", names.join(" "));
                std::process::exit(2);
            }
        }
    })
}

libfuzzer_sys::fuzz_target!(|octets: &[u8]| target()(octets));
