//! One table of mails, with all DNS in the cache; a name that is not there is a DNS failure.

use std::time::{Duration, Instant};

use listcore::dkim::{Algorithm, PrivateKey, generate, record};
use listcore::rewrite::{Dmarc, SignatureName};
use listcore::time::Timestamp;
use mail_auth::dkim::{DkimSigner, DomainKey};
use mail_auth::dmarc::DmarcRecord;
use mail_auth::dns::TxtRecordParser;
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{DnsError, Error, TxtRecord};

use super::testing::{
    counting_server, deaf_for, empty_server, failing_server, half_server, silent_server,
};
use super::*;
use crate::sign::{SignError, Signer, body_hash};

const RECEIVED: &str = "Received: from a by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\n";

/// A world with one key for all domains, under the selector `s`.
struct World {
    verifier: Verifier,
    key: PrivateKey,
}

impl World {
    fn new() -> World {
        World::with(Algorithm::Ed25519)
    }

    fn with(algorithm: Algorithm) -> World {
        let verifier = Verifier::new(Some(failing_server()), &["MX.schule.example".to_owned()]);
        World { verifier: verifier.expect("resolver"), key: generate(algorithm).expect("key") }
    }

    /// Where a name that nobody published does not exist, instead of a failure.
    fn quiet() -> World {
        let verifier = Verifier::new(Some(empty_server()), &[]).expect("resolver");
        World { verifier, key: generate(Algorithm::Ed25519).expect("key") }
    }

    async fn policy(&self, domain: &str) -> Option<Dmarc> {
        let raw = head(&format!("anna@{domain}"));
        let mail = Mail::parse(raw.as_bytes()).expect("mail");
        let wanted = Wanted { policy: true, ..Wanted::default() };
        self.verifier.arrival(raw.as_bytes(), &mail, wanted, &Patience::default()).await.dmarc
    }

    /// Which of the `b=` in the mail are named as the author's own that passed.
    async fn own(&self, raw: &str) -> Vec<usize> {
        let mail = Mail::parse(raw.as_bytes()).expect("mail");
        let wanted = Wanted { signatures: true, ..Wanted::default() };
        let found = self
            .verifier
            .arrival(raw.as_bytes(), &mail, wanted, &Patience::default())
            .await
            .signatures;
        let folded = raw.replace("\r\n\t", "").replace("\r\n ", "");
        let lines = folded.lines().filter_map(|l| l.strip_prefix("DKIM-Signature:"));
        let b = |line: &str| line.split("; b=").nth(1).unwrap_or_default().to_owned();
        let named = |line: &str| {
            let b = b(line);
            found.contains(&SignatureName::new(b.split(';').next().unwrap_or_default()))
        };
        lines.enumerate().filter(|(_, line)| named(line)).map(|(i, _)| i).collect()
    }

    fn knows(&self, name: &str, value: TxtRecord) {
        let until = Instant::now() + Duration::from_secs(600);
        self.verifier.cache.insert_txt(format!("{name}.").into(), value, until);
    }

    /// `domain` publishes our key.
    fn key(self, domain: &str) -> World {
        let text = record(&self.key, "s", domain).expect("record").text;
        let key = DomainKey::parse(text.as_bytes()).expect("key record");
        self.knows(&format!("s._domainkey.{domain}"), key.into());
        self
    }

