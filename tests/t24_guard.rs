//! The directory lies, or says half: nobody gets mail on it, and the admins are told once (promise 6).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stack::smtp::deliver;
use stack::{Stack, dkim, mail, school, wait};

/// An alarm is told after ten seconds; the rest is a busy machine.
const TOLD: Duration = Duration::from_secs(40);
const ADMIN: &str = school::TEACHER.1;
const CLASS_5A: &str = "klasse-5a@schule.example";

fn letter(list: &str, id: &str) -> Vec<u8> {
    mail::text(school::JOERG.1, list, "Hallo", id, "Hallo")
}

/// As Exim hands it over; the code of the answer.
fn hand_over(stack: &Stack, list: &str, id: &str) -> u16 {
    let signed = dkim::sign_as_provider(&letter(list, id)).unwrap();
    deliver(stack.listd.lmtp(), school::JOERG.1, &[list], &signed).unwrap()[0].code
}

fn rcpt(stack: &Stack, list: &str) -> u16 {
    let mut client = stack::smtp::Client::connect(stack.listd.lmtp()).unwrap();
    client.hello("LHLO", "probe.example").unwrap();
    client.say("MAIL FROM:<>").unwrap();
    let code = client.say(&format!("RCPT TO:<{list}>")).unwrap().code;
    client.quit();
    code
}

fn until_rcpt(stack: &Stack, list: &str, code: u16) {
    wait::until_true(&format!("{code} for {list}"), wait::MAIL, || rcpt(stack, list) == code)
        .unwrap();
}

/// The mails that the admin of the school got from listd, by subject.
fn told(stack: &Stack) -> Vec<String> {
    let all = stack.sink.deliveries();
    let ours = all.iter().filter(|d| mail::header(&d.mail, "Auto-Submitted") == "auto-generated");
    ours.inspect(|d| {
        assert_eq!(d.from, "", "a notice has a null sender");
        assert_eq!(d.to, [ADMIN], "it goes to the admins and nobody else");
    })
    .map(|d| mail::header(&d.mail, "Subject"))
    .collect()
}

/// Waits for the alarm, and looks that no second one follows.
fn told_once(stack: &Stack, word: &str) {
    wait::until_true("the admin to be told", TOLD, || !told(stack).is_empty()).unwrap();
    wait::stays("the only alarm", Duration::from_secs(3), || told(stack)).unwrap();
    let told = told(stack);
    assert!(told.len() == 1 && told[0].contains(word), "{told:?}");
}

fn told_resolved(stack: &Stack) {
    wait::until_true("the end to be told", TOLD, || told(stack).len() == 2).unwrap();
    assert!(told(stack)[1].contains("wieder"), "{:?}", told(stack));
}

/// No member got anything: only the admins' notices are in the sink.
fn nobody_got_mail(stack: &Stack) {
    let members = stack.sink.counts().into_keys().filter(|to| to != ADMIN).collect::<Vec<_>>();
    assert_eq!(members, Vec::<String>::new());
}

fn school_with(directory: &str) -> Stack {
    let directory = directory.to_owned();
    let settings = move |s: &mut stack::listd::Settings| s.directory = directory;
    let stack = Stack::builder().relay_is_sink().settings(settings).start().unwrap();
    // What is there is accepted a moment after the start; a loss counts from then on.
    wait::until_true("the class to be accepted as it is", wait::MAIL, || {
        let told = stack.listd.listctl(&["--json", "directory", "diff", "klasse-5b"]);
        let accepted = format!("\"accepted\":{}", school::CLASS_5B_RECIPIENTS);
        told.is_ok_and(|told| told.replace(' ', "").contains(&accepted))
    })
    .unwrap();
    stack
}

/// Logins of the members of a class, as the LDIF has them.
fn members_of(class: &str) -> Vec<String> {
    let ldif = std::fs::read_to_string(school::fixtures().join("school/school.ldif")).unwrap();
    let start = ldif.find(&format!("dn: cn={class},ou=groups")).unwrap();
    let entry = ldif[start..].split("\n\n").next().unwrap();
    let member =
        |line: &str| Some(line.strip_prefix("member: uid=")?.split(',').next()?.to_owned());
    entry.lines().filter_map(member).collect()
}

