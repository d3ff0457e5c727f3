//! May a new state of the directory replace the one that we have (promise 6)?
//!
//! Only the plainest case so far: an empty answer. The measure per list is the safety catch's, later.

use super::replica::Replica;

/// `Err` says what is odd and what to do.
pub fn may_replace(old: &Replica, new: &Replica) -> Result<(), String> {
    let (had, has) = (old.people(), new.people());
    let what = if !old.is_empty() && new.is_empty() {
        "no entry at all"
    } else if had > 0 && has == 0 {
        "no person at all"
    } else {
        return Ok(());
    };
    Err(format!(
        "the directory answered with {what}, where there were {had} people and {} groups before; the old state \
         stays in use and counts as stale. Check base, filters and the access rules for our bind DN; \
         if it is really empty now, stop listd and remove its store",
        old.groups().count()
    ))
}
