//! The sample school of `fixtures/school` as the stories name it.

use std::path::PathBuf;

pub const BASE: &str = "dc=schule,dc=example";
/// Everybody's password.
pub const PASSWORD: &str = "geheim";
pub const LISTD_DN: &str = "cn=listd,ou=services,dc=schule,dc=example";
pub const LISTD_PASSWORD: &str = "listd-geheim";
pub const ROOT_DN: &str = "cn=admin,dc=schule,dc=example";
pub const ROOT_PASSWORD: &str = "admin-geheim";

pub const CLASS_5B: &str = "klasse-5b@schule.example";
/// Of 20 members of 5b one account is locked.
pub const CLASS_5B_RECIPIENTS: usize = 19;

/// Parents of 5b with a mailbox in Dovecot: login and address.
pub const JOERG: (&str, &str) = ("joerg.schaefer", "joerg.schaefer@post.example");
pub const AYSE: (&str, &str) = ("ayse.oeztuerk", "ayse.oeztuerk@post.example");
pub const MARIA: (&str, &str) = ("maria.fischer", "maria.fischer@post.example");
pub const ZOE: (&str, &str) = ("zoe.koehler", "zoe.koehler@post.example");
/// Of 5b too, without a mailbox here.
pub const OUTSIDE: &str = "ute.huebner@telekom.example";
/// The class teacher of 5b: owns the list, is not on it.
pub const TEACHER: (&str, &str) = ("petra.sommer", "petra.sommer@schule.example");
/// A parent of 5a who is not in 5b.
pub const STRANGER: (&str, &str) = ("joerg.mueller", "joerg.mueller@post.example");

/// A parent at a provider that signs nothing, of [`newsletter`]; her mailbox is outside.
pub const VERA: &str = "vera.winter@privat.example";

/// What the PROXY line says for a mail that the parents' provider sends, and what its SPF record allows.
pub const PROVIDER_IP: &str = "192.0.2.25";
/// A machine that no SPF record allows.
pub const FORGER_IP: &str = "198.51.100.66";

/// `fixtures/` of this source tree.
pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

pub fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

/// A list beside the classes, as LDIF: Zoe and Maria are on it, and [`VERA`], who is new with it. By login, who looks after it.
pub fn newsletter(owners: &[&str]) -> String {
    let owners: String = owners.iter().map(|owner| format!("owner: {}\n", dn(owner))).collect();
    format!("{NEWSLETTER}{owners}")
}

const NEWSLETTER: &str = "
dn: uid=vera.winter,ou=people,dc=schule,dc=example
objectClass: inetOrgPerson
uid: vera.winter
cn: Vera Winter
sn: Winter
mail: vera.winter@privat.example

dn: cn=elternbrief,ou=groups,dc=schule,dc=example
objectClass: groupOfNames
objectClass: schoolList
cn: elternbrief
description: Elternbrief
mail: elternbrief@schule.example
member: uid=zoe.koehler,ou=people,dc=schule,dc=example
member: uid=maria.fischer,ou=people,dc=schule,dc=example
member: uid=vera.winter,ou=people,dc=schule,dc=example
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ldif_is_what_the_script_writes() {
        for school in ["school", "school-fd"] {
            is_written(&fixtures().join(school));
        }
    }

    fn is_written(dir: &std::path::Path) {
        let written = std::process::Command::new("/usr/bin/python3")
            .arg(dir.join("make.py"))
            .output()
            .unwrap();
        assert!(written.status.success(), "{written:?}");
        assert!(
            written.stdout == std::fs::read(dir.join("school.ldif")).unwrap(),
            "run make.py > school.ldif"
        );
    }

    #[test]
    fn the_people_named_here_are_in_it() {
        let ldif = std::fs::read_to_string(fixtures().join("school/school.ldif")).unwrap();
        for (uid, mail) in [JOERG, AYSE, MARIA, ZOE, TEACHER, STRANGER] {
            assert!(ldif.contains(&format!("\nuid: {uid}\n")), "{uid}");
            assert!(ldif.contains(&format!("\nmail: {mail}\n")), "{mail}");
        }
    }
}
