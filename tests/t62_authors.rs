//! Who may speak to a class, and what happens to the mail that should wait: forged and real authors behind the real
//! Exim and DNS, a storm of answers, an emergency, and a mail that shows too many addresses (promises 4, 7 and 8).

use stack::smtp::{As, Reply, send};
use stack::{Stack, dkim, mail, school, wait};

const LIST: &str = school::CLASS_5B;
/// The teacher's addresses by what their domains ask for: p=reject, p=quarantine, p=none.
const STRICT: &str = school::TEACHER.1;
const WORRIED: &str = "petra.sommer@sorge.example";
const QUIET: &str = "petra.sommer@still.example";
/// The machine from which `sorge.example` sends, which signs nothing.
const WORRIED_IP: &str = "192.0.2.27";

fn school_with_addresses() -> Stack {
    let stack = Stack::builder().settings(|s| s.unverified = "confirm".into()).start().unwrap();
    let dn = school::dn(school::TEACHER.0);
    let add = |address: &str| format!("mailAlternateAddress: {address}\n");
    let more = format!("add: mailAlternateAddress\n{}{}", add(WORRIED), add(QUIET));
    stack.ldap.modify(&format!("dn: {dn}\nchangetype: modify\n{more}")).unwrap();
    // Known as soon as a letter that claims nothing is taken from there.
    wait::until_true("the addresses to be known", wait::MAIL, || {
        let reply = arrives(&stack, &As::Outside(WORRIED_IP), WORRIED, &letter(WORRIED, "known@x"));
        reply.code == 250
    })
    .unwrap();
    stack.dovecot.wait_for(school::ZOE.0, "known@x").unwrap();
    stack
}

fn letter(from: &str, id: &str) -> Vec<u8> {
    mail::text(from, LIST, "Elternabend", id, "Liebe Eltern,\n\nam Freitag.")
}

fn answer(from: &str, id: &str) -> Vec<u8> {
    [b"In-Reply-To: <first@post.example>\r\n".as_slice(), &letter(from, id)].concat()
}

fn arrives(stack: &Stack, who: &As, from: &str, mail: &[u8]) -> Reply {
    let door = match who {
        As::User(..) => stack.exim.submission(),
        _ => stack.exim.mx(),
    };
    send(door, who, from, &[LIST], mail).unwrap()
}

fn set(stack: &Stack, key: &str, value: &str) {
    stack.listd.listctl(&["list", "set", "klasse-5b", key, value]).unwrap();
}

/// It was taken and waits for this reason, as the log says.
fn waits(stack: &Stack, reply: &Reply, id: &str, reason: &str) {
    assert_eq!(reply.code, 250, "{id}: {reply}");
    let reason = format!("reason=\"{reason}\"");
    wait::until_true(&format!("{id} to wait with {reason}"), wait::MAIL, || {
        let log = stack.listd.output();
        log.lines().any(|l| l.contains(" held ") && l.contains(id) && l.contains(&reason))
    })
    .unwrap_or_else(|why| panic!("{why:?}\n{}", stack.listd.output()));
}

fn is_refused(reply: &Reply, words: &str) {
    assert_eq!(reply.code, 550, "{reply}");
    let text = reply.lines.join(" ");
    assert!(text.contains(words) && text.is_ascii(), "{text}");
}

/// No copy of it went out.
fn reached_no_parent(stack: &Stack, id: &str) {
    let copy = |mail: &[u8]| {
        !mail::header(mail, "List-Id").is_empty() && String::from_utf8_lossy(mail).contains(id)
    };
    for (login, _) in [school::ZOE, school::JOERG, school::MARIA] {
        let inbox = stack.dovecot.inbox(login).unwrap();
        assert!(!inbox.iter().any(|mail| copy(mail)), "{login} got {id}");
    }
    assert!(!stack.sink.deliveries().iter().any(|d| copy(&d.mail)), "a parent got {id}");
}

/// Promise 8, F9: a forged teacher under each policy of the domain, with each `unverified`.
#[test]
fn a_forged_teacher() {
    let stack = school_with_addresses();
    let forger = As::Outside(school::FORGER_IP);
    let forge = |from: &str, id: &str| arrives(&stack, &forger, from, &letter(from, id));
    for setting in ["confirm", "hold", "reject", "accept"] {
        set(&stack, "unverified", setting);
        let id = |domain: &str| format!("{setting}.{domain}@forged");
        // p=reject is refused, whatever the list accepts.
        is_refused(&forge(STRICT, &id("strict")), "Domain Ihrer Absenderadresse");
        // Under the two others the list decides.
        for (from, id) in [(WORRIED, id("worried")), (QUIET, id("quiet"))] {
            let reply = forge(from, &id);
            match setting {
                "confirm" => waits(&stack, &reply, &id, "asked"),
                "hold" => waits(&stack, &reply, &id, "unverified"),
                "reject" => is_refused(&reply, "nicht pruefen"),
                _ => {
                    // From stays what it was, and no signature of ours makes it valid.
                    assert_eq!(reply.code, 250, "{reply}");
                    let copy = stack.dovecot.wait_for(school::ZOE.0, &id).unwrap();
                    assert!(mail::header(&copy, "From").contains(from));
                    let ours = |s: &dkim::Signature| s.ok && from.ends_with(&s.domain);
                    assert!(!dkim::signatures(&copy).unwrap().iter().any(ours));
                    continue;
                }
            }
            reached_no_parent(&stack, &id);
        }
    }
    // Who could not write here if it were true is asked nothing.
    set(&stack, "unverified", "confirm");
    let stranger = "eve@still.example";
    is_refused(&forge(stranger, "stranger@forged"), "Nur Mitglieder von");
    stack.exim.wait_empty(wait::MAIL).unwrap();
    let mails = stack.sink.deliveries();
    let bounce = mails.iter().find(|d| !mail::headers(&d.mail, "X-Failed-Recipients").is_empty());
    assert!(bounce.is_none(), "nobody wrote a bounce: {bounce:?}");
}

