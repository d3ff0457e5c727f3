//! What entries of each kind of directory mean: lists, people, settings, and which attributes are asked for.

use super::*;
use crate::ldif;
use crate::list::Posters;
use crate::list::settings::{Base, Source, layer};
use crate::time::Timestamp;

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// The contract's defaults, with a private address before the school's.
fn mapping(template: &str) -> Mapping {
    let classes = ["groupOfNames", "groupOfUniqueNames", "posixGroup", "groupOfURLs"];
    let more = ["organizationalRole", "nisMailAlias", "mailAliasRedirection", DISTRIBUTION];
    let any: String = classes.iter().chain(&more).map(|c| format!("(objectClass={c})")).collect();
    let lists = ListMapping {
        filter: format!("(|{any})"),
        address: "mail".to_owned(),
        address_template: template.to_owned(),
        aliases: strings(&["mailAlternateAddress", "gosaMailAlternateAddress"]),
        name: "cn".to_owned(),
        description: "description".to_owned(),
        members: strings(&["member", "uniqueMember", "memberUid", "memberURL", "roleOccupant"]),
        external: strings(&["gosaMailForwardingAddress", "rfc822MailMember"]),
        owners: strings(&["owner"]),
        moderators: strings(&["listModerator"]),
        settings: [(Key::SubjectTag, "businessCategory".to_owned())].into(),
    };
    let people = PeopleMapping {
        filter: "objectClass=inetOrgPerson".to_owned(),
        login: "uid".to_owned(),
        address: strings(&["fdPrivateMail", "mail"]),
        may_post_as: strings(&["mail", "mailAlternateAddress"]),
        name: strings(&["displayName", "cn"]),
        language: "preferredLanguage".to_owned(),
        inactive: "(pwdAccountLockedTime=000001010000Z)".to_owned(),
        address_shown: "listAddressShown".into(),
    };
    Mapping::new(&lists, &people).unwrap()
}

fn entry(lines: &str) -> Entry {
    let ldif = format!("dn: cn=x,dc=x\n{}\n", lines.replace("; ", "\n"));
    ldif::parse(ldif.as_bytes()).unwrap().remove(0)
}

fn shown(members: &[Member]) -> Vec<String> {
    let show = |m: &Member| match m {
        Member::Dn(dn) => format!("dn {dn}"),
        Member::Login(login) => format!("login {login}"),
        Member::Url(url) => format!("url {}", url.base),
        Member::Address(address) => format!("mail {address}"),
        Member::Bad { value, .. } => format!("bad {value}"),
    };
    members.iter().map(show).collect()
}

fn end(group: &Group) -> Option<Timestamp> {
    layer(&Base::default(), &group.settings, &Layer::new()).expires
}

/// Settings stand in our own attributes or in those that the configuration names instead.
/// RFC 3866: an attribute with a language option is the text for one language.
#[test]
fn a_footer_may_have_a_text_for_each_language() {
    let group = |lines: &str| {
        let lines = format!("objectClass: groupOfNames; {lines}");
        mapping("").group("a", &entry(&lines)).unwrap().settings.remove(&Key::Footer)
    };
    let shown = |lines: &str| group(lines).unwrap().value.map(|value| value.to_string());
    for (lines, expect) in [
        ("listFooter: a", Some("\"a\"")),
        ("listFooter: de:a", Some("de:\"a\"")),
        ("listFooter: a; listFooter;lang-DE: b", Some("\"a\", de:\"b\"")),
        ("listFooter;lang-tr: a; listFooter;lang-de: en:b", Some("de:\"en:b\", tr:\"a\"")),
        ("listFooter: a; listFooter;lang-de: {x}", None),
        ("listFooter: a; listFooter;lang-german-: b", None),
    ] {
        assert_eq!(shown(lines).as_deref(), expect, "{lines}");
    }
    assert_eq!(group("listFooter: "), None);
}

