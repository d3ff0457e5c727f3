//! axe-core, fetched from npm into `target/axe` and checked by its hash: it is no part of this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA512, digest};

const PACKAGE: &str = "axe-core@4.14.1";
const FILE: &str = "axe-core-4.14.1.tgz";
/// The registry's own word for the package (Subresource Integrity).
const SHA512_OF_IT: &str =
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

/// The script's source; `None`, said aloud, where it cannot be had.
pub fn source() -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/axe");
    std::fs::create_dir_all(&folder).expect("a folder");
    let package = folder.join(FILE);
    if !package.exists() && !fetch(&folder) {
        eprintln!("SKIPPED: axe-core; npm is not there, or its registry is not reached");
        return None;
    }
    let octets = std::fs::read(&package).expect("the package");
    let hash = data_encoding::BASE64.encode(digest(&SHA512, &octets).as_ref());
    assert_eq!(hash, SHA512_OF_IT, "{} is not what was expected; remove it", package.display());
    let script = Command::new("tar").arg("-xzOf").arg(&package).arg("package/axe.min.js").output();
    Some(String::from_utf8(script.expect("tar").stdout).expect("a script"))
}

/// Into a folder of its own first, so that two tests at once don't see half a file.
fn fetch(folder: &Path) -> bool {
    let new = tempfile::TempDir::new_in(folder).expect("a folder");
    let pack = Command::new("npm")
        .args(["pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination"])
        .arg(new.path())
        .current_dir(new.path())
        .output();
    let fetched: PathBuf = new.path().join(FILE);
    pack.is_ok_and(|pack| pack.status.success())
        && std::fs::rename(fetched, folder.join(FILE)).is_ok()
}
