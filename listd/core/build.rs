//! Lists the languages that there are texts in: one file each in `locales/`, so that a new one needs no code.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder =
        Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("locales");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)?
        .filter_map(|entry| {
            Some(entry.ok()?.file_name().to_str()?.strip_suffix(".ftl")?.to_owned())
        })
        .collect();
    // English first: what has no text is said in it.
    names.sort_by_key(|name| (name != "en", name.clone()));
    let line = |name: &String| {
        let path = folder.join(format!("{name}.ftl"));
        format!("    ({name:?}, include_str!({:?})),\n", path.display().to_string())
    };
    let source = format!("[\n{}]\n", names.iter().map(line).collect::<String>());
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("locales.rs"), source)
}