#[test]
fn settings_are_read_from_the_entry() {
    let group = mapping("").group(
        "id",
        &entry("objectClass: groupOfNames; listPost: owners; LISTPOST: PEOPLE; listFrom: nonsense; businessCategory: [5b]; listSubjectTag: unread; listFooter: "),
    );
    let held = layer(&Base::default(), &group.unwrap().settings, &Layer::new());
    assert_eq!(held.settings.post, [Posters::Owners, Posters::People]);
    assert_eq!(held.settings.subject_tag, "[5b]");
    assert_eq!(held.problems.len(), 1, "{:?}", held.problems);
    assert!(held.problems[0].starts_with("listFrom \"nonsense\""), "{:?}", held.problems);
    assert_eq!(held.sources[&Key::SubjectTag], Source::Ldap);
    assert_eq!(held.sources[&Key::Footer], Source::Default);
}

/// FusionDirectory: a distribution's mail is its mailbox; a local group is for people only, also where nobody
/// can read whether it is.
#[test]
fn fusiondirectory_has_words_of_its_own() {
    let fd = |lines: &str| mapping("").group("id", &entry(lines)).unwrap();
    let group = fd(
        "objectClass: mailAliasDistribution; cn: boss; mail: big@y.example; gosaMailAlternateAddress: boss@x.example; gosaMailAlternateAddress: chef@x.example",
    );
    assert_eq!(group.address.unwrap().to_string(), "boss@x.example");
    assert_eq!(group.aliases.len(), 1);
    assert_eq!(shown(&group.members), ["mail big@y.example"]);
    let cases = [("TRUE", true, 0), ("true", true, 0), ("FALSE", false, 0), ("maybe", true, 1)];
    for (value, local, problems) in cases {
        let group = fd(&format!("objectClass: posixGroup; fdGroupMailLocalOnly: {value}"));
        assert_eq!((group.local_only, group.problems.len()), (local, problems), "{value}");
    }
    let person = mapping("")
        .person(
            "id",
            &entry(
                "objectClass: inetOrgPerson; listMuted: 5B@x.example; listMuted: *; listMuted: ?",
            ),
        )
        .unwrap();
    assert_eq!(person.muted.len(), 2);
    for (value, shows) in [("TRUE", true), ("true ", true), ("FALSE", false), ("yes", false)] {
        let lines = format!("objectClass: inetOrgPerson; listAddressShown: {value}");
        let person = mapping("").person("id", &entry(&lines)).unwrap();
        assert_eq!(person.shows_address, shows, "{value}");
    }
    // GD4: in doubt she is protected.
    for (value, hidden) in [("TRUE", true), ("yes", true), ("false", false), ("", false)] {
        let lines = format!("objectClass: inetOrgPerson; listProtected: {value}");
        let person = mapping("").person("id", &entry(&lines)).unwrap();
        assert_eq!(person.protected, hidden, "{value}");
    }
}

/// Every kind of group that a school's directory has.
#[test]
fn members_are_read_from_every_kind_of_group() {
    let cases = [
        ("objectClass: groupOfNames; member: UID=a, dc=x; member: ", "dn uid=a,dc=x"),
        ("objectClass: groupOfUniqueNames; uniqueMember: uid=a,dc=x#'0101'B", "dn uid=a,dc=x"),
        ("objectClass: posixGroup; memberUid: Anna; memberUid: a=b", "login anna|login a=b"),
        ("objectClass: groupOfURLs; memberURL: ldap:///dc=x??sub?(ou=5b)", "url dc=x"),
        ("objectClass: groupOfURLs; memberURL: ldap:///dc=x??sub?(", "bad ldap:///dc=x??sub?("),
        ("objectClass: organizationalRole; roleOccupant: uid=a,dc=x", "dn uid=a,dc=x"),
        (
            "objectClass: nisMailAlias; rfc822MailMember: o@x.example; rfc822MailMember: |/bin/sh",
            "mail o@x.example|bad |/bin/sh",
        ),
        (
            "objectClass: mailAliasRedirection; gosaMailForwardingAddress: O@X.example",
            "mail O@x.example",
        ),
        ("objectClass: groupOfNames; member: ,=x", "bad ,=x"),
    ];
    for (lines, expect) in cases {
        let group = mapping("").group("ID", &entry(lines)).unwrap();
        assert_eq!(shown(&group.members).join("|"), expect, "{lines}");
        assert_eq!(group.id.0, "id");
    }
    assert_eq!(mapping("").group("id", &entry("objectClass: device")), None);
}

