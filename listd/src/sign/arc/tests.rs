//! Seals compared with ValiMail's suite, octet for octet, and judged by dkimpy and mail-auth.

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use listcore::arc::Validation;
use listcore::message::split;

use super::*;
use crate::sign::testing::{DOMAIN, dkimpy, signer};
use crate::sign::{body_hash, tests::hash};
use crate::verify::testing::{Case, arc_suite};

/// Fields as the suite has them, name and value, but for white space, which the signatures judge.
fn fields(text: &str) -> Vec<(String, String)> {
    let mail = Mail::parse(text.as_bytes()).expect("fields");
    let own = |range: &std::ops::Range<usize>| {
        String::from_utf8_lossy(&mail.head[range.clone()]).into_owned()
    };
    let squeezed = |value: String| value.split_whitespace().collect::<String>();
    mail.fields.iter().map(|f| (own(&f.name), squeezed(own(&f.value)))).collect()
}

/// What the chain of a case is worth is what its front MTA says of it.
fn sealing(case: &Case<'_>, mail: &Mail) -> Sealing {
    let validation = match (Chain::of(mail).is_empty(), case.text("message").contains("arc=fail")) {
        (true, _) => Validation::None,
        (false, true) => Validation::Fail,
        (false, false) => Validation::Pass,
    };
    let name = case.text("srv-id");
    let sealing = Sealing::new(mail, &name, std::slice::from_ref(&name), validation, &[]);
    // The suite adds no result of its own.
    let added = format!("; arc={}", validation.as_str());
    let results = sealing.results.strip_suffix(&added).unwrap_or(&sealing.results);
    Sealing { results: results.to_owned(), ..sealing }
}

/// The suite's signatures are of a key with 1024 bits, with which ours will not sign (rule D7). RSA signatures are the
/// same each time, so what must be signed is known by the suite's own signature over it.
fn signed_by_the_suite(key: &[u8], given: &[Vec<u8>], text: &[u8]) -> Result<Vec<u8>, String> {
    let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key);
    let fits = |signature: &&Vec<u8>| key.verify(text, signature).is_ok();
    given.iter().find(fits).cloned().ok_or(format!("not signed: {}", String::from_utf8_lossy(text)))
}

/// D10: all cases of the suite for signing: AAR, AMS and AS are its very octets, signatures included.
#[test]
fn d10_valimail_signs() {
    let Some(scenarios) = arc_suite("arc-draft-sign-tests.yml.gz") else { return };
    let mut tried = 0;
    for scenario in &scenarios {
        let (domain, selector) = (scenario.text("domain"), scenario.text("sel"));
        let records = scenario.records();
        let name = format!("{selector}._domainkey.{domain}");
        let record = records.iter().find(|(n, _)| *n == name).map(|(_, text)| text.clone());
        let record: String = record.expect("key").split_whitespace().collect();
        let key = record.split("p=").nth(1).expect("p=").trim_end_matches(';');
        let key = BASE64.decode(key.as_bytes()).expect("base64");
        for case in scenario.cases() {
            let raw = case.message();
            let (head, body) = raw.split_at(split(&raw));
            let head = head.strip_suffix(b"\r\n").expect("empty line");
            let mail = Mail::parse(head).expect("head");
            let now = Timestamp(case.text("t").parse::<i64>().expect("time") * 1000);
            let names = case.text("sig-headers");
            let given: Vec<Vec<u8>> = ["AS", "AMS"]
                .into_iter()
                .filter_map(|tag| {
                    let text: String = case.text(tag).split_whitespace().collect();
                    let value =
                        text.split(';').find_map(|t| t.strip_prefix("b=").map(str::to_owned));
                    BASE64.decode(value?.as_bytes()).ok()
                })
                .collect();
            let sign = |text: &[u8]| signed_by_the_suite(&key, &given, text);
            let sealer = Sealer { domain, selector, sign: &sign };
            let lines = sealer
                .seal(head, &hash(body), &sealing(&case, &mail), now, names.split(':'))
                .unwrap_or_else(|why| panic!("{}: {why}", case.name));
            let wanted: Vec<(String, String)> =
                [("AS", SEAL), ("AMS", SIGNATURE), ("AAR", RESULTS)]
                    .into_iter()
                    .map(|(tag, name)| (name.to_owned(), case.text(tag)))
                    .filter(|(_, value)| !value.trim().is_empty())
                    .map(|(name, value)| (name, value.split_whitespace().collect::<String>()))
                    .collect();
            let lines = String::from_utf8(lines).expect("ASCII");
            let long = |line: &str| line.len() > LINE && !line.starts_with(" b=");
            assert!(!lines.lines().any(long), "{}: {lines}", case.name);
            assert_eq!(fields(&format!("{lines}\r\n")), wanted, "{}", case.name);
            tried += 1;
        }
    }
    println!("{tried} cases");
    assert_eq!(tried, 17);
}

