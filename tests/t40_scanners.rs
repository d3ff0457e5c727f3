//! rspamd and clamd themselves, before anything of ours asks them: ready means that they tell good from bad.

use stack::scanners::Scanners;

#[test]
fn both_scanners_answer_and_come_back() {
    let mut scanners = Scanners::start().unwrap();
    // Each start ends with a question: GTUBE for the one, EICAR for the other.
    scanners.rspamd.restart().unwrap();
    scanners.clamd.restart().unwrap();
    let dir = scanners.dir().to_owned();
    drop(scanners);
    assert!(!dir.exists(), "something is left in {}", dir.display());
}