    /// `text` is the DMARC record there, empty for none.
    fn dmarc(self, domain: &str, text: &str) -> World {
        let value = if text.is_empty() {
            TxtRecord::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)))
        } else {
            DmarcRecord::parse(text.as_bytes()).expect("DMARC record").into()
        };
        self.knows(&format!("_dmarc.{domain}"), value);
        self
    }

    /// The mail with a signature of `domain` below our MTA's Received.
    fn signed(&self, domain: &str, head: &str, body: &str) -> String {
        let again = PrivateKey::from_pem(&self.key.secret_pem()).expect("key");
        let signer = Signer::new(domain, vec![("s".to_owned(), again)]).expect("signer");
        let hash = body_hash(|sink| -> Result<(), SignError> {
            sink(body.as_bytes());
            Ok(())
        });
        let now = Timestamp(mail_now());
        let line = signer.sign(head.as_bytes(), &hash.expect("hash"), now).expect("signed");
        format!("{}{head}\r\n{body}", String::from_utf8(line).expect("ASCII"))
    }

    async fn judge(&self, raw: &str, envelope_from: &str) -> Authenticity {
        let mail = Mail::parse(raw.as_bytes()).expect("mail");
        let envelope_from = Address::parse(envelope_from).ok();
        let owns = |login: &str, address: &Address| {
            login == "anna" && address.to_string() == "anna@gmx.example"
        };
        let (raw, patience) = (raw.as_bytes(), Patience::default());
        self.verifier.verify(raw, &mail, envelope_from.as_ref(), &owns, &patience).await
    }
}

fn mail_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock");
    i64::try_from(now.as_millis()).expect("time")
}

fn head(from: &str) -> String {
    format!(
        "From: Anna <{from}>\r\nSubject: Elternabend\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
    )
}

fn dkim(domain: &str) -> Authenticity {
    Authenticity::proven(Verified::Dkim(domain.to_owned()))
}

fn spf(domain: &str) -> Authenticity {
    Authenticity::proven(Verified::Spf(domain.to_owned()))
}

/// Why nothing was proven, if nothing was.
fn unproven(authenticity: &Authenticity) -> Option<Unproven> {
    match authenticity {
        Authenticity::Known { verified: Verified::No(reason), .. } => Some(*reason),
        _ => None,
    }
}

fn results(what: &str) -> String {
    format!("Authentication-Results: mx.schule.example; {what}\r\n{RECEIVED}")
}

const REJECT: &str = "v=DMARC1; p=reject";

/// D1, promise 8: a signature of the very domain needs no DMARC; broken, it proves nothing, and p=reject refuses (F9).
#[tokio::test]
async fn the_authors_own_signature() {
    let world = World::new().key("gmx.example").dmarc("gmx.example", REJECT).dmarc("example", "");
    let good = world.signed("gmx.example", &head("Anna@gmx.example"), "Hallo\r\n");
    assert_eq!(world.judge(&format!("{RECEIVED}{good}"), "").await, dkim("gmx.example"));

    let broken = format!("{RECEIVED}{}", good.replace("Hallo", "Hullo"));
    assert_eq!(unproven(&world.judge(&broken, "").await), Some(Unproven::Forbidden));
    for (policy, expect) in [
        (REJECT, Unproven::Forbidden),
        ("v=DMARC1; p=quarantine", Unproven::Nothing),
        ("v=DMARC1; p=none", Unproven::Nothing),
        ("v=DMARC1; p=reject; t=y", Unproven::Nothing),
        ("", Unproven::Nothing),
    ] {
        let world =
            World::new().key("gmx.example").dmarc("gmx.example", policy).dmarc("example", "");
        let judged = world.judge(&format!("{RECEIVED}{}", head("x@gmx.example")), "").await;
        assert_eq!(unproven(&judged), Some(expect), "{policy}: {judged:?}");
    }
}

/// D3, D5, D7: what `sign` makes holds for mail-auth, with both kinds of keys, and not after a change.
#[tokio::test]
async fn our_own_signatures() {
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let world = World::with(algorithm).key("gmx.example").dmarc("gmx.example", "");
        let world = world.dmarc("example", "");
        let head = format!("{}To: klasse-5b@schule.example\r\n", head("anna@gmx.example"));
        let good = world.signed("gmx.example", &head, "Hallo\r\n");
        for (mail, holds) in [
            (good.clone(), true),
            (good.replace("klasse-5b@", "klasse-6b@"), false),
            (good.replace("\r\n\r\n", "\r\nSubject: another\r\n\r\n"), false),
            (good.replace("\r\n\r\n", "\r\nList-Unsubscribe: <mailto:x@y.example>\r\n\r\n"), false),
            (good.replace("\r\n\r\n", "\r\nX-Other: y\r\n\r\n"), true),
        ] {
            let judged = world.judge(&format!("{RECEIVED}{mail}"), "").await;
            assert_eq!(judged == dkim("gmx.example"), holds, "{algorithm}: {mail}\n{judged:?}");
        }
    }
}

