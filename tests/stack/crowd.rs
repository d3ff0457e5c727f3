//! Lists with made-up members as LDIF, for the bench and the tests that need many.

use std::fmt::Write as _;

use crate::load::Job;
use crate::{mail, school};

/// LDIF entries below the school's base: each list has so many members of its own, `NAME-0@gmx.example` and so on.
/// Only the lists and people, without the tree above them.
pub fn entries(lists: &[(&str, usize)]) -> String {
    let mut out = String::new();
    for (name, size) in lists {
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "dn: cn={name},ou=groups,{base}\nobjectClass: groupOfNames\nobjectClass: schoolList\ncn: {name}\nmail: {address}\n",
            base = school::BASE,
            address = address(name)
        );
        for i in 0..*size {
            let _ = writeln!(out, "member: {}", school::dn(&format!("{name}-{i}")));
        }
        for i in 0..*size {
            let _ = write!(
                out,
                "\ndn: {dn}\nobjectClass: inetOrgPerson\nuid: {name}-{i}\ncn: {name} {i}\nsn: {i}\nmail: {mail}\n",
                dn = school::dn(&format!("{name}-{i}")),
                mail = member(name, i)
            );
        }
        out.push('\n');
    }
    out
}

/// [`entries`] with the tree above them: a directory of its own.
pub fn directory(lists: &[(&str, usize)]) -> String {
    let base = school::BASE;
    format!(
        "dn: {base}\nobjectClass: dcObject\nobjectClass: organization\ndc: schule\no: Schule\n\n\
         dn: ou=people,{base}\nobjectClass: organizationalUnit\nou: people\n\n\
         dn: ou=groups,{base}\nobjectClass: organizationalUnit\nou: groups\n\n{}",
        entries(lists)
    )
}

pub fn address(list: &str) -> String {
    format!("{list}@schule.example")
}

pub fn member(list: &str, number: usize) -> String {
    format!("{list}-{number}@gmx.example")
}

/// A mail of about `size` octets by the list's first member to the list.
pub fn job(list: &str, name: &str, size: usize) -> Job {
    let from = member(list, 0);
    let line = "Liebe Eltern, am Freitag ist Wandertag; bitte festes Schuhwerk anziehen.\n";
    let mail =
        mail::text(&from, &address(list), "Wandertag", name, &line.repeat(size / line.len() + 1));
    Job { name: name.to_owned(), from, to: vec![address(list)], mail }
}