/// Takes so many out of 5b in one change. The author stays.
fn take_out(stack: &Stack, count: usize) {
    let gone = members_of("klasse-5b").into_iter().filter(|uid| uid != school::JOERG.0).take(count);
    let lines: String = gone.map(|uid| format!("member: {}\n", school::dn(&uid))).collect();
    let dn = format!("cn=klasse-5b,ou=groups,{}", school::BASE);
    stack.ldap.modify(&format!("dn: {dn}\nchangetype: modify\ndelete: member\n{lines}")).unwrap();
}

/// Changes slapd's own configuration while it runs.
fn configure(stack: &Stack, ldif: &str) {
    let file = stack.dir().join("config.ldif");
    std::fs::write(&file, ldif).unwrap();
    ldap(stack, "ldapmodify", "cn=admin,cn=config", &["-f", &file.to_string_lossy()]);
}

fn ldap(stack: &Stack, program: &str, who: &str, more: &[&str]) {
    let url = stack.ldap.url();
    let mut command = Command::new(program);
    command.args(["-x", "-H", &url, "-D", who, "-w", school::ROOT_PASSWORD]).args(more);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{program} {more:?}: {out:?}");
}

fn access(stack: &Stack, first: &str) {
    configure(
        stack,
        &format!(
            "dn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nreplace: olcAccess\n\
             olcAccess: {{0}}{first}\nolcAccess: {{1}}to * by * read\n"
        ),
    );
}

const ALL_READ: &str = "to * by * read";

#[test]
fn forty_percent_is_life_and_sixty_waits_until_an_admin_accepts() {
    let mut stack = school_with("");
    take_out(&stack, 7);
    // Mail to those who are left goes out at once.
    assert_eq!(hand_over(&stack, school::CLASS_5B, "vierzig@post.example"), 250);
    stack.sink.wait_for((school::CLASS_5B_RECIPIENTS - 7) as u64, wait::MAIL).unwrap();
    stack.listd.settled().unwrap();
    stack.sink.clear();

    // What waits for the relay when it happens is held as well.
    stack.sink.close();
    assert_eq!(hand_over(&stack, school::CLASS_5B, "wartet@post.example"), 250);
    let gone: Vec<String> = members_of("klasse-5b");
    let gone: Vec<&String> =
        gone.iter().filter(|uid| *uid != school::JOERG.0).skip(7).take(5).collect();
    for uid in gone {
        stack.ldap.membership("klasse-5b", uid, false).unwrap();
    }
    until_rcpt(&stack, school::CLASS_5B, 451);
    stack.sink.open().unwrap();
    stack.listd.listctl(&["queue", "retry", "--all"]).unwrap();
    assert_eq!(rcpt(&stack, CLASS_5A), 250, "other lists go on");
    told_once(&stack, "wartet");
    nobody_got_mail(&stack);
    let alarm = String::from_utf8_lossy(&stack.sink.deliveries()[0].mail).into_owned();
    assert!(
        alarm.contains("klasse-5b@schule.example") && !alarm.contains("post.example"),
        "{alarm}"
    );

    // It survives a restart, and is told no second time.
    assert!(stack.listd.stop().unwrap().success());
    stack.listd.start_without_directory().unwrap();
    until_rcpt(&stack, CLASS_5A, 250);
    assert_eq!(rcpt(&stack, school::CLASS_5B), 451);
    let preview = stack.listd.listctl(&["directory", "diff", "klasse-5b"]).unwrap();
    assert_eq!(preview.lines().filter(|line| line.starts_with("- ")).count(), 12, "{preview}");
    let accepted = stack.listd.listctl(&["directory", "accept", "klasse-5b"]).unwrap();
    assert!(accepted.contains("accepted: klasse-5b@schule.example"), "{accepted}");
    assert_eq!(rcpt(&stack, school::CLASS_5B), 250);
    let left = (school::CLASS_5B_RECIPIENTS - 12) as u64;
    wait::until_true("the mail that waited", TOLD, || {
        let counts = stack.sink.counts();
        counts.iter().filter(|(to, _)| *to != ADMIN).count() as u64 == left
    })
    .unwrap();
    told_resolved(&stack);
    assert!(stack.listd.output().contains("an admin accepted"), "the log says who accepted");
}