/// RFC 9989 4.4: relaxed alignment goes by the organisational domain; without any record only equality counts.
#[tokio::test]
async fn alignment_of_signatures() {
    for (author, signer, record, verified) in [
        ("mail.gmx.example", "gmx.example", "v=DMARC1; p=none", true),
        ("mail.gmx.example", "news.gmx.example", "v=DMARC1; p=none", true),
        ("gmx.example", "mail.gmx.example", "v=DMARC1; p=none", true),
        ("mail.gmx.example", "gmx.example", "v=DMARC1; p=none; adkim=s", false),
        ("mail.gmx.example", "gmx.example", "", false),
        ("gmx.example", "mail.gmx.example", "", false),
        ("gmx.example", "web.example", "v=DMARC1; p=none", false),
        ("gmx.example", "notgmx.example", "v=DMARC1; p=none", false),
    ] {
        let mut world = World::new().key(signer).dmarc("gmx.example", record).dmarc("example", "");
        for name in ["mail.gmx.example", "news.gmx.example", "web.example", "notgmx.example"] {
            world = world.dmarc(name, "");
        }
        let mail = world.signed(signer, &head(&format!("anna@{author}")), "Hallo\r\n");
        let judged = world.judge(&format!("{RECEIVED}{mail}"), "").await;
        if verified {
            assert_eq!(judged, dkim(signer), "{author} {signer} {record}");
        } else {
            assert_eq!(unproven(&judged), Some(Unproven::Nothing), "{author} {signer} {record}");
        }
    }
}

/// Promise 8, T8, T9, X2a: the word of our own MTA counts, for this transaction, and nobody else's.
#[tokio::test]
async fn authentication_results() {
    let none = Authenticity::unproven(Unproven::Nothing, "");
    let other = Authenticity::unproven(Unproven::OtherLogin, "");
    let login = Authenticity::proven(Verified::Auth("anna".to_owned()));
    let anna = "anna@gmx.example";
    let cases = [
        (results("spf=pass smtp.mailfrom=gmx.example"), "b@gmx.example", spf("gmx.example")),
        (
            results("spf=pass smtp.mailfrom=out.gmx.example"),
            "b@out.gmx.example",
            spf("out.gmx.example"),
        ),
        (results("spf=pass smtp.mailfrom=evil.example"), "b@evil.example", none.clone()),
        (results("spf=softfail smtp.mailfrom=gmx.example"), "b@gmx.example", none.clone()),
        (results("spf=pass smtp.mailfrom=gmx.example"), "b@other.example", none.clone()),
        (results("spf=pass smtp.mailfrom=gmx.example"), "", none.clone()),
        (results("dkim=pass header.d=gmx.example"), "", dkim("gmx.example")),
        (results("dkim=pass header.d=evil.example"), "", none.clone()),
        (results("auth=pass smtp.auth=anna"), "", login),
        (results("auth=pass smtp.auth=bob"), "", other),
        (
            "Authentication-Results: mx.evil.example; dkim=pass header.d=gmx.example\r\n"
                .to_owned()
                + RECEIVED,
            "",
            none.clone(),
        ),
        (
            RECEIVED.to_owned()
                + "Authentication-Results: mx.schule.example; dkim=pass header.d=gmx.example\r\n",
            "",
            none.clone(),
        ),
    ];
    let mut world = World::new().dmarc("gmx.example", "v=DMARC1; p=none").dmarc("example", "");
    for name in ["out.gmx.example", "evil.example"] {
        world = world.dmarc(name, "");
    }
    for (top, envelope_from, expect) in cases {
        let judged = world.judge(&format!("{top}{}\r\nHallo\r\n", head(anna)), envelope_from).await;
        match unproven(&expect) {
            Some(reason) => assert_eq!(unproven(&judged), Some(reason), "{top}: {judged:?}"),
            None => assert_eq!(judged, expect, "{top}"),
        }
    }
}

