//! May this modification be taken into a mail? A filter is trusted to judge, not to write wire octets.

use crate::fault::Fault;
use crate::header::Field;
use crate::packet::{Modification, PacketError};

/// Refuses header fields that would break out of their lines.
pub(super) fn modification(modification: &Modification) -> Result<(), Fault> {
    match modification {
        Modification::AddHeader(field)
        | Modification::InsertHeader { field, .. }
        | Modification::ChangeHeader { field, .. } => {
            if is_name(&field.name) && is_value(field) {
                Ok(())
            } else {
                Err(bad())
            }
        }
        _ => Ok(()),
    }
}

fn bad() -> Fault {
    Fault::Packet(PacketError::BadField)
}

/// RFC 5322 3.6.8
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':')
}

/// Each line but the first begins with white space and has something else; no lone CR.
fn is_value(field: &Field) -> bool {
    let mut lines = field.value.split(|octet| *octet == b'\n');
    let count = field.value.iter().filter(|octet| **octet == b'\n').count();
    let ends = |at: usize, line: &[u8]| {
        let line = if at < count { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        !line.contains(&b'\r')
    };
    let folded =
        |line: &[u8]| matches!(line.first(), Some(b' ' | b'\t')) && !line.trim_ascii().is_empty();
    lines.by_ref().enumerate().all(|(at, line)| ends(at, line) && (at == 0 || folded(line)))
}
