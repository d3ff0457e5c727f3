//! Every kind of list over a whole school with FusionDirectory's layout: who is on them is worked out a second
//! time here, from slapd with plain searches, and is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;
use stack::ldap::Ldap;
use stack::{Solo, mail, school, smtp, wait};

pub fn debian(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| PathBuf::from(format!("/etc/ldap/schema/{name}.schema"))).collect()
}

pub fn ours() -> PathBuf {
    school::fixtures().join("../docs/ldap/verteiler.schema")
}

/// A small stand-in for FusionDirectory's schemas, and ours.
pub fn small() -> Vec<PathBuf> {
    let mut all = debian(&["core", "cosine", "inetorgperson", "misc", "dyngroup"]);
    all.push(school::fixtures().join("school-fd/fd.schema"));
    all.push(ours());
    all
}

/// The real ones in the order in which they load, ours behind them; `None`, said aloud, where they are not.
pub fn real(test: &str) -> Option<Vec<PathBuf>> {
    let root = crate::t11_corpus::corpora().map(|corpora| corpora.join("ldap"));
    let root = root.filter(|root| root.join("gosa/rfc2307bis.schema").is_file());
    let Some(root) = root else {
        eprintln!(
            "SKIPPED: {test}: FusionDirectory's and GOsa's schemas are not there; set VERTEILER_CORPORA to a folder \
             with ldap/fusiondirectory, ldap/fusiondirectory-plugins and ldap/gosa"
        );
        return None;
    };
    let core = "fusiondirectory/contrib/openldap";
    let plugin = |name: &str| format!("fusiondirectory-plugins/{name}/contrib/openldap/{name}");
    let mut all = debian(&["core", "cosine", "inetorgperson"]);
    let own = [
        "gosa/rfc2307bis.schema".to_owned(),
        format!("{core}/core-fd.schema"),
        format!("{core}/core-fd-conf.schema"),
        format!("{core}/ldapns.schema"),
        format!("{core}/template-fd.schema"),
        format!("{}-fd.schema", plugin("mail")),
        format!("{}-fd-conf.schema", plugin("mail")),
        format!("{}-fd.schema", plugin("alias")),
        format!("{}-fd.schema", plugin("sympa")),
    ];
    all.extend(own.iter().map(|path| root.join(path)));
    all.extend(debian(&["misc", "dyngroup"]));
    all.push(ours());
    Some(all)
}

pub fn ldif() -> String {
    std::fs::read_to_string(school::fixtures().join("school-fd/school.ldif")).unwrap()
}

/// The two houses with a domain each, which takes its lists from its own department.
pub fn houses() -> String {
    ["grundschule", "gymnasium"]
        .iter()
        .map(|house| {
            format!(
                "[[domain]]\nname = \"{house}.example\"\nbase = \"ou={house},{base}\"\nadmins = [\"cn=admins,ou=groups,{base}\"]\n",
                base = school::BASE
            )
        })
        .collect()
}

