//! `listctl`: what an admin asks of `listd`, on the command line.
//!
//! Exit codes: 0 done or yes, 1 no or not found, 2 wrong usage or no answer. It decides nothing: answers come
//! from the daemon (`client`) or from `listcore`, and `show` makes tables of them.

use std::process::ExitCode;

use clap::Parser;

mod args;
mod ask;
mod bounces;
mod check;
mod client;
mod dkim;
mod exim;
mod fail;
mod manual;
mod mbox;
mod show;
mod simulate;
mod time;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(ask::run(args)),
        Err(error) => Err(fail::Fail::cannot("start", &error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => fail.tell(),
    }
}
