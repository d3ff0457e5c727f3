//! Where in the log we are, and when a line was written.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use listcore::exim_log::Written;
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A place between two lines. The file is known by its inode, since rotation gives it another name.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub inode: u64,
    pub position: u64,
}

impl Place {
    /// JSON, so that fields may be added.
    pub fn to_stored(self) -> Vec<u8> {
        serde_json::to_vec(&self).unwrap_or_default()
    }

    /// What can't be read is no place: reading begins at the end.
    pub fn from_stored(stored: &[u8]) -> Option<Place> {
        serde_json::from_slice(stored).ok()
    }
}

/// The point in time; without a zone in the log it is this host's.
pub fn instant(at: &Written) -> Option<Timestamp> {
    let civil = DateTime::new(at.year, at.month, at.day, at.hour, at.minute, at.second, 0).ok()?;
    let zone = match at.zone {
        Some(seconds) => Offset::from_seconds(seconds).ok()?.to_time_zone(),
        None => TimeZone::system(),
    };
    Some(Timestamp(civil.to_zoned(zone).ok()?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back() {
        let place = Place { inode: 7, position: 9 };
        assert_eq!(Place::from_stored(&place.to_stored()), Some(place));
        assert_eq!(Place::from_stored(b""), None);
    }

    #[test]
    fn a_zone_counts() {
        let at = Written {
            year: 2026,
            month: 11,
            day: 22,
            hour: 1,
            minute: 2,
            second: 3,
            zone: Some(3_600),
        };
        assert_eq!(instant(&at), Some(Timestamp(1_795_305_723_000)));
        assert_eq!(instant(&Written { month: 13, ..at }), None);
    }
}