pub fn ask(solo: &Solo, arguments: &[&str]) -> Value {
    let text = solo.listd.listctl(&[&["--json"], arguments].concat()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

/// What listd says: each list with the addresses that get its mail.
fn told(solo: &Solo) -> BTreeMap<String, BTreeSet<String>> {
    let lists = ask(solo, &["lists"]);
    let lists = lists.as_array().unwrap().iter().map(|list| word(&list["address"]));
    lists
        .map(|list| {
            let members = ask(solo, &["list", "members", &list]);
            let who = members["recipients"].as_array().unwrap().iter();
            let who = who.map(|person| word(&person["address"])).collect();
            (list, who)
        })
        .collect()
}

/// The same from slapd, by searches that anybody could type.
struct Searches<'a> {
    ldap: &'a Ldap,
    seen: BTreeSet<String>,
    people: BTreeSet<String>,
}

impl Searches<'_> {
    fn members_of(ldap: &Ldap, dn: &str) -> BTreeSet<String> {
        let mut searches = Searches { ldap, seen: BTreeSet::new(), people: BTreeSet::new() };
        searches.entry(dn);
        searches.people
    }

    fn entry(&mut self, dn: &str) {
        let found = self.ldap.search(dn, "base", "(objectClass=*)").unwrap();
        let Some(entry) = found.first() else { return };
        if !self.seen.insert(entry.dn.clone()) {
            return;
        }
        if entry.is("inetOrgPerson") {
            self.people.extend(entry.values("mail").first().map(|mail| mail.to_lowercase()));
            return;
        }
        for attribute in ["member", "uniqueMember", "roleOccupant"] {
            entry.values(attribute).iter().for_each(|dn| self.entry(dn));
        }
        for uid in entry.values("memberUid") {
            self.all(school::BASE, "sub", &format!("(uid={uid})"));
        }
        for url in entry.values("memberURL") {
            let parts: Vec<&str> = url.trim_start_matches("ldap:///").splitn(4, '?').collect();
            self.all(parts[0], parts[2], parts[3]);
        }
        let mut written = entry.values("gosaMailForwardingAddress");
        written.extend(entry.values("rfc822MailMember"));
        if entry.is("mailAliasDistribution") {
            written.extend(entry.values("mail"));
        }
        self.people.extend(written.iter().filter(|a| a.contains('@')).map(|a| a.to_lowercase()));
    }

    fn all(&mut self, base: &str, scope: &str, filter: &str) {
        let filter = format!("(&(objectClass=inetOrgPerson){filter})");
        for person in self.ldap.search(base, scope, &filter).unwrap() {
            self.entry(&person.dn);
        }
    }
}

fn searched(ldap: &Ldap) -> BTreeMap<String, BTreeSet<String>> {
    let groups =
        ldap.search(school::BASE, "sub", "(&(mail=*)(!(objectClass=inetOrgPerson)))").unwrap();
    let lists = groups.iter().map(|group| {
        let alias = group.is("mailAliasDistribution");
        let address = group.values(if alias { "gosaMailAlternateAddress" } else { "mail" });
        (address[0].to_lowercase(), Searches::members_of(ldap, &group.dn))
    });
    // One house's group with an address of the other's domain is no list.
    lists.filter(|(address, _)| address != "frech@gymnasium.example").collect()
}

fn every_list_is_who_slapd_says(schemas: &[PathBuf]) {
    let mut solo = Solo::on_slapd(schemas, &ldif(), |s| s.more = houses()).unwrap().watched();
    solo.listd.start_knowing("gesamtkonferenz@schule.example").unwrap();
    let ldap = solo.ldap.as_ref().unwrap();
    let (told, searched) = (told(&solo), searched(ldap));
    assert_eq!(told.len(), 39);
    assert_eq!(told.keys().collect::<Vec<_>>(), searched.keys().collect::<Vec<_>>());
    for (list, members) in &searched {
        assert!(!members.is_empty(), "{list}");
        assert_eq!(&told[list], members, "{list}");
    }
    let sizes =
        ["eltern@gymnasium.example", "mix-5a@gymnasium.example", "vorstand@grundschule.example"];
    let sizes: Vec<usize> = sizes.iter().map(|list| told[*list].len()).collect();
    assert_eq!(sizes, [26, 8, 2], "24 parents, one of the circle, one outside");
}

#[test]
fn every_kind_of_list_has_the_members_that_plain_searches_find() {
    every_list_is_who_slapd_says(&small());
}

#[test]
fn the_same_under_the_real_schemas_of_fusiondirectory() {
    if let Some(schemas) = real("every kind of list under the real schemas") {
        every_list_is_who_slapd_says(&schemas);
    }
}

