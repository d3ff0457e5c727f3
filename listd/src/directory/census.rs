//! Which entries have changed since the last poll, told from a short list of all of them: name and stamp of each.
//!
//! Values only; no connection. Nothing here is measured on our clock: a stamp is entryCSN, or modifyTimestamp.

use std::collections::{HashMap, HashSet};

use listcore::dn;
use listcore::entry::Entry;

use super::live::Change;
use super::replica::Replica;

/// More changes than these are not asked for one by one.
const MOST: usize = 500;

/// Entries in one question.
const AT_ONCE: usize = 100;

/// What tells that an entry is another now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// OpenLDAP's: no two changes have the same.
    Csn,
    /// RFC 4512 3.4.2: seconds, so two changes may have the same.
    Time,
}

impl Stamp {
    pub fn attribute(self) -> &'static str {
        match self {
            Stamp::Csn => "entryCSN",
            Stamp::Time => "modifyTimestamp",
        }
    }
}

/// An entry as the short list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// As the server writes it.
    dn: Box<str>,
    csn: Option<Box<str>>,
    time: Option<Box<str>>,
}

impl Mark {
    fn stamp(&self, stamp: Stamp) -> Option<&str> {
        match stamp {
            Stamp::Csn => self.csn.as_deref(),
            Stamp::Time => self.time.as_deref(),
        }
    }
}

/// All entries of one answer by entryUUID.
#[derive(Clone, Debug, Default)]
pub struct Census {
    marks: HashMap<String, Mark>,
    /// An entry came without entryUUID: such a directory is not compared.
    nameless: bool,
}

/// What a poll has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read these, and forget those.
    Changes { read: Vec<String>, gone: Vec<String> },
    /// Why only the whole directory will do.
    Everything(&'static str),
}

impl Census {
    /// Notes an entry with all that the server sent; gives its entryUUID, if it has a proper one.
    pub fn note(&mut self, entry: &Entry) -> Option<String> {
        let uuid = entry.first("entryuuid").map(str::to_ascii_lowercase);
        let Some(uuid) = uuid.filter(|u| is_uuid(u)) else {
            self.nameless = true;
            return None;
        };
        let value = |stamp: Stamp| entry.first(stamp.attribute()).map(Into::into);
        let mark = Mark { dn: entry.dn.clone(), csn: value(Stamp::Csn), time: value(Stamp::Time) };
        self.marks.insert(uuid.clone(), mark);
        Some(uuid)
    }

    /// The stamp that every entry has; `None` where changes cannot be told.
    pub fn stamp(&self) -> Option<Stamp> {
        let all = |stamp: Stamp| self.marks.values().all(|mark| mark.stamp(stamp).is_some());
        if self.nameless || self.marks.is_empty() {
            return None;
        }
        [Stamp::Csn, Stamp::Time].into_iter().find(|stamp| all(*stamp))
    }

    /// What leads from this census to a later one.
    pub fn step_to(&self, now: &Census, stamp: Stamp) -> Step {
        if now.nameless || now.marks.values().any(|mark| mark.stamp(stamp).is_none()) {
            return Step::Everything("an entry came without entryUUID or without its stamp");
        }
        let again = self.read_again_from(stamp);
        let is_new = |uuid: &String, mark: &Mark| {
            let known = self.marks.get(uuid);
            known.is_none_or(|k| k.dn != mark.dn || k.stamp(stamp) != mark.stamp(stamp))
                || again.is_some_and(|from| mark.stamp(stamp).is_some_and(|s| s >= from))
        };
        let read = now.marks.iter().filter(|(uuid, mark)| is_new(uuid, mark));
        let read: Vec<String> = read.map(|(uuid, _)| uuid.clone()).collect();
        if read.len() > MOST {
            return Step::Everything("very many entries have changed");
        }
        let gone = self.marks.keys().filter(|uuid| !now.marks.contains_key(*uuid));
        Step::Changes { read, gone: gone.cloned().collect() }
    }

    /// Times are whole seconds, and another replica's clock may be late: what was changed in the newest minute may
    /// have been changed again without a trace.
    fn read_again_from(&self, stamp: Stamp) -> Option<&str> {
        let times = self.marks.values().filter_map(|mark| mark.time.as_deref());
        let newest = times.max().filter(|_| stamp == Stamp::Time)?;
        newest.get(.."YYYYmmddHHMM".len()).or(Some(newest))
    }

    /// The names under which entries of this census are not to be found any more, in normal form.
    pub fn old_names(&self, read: &Census, gone: &[String]) -> HashSet<String> {
        let moved = read.marks.iter().filter_map(|(uuid, mark)| {
            self.marks.get(uuid).filter(|known| known.dn != mark.dn).map(|known| &known.dn)
        });
        let gone = gone.iter().filter_map(|uuid| self.marks.get(uuid)).map(|mark| &mark.dn);
        moved.chain(gone).filter_map(|dn| dn::normal(dn)).collect()
    }

    /// Takes in what was read and forgets what is gone.
    pub fn take(&mut self, read: Census, gone: &[String]) {
        self.marks.extend(read.marks);
        for uuid in gone {
            self.marks.remove(uuid);
        }
    }

    /// True where each of them was read.
    pub fn has_all(&self, uuids: &[String]) -> bool {
        !self.nameless && uuids.iter().all(|uuid| self.marks.contains_key(uuid))
    }
}