/// RFC 6376 6.1.1, 8.2: a signature that leaves out From or the end of the body proves nothing; nor does the ninth.
#[tokio::test]
async fn signatures_that_prove_nothing() {
    let world = World::new().key("gmx.example").dmarc("gmx.example", "").dmarc("example", "");
    let whole = format!("{}\r\nHallo\r\n", head("anna@gmx.example"));
    let made = |names: &[&'static str], with_length: bool| {
        let der = world.key.secret_der().secret_der();
        let key = mail_auth::crypto::Ed25519Key::from_pkcs8_maybe_unchecked_der(der).expect("key");
        let signer = DkimSigner::from_key(key).domain("gmx.example").selector("s");
        let signer = signer.headers(names.to_vec()).body_length(with_length);
        let mut line = Vec::new();
        signer.sign(whole.as_bytes()).expect("signed").write(&mut line, true);
        String::from_utf8(line).expect("ASCII")
    };
    let good = made(&["From", "Subject"], false);
    let mut cases = vec![
        ("good", good.clone(), true),
        ("eight", good.repeat(8), true),
        ("no From in h=", made(&["Subject", "Date"], false), false),
        ("l=", made(&["From", "Subject"], true), false),
    ];
    let bad = good.replace("bh=", "bh=AAAA");
    cases.push(("the eighth", bad.repeat(7) + &good, true));
    cases.push(("the ninth", bad.repeat(8) + &good, false));
    for (what, lines, verified) in cases {
        let judged = world.judge(&format!("{RECEIVED}{lines}{whole}"), "").await;
        assert_eq!(judged == dkim("gmx.example"), verified, "{what}: {judged:?}");
    }
}

/// T6, T7, X5: more than one author, or none, is nobody.
#[tokio::test]
async fn no_single_author() {
    let world = World::new().key("gmx.example").dmarc("gmx.example", REJECT).dmarc("example", "");
    for from in [
        "From: anna@gmx.example, bob@gmx.example\r\n",
        "From: anna@gmx.example\r\nFrom: anna@gmx.example\r\n",
        "From: undisclosed-recipients:;\r\n",
        "From: anna\r\n",
        "",
    ] {
        let head = format!("{from}Subject: x\r\n");
        let mail = world.signed("gmx.example", &head, "Hallo\r\n");
        let judged = world.judge(&format!("{RECEIVED}{mail}"), "").await;
        assert_eq!(unproven(&judged), Some(Unproven::Nothing), "{from}: {judged:?}");
    }
}

/// Promise 5: a DNS failure is temporary, and only where it could have changed the answer.
#[tokio::test]
async fn dns_fails() {
    let temporary = |a: &Authenticity| matches!(a, Authenticity::TempError(_));
    let world = World::new().dmarc("gmx.example", "").dmarc("example", "");
    let own = world.signed("gmx.example", &head("anna@gmx.example"), "Hallo\r\n");
    let judged = world.judge(&format!("{RECEIVED}{own}"), "").await;
    assert!(temporary(&judged), "the key did not come: {judged:?}");

    let verified = world.judge(&format!("{}{own}", results("auth=pass smtp.auth=anna")), "").await;
    assert_eq!(verified, Authenticity::proven(Verified::Auth("anna".to_owned())));

    let other = world.signed("evil.example", &head("anna@gmx.example"), "Hallo\r\n");
    let judged = world.judge(&format!("{RECEIVED}{other}"), "").await;
    assert_eq!(unproven(&judged), Some(Unproven::Nothing), "a stranger's key: {judged:?}");

    let world = World::new();
    let judged =
        world.judge(&format!("{RECEIVED}{}\r\nHallo\r\n", head("anna@gmx.example")), "").await;
    assert!(temporary(&judged), "the policy did not come: {judged:?}");
}

