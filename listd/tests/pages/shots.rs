//! Pictures of every page and state, for people: `./x shots` leaves them in `target/shots`.

use std::path::Path;

use crate::chromium::Chromium;
use crate::states::{LANGUAGES, STATES, Served};

/// Name, width and height (CSS pixels), light or dark.
const LOOKS: [(&str, u32, u32, &str); 3] = [
    ("phone-light", 390, 844, "light"),
    ("phone-dark", 390, 844, "dark"),
    ("desktop-light", 1280, 900, "light"),
];

#[test]
#[ignore = "makes pictures and proves nothing; ./x shots runs it"]
fn shots() {
    let Some(mut browser) = Chromium::start() else { return };
    let served = Served::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/shots");
    std::fs::create_dir_all(&folder).expect("a folder");
    for state in STATES {
        for language in LANGUAGES {
            served.show(&mut browser, state, language);
            for (look, width, height, scheme) in LOOKS {
                browser.size(width, height);
                browser.scheme(scheme);
                let file = folder.join(format!("{}.{language}.{look}.png", state.name));
                std::fs::write(file, browser.shot()).expect("written");
            }
        }
    }
}