/// Who is skipped is said with a reason; ends, owners that are groups, admins by a group, and other houses' addresses.
#[test]
fn what_gets_no_mail_is_told_and_roles_reach_people() {
    let referral = "\ndn: ou=ausland,dc=schule,dc=example\nobjectClass: referral\nobjectClass: extensibleObject\n\
                    ou: ausland\nref: ldap://127.0.0.1:1/dc=elsewhere,dc=example\n";
    let ldif = format!("{}{referral}", ldif());
    let mut solo = Solo::on_slapd(&small(), &ldif, |s| s.more = houses()).unwrap().watched();
    solo.listd.start_knowing("eltern@gymnasium.example").unwrap();
    let skipped =
        ask(&solo, &["list", "members", "eltern@gymnasium.example"])["skipped"].to_string();
    for (what, why) in [
        ("cn=drucker,ou=systems", "it is no person"),
        ("uid=fremd,dc=elsewhere", "no such entry"),
        ("uid=ohne.mail", "no mail address"),
    ] {
        assert!(skipped.contains(what) && skipped.contains(why), "{what}: {skipped}");
    }
    let owners = ask(&solo, &["list", "show", "klasse-5a@gymnasium.example"])["owners"].to_string();
    assert!(
        owners.contains("leitung@gymnasium.example") && owners.contains("sule.gymnasium@"),
        "{owners}"
    );
    let owners = ask(&solo, &["list", "show", "mix-5a@gymnasium.example"])["owners"].to_string();
    assert!(owners.contains("ada@post.example"), "the domain's admins are a group: {owners}");
    let end = ask(&solo, &["list", "show", "abgelaufen@gymnasium.example"])["expires"].clone();
    assert_eq!(end, 1_500_000_000_000_u64);
    for told in ["frech@gymnasium.example", "referrals to other servers, which are not followed"] {
        wait::until_true(&format!("{told:?} in the log"), wait::MAIL, || {
            solo.listd.output().contains(told)
        })
        .unwrap();
    }

    // A list that has ended, one for local people only, and one that stands open.
    let rcpt = |from: &str, to: &str| {
        let letter = mail::text(from, to, "Hallo", &format!("{}-{}", from.len(), to), "Hallo");
        smtp::deliver(solo.listd.lmtp(), from, &[to], &letter).unwrap()[0].code
    };
    assert_eq!(rcpt("alt@out.example", "abgelaufen@gymnasium.example"), 550);
    assert_eq!(rcpt("neu@out.example", "umleitung@gymnasium.example"), 250);
    assert_eq!(
        rcpt("hausmeister@out.example", "intern@gymnasium.example"),
        550,
        "on it, but no person here"
    );
    assert_eq!(rcpt("leitung@gymnasium.example", "intern@gymnasium.example"), 250);
    wait::until_true("the copies to arrive", wait::MAIL, || {
        let counts = solo.sink.counts();
        counts.contains_key("neu@out.example") && counts.contains_key("hausmeister@out.example")
    })
    .unwrap();
}

/// A directory that can't be changed: groups without an address get one by their name; posixGroup is structural there.
#[test]
fn a_template_makes_lists_of_groups_without_an_address() {
    let mut schemas = debian(&["core", "cosine", "nis", "inetorgperson", "dyngroup"]);
    schemas.push(school::fixtures().join("school/school.schema"));
    let ldif = std::fs::read_to_string(school::fixtures().join("school/school.ldif")).unwrap();
    let more = "\ndn: cn=garten,ou=groups,dc=schule,dc=example\nobjectClass: posixGroup\ncn: garten\n\
                gidNumber: 77\nmemberUid: maria.fischer\nmemberUid: Ute.Huebner\n";
    let mut solo = Solo::on_slapd(&schemas, &format!("{ldif}{more}"), |s| {
        s.directory = "[directory.lists]\naddress_template = \"{cn}@schule.example\"\n".into();
    })
    .unwrap()
    .watched();
    solo.listd.start_knowing("garten@schule.example").unwrap();
    let members = ask(&solo, &["list", "members", "garten"])["recipients"].to_string();
    assert!(
        members.contains("maria.fischer@post.example") && members.contains(school::OUTSIDE),
        "{members}"
    );
    let lists = ask(&solo, &["lists"]).to_string();
    assert!(
        lists.contains("vertreter-5b@schule.example") && lists.contains(school::CLASS_5B),
        "{lists}"
    );
}
