//! Which From arrives, for each of the four settings and for domains of every policy (rules F2, F8; RFC 9989).

use stack::smtp::{As, send};
use stack::{Stack, dkim, mail, school};

/// Author, whose domain signs (none: only SPF vouches), and whether From stays with `policy` and with `broken`.
const AUTHORS: &[(&str, Option<&str>, bool, bool)] = &[
    // p=reject
    ("eltern@post.example", Some("post.example"), false, true),
    // p=quarantine, not signed
    ("eltern@sorge.example", None, false, false),
    // p=none
    ("eltern@still.example", Some("still.example"), true, true),
    // A subdomain that exists: sp=quarantine; the signature is that of the domain above.
    ("eltern@post.still.example", Some("still.example"), false, true),
    // One that does not: np=none.
    ("eltern@weg.still.example", Some("still.example"), true, true),
];

fn sender(author: &str) -> (As<'static>, String) {
    let (_, domain) = author.rsplit_once('@').unwrap();
    let ip = match domain {
        "post.example" => school::PROVIDER_IP,
        "sorge.example" => "192.0.2.27",
        _ => "192.0.2.28",
    };
    let envelope = if domain.ends_with("still.example") { "still.example" } else { domain };
    (As::Outside(ip), format!("eltern@{envelope}"))
}

#[test]
fn which_from_arrives() {
    let stack = Stack::start().unwrap();
    let set = |key: &str, value: &str| {
        stack.listd.listctl(&["list", "set", "klasse-5b", key, value]).unwrap();
    };
    set("post", "anyone");
    for (policy, number) in [("rewrite", 0), ("keep", 1), ("policy", 2), ("broken", 3)] {
        set("from", policy);
        for (author, signs, by_policy, by_signature) in AUTHORS {
            let id = format!("{policy}.{author}");
            let letter = mail::text(author, school::CLASS_5B, "Ausflug", &id, "Grüße aus Köln");
            let letter = match signs {
                Some(domain) => dkim::sign_as(domain, &letter).unwrap(),
                None => letter,
            };
            let (who, envelope) = sender(author);
            let reply =
                send(stack.exim.mx(), &who, &envelope, &[school::CLASS_5B], &letter).unwrap();
            assert_eq!(reply.code, 250, "{policy} {author}: {reply}");
            let copy = stack.dovecot.wait_for(school::ZOE.0, &id).unwrap();
            let kept = [false, true, *by_policy, *by_signature][number];
            let from = mail::header(&copy, "From");
            assert_eq!(from.contains(author), kept, "{policy} {author}: {from}");
            assert_eq!(from.contains(school::CLASS_5B), !kept, "{policy} {author}: {from}");
            let written: &[&str] = if kept { &[] } else { &[author] };
            assert_eq!(mail::headers(&copy, "Author"), written, "{policy} {author}");

            let signatures = dkim::signatures(&copy).unwrap();
            assert!(signatures.iter().any(|s| s.domain == "schule.example" && s.ok));
            // The list changes nothing else, so the author's signatures hold behind Exim as they did before it.
            let theirs = |s: &&dkim::Signature| signs.is_some_and(|domain| s.domain == domain);
            let theirs: Vec<bool> = signatures.iter().filter(theirs).map(|s| s.ok).collect();
            let expect: &[bool] = if signs.is_some() { &[kept, kept] } else { &[] };
            assert_eq!(theirs, expect, "{policy} {author}: {signatures:?}");
            assert_eq!(mail::split(&copy).1, mail::split(&letter).1);
        }
    }

    // The tag changes what the authors signed.
    set("subject_tag", "[5b]");
    let (author, domain) = ("eltern@post.example", "post.example");
    let letter = mail::text(author, school::CLASS_5B, "Re: AW: Ausflug", "tag@post.example", "x");
    let letter = dkim::sign_as(domain, &letter).unwrap();
    let (who, envelope) = sender(author);
    send(stack.exim.mx(), &who, &envelope, &[school::CLASS_5B], &letter).unwrap();
    let copy = stack.dovecot.wait_for(school::ZOE.0, "tag@post.example").unwrap();
    assert_eq!(mail::header(&copy, "Subject"), "[5b] Re: Ausflug");
    assert!(mail::header(&copy, "From").contains(school::CLASS_5B));
}
