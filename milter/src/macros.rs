//! Macros: what the MTA tells besides, under the names of Sendmail's configuration (MI22).

use crate::code::Command;

/// Names and values, in the order in which they came. Names with more than one character may stand in
/// braces or not: `{auth_authen}` and `auth_authen` are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Macros(Vec<(Vec<u8>, Vec<u8>)>);

impl Macros {
    /// Sets a macro; one of this name that is there is replaced.
    pub fn set(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| bare(known) == bare(&name)) {
            Some(known) => *known = (name, value),
            None => self.0.push((name, value)),
        }
    }

    /// The same, to build a list in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Macros {
        self.set(name, value);
        self
    }

    /// The value of a macro, asked for with braces or without.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| bare(known) == bare(name.as_bytes()));
        found.map(|(_, value)| value.as_slice())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only those that stand in the list of names, which are separated by spaces or commas (MI3).
    pub(crate) fn only(&self, names: &[u8]) -> Macros {
        let wanted = |name: &[u8]| {
            let mut names = names.split(|octet| matches!(octet, b' ' | b',' | b'\t'));
            names.any(|wanted| bare(wanted) == bare(name))
        };
        Macros(self.0.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }
}

fn bare(name: &[u8]) -> &[u8] {
    let inner = name.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    inner.unwrap_or(name)
}

/// What the macros of a session mean now: those that came with a later command hide the earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    stages: Vec<(Command, Macros)>,
}

impl Symbols {
    /// The value of a macro, asked for with braces or without.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.stages.iter().rev().find_map(|(_, macros)| macros.get(name))
    }

    /// The same as text, with `U+FFFD` for octets that are not UTF-8.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Macros for a command have come; they replace those of the last command of its kind.
    pub(crate) fn set(&mut self, of: Command, macros: Macros) {
        self.stages.retain(|(known, _)| *known != of);
        self.stages.push((of, macros));
    }

    /// The message is over: only what belongs to the connection stays.
    pub(crate) fn end_message(&mut self) {
        self.stages.retain(|(of, _)| matches!(of, Command::Connect | Command::Helo));
    }

    pub(crate) fn clear(&mut self) {
        self.stages.clear();
    }
}