const HEAD: &[u8] = b"From: \"Ayse Yilmaz via Klasse 5b\" <klasse-5b@schule.example>\r\n\
To: klasse-5b@schule.example\r\nSubject: Elternabend\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n\
Message-ID: <1@gmx.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
Content-Transfer-Encoding: 8bit\r\nReply-To: ayse@gmx.example\r\n\
List-Id: <klasse-5b.schule.example>\r\nList-Unsubscribe: <mailto:klasse-5b-unsubscribe@schule.example>\r\n";

/// DKIM, then ARC, as compose does it.
fn sealed(signer: &Signer, head: &[u8], body: &[u8], validation: Validation) -> Vec<u8> {
    let now = Timestamp(1_795_000_000_123);
    let hash = hash(body);
    let mut signed = signer.sign(head, &hash, now).expect("signed");
    signed.extend_from_slice(head);
    let results = "mx.schule.example; dkim=pass header.d=gmx.example".to_owned();
    let sealing = Sealing { validation, results };
    let mut out = signer.seal(&signed, &hash, &sealing, now).expect("sealed");
    out.extend_from_slice(&signed);
    out
}

/// D10, D1: dkimpy accepts our seal as the first hop and as the second, refuses it after a change, and DKIM holds
/// under it; on a chain that failed stands one more set that says so, and nothing on that.
#[test]
fn d10_dkimpy_agrees() {
    let signer = signer();
    let body = b"Gr\xc3\xbc\xc3\x9fe\r\n".as_slice();
    let mail = |head: &[u8], body: &[u8]| [head, b"\r\n", body].concat();
    let first = sealed(&signer, HEAD, body, Validation::None);
    let second = sealed(&signer, &first, body, Validation::Pass);
    let failed = sealed(&signer, &first, body, Validation::Fail);
    let closed = sealed(&signer, &failed, body, Validation::Fail);
    let changed = String::from_utf8(second.clone()).expect("text").replace("Elternabend", "Geld");
    let count = |head: &[u8]| {
        fields(&String::from_utf8_lossy(head)).iter().filter(|(n, _)| n == SEAL).count()
    };
    assert_eq!([&first, &second, &failed, &closed].map(|head| count(head)), [1, 2, 2, 2]);

    let mails = [
        mail(&first, body),
        mail(&second, body),
        mail(&second, b"anders\r\n"),
        mail(changed.as_bytes(), body),
        mail(&failed, body),
    ];
    let Some(judged) = dkimpy(&signer, &mails) else { return };
    let arc: Vec<&str> = judged.iter().map(|one| one.arc.as_str()).collect();
    // Where the newest seal says that the chain has failed, dkimpy looks at nothing and says "none".
    assert_eq!(arc, ["pass", "pass", "fail", "fail", "none"]);
    assert_eq!(judged[0].ours(), [("r1", true), ("e1", true)]);
    assert!(judged[1].ours().iter().all(|(_, ok)| *ok), "{:?}", judged[1]);
}

/// RFC 8617 4.2.1: no set after the fiftieth.
#[test]
fn d10_fifty_is_the_end() {
    let signer = signer();
    let mut head = HEAD.to_vec();
    for _ in 0..51 {
        head = sealed(&signer, &head, b"x\r\n", Validation::Fail);
        let closing = String::from_utf8_lossy(&head).replace("cv=fail", "cv=pass");
        head = closing.into_bytes();
    }
    let mail = Mail::parse(&head).expect("head");
    let seals = mail.fields.iter().filter(|f| f.is(&mail.head, SEAL)).count();
    assert_eq!(seals, 50);
}

/// A domain with an Ed25519 key alone seals nothing, and says nothing wrong.
#[test]
fn no_rsa_no_seal() {
    let key = listcore::dkim::generate(listcore::dkim::Algorithm::Ed25519).expect("key");
    let signer = Signer::new(DOMAIN, vec![("e1".to_owned(), key)]).expect("signer");
    let empty = body_hash(|_| -> Result<(), SignError> { Ok(()) }).expect("hash");
    let sealing = Sealing { validation: Validation::None, results: "x".to_owned() };
    let lines = signer.seal(HEAD, &empty, &sealing, Timestamp(0)).expect("nothing");
    assert!(lines.is_empty());
}