#[test]
fn rejected_mail_goes_to_the_earlier_members() {
    let stack = school_with("");
    take_out(&stack, 12);
    until_rcpt(&stack, school::CLASS_5B, 451);
    wait::until_true("it to be measured", wait::MAIL, || {
        stack.listd.listctl(&["directory", "diff"]).is_ok_and(|t| t.contains("klasse-5b"))
    })
    .unwrap();
    stack.listd.listctl(&["directory", "reject"]).unwrap();
    assert_eq!(hand_over(&stack, school::CLASS_5B, "alle@post.example"), 250);
    stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
    take_out_one_more(&stack);
    until_rcpt(&stack, school::CLASS_5B, 451);
}

fn take_out_one_more(stack: &Stack) {
    let gone = members_of("klasse-5b");
    let uid = gone.iter().filter(|uid| *uid != school::JOERG.0).nth(12).unwrap();
    stack.ldap.membership("klasse-5b", uid, false).unwrap();
}

/// Everything below the root is deleted, one entry after the other, while mail waits; then the root too.
#[test]
fn the_base_is_deleted() {
    let mut stack = school_with("");
    stack.sink.close();
    assert_eq!(hand_over(&stack, school::CLASS_5B, "vorher@post.example"), 250);
    let before = export(&stack);
    ldap(&stack, "ldapdelete", school::ROOT_DN, &["-r", school::BASE]);
    until_rcpt(&stack, school::CLASS_5B, 451);
    stack.sink.open().unwrap();
    stack.listd.listctl(&["queue", "retry", "--all"]).unwrap();
    told_once(&stack, "wartet");
    nobody_got_mail(&stack);
    assert_eq!(rcpt(&stack, "klasse-5b-owner@schule.example"), 451, "no 550 for what was there");

    // Restored from a backup: the same lists, and all goes on by itself.
    stack.ldap.kill();
    restore(&stack, &before);
    stack.ldap.restart().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 250);
    told_resolved(&stack);
    stack.listd.listctl(&["queue", "retry", "--all"]).unwrap();
    wait::until_true("the mail that waited", TOLD, || {
        stack.sink.counts().len() == school::CLASS_5B_RECIPIENTS + 1
    })
    .unwrap();
}