/// The DNs, in normal form, that entries of `old` lose by these changes.
pub fn names_no_more(old: &Replica, changes: &[Change]) -> HashSet<String> {
    let lost = changes.iter().filter_map(|change| match change {
        Change::Upsert(uuid, entry) => {
            old.dn(uuid).filter(|had| dn::normal(&entry.dn).as_deref() != Some(*had))
        }
        Change::Remove(uuid) => old.dn(uuid),
    });
    lost.map(str::to_owned).collect()
}

/// Filters for these entries, as far as they match `filter`.
pub fn questions(filter: &str, uuids: &[String]) -> Vec<String> {
    let question = |some: &[String]| {
        let parts: String = some.iter().map(|uuid| format!("(entryUUID={uuid})")).collect();
        format!("(&{filter}(|{parts}))")
    };
    uuids.chunks(AT_ONCE).map(question).collect()
}

/// Only such a value may stand in a filter.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid(n: usize) -> String {
        format!("00000000-0000-0000-0000-{n:012}")
    }

    /// Words `N NAME CSN TIME`, `-` for none.
    fn census(lines: &[&str]) -> Census {
        let mut census = Census::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let mut entry = Entry::new(&format!("cn={},dc=x", words[1]));
            let values = [
                ("entryUUID", words[0].parse().map_or("-".to_owned(), uuid)),
                ("entryCSN", words[2].to_owned()),
                ("modifyTimestamp", words[3].to_owned()),
            ];
            for (name, value) in values.iter().filter(|(_, value)| value != "-") {
                entry.push(name, value.as_bytes());
            }
            census.note(&entry);
        }
        census
    }

    #[test]
    fn the_stamp_is_one_that_all_have() {
        let cases: [(&[&str], Option<Stamp>); 6] = [
            (&["1 a c1 t1", "2 b c2 t1"], Some(Stamp::Csn)),
            (&["1 a - t1", "2 b c2 t1"], Some(Stamp::Time)),
            (&["1 a - t1", "2 b c2 -"], None),
            (&["1 a c1 t1", "- b c2 t1"], None),
            (&["1 a - -"], None),
            (&[], None),
        ];
        for (lines, expect) in cases {
            assert_eq!(census(lines).stamp(), expect, "{lines:?}");
        }
    }

    /// What it is about, the stamp, the census now, what is read, what is gone.
    type Case<'a> = (&'a str, Stamp, &'a [&'a str], &'a [usize], &'a [usize]);

    #[test]
    fn what_is_read_and_what_is_gone() {
        const OLD: &str = "20261122010159Z";
        const NEW: &str = "20261122010201Z";
        let base = [format!("1 a c1 {OLD}"), format!("2 b c2 {NEW}")];
        let base: Vec<&str> = base.iter().map(String::as_str).collect();
        let cases: [Case; 9] = [
            ("nothing", Stamp::Csn, &["1 a c1 -", "2 b c2 -"], &[], &[]),
            ("changed", Stamp::Csn, &["1 a c1 -", "2 b c3 -"], &[2], &[]),
            (
                "an older stamp, as after a restore",
                Stamp::Csn,
                &["1 a c0 -", "2 b c2 -"],
                &[1],
                &[],
            ),
            (
                "added late by a replica",
                Stamp::Csn,
                &["1 a c1 -", "2 b c2 -", "3 c c0 -"],
                &[3],
                &[],
            ),
            ("gone", Stamp::Csn, &["2 b c2 -"], &[], &[1]),
            ("its parent was renamed", Stamp::Csn, &["1 x c1 -", "2 b c2 -"], &[1], &[]),
            ("all gone", Stamp::Csn, &[], &[], &[1, 2]),
            ("the newest minute again", Stamp::Time, &base, &[2], &[]),
            ("changed by time", Stamp::Time, &["1 a - 20261122010001Z", base[1]], &[1, 2], &[]),
        ];
        let known = census(&base);
        for (what, stamp, now, read, gone) in cases {
            let Step::Changes { read: mut r, gone: mut g } = known.step_to(&census(now), stamp)
            else {
                panic!("{what}");
            };
            r.sort();
            g.sort();
            let expect = |numbers: &[usize]| numbers.iter().copied().map(uuid).collect::<Vec<_>>();
            assert_eq!((r, g), (expect(read), expect(gone)), "{what}");
        }
        for odd in [&["- a c1 -", "2 b c2 -"], &["1 a - -", "2 b c2 -"]] {
            assert!(matches!(known.step_to(&census(odd), Stamp::Csn), Step::Everything(_)));
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("{n} a c9 -")).collect();
        let many = census(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(matches!(known.step_to(&many, Stamp::Csn), Step::Everything(_)));
    }

    #[test]
    fn names_that_are_no_more() {
        let known = census(&["1 a c1 -", "2 b c2 -", "3 c c3 -"]);
        let read = census(&["1 x c9 -", "3 c c9 -"]);
        let names = known.old_names(&read, &[uuid(2)]);
        assert_eq!(names, HashSet::from(["cn=a,dc=x".to_owned(), "cn=b,dc=x".to_owned()]));
        assert!(read.has_all(&[uuid(1), uuid(3)]) && !read.has_all(&[uuid(2)]));
    }

    #[test]
    fn only_a_uuid_goes_into_a_filter() {
        assert!(is_uuid(&uuid(1)));
        assert!(!is_uuid("00000000-0000-0000-0000-0000000)(a=*)"));
        assert!(!is_uuid(""));
        let both = questions("(a=b)", &[uuid(1), uuid(2)]);
        let expect = format!("(&(a=b)(|(entryUUID={})(entryUUID={})))", uuid(1), uuid(2));
        assert_eq!(both, [expect]);
        assert_eq!(questions("(a=b)", &vec![uuid(1); 250]).len(), 3);
    }
}
