//! A directory as large as a town's: made-up people and lists as LDIF, the same at each call.

use std::fmt::Write as _;

use crate::{crowd, school};

pub const PEOPLE: usize = 50_000;
pub const LISTS: usize = 2_500;

/// Members of each list. One list in [`NESTED`] has two other lists as members, besides.
pub const MEMBERS: usize = 30;
const NESTED: usize = 25;

pub fn list(number: usize) -> String {
    format!("gruppe-{number}")
}

pub fn list_dn(number: usize) -> String {
    format!("cn={},ou=groups,{}", list(number), school::BASE)
}

pub fn person(number: usize) -> String {
    format!("person-{number}")
}

/// Who is on a list. A person is on one or two of them, and not always with her neighbours.
pub fn members(list: usize) -> impl Iterator<Item = usize> {
    let spread =
        move |i: usize| if i.is_multiple_of(3) { list * 7919 + i * 1009 } else { list * 20 + i };
    (0..MEMBERS).map(move |i| spread(i) % PEOPLE)
}

/// The whole tree. Values of a size as FusionDirectory writes them, with what no mailing list needs.
pub fn directory() -> String {
    let mut out = crowd::directory(&[]);
    let _ = write!(
        out,
        "dn: ou=services,{base}\nobjectClass: organizationalUnit\nou: services\n\n\
         dn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: listd\nuserPassword: {password}\n\n",
        base = school::BASE,
        dn = school::LISTD_DN,
        password = school::LISTD_PASSWORD,
    );
    for number in 0..PEOPLE {
        person_entry(&mut out, number);
    }
    for number in 0..LISTS {
        list_entry(&mut out, number);
    }
    out
}

// Writing to a String does not fail.
fn person_entry(out: &mut String, number: usize) {
    let uid = person(number);
    let _ = write!(
        out,
        "dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: {uid}\ncn: Vorname Nachname {number}\n\
         sn: Nachname {number}\ngivenName: Vorname\nmail: {uid}@post.example\nuidNumber: {id}\ngidNumber: 100\n\
         homeDirectory: /home/{uid}\nloginShell: /bin/bash\ntelephoneNumber: +49 30 {id}\n\
         userPassword: {{SSHA}}0123456789012345678901234567890123456789\n\n",
        dn = school::dn(&uid),
        id = 100_000 + number,
    );
}

fn list_entry(out: &mut String, number: usize) {
    let (dn, name) = (list_dn(number), list(number));
    let address = crowd::address(&name);
    let _ = write!(
        out,
        "dn: {dn}\nobjectClass: groupOfNames\nobjectClass: schoolList\ncn: {name}\nmail: {address}\n"
    );
    let mut there = std::collections::BTreeSet::new();
    for member in members(number).filter(|m| there.insert(*m)) {
        let _ = writeln!(out, "member: {}", school::dn(&person(member)));
    }
    if number.is_multiple_of(NESTED) {
        for other in [number + 1, number + 2] {
            let _ = writeln!(out, "member: {}", list_dn(other % LISTS));
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_town_has_its_size() {
        let ldif = directory();
        let count = |class: &str| ldif.matches(&format!("objectClass: {class}\n")).count();
        assert_eq!((count("inetOrgPerson"), count("groupOfNames")), (PEOPLE, LISTS));
        let lists = ldif.split("\n\n").filter(|entry| entry.contains("objectClass: schoolList"));
        for entry in lists {
            let members: Vec<&str> = entry.lines().filter(|l| l.starts_with("member: ")).collect();
            let once: std::collections::BTreeSet<&&str> = members.iter().collect();
            assert!(members.len() > MEMBERS / 2 && once.len() == members.len(), "{entry}");
        }
    }
}
