//! Completions and manual pages, made from the same words as the help.

use std::path::Path;

use clap::CommandFactory;

use crate::args::Args;
use crate::ask;
use crate::fail::{Done, Fail};

pub fn completions(shell: clap_complete::Shell) -> Done {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "listctl", &mut text);
    ask::print(&String::from_utf8_lossy(&text))
}

/// The main page on standard output, or a page for each command in `folder`.
pub fn pages(folder: Option<&Path>) -> Done {
    let cannot = |error: std::io::Error| Fail::cannot("write the manual", &error);
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(cannot)?;
        return clap_mangen::generate_to(Args::command(), folder).map_err(cannot);
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut text).map_err(cannot)?;
    ask::print(&String::from_utf8_lossy(&text))
}