/// Promise 8: by signature alone, by SPF alone, from a second address, and by login.
#[test]
fn real_authors() {
    let stack = school_with_addresses();
    let goes_out = |reply: Reply, id: &str| {
        assert_eq!(reply.code, 250, "{id}: {reply}");
        stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    };
    // A provider that signs; the mail came over a machine that its SPF record does not know.
    let (_, joerg) = school::JOERG;
    let signed = dkim::sign_as_provider(&letter(joerg, "signed@post.example")).unwrap();
    let detour = As::Outside(school::FORGER_IP);
    goes_out(arrives(&stack, &detour, joerg, &signed), "signed@post.example");
    // One with SPF only.
    let spf = letter(WORRIED, "spf@sorge.example");
    goes_out(arrives(&stack, &As::Outside(WORRIED_IP), WORRIED, &spf), "spf@sorge.example");
    // A parent's second address.
    let (second, firm) = ("m.fischer@firma.example", As::Outside("192.0.2.26"));
    let reply = arrives(&stack, &firm, second, &letter(second, "second@firma.example"));
    goes_out(reply, "second@firma.example");
    // Any address of hers counts for a login, and nobody else's.
    let teacher = As::User(school::TEACHER.0, school::PASSWORD);
    let reply = arrives(&stack, &teacher, QUIET, &letter(QUIET, "login@still.example"));
    goes_out(reply, "login@still.example");
    let other = As::User(school::MARIA.0, school::PASSWORD);
    let reply = arrives(&stack, &other, school::MARIA.1, &letter(STRICT, "head@schule.example"));
    is_refused(&reply, "Domain Ihrer Absenderadresse");
    let reply = arrives(&stack, &other, school::MARIA.1, &letter(QUIET, "other@still.example"));
    waits(&stack, &reply, "other@still.example", "asked");
    set(&stack, "unverified", "reject");
    let reply = arrives(&stack, &other, school::MARIA.1, &letter(QUIET, "login2@still.example"));
    is_refused(&reply, "Anmeldung und Absenderadresse");
    // An out-of-office of one who may write is taken, and nobody gets it.
    let away =
        [b"Auto-Submitted: auto-replied\r\n".as_slice(), &letter(joerg, "away@post.example")];
    let reply = stack.post(joerg, &[LIST], &away.concat()).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    wait::until_true("the trace to say so", wait::MAIL, || {
        let trace = stack.listd.listctl(&["trace", "away@post.example"]).unwrap_or_default();
        trace.contains("dropped") && trace.contains("automatic")
    })
    .unwrap();
    for id in
        ["head@schule.example", "other@still.example", "login2@still.example", "away@post.example"]
    {
        reached_no_parent(&stack, id);
    }
}

/// Answers that come too fast wait; new letters go on, and so does the teacher, who owns the list.
#[test]
fn a_storm_of_answers() {
    let limits = "storm_replies = 3\nstorm_members = 10\n";
    let stack = Stack::builder().settings(|s| s.list = limits.into()).start().unwrap();
    let parents = [school::JOERG.1, school::AYSE.1, school::MARIA.1, school::ZOE.1];
    let post = |from: &str, mail: &[u8]| stack.post(from, &[LIST], mail).unwrap();
    for (number, from) in parents.iter().enumerate() {
        let id = format!("answer{number}@post.example");
        let reply = post(from, &answer(from, &id));
        match number {
            0..3 => drop(stack.dovecot.wait_for(school::ZOE.0, &id).unwrap()),
            _ => waits(&stack, &reply, &id, "storm"),
        }
    }
    let again = post(school::AYSE.1, &answer(school::AYSE.1, "again@post.example"));
    waits(&stack, &again, "again@post.example", "storm");
    assert_eq!(post(school::AYSE.1, &letter(school::AYSE.1, "new@post.example")).code, 250);
    stack.dovecot.wait_for(school::ZOE.0, "new@post.example").unwrap();
    let teacher = As::User(school::TEACHER.0, school::PASSWORD);
    let calm = answer(STRICT, "calm@schule.example");
    assert_eq!(arrives(&stack, &teacher, STRICT, &calm).code, 250);
    stack.dovecot.wait_for(school::ZOE.0, "calm@schule.example").unwrap();
    for id in ["answer3@post.example", "again@post.example"] {
        reached_no_parent(&stack, id);
    }
}

