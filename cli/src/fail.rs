//! Why a command did not do what it was asked: a text, what to do now, and the exit code.

use std::process::ExitCode;

/// The end of a command that did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub struct Fail {
    /// 1: no, or not found. 2: wrong usage, or no answer.
    pub code: u8,
    /// Empty where standard output says it already.
    pub what: String,
    pub what_to_do: String,
}

pub type Done<T = ()> = Result<T, Fail>;

impl Fail {
    /// The answer is no.
    pub fn no(what: impl Into<String>, what_to_do: impl Into<String>) -> Fail {
        Fail { code: 1, what: what.into(), what_to_do: what_to_do.into() }
    }

    /// There is no answer.
    pub fn broken(what: impl Into<String>, what_to_do: impl Into<String>) -> Fail {
        Fail { code: 2, what: what.into(), what_to_do: what_to_do.into() }
    }

    /// The answer is no, and it is on standard output.
    pub fn said() -> Fail {
        Fail::no("", "")
    }

    /// The system refused something: `cannot {what}: {error}`.
    pub fn cannot(what: &str, error: &dyn std::fmt::Display) -> Fail {
        Fail::broken(format!("cannot {what}: {error}"), "")
    }

    /// Tells it on standard error.
    pub fn tell(&self) -> ExitCode {
        if !self.what.is_empty() {
            eprintln!("listctl: {}", self.what);
        }
        if !self.what_to_do.is_empty() {
            eprintln!("{}", self.what_to_do);
        }
        ExitCode::from(self.code)
    }
}