fn export(stack: &Stack) -> String {
    let conf = stack.dir().join("slapd/slapd.conf");
    let out =
        Command::new("slapcat").arg("-f").arg(&conf).args(["-b", school::BASE]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn restore(stack: &Stack, ldif: &str) {
    let home: &Path = &stack.dir().join("slapd");
    std::fs::remove_dir_all(home.join("data")).unwrap();
    std::fs::create_dir(home.join("data")).unwrap();
    let file = home.join("backup.ldif");
    std::fs::write(&file, ldif).unwrap();
    let mut command = Command::new("slapadd");
    command
        .args(["-q", "-b", school::BASE, "-f"])
        .arg(home.join("slapd.conf"))
        .arg("-l")
        .arg(&file);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

/// Access rules that hide all people. The server tells no such change; it is found by verifying what is held.
#[test]
fn access_rules_hide_the_people() {
    let stack = school_with("verify_interval = \"1 s\"\n");
    access(&stack, "to dn.subtree=\"ou=people,dc=schule,dc=example\" by anonymous auth by * none");
    until_rcpt(&stack, school::CLASS_5B, 451);
    // The admin is no more in the directory that we see: who she was is remembered.
    told_once(&stack, "wartet");
    nobody_got_mail(&stack);
    access(&stack, ALL_READ);
    // No change number has moved here either.
    until_rcpt(&stack, school::CLASS_5B, 250);
    told_resolved(&stack);
}

/// While listd was down, access rules have hidden who is in the groups; the groups themselves are there.
#[test]
fn access_rules_hide_the_members_before_a_start() {
    let mut stack = school_with("");
    assert!(stack.listd.stop().unwrap().success());
    access(&stack, "to dn.subtree=\"ou=groups,dc=schule,dc=example\" attrs=member by * none");
    stack.listd.start_without_directory().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 451);
    told_once(&stack, "wartet");
    nobody_got_mail(&stack);
    let difference = stack.listd.listctl(&["directory", "diff", "klasse-5b"]).unwrap();
    let went = difference.lines().filter(|line| line.starts_with("- ")).count();
    assert_eq!(went, school::CLASS_5B_RECIPIENTS, "{difference}");
}

/// Half a page: the server stops telling in the middle, during a refresh.
#[test]
fn a_size_limit_is_no_answer() {
    let mut stack = school_with("");
    assert!(stack.listd.stop().unwrap().success());
    configure(
        &stack,
        "dn: olcDatabase={-1}frontend,cn=config\nchangetype: modify\nreplace: olcSizeLimit\nolcSizeLimit: 20\n\n\
         dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcSizeLimit\nolcSizeLimit: 20\n",
    );
    // All entries are touched, so that the refresh has to tell more than 20.
    let touch: String = members_of("klasse-5b")
        .iter()
        .chain(&members_of("klasse-5a"))
        .map(|uid| {
            format!(
                "dn: {}\nchangetype: modify\nreplace: description\ndescription: x\n\n",
                school::dn(uid)
            )
        })
        .collect();
    stack.ldap.modify(&touch).unwrap();
    stack.listd.start_without_directory().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 451);
    told_once(&stack, "Verzeichnis antwortet nicht");
    nobody_got_mail(&stack);
    assert!(stack.listd.output().contains("limits how much it tells"), "{}", stack.listd.output());
    configure(
        &stack,
        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcSizeLimit\nolcSizeLimit: unlimited\n",
    );
    until_rcpt(&stack, school::CLASS_5B, 250);
    told_resolved(&stack);
}

/// The service's password was changed: nothing is asked any more, and mail waits when that is too long ago.
#[test]
fn the_password_expires() {
    let mut stack = school_with("max_staleness = \"4 s\"\n");
    stack
        .ldap
        .modify(&format!(
            "dn: {}\nchangetype: modify\nreplace: userPassword\nuserPassword: anders\n",
            school::LISTD_DN
        ))
        .unwrap();
    stack.ldap.restart().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 451);
    told_once(&stack, "Verzeichnis antwortet nicht");
    nobody_got_mail(&stack);
    assert!(stack.listd.output().contains("name or password is wrong"));
    let status = stack.listd.listctl(&["--json", "directory", "status"]);
    assert!(status.is_err_and(|e| e.0.contains("password is wrong")), "the status says why");
}

/// slapd hangs (SIGSTOP) for longer than `max_staleness`, then goes on.
#[test]
fn slapd_hangs() {
    let stack = school_with("max_staleness = \"35 s\"\n");
    stack.ldap.server.signal_all("STOP");
    wait::until_true("mail to wait", Duration::from_secs(70), || {
        rcpt(&stack, school::CLASS_5B) == 451
    })
    .unwrap();
    told_once(&stack, "Verzeichnis antwortet nicht");
    nobody_got_mail(&stack);
    stack.ldap.server.signal_all("CONT");
    wait::until_true("mail to go on", Duration::from_secs(70), || {
        rcpt(&stack, school::CLASS_5B) == 250
    })
    .unwrap();
    told_resolved(&stack);
}

/// The base is somewhere else: the server answers with a referral only.
#[test]
fn a_referral_is_no_answer() {
    let mut stack = school_with("");
    assert!(stack.listd.stop().unwrap().success());
    let before = export(&stack);
    stack.ldap.kill();
    let conf = stack.dir().join("slapd/slapd.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    let services = school::LISTD_DN.split_once(',').unwrap().1;
    let rootpw = |password: &str| format!("rootpw {password}\ndirectory");
    let changes = [
        (format!("suffix \"{}\"", school::BASE), format!("suffix \"{services}\"")),
        (format!("rootdn \"{}\"", school::ROOT_DN), format!("rootdn \"{}\"", school::LISTD_DN)),
        (rootpw(school::ROOT_PASSWORD), rootpw(school::LISTD_PASSWORD)),
    ];
    let elsewhere = changes.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
    let refers =
        elsewhere.replacen("modulepath", "referral ldap://ldap.other.example\nmodulepath", 1);
    assert_ne!(refers, text);
    std::fs::remove_dir_all(stack.dir().join("slapd/data")).unwrap();
    std::fs::create_dir(stack.dir().join("slapd/data")).unwrap();
    std::fs::write(&conf, refers).unwrap();
    stack.ldap.restart_unknowing().unwrap();
    stack.listd.start_without_directory().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 451);
    told_once(&stack, "Verzeichnis antwortet nicht");
    nobody_got_mail(&stack);

    stack.ldap.kill();
    std::fs::write(&conf, text).unwrap();
    restore(&stack, &before);
    stack.ldap.restart().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 250);
    told_resolved(&stack);
}

