//! What went wrong, sorted by whom it hits: one move, one caller, or the disk.

use crate::store::StoreError;

/// An error inside the store, before it is known whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// One move breaks a constraint: it is rejected alone.
    Constraint(String),
    Full(String),
    Failed(String),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Trouble {
        let text = error.to_string();
        let code = error.as_database_error().and_then(|e| e.code()?.parse::<u32>().ok());
        // The low octet is the primary code (sqlite.org/rescode.html): FULL, TOOBIG, CONSTRAINT.
        match code.map(|code| code & 0xff) {
            Some(13) => Trouble::Full(text),
            Some(18 | 19) => Trouble::Constraint(text),
            _ => Trouble::Failed(text),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Trouble::Full(error.to_string()),
            _ => Trouble::Failed(error.to_string()),
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> StoreError {
        match trouble {
            Trouble::Full(text) => StoreError::Full(text),
            Trouble::Failed(text) | Trouble::Constraint(text) => StoreError::Failed(text),
        }
    }
}
