//! What is wrong with a configuration: file, line, key, what was found and what was expected.
//!
//! Not how it is found (`source`, `value`, `build`).

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The name the caller gave, as it is to be shown.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Dotted, e.g. `lmtp.listen`; empty where the text is no TOML.
    pub key: String,
    /// What was found, what was expected, and what to do.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong with one file, in the order of its lines; never empty.
///
/// Shown as one line per error. A daemon prints it and exits 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}