/// slapd was restored from a backup of before the last changes: our cookie is from its future. Mail goes to exactly
/// those whom it names now, and nobody is alarmed.
#[test]
fn restored_from_an_old_backup() {
    let mut stack = school_with("");
    let before = export(&stack);
    take_out(&stack, 5);
    assert_eq!(hand_over(&stack, school::CLASS_5B, "vor@post.example"), 250);
    stack.sink.wait_for((school::CLASS_5B_RECIPIENTS - 5) as u64, wait::MAIL).unwrap();
    stack.sink.clear();
    stack.ldap.kill();
    restore(&stack, &before);
    stack.ldap.restart().unwrap();
    let diff = || stack.listd.listctl(&["list", "members", "klasse-5b@schule.example"]);
    let all = format!("{} get the mail", school::CLASS_5B_RECIPIENTS);
    wait::until_true("the members of the backup", wait::MAIL, || {
        diff().is_ok_and(|text| text.contains(&all))
    })
    .unwrap();
    assert_eq!(hand_over(&stack, school::CLASS_5B, "nach@post.example"), 250);
    stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
    assert_eq!(stack.sink.counts().len(), school::CLASS_5B_RECIPIENTS);
    assert_eq!(told(&stack), Vec::<String>::new());
}

/// Another server answers under the same name: its own entryUUIDs and change numbers, and a class of three.
#[test]
fn another_server_in_its_place() {
    let mut stack = school_with("");
    let own = ["entryUUID:", "entryCSN:", "contextCSN:"];
    let keep: Vec<String> = members_of("klasse-5b").into_iter().take(3).collect();
    let mut in_5b = false;
    let other: Vec<String> = export(&stack)
        .replace("\n ", "")
        .lines()
        .filter(|line| {
            in_5b = if line.starts_with("dn: ") {
                line.starts_with("dn: cn=klasse-5b,")
            } else {
                in_5b
            };
            let member = line.strip_prefix("member: uid=").and_then(|rest| rest.split(',').next());
            let gone = in_5b && member.is_some_and(|uid| !keep.iter().any(|k| k == uid));
            !gone && !own.iter().any(|name| line.starts_with(name))
        })
        .map(str::to_owned)
        .collect();
    stack.ldap.kill();
    restore(&stack, &(other.join("\n") + "\n"));
    stack.ldap.restart_unknowing().unwrap();
    until_rcpt(&stack, school::CLASS_5B, 451);
    told_once(&stack, "wartet");
    nobody_got_mail(&stack);
    until_rcpt(&stack, CLASS_5A, 250);
}

/// Killed again and again while it tells a refresh from nothing: half a refresh is never used.
#[test]
fn slapd_dies_in_the_middle_of_a_refresh() {
    let mut stack = school_with("");
    for round in 0..5 {
        assert!(stack.listd.stop().unwrap().success());
        stack.listd.start_without_directory().unwrap();
        std::thread::sleep(Duration::from_millis(7 * round));
        stack.ldap.kill();
        let code = hand_over(&stack, school::CLASS_5B, &format!("mitten{round}@post.example"));
        assert_eq!(code, 250, "the snapshot is young");
        stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
        assert_eq!(stack.sink.counts().len(), school::CLASS_5B_RECIPIENTS);
        stack.listd.settled().unwrap();
        stack.sink.clear();
        wait::until("slapd to run again", wait::START, || stack.ldap.restart().map(Some)).unwrap();
    }
    assert_eq!(told(&stack), Vec::<String>::new());
}
