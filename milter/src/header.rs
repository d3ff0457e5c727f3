//! Header fields, and the space behind the colon that the protocol once ate (MI16).
//!
//! A [`Field`] holds its value as it stands in the mail: all octets behind the colon, folds included, without
//! the last line end. Only inside packets of a session without the leading-space agreement it looks
//! otherwise, and the machines turn it there and back.
//!
//! Without the agreement one space is lost on the way to the filter, and one is added on the way back. Nobody
//! can tell `Subject:x` from `Subject: x` then, so the more usual one is assumed.

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: Vec<u8>,
    /// Behind the colon, e.g. ` text`; folded lines are joined by LF or CRLF, as they came.
    pub value: Vec<u8>,
}

impl Field {
    /// `name: value`, with one space.
    pub fn new(name: &str, value: &str) -> Field {
        Field { name: name.as_bytes().to_vec(), value: format!(" {value}").into_bytes() }
    }

    /// Has it this name? Case does not matter (MI19).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value without white space around it.
    pub fn text(&self) -> &[u8] {
        self.value.trim_ascii()
    }

    /// The field as a line of a mail, or several: folds and the end are CRLF.
    pub fn line(&self) -> Vec<u8> {
        let mut line = self.name.clone();
        line.push(b':');
        for octet in with_lf(&self.value) {
            line.extend_from_slice(if octet == b'\n' {
                b"\r\n"
            } else {
                std::slice::from_ref(&octet)
            });
        }
        line.extend_from_slice(b"\r\n");
        line
    }

    /// As the wire has it. `exact`: leading space was agreed.
    pub(crate) fn into_wire(mut self, exact: bool) -> Field {
        if !exact && self.value.first() == Some(&b' ') {
            self.value.remove(0);
        }
        self.value = with_lf(&self.value);
        self
    }

    /// From the MTA's wire: what stood in the mail. A tab behind the colon was not eaten.
    pub(crate) fn off_wire(mut self, exact: bool) -> Field {
        if !exact && self.value.first() != Some(&b'\t') {
            self.value.insert(0, b' ');
        }
        self
    }

    /// From the filter's wire: what is to stand in the mail. An empty value stays empty, for it deletes.
    pub(crate) fn off_filter(mut self, exact: bool) -> Field {
        if !exact && !self.value.is_empty() {
            self.value.insert(0, b' ');
        }
        self
    }
}

/// Folds are joined with LF on the wire.
fn with_lf(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for (at, octet) in value.iter().enumerate() {
        let fold = *octet == b'\r' && value.get(at + 1) == Some(&b'\n');
        if !fold {
            out.push(*octet);
        }
    }
    out
}