/// The emergency hold of one list by `listctl` and by its LDAP entry, of a whole domain by `listctl` (over a restart) and by
/// the configuration; and what a mail may show.
#[test]
fn an_emergency_and_a_mail_that_shows_too_many() {
    let mut stack =
        Stack::builder().settings(|s| s.list = "max_outside = 3\n".into()).start().unwrap();
    let (_, joerg) = school::JOERG;
    in_an_emergency(&mut stack);
    let post = |id: &str| stack.post(joerg, &[LIST], &letter(joerg, id)).unwrap();
    assert_eq!(post("free@post.example").code, 250);
    stack.dovecot.wait_for(school::ZOE.0, "free@post.example").unwrap();

    let mut settings = stack.settings();
    settings.more.push_str("[domain.list]\nemergency = true\n");
    stack.listd.configure(&settings).unwrap();
    stack.listd.signal("HUP");
    wait::until_true("the domain's emergency", wait::MAIL, || {
        let shown = stack.listd.listctl(&["list", "show", "klasse-5b"]).unwrap_or_default();
        shown.lines().any(|l| l.contains("emergency") && l.contains("true"))
    })
    .unwrap();
    waits(&stack, &post("domain@post.example"), "domain@post.example", "emergency");
    set(&stack, "emergency", "false");

    let to = |people: &str, id: &str| {
        let mail = String::from_utf8(letter(joerg, id)).unwrap();
        mail.replace(&format!("To: {LIST}"), &format!("To: {LIST}, {people}")).into_bytes()
    };
    let away = "a@away.example, b@away.example, c@away.example";
    // The list's own people and the house are no outsiders.
    let some = to(&format!("{away}, {}, sekretariat@schule.example", school::OUTSIDE), "some@x");
    assert_eq!(stack.post(joerg, &[LIST], &some).unwrap().code, 250);
    stack.dovecot.wait_for(school::ZOE.0, "some@x").unwrap();
    let many = to(&format!("{away}, d@away.example"), "many@x");
    waits(&stack, &stack.post(joerg, &[LIST], &many).unwrap(), "many@x", "outside");
    let held = ["list1@post.example", "list2@schule.example", "ldap@post.example"];
    let more = ["all@post.example", "again@post.example", "domain@post.example", "many@x"];
    for id in held.into_iter().chain(more) {
        reached_no_parent(&stack, id);
    }
}

/// Begun and ended in each way; afterwards there is none.
fn in_an_emergency(stack: &mut Stack) {
    let (_, joerg) = school::JOERG;
    let post = |stack: &Stack, id: &str| {
        let reply = stack.post(joerg, &[LIST], &letter(joerg, id)).unwrap();
        waits(stack, &reply, id, "emergency");
    };
    stack.listd.listctl(&["emergency", "on", "klasse-5b"]).unwrap();
    post(stack, "list1@post.example");
    let teacher = As::User(school::TEACHER.0, school::PASSWORD);
    let id = "list2@schule.example";
    waits(stack, &arrives(stack, &teacher, STRICT, &letter(STRICT, id)), id, "emergency");

    // The list's entry says so too: ending the one does not end the other, and it is told.
    let entry = "dn: cn=klasse-5b,ou=groups,dc=schule,dc=example\nchangetype: modify\n";
    stack.ldap.modify(&format!("{entry}add: listEmergency\nlistEmergency: TRUE\n")).unwrap();
    let ended = wait::until("the entry's emergency", wait::MAIL, || {
        Ok(stack.listd.listctl(&["emergency", "off", "klasse-5b"]).err().map(|why| why.0))
    });
    assert!(ended.unwrap().contains("from LDAP entry"), "who still holds mail is named");
    post(stack, "ldap@post.example");
    stack.ldap.modify(&format!("{entry}delete: listEmergency\n")).unwrap();
    wait::until_true("no emergency", wait::MAIL, || {
        stack.listd.listctl(&["emergency"]).is_ok_and(|shown| shown.contains("no emergency"))
    })
    .unwrap();

    let shown = stack.listd.listctl(&["emergency", "on", "schule.example"]).unwrap();
    assert!(
        shown.contains(LIST) && shown.contains("chor@") && shown.contains("mails wait"),
        "{shown}"
    );
    set(stack, "emergency", "false");
    post(stack, "all@post.example");
    stack.listd.stop().unwrap();
    stack.listd.start().unwrap();
    post(stack, "again@post.example");
    stack.listd.listctl(&["list", "unset", "klasse-5b", "emergency"]).unwrap();
    stack.listd.listctl(&["emergency", "off", "schule.example"]).unwrap();
}