/// As patient as a test may be.
const SOON: Duration = Duration::from_millis(300);

impl World {
    /// With this server instead of the one that fails, and soon out of patience.
    fn asking(mut self, server: SocketAddr) -> World {
        self.verifier.dns = dns::resolver(Some(server)).expect("resolver");
        let prober = dns::prober(Some(server), SOON).expect("resolver");
        self.verifier.health = Health::new(prober, SOON);
        self
    }

    /// What comes of a mail whose author is at this domain, signed by it, and how long that took.
    async fn patiently(&self, domain: &str, patience: &Patience) -> (Authenticity, Duration) {
        let raw = self.signed(domain, &head(&format!("anna@{domain}")), "b\r\n");
        let mail = Mail::parse(raw.as_bytes()).expect("mail");
        let began = Instant::now();
        let judged =
            self.verifier.verify(raw.as_bytes(), &mail, None, &|_, _| false, patience).await;
        (judged, began.elapsed())
    }

    async fn is_dead(&self, expect: bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while self.verifier.health.is_dead() != expect {
            assert!(Instant::now() < end, "never: dead = {expect}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Promise 5: a resolver that says nothing at all costs one mail its patience, and the next ones next to nothing; what
/// needs no question is judged all the while, and nobody is taken for a forger. It is noticed when it answers again.
#[tokio::test]
async fn a_resolver_that_says_nothing() {
    let (silent, speak) = silent_server();
    let world = World::new().key("known.example").asking(silent);
    let (judged, _) = world.patiently("unknown.example", &Patience::of(SOON)).await;
    assert!(matches!(judged, Authenticity::TempError(_)), "{judged:?}");
    world.is_dead(true).await;
    for _ in 0..10 {
        let (judged, took) = world.patiently("unknown.example", &Patience::default()).await;
        let Authenticity::TempError(why) = judged else { panic!("{judged:?}") };
        assert!(why.contains("does not answer") && took < PATIENCE / 2, "{why} after {took:?}");
    }
    let (judged, _) = world.patiently("known.example", &Patience::default()).await;
    assert_eq!(judged, dkim("known.example"));
    speak();
    world.is_dead(false).await;
}

/// A domain whose own servers hang keeps its own mail waiting, and nobody else's: the resolver answers. All questions about
/// one mail share its patience.
#[tokio::test]
async fn a_domain_that_says_nothing() {
    let world = World::new().asking(deaf_for("slow.example"));
    let patience = Patience::of(SOON);
    let (judged, took) = world.patiently("slow.example", &patience).await;
    let Authenticity::TempError(why) = judged else { panic!("{judged:?}") };
    assert!(why.contains("longer than") && took >= SOON, "{why} after {took:?}");
    let raw = head("anna@slow.example");
    let mail = Mail::parse(raw.as_bytes()).expect("mail");
    let began = Instant::now();
    let wanted = Wanted { policy: true, signatures: true };
    let arrival = world.verifier.arrival(raw.as_bytes(), &mail, wanted, &patience).await;
    assert_eq!(arrival.dmarc, Some(Dmarc::Unknown), "counts for the strictest");
    assert!(began.elapsed() < PATIENCE / 2, "nothing is left of it: {:?}", began.elapsed());
    // The question in the background has been answered by now, if it was asked first.
    assert!(dns::answers(&dns::prober(Some(deaf_for("slow.example")), SOON).expect("one")).await);
    assert!(!world.verifier.health.is_dead());
}

/// F2, F8: the policy that holds for a domain, as RFC 9989 4.10 and 5.4 find it.
#[tokio::test]
async fn the_policy_of_a_domain() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Dmarc);
    let cases: &[Case<'_>] = &[
        ("gmx.example", &[], Dmarc::None),
        ("gmx.example", &[("gmx.example", "v=DMARC1; p=none")], Dmarc::None),
        ("gmx.example", &[("gmx.example", "v=DMARC1; p=quarantine")], Dmarc::Quarantine),
        ("gmx.example", &[("gmx.example", REJECT)], Dmarc::Reject),
        ("gmx.example", &[("gmx.example", "v=DMARC1; p=reject; t=y")], Dmarc::Quarantine),
        ("gmx.example", &[("gmx.example", "v=DMARC1; p=quarantine; t=y")], Dmarc::None),
        ("gmx.example", &[("gmx.example", "v=DMARC1; p=reject; sp=none")], Dmarc::Reject),
        ("gmx.example", &[("gmx.example", "v=DMARC1; rua=mailto:a@gmx.example")], Dmarc::None),
        // np: no name here exists, so it counts before sp, and sp before p.
        ("mail.gmx.example", &[("gmx.example", REJECT)], Dmarc::Reject),
        ("mail.gmx.example", &[("gmx.example", "v=DMARC1; p=none; sp=reject")], Dmarc::Reject),
        ("mail.gmx.example", &[("gmx.example", "v=DMARC1; p=reject; sp=none")], Dmarc::None),
        ("mail.gmx.example", &[("gmx.example", "v=DMARC1; p=none; np=reject")], Dmarc::Reject),
        (
            "mail.gmx.example",
            &[("gmx.example", "v=DMARC1; p=reject; sp=reject; np=quarantine; t=y")],
            Dmarc::None,
        ),
        (
            "mail.gmx.example",
            &[("mail.gmx.example", "v=DMARC1; p=none"), ("gmx.example", REJECT)],
            Dmarc::None,
        ),
        // The organisational domain is the highest with a record, below a public suffix, or at psd=n.
        (
            "a.b.gmx.example",
            &[("b.gmx.example", "v=DMARC1; p=none"), ("gmx.example", REJECT)],
            Dmarc::Reject,
        ),
        (
            "a.b.gmx.example",
            &[("b.gmx.example", "v=DMARC1; p=none; psd=n"), ("gmx.example", REJECT)],
            Dmarc::None,
        ),
        (
            "a.gmx.example",
            &[("gmx.example", "v=DMARC1; p=none"), ("example", "v=DMARC1; p=reject; psd=y")],
            Dmarc::None,
        ),
        ("a.gmx.example", &[("example", "v=DMARC1; p=reject; psd=y")], Dmarc::Reject),
        // From a long name the walk goes on with the last seven labels.
        ("a.b.c.d.e.f.g.h.gmx.example", &[("e.f.g.h.gmx.example", REJECT)], Dmarc::Reject),
        ("a.b.c.d.e.f.g.h.gmx.example", &[("b.c.d.e.f.g.h.gmx.example", REJECT)], Dmarc::None),
    ];
    for (domain, records, expect) in cases {
        let mut world = World::quiet();
        for (name, record) in *records {
            world = world.dmarc(name, record);
        }
        assert_eq!(world.policy(domain).await, Some(*expect), "{domain} {records:?}");
    }
}

/// F8, promise 10: DNS that fails counts as p=reject; a long name costs eight questions.
#[tokio::test]
async fn what_dns_does_not_say() {
    assert_eq!(World::new().policy("gmx.example").await, Some(Dmarc::Unknown));
    let nobody = World::new().dmarc("gmx.example", "").policy("gmx.example").await;
    assert_eq!(nobody, Some(Dmarc::Unknown), "a part of the walk failed");
    for (record, expect) in [
        ("v=DMARC1; p=none; np=reject", Dmarc::Unknown),
        ("v=DMARC1; p=none; sp=quarantine", Dmarc::Quarantine),
    ] {
        let verifier = Verifier::new(Some(half_server()), &[]).expect("resolver");
        let world = World { verifier, key: generate(Algorithm::Ed25519).expect("key") };
        let policy = world.dmarc("gmx.example", record).policy("mail.gmx.example").await;
        assert_eq!(policy, Some(expect), "does the name exist? {record}");
    }

    let (server, count) = counting_server();
    let verifier = Verifier::new(Some(server), &[]).expect("resolver");
    let world = World { verifier, key: generate(Algorithm::Ed25519).expect("key") };
    let long = world.policy("a.b.c.d.e.f.g.h.i.j.k.l.gmx.example").await;
    assert_eq!(long, Some(Dmarc::None));
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 8);

    let raw = head("anna@gmx.example");
    let mail = Mail::parse(raw.as_bytes()).expect("mail");
    let nothing = world
        .verifier
        .arrival(raw.as_bytes(), &mail, Wanted::default(), &Patience::default())
        .await;
    assert_eq!(nothing, listcore::rewrite::Arrival::default());
}

/// F2: of all signatures only those that passed and are aligned with the author are named.
#[tokio::test]
async fn the_authors_own_signatures() {
    let relaxed = "v=DMARC1; p=none";
    let world = World::quiet().key("gmx.example").key("web.example").key("mail.gmx.example");
    let world = world.dmarc("gmx.example", relaxed);
    let signed = |domain: &str, author: &str| world.signed(domain, &head(author), "Hallo\r\n");
    let line = |mail: String| mail.split("From: ").next().unwrap_or_default().to_owned();
    let anna = "anna@gmx.example";
    let plain = format!("{}\r\nHallo\r\n", head(anna));
    let own = line(signed("gmx.example", anna));
    let other = line(signed("web.example", anna));
    let below = line(signed("mail.gmx.example", anna));
    let bad = own.replace("bh=", "bh=AAAA");
    assert_eq!(world.own(&plain).await, [0; 0]);
    assert_eq!(world.own(&format!("{own}{plain}")).await, [0]);
    assert_eq!(world.own(&format!("{other}{own}{below}{plain}")).await, [1, 2]);
    assert_eq!(world.own(&format!("{other}{plain}")).await, [0; 0]);
    assert_eq!(world.own(&format!("{own}{plain}").replace("Hallo", "Hullo")).await, [0; 0]);
    assert!(world.own(&format!("{bad}{plain}")).await.is_empty());
    let strict = World::quiet().key("gmx.example");
    assert_eq!(strict.own(&format!("{below}{plain}")).await, [0; 0], "no key, no record");
}

/// T7, promise 8: of several authors the Sender counts, by a signature of the very domain or an aligned one.
#[tokio::test]
async fn the_sender_answers_for_several_authors() {
    let world = World::new().key("gmx.example").key("web.example").dmarc("gmx.example", REJECT);
    let world = world.dmarc("web.example", REJECT).dmarc("example", "");
    let text = |sender: &str| {
        format!("From: a@gmx.example, b@web.example\r\nSender: {sender}\r\nSubject: x\r\n")
    };
    for (signer, sender, expect) in [
        ("gmx.example", "a@gmx.example", dkim("gmx.example")),
        ("web.example", "b@web.example", dkim("web.example")),
    ] {
        let mail = world.signed(signer, &text(sender), "Hallo\r\n");
        assert_eq!(world.judge(&format!("{RECEIVED}{mail}"), "").await, expect);
    }
    let mail = world.signed("web.example", &text("a@gmx.example"), "Hallo\r\n");
    let judged = world.judge(&format!("{RECEIVED}{mail}"), "").await;
    assert_eq!(unproven(&judged), Some(Unproven::Forbidden), "signed by the other: {judged:?}");
    let mail = world.signed("gmx.example", &text("c@gmx.example"), "Hallo\r\n");
    let judged = world.judge(&format!("{RECEIVED}{mail}"), "").await;
    assert_eq!(unproven(&judged), Some(Unproven::Nothing), "a third: {judged:?}");
}
