//! TOML text as known keys with their values and lines; everything unknown is an error with a hint.
//!
//! Not what a value means (`value`), and not which keys belong together (`build`).

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, ConfigErrors};
use super::keys;

/// A value as it stands in the file.
pub(super) type Raw<'t> = Spanned<DeValue<'t>>;

/// The known keys of the file, or of one `[[domain]]`, by dotted path.
#[derive(Default)]
pub(super) struct Values<'t> {
    pub found: BTreeMap<String, Raw<'t>>,
    /// Tables that stand there, and the octet where each begins.
    pub tables: BTreeMap<String, usize>,
}

/// A file taken apart.
pub(super) struct Source<'t> {
    pub top: Values<'t>,
    pub domains: Vec<Values<'t>>,
    /// Something named `domain` stands there, right or wrong.
    pub names_domain: bool,
}

/// More errors than this are not told: nobody reads them, and each costs a look at the text.
const MOST: usize = 100;

/// Collects what is wrong, and knows file and lines.
pub(super) struct Errors<'t> {
    file: &'t str,
    text: &'t str,
    list: Vec<ConfigError>,
}

impl<'t> Errors<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Errors<'t> {
        Errors { file, text, list: Vec::new() }
    }

    /// Notes that what stands at octet `at` is wrong. Once it is full, nothing more is noted.
    pub fn add(&mut self, at: usize, key: &str, problem: impl Into<String>) {
        if self.is_full() {
            return;
        }
        let before = self.text.as_bytes().iter().take(at);
        let line = 1 + before.filter(|b| **b == b'\n').count();
        let (file, key) = (self.file.to_owned(), key.to_owned());
        self.list.push(ConfigError { file, line, key, problem: problem.into() });
    }

    /// Whether anything was wrong so far.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// So much is wrong that the rest can wait until this is mended.
    pub fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// What was wrong, in the order of the lines.
    pub fn into_errors(mut self) -> ConfigErrors {
        self.list.sort_by_key(|error| error.line);
        ConfigErrors(self.list)
    }
}

/// Takes the text apart. `None` where it is no TOML: what could still be read of it would only mislead.
pub(super) fn take_apart<'t>(text: &'t str, errors: &mut Errors<'t>) -> Option<Source<'t>> {
    let (root, broken) = DeTable::parse_recoverable(text);
    for error in broken {
        let at = error.span().map_or(0, |span| span.start);
        errors.add(at, "", format!("this is no TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return None;
    }
    let mut source = Source { top: Values::default(), domains: Vec::new(), names_domain: false };
    let mut root = root.into_inner();
    if let Some(domains) = root.remove("domain") {
        source.names_domain = true;
        source.domains = split_domains(domains, errors);
    }
    walk(root, "", &mut source.top, errors);
    Some(source)
}

fn split_domains<'t>(raw: Raw<'t>, errors: &mut Errors<'t>) -> Vec<Values<'t>> {
    let at = raw.span().start;
    let DeValue::Array(items) = raw.into_inner() else {
        errors.add(at, "domain", "a domain begins with [[domain]], in two pairs of brackets");
        return Vec::new();
    };
    let mut domains = Vec::new();
    for item in items {
        let at = item.span().start;
        let mut values = Values::default();
        values.tables.insert("domain".to_owned(), at);
        match item.into_inner() {
            DeValue::Table(table) => walk(table, "domain", &mut values, errors),
            other => {
                let found = super::value::kind(&other);
                errors.add(at, "domain", format!("found {found}, expected a [[domain]] table"));
                continue;
            }
        }
        domains.push(values);
    }
    domains
}

/// Sorts the keys of one table into known and unknown ones, tables inside included.
fn walk<'t>(table: DeTable<'t>, prefix: &str, into: &mut Values<'t>, errors: &mut Errors<'t>) {
    for (key, value) in table {
        if errors.is_full() {
            return;
        }
        let at = key.span().start;
        let name = key.into_inner();
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        if keys::find(&path).is_some() {
            into.found.insert(path, value);
        } else if !keys::is_table(&path) {
            let hint = match keys::nearest(&path) {
                Some(known) => format!("; did you mean {known}?"),
                None => "; docs/configuration.md lists all keys".to_owned(),
            };
            errors.add(at, &path, format!("there is no such key{hint}"));
        } else {
            match value.into_inner() {
                DeValue::Table(inner) => {
                    into.tables.insert(path.clone(), at);
                    walk(inner, &path, into, errors);
                }
                other => {
                    let found = super::value::kind(&other);
                    errors.add(at, &path, format!("found {found}, expected a table: [{path}]"));
                }
            }
        }
    }
}
