//! Settings where the group is: our schema beside FusionDirectory's in real slapd, and default < domain < LDAP entry <
//! `listctl list set`, each named, effective at once, and there after a restart.

use std::path::Path;
use std::time::Duration;

use stack::ldap::Ldap;
use stack::process::run;
use stack::{Solo, dkim, mail, school, smtp, wait};

use crate::t22_kinds::{ask, debian, houses, ldif, ours, real, small};

const COMMAND: Duration = Duration::from_secs(30);
const LIST: &str = "klasse-5a@gymnasium.example";

/// Both classes on entries of every kind, each attribute set.
const BOTH: &str = "\
dn: cn=klasse-5a,ou=groups,ou=gymnasium,dc=schule,dc=example
changetype: modify
add: objectClass
objectClass: verteilerList
-
add: listPost
listPost: members
listPost: cn=kollegium,ou=groups,ou=gymnasium,dc=schule,dc=example
-
add: listNonmembers
listNonmembers: reject
-
add: listUnverified
listUnverified: reject
-
add: listModeration
listModeration: none
-
add: listModerator
listModerator: cn=leitungsteam,ou=groups,ou=gymnasium,dc=schule,dc=example
-
add: listFrom
listFrom: keep
-
add: listReplyTo
listReplyTo: list
-
add: listAuthorAddress
listAuthorAddress: shown
-
add: listSubjectTag
listSubjectTag: [5a]
-
add: listFooter
listFooter: Klasse 5a
-
add: listCopies
listCopies: shared
-
add: listUnsubscribe
listUnsubscribe: request
-
add: listMaxSize
listMaxSize: 5 MB
-
add: listArc
listArc: off
-
add: listAttachmentsAllowed
listAttachmentsAllowed: pdf
listAttachmentsAllowed: image/*
-
add: listAttachmentsForbidden
listAttachmentsForbidden: program
-
add: listMaxAttachment
listMaxAttachment: 5 MB
-
add: listForm
listForm: text
-
add: listArchive
listArchive: off
-
add: listLanguage
listLanguage: en
-
add: listShrinkGuard
listShrinkGuard: 80 %
-
add: listExpires
listExpires: 20990731220000Z
-
add: mailAlternateAddress
mailAlternateAddress: 5a@gymnasium.example

dn: cn=mix-5a,ou=groups,ou=gymnasium,dc=schule,dc=example
changetype: modify
add: objectClass
objectClass: verteilerList
-
add: listPost
listPost: owners

dn: uid=leitung.gymnasium,ou=people,ou=gymnasium,dc=schule,dc=example
changetype: modify
add: objectClass
objectClass: verteilerPerson
-
add: listProtected
listProtected: TRUE
-
add: listMuted
listMuted: vorstand@gymnasium.example
";

fn loads_and_serves(schemas: &[std::path::PathBuf]) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("log")).unwrap();
    let ldap = Ldap::with(dir.path(), schemas, &ldif()).unwrap();
    ldap.modify(BOTH).unwrap();
    let dn = format!("cn=klasse-5a,ou=groups,ou=gymnasium,{}", school::BASE);
    let found = ldap.search(&dn, "base", "(listSubjectTag=[5A])").unwrap();
    assert_eq!(found[0].values("listPost").len(), 2);
    // The server itself keeps nonsense out where a syntax can.
    let bad = format!("dn: {dn}\nchangetype: modify\nreplace: listExpires\nlistExpires: soon\n");
    assert!(ldap.modify(&bad).is_err());
}

#[test]
fn our_schema_and_both_its_classes_work_in_slapd() {
    loads_and_serves(&small());
}

#[test]
fn our_schema_stands_beside_fusiondirectorys_and_gosas() {
    if let Some(schemas) = real("our schema beside FusionDirectory's and GOsa's") {
        loads_and_serves(&schemas);
    }
}

/// The cn=config form is the same schema: what slaptest makes of the first is what the second says.
#[test]
fn both_forms_of_the_schema_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("slapd.conf");
    let out = dir.path().join("slapd.d");
    std::fs::create_dir(&out).unwrap();
    let core = debian(&["core"]);
    std::fs::write(&conf, format!("include {}\n", core[0].display())).unwrap();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (conf_text, out_text) = (text(&conf), text(&out));
    let convert = ["slaptest", "-f", &conf_text, "-F", &out_text];
    run(&convert, b"", COMMAND).unwrap();
    let file = ours().with_extension("ldif");
    run(&["slapadd", "-n0", "-F", &out_text, "-l", &text(&file)], b"", COMMAND).unwrap();
    let said =
        run(&["slapcat", "-n0", "-F", &out_text, "-a", "(cn=*verteiler)"], b"", COMMAND).unwrap();
    let by_ldif = definitions(&String::from_utf8_lossy(&said));

    let both = format!("include {}\ninclude {}\n", core[0].display(), ours().display());
    std::fs::write(&conf, both).unwrap();
    std::fs::remove_dir_all(&out).unwrap();
    std::fs::create_dir(&out).unwrap();
    run(&convert, b"", COMMAND).unwrap();
    let said =
        run(&["slapcat", "-n0", "-F", &out_text, "-a", "(cn=*verteiler)"], b"", COMMAND).unwrap();
    let by_conf = definitions(&String::from_utf8_lossy(&said));
    let text = std::fs::read_to_string(ours()).unwrap();
    let defined =
        |line: &&str| line.starts_with("attributetype (") || line.starts_with("objectclass (");
    assert_eq!(by_ldif.len(), text.lines().filter(defined).count(), "whatever stands in the file");
    assert_eq!(by_ldif, by_conf);
}

fn definitions(ldif: &str) -> Vec<String> {
    let unfolded = ldif.replace("\n ", "");
    let lines =
        unfolded.lines().filter(|line| line.starts_with("olcAttr") || line.starts_with("olcObj"));
    let bare = lines.map(|line| match line.split_once('{').zip(line.split_once('}')) {
        Some(((name, _), (_, rest))) => format!("{name}{rest}"),
        None => line.to_owned(),
    });
    bare.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn solo() -> Solo {
    // The last of the houses is the gymnasium: the table belongs to it.
    let mut solo = Solo::on_slapd(&small(), &ldif(), |s| {
        s.more = format!("{}[domain.list]\nsubject_tag = \"[Gym]\"\n", houses());
        s.list = "post = [\"anyone\"]\n".into();
    })
    .unwrap()
    .watched();
    solo.listd.start_knowing(LIST).unwrap();
    solo
}

/// Value and source of one key.
fn setting(solo: &Solo, key: &str) -> (String, String) {
    let list = ask(solo, &["list", "show", LIST]);
    let value = match key {
        "expires" => &list["expires"],
        key => &list["settings"][key],
    };
    (value.to_string(), list["sources"][key].as_str().unwrap_or_default().to_owned())
}

fn comes(solo: &Solo, key: &str, value: &str, source: &str) {
    let expect = (value.to_owned(), source.to_owned());
    wait::until_true(
        &format!("{key} to be {expect:?}, not {:?}", setting(solo, key)),
        wait::MAIL,
        || setting(solo, key) == expect,
    )
    .unwrap();
}

#[test]
fn each_source_overrides_the_one_before_and_is_named() {
    let mut solo = solo();
    comes(&solo, "subject_tag", "\"[Gym]\"", "domain");
    comes(&solo, "reply_to", "\"author\"", "default");
    comes(&solo, "shrink_guard", "50", "default");
    solo.ldap.as_ref().unwrap().modify(BOTH).unwrap();
    comes(&solo, "subject_tag", "\"[5a]\"", "ldap");
    comes(&solo, "reply_to", "\"list\"", "ldap");
    comes(&solo, "max_size", "5000000", "ldap");
    comes(&solo, "expires", "4089218400000", "ldap");
    comes(&solo, "shrink_guard", "80", "ldap");
    // She is protected too. The entries come one by one, hers the last.
    let asked = ["list", "members", "vorstand@gymnasium.example", "--reason", "who has muted it?"];
    wait::until_true("her to have muted the list", wait::MAIL, || {
        ask(&solo, &asked).to_string().contains("has muted the list")
    })
    .unwrap();

    let said = solo.listd.listctl(&["list", "set", LIST, "subject_tag", "[!]"]).unwrap();
    assert!(said.contains("subject_tag is \"[!]\" now, from listctl"), "{said}");
    assert_eq!(setting(&solo, "subject_tag"), ("\"[!]\"".into(), "listctl".into()), "at once");
    solo.listd.listctl(&["list", "set", LIST, "post", "nobody"]).unwrap();
    assert_eq!(setting(&solo, "post"), ("[]".into(), "listctl".into()));
    let shown = solo.listd.listctl(&["list", "show", LIST]).unwrap();
    for (key, source) in
        [("subject_tag", "listctl"), ("reply_to", "LDAP entry"), ("shrink_guard", "LDAP entry")]
    {
        let line = shown.lines().find(|line| line.trim_start().starts_with(key)).unwrap();
        assert!(line.trim_end().ends_with(source), "{line}");
    }
    for (key, value) in
        [("subject_tag", "a\nb"), ("shrink_guard", "101 %"), ("max_size", "huge"), ("posts", "x")]
    {
        let error = solo.listd.listctl(&["list", "set", LIST, key, value]).unwrap_err();
        assert!(
            error.0.to_lowercase().contains("expected") || error.0.contains("These can"),
            "{error}"
        );
    }

    solo.listd.stop().unwrap();
    solo.listd.start_knowing(LIST).unwrap();
    assert_eq!(
        setting(&solo, "subject_tag"),
        ("\"[!]\"".into(), "listctl".into()),
        "after a restart"
    );
    solo.listd.listctl(&["list", "unset", LIST, "subject_tag"]).unwrap();
    comes(&solo, "subject_tag", "\"[5a]\"", "ldap");
    // Nobody may post, by listctl, whatever the entry says; then by the entry's own word.
    let author = "joerg.weiss.5a@post.example";
    let post = |solo: &Solo, id: &str| {
        let letter = mail::text(author, LIST, "Hallo", id, "Hallo");
        let letter = dkim::sign_as_provider(&letter).unwrap();
        smtp::deliver(solo.listd.lmtp(), author, &[LIST], &letter).unwrap()[0].clone()
    };
    let refused = post(&solo, "eins@x.example");
    assert_eq!(refused.code, 550, "{refused}");
    solo.listd.listctl(&["list", "unset", LIST, "post"]).unwrap();
    let taken = post(&solo, "zwei@x.example");
    assert_eq!(taken.code, 250, "{taken}");
}

/// GD4: a protected person gets her mail, and nothing that an admin sees names her but for a reason, which is logged.
#[test]
fn a_protected_person_is_shown_for_a_reason_only() {
    let solo = solo();
    let her = "joerg.weiss.5a@post.example";
    let ldap = solo.ldap.as_ref().unwrap();
    let found = ldap.search(school::BASE, "sub", &format!("(mail={her})")).unwrap();
    let (dn, name) = (&found[0].dn, found[0].values("cn")[0].to_owned());
    let protect = "changetype: modify\nadd: objectClass\nobjectClass: verteilerPerson\n-\n\
                   add: listProtected\nlistProtected: TRUE\n";
    ldap.modify(&format!("dn: {dn}\n{protect}")).unwrap();
    let said = |args: &[&str]| solo.listd.listctl(args).unwrap();
    wait::until_true("her to be protected", wait::MAIL, || {
        said(&["list", "members", LIST]).contains("a protected person")
    })
    .unwrap();
    let letter = dkim::sign_as_provider(&mail::text(her, LIST, "Hallo", "sie@x.example", "Hallo"));
    let taken = smtp::deliver(solo.listd.lmtp(), her, &[LIST], &letter.unwrap()).unwrap();
    assert_eq!(taken[0].code, 250, "she may write: {}", taken[0]);
    wait::until_true("her copy", wait::MAIL, || solo.sink.counts().contains_key(her)).unwrap();
    let refused = mail::text(her, LIST, "Hallo", "nein@x.example", "Hallo");
    smtp::deliver(solo.listd.lmtp(), "x@out.example", &[LIST], &refused).unwrap();

    let questions: [&[&str]; 5] = [
        &["list", "members", LIST],
        &["list", "show", LIST],
        &["trace", "sie@x.example"],
        &["trace", "nein@x.example"],
        &["directory", "diff", LIST],
    ];
    for json in [false, true] {
        for question in questions {
            let mut args = question.to_vec();
            args.extend(json.then_some("--json"));
            let text = said(&args);
            assert!(!text.contains("joerg.weiss") && !text.contains(&name), "{args:?}: {text}");
        }
    }
    for question in ["list members", "trace"] {
        let of = if question == "trace" { "sie@x.example" } else { LIST };
        let mut args: Vec<&str> = question.split(' ').collect();
        args.extend([of, "--reason", "Anfrage der Schulleitung"]);
        assert!(said(&args).contains(her), "{args:?}");
    }
    let log = solo.listd.output();
    let noted = log.lines().filter(|line| line.contains("Anfrage der Schulleitung"));
    let noted: Vec<&str> = noted.filter(|line| line.contains("protected people")).collect();
    assert!(noted.len() == 2 && noted[0].contains("/v1/members"), "{log}");
}

/// A `listPost` that nobody understands does not leave the list as open as the configuration has it.
#[test]
fn nonsense_in_the_entry_is_told_and_opens_nothing() {
    let solo = solo();
    comes(&solo, "post", "[\"Anyone\"]", "default");
    let change = BOTH.replace("listPost: members\n", "").replace(
        "listPost: cn=kollegium,ou=groups,ou=gymnasium,dc=schule,dc=example",
        "listPost: evrybody",
    );
    solo.ldap.as_ref().unwrap().modify(&change).unwrap();
    comes(&solo, "post", "[\"Members\"]", "strictest");
    let shown = solo.listd.listctl(&["list", "show", LIST]).unwrap();
    assert!(shown.contains("listPost \"evrybody\" makes no sense: expected members"), "{shown}");
    let entry = "cn=klasse-5a,ou=groups,ou=gymnasium,dc=schule,dc=example";
    wait::until_true("a line in the log", wait::MAIL, || {
        let log = solo.listd.output();
        log.lines().any(|line| line.contains("evrybody") && line.contains(entry))
    })
    .unwrap();
    let letter = mail::text("wer@out.example", LIST, "Hallo", "wer@out.example", "Hallo");
    let reply =
        smtp::deliver(solo.listd.lmtp(), "wer@out.example", &[LIST], &letter).unwrap()[0].clone();
    assert_eq!(reply.code, 550, "{reply}");
}

/// A directory that can't be changed says it in attributes that it has.
#[test]
fn other_attributes_may_hold_the_settings() {
    let mapped =
        "[directory.lists.settings]\nsubject_tag = \"businessCategory\"\nreply_to = \"\"\n";
    let mut solo = Solo::on_slapd(&small(), &ldif(), |s| {
        s.more = houses();
        s.directory = mapped.into();
    })
    .unwrap()
    .watched();
    solo.listd.start_knowing(LIST).unwrap();
    let more = "\ndn: cn=klasse-5a,ou=groups,ou=gymnasium,dc=schule,dc=example\nchangetype: modify\n\
                add: businessCategory\nbusinessCategory: [Fach]\n";
    solo.ldap.as_ref().unwrap().modify(&format!("{BOTH}{more}")).unwrap();
    comes(&solo, "subject_tag", "\"[Fach]\"", "ldap");
    comes(&solo, "reply_to", "\"author\"", "default");
    comes(&solo, "copies", "\"shared\"", "ldap");
}