/// A group's own addresses and texts; X4: what has a line break in it is rejected and told.
#[test]
fn lists_have_addresses_names_and_an_end() {
    let group = |template: &str, lines: &str| {
        let lines = format!("objectClass: groupOfNames; {lines}");
        mapping(template).group("id", &entry(&lines)).unwrap()
    };
    let first = group(
        "",
        "cn: 5b; mail: 5b@x.example; mail: b@x.example; mailAlternateAddress: c@x.example; listExpires: 20261122010203Z",
    );
    assert_eq!(first.address.as_ref().unwrap().to_string(), "5b@x.example");
    assert_eq!(first.aliases.len(), 2);
    assert_eq!(end(&first).map(Timestamp::seconds), Some(1_795_309_323));
    assert_eq!(end(&group("", "cn: 5b; aliasExpirationDate: 77")), Some(Timestamp(77_000)));
    assert_eq!(end(&group("", "cn: 5b; aliasExpirationDate: soon")), Some(Timestamp(0)), "closed");
    assert_eq!(group("", "cn: 5b").address, None);
    let made = group("{cn}-{ou}@x.example", "cn: 5b; ou: a");
    assert_eq!(made.address.unwrap().to_string(), "5b-a@x.example");
    assert_eq!(group("{cn}@x.example", "cn: 5 b").problems.len(), 1);
    assert_eq!(group("{cn}@x.example", "ou: a").address, None);
    // "5b\nBcc: x"
    let broken = group("", "cn:: NWIKQmNjOiB4; mail: 5b@x.example; description:: YQpi");
    assert_eq!((broken.name.as_str(), broken.description.as_str()), ("5b", ""));
    assert_eq!(broken.problems.len(), 2, "{:?}", broken.problems);
}

/// The first address that is set and valid gets the copies; all that are named are the person's own.
#[test]
fn persons_have_one_address_for_copies_and_more_to_post_from() {
    let person = |lines: &str| {
        mapping("").person("ID", &entry(&format!("objectClass: inetOrgPerson; {lines}"))).unwrap()
    };
    let anna = person(
        "uid: Anna; mail: a@x.example; fdPrivateMail: p@y.example; mailAlternateAddress: A@x.example; mailAlternateAddress: n@x.example; cn: Anna; preferredLanguage: de-AT, en;q=0.5",
    );
    assert_eq!(anna.address.unwrap().to_string(), "p@y.example");
    assert_eq!(
        anna.owns.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["p@y.example", "a@x.example", "n@x.example"]
    );
    assert_eq!(anna.logins, ["anna"]);
    assert_eq!(anna.language.as_deref(), Some("de-at"));
    assert!(!anna.inactive);
    let second = person("fdPrivateMail: no address; mail: a@x.example");
    assert_eq!(second.address.unwrap().to_string(), "a@x.example");
    assert_eq!(second.problems.len(), 1);
    assert!(person("pwdAccountLockedTime: 000001010000Z").inactive);
    assert!(!person("pwdAccountLockedTime: 20261122010203Z").inactive, "a lockout passes");
    let latin1 = person("mail:: 5EB4LmV4YW1wbGU=");
    assert_eq!((latin1.address, latin1.problems.len()), (None, 1));
    assert_eq!(mapping("").person("id", &entry("objectClass: device")), None);
}

/// GD1: exactly what the mappings and the filters name, and never a password.
#[test]
fn only_named_attributes_are_asked_for() {
    let names = mapping("{ou}@x.example").attributes();
    for name in ["objectclass", "fdprivatemail", "pwdaccountlockedtime", "ou", "memberurl"] {
        assert!(names.contains(name), "{name}");
    }
    assert!(!names.contains("*") && !names.contains(""));
    let spying =
        "objectClass: groupOfURLs; memberURL: ldap:///dc=x??sub?(|(ou=5b)(userPassword=*))";
    let group = mapping("").group("id", &entry(spying)).unwrap();
    assert_eq!(Mapping::attributes_of(&group).into_iter().collect::<Vec<_>>(), ["ou"]);
    assert_eq!(mapping("").filter_text().matches("inetOrgPerson)").count(), 1);
    assert!(mapping("").filter_text().ends_with("(objectClass=inetOrgPerson))"));
}
