//! What may not be attached, from the setting to the reader: `listctl simulate --diff` says what would be changed, the copy
//! has it changed so, and a signed mail is refused with the name of the file (rule B13, promise 9).

use std::time::Duration;

use stack::smtp::Client;
use stack::{Solo, crowd, mail, wait};

const LIST: &str = "klasse";
const SOON: Duration = Duration::from_secs(30);

const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße aus Köln";
const PDF: &str = "Content-Type: application/pdf; name=\"plan.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
                   Content-Disposition: attachment; filename=\"plan.pdf\"\r\n\r\nJVBERi0xLjcK";
const PNG: &str = "Content-Type: image/png; name=\"foto.png\"\r\nContent-Transfer-Encoding: base64\r\n\
                   Content-Disposition: attachment; filename=\"foto.png\"\r\n\r\niVBORw0KGgoA";

fn multipart(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
    format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
}

fn letter(id: &str, entity: &str) -> String {
    format!(
        "Authentication-Results: mx.schule.example; spf=pass smtp.mailfrom=anna@gmx.example\r\n\
         From: Anna <anna@gmx.example>\r\nTo: {to}\r\nSubject: Plan\r\nMessage-ID: <{id}>\r\n\
         Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n{entity}",
        to = crowd::address(LIST)
    )
}

/// One German reader and one who speaks English.
fn directory() -> String {
    let speaks = |line: &str| match line {
        "uid: klasse-1" => "uid: klasse-1\npreferredLanguage: en\n".to_owned(),
        line => format!("{line}\n"),
    };
    crowd::directory(&[(LIST, 2)]).lines().map(speaks).collect()
}

#[test]
fn forbidden_files_are_announced_left_out_and_refused() {
    let mut solo = Solo::prepare(&directory(), |s| {
        s.list = "post = [\"anyone\"]\nfrom = \"keep\"\n".to_owned();
    })
    .unwrap()
    .watched();
    solo.listd.start_knowing(&crowd::address(LIST)).unwrap();
    let address = crowd::address(LIST);
    solo.listd.listctl(&["list", "set", &address, "attachments_forbidden", "pdf"]).unwrap();

    let open = letter("open@gmx.example", &multipart("mixed", "m", &[PLAIN, PDF, PNG]));
    let home = tempfile::tempdir().unwrap();
    let copies = home.path().join("copies");
    let folder = copies.to_string_lossy();
    let argv = ["simulate", &address, "--as-verified", "--diff", "--out", &folder];
    let said = solo.listd.listctl_with(&argv, open.as_bytes()).unwrap();
    for language in ["de", "en"] {
        let of = format!("({language}):");
        let own = said.split("Changed in the copy for ").find(|own| own.contains(&of));
        let own = own.unwrap_or_else(|| panic!("no copy in {language}: {said}"));
        assert!(own.contains("~ part 2: ") && own.contains("not allowed: plan.pdf"), "{own}");
        assert!(!own.contains("~ part 1") && !own.contains("~ part 3"), "only the file: {own}");
    }

    let sealed = multipart("signed", "s", &[&multipart("mixed", "m", &[PLAIN, PDF]), "\r\nx"]);
    let sealed = letter("sealed@gmx.example", &sealed);
    let said = solo.listd.listctl_with(&argv[..3], sealed.as_bytes()).unwrap_err().0;
    assert!(said.contains("it would not go out") && said.contains("plan.pdf"), "{said}");

    let mut client = Client::connect(solo.listd.lmtp()).unwrap();
    client.hello("LHLO", "mx.schule.example").unwrap();
    let replies = client.deliver("anna@gmx.example", &[&address], sealed.as_bytes()).unwrap();
    let reply = replies[0].lines.join(" ");
    assert!(replies[0].code == 550 && reply.contains("plan.pdf"), "{reply}");
    let replies = client.deliver("anna@gmx.example", &[&address], open.as_bytes()).unwrap();
    assert_eq!(replies[0].code, 250);
    wait::until_true("both copies", SOON, || solo.sink.deliveries().len() == 2).unwrap();

    for (reader, note) in
        [(0, "Anhang weggelassen: plan.pdf"), (1, "Attachment left out: plan.pdf")]
    {
        let to = crowd::member(LIST, reader);
        let copy = solo.sink.deliveries().into_iter().find(|c| c.to.contains(&to)).unwrap().mail;
        let text = String::from_utf8_lossy(&copy).replace("=\r\n", "");
        assert!(text.contains(note) && !text.contains("JVBERi0xLjcK"), "{text}");
        for part in [PLAIN, PNG] {
            assert!(text.contains(&format!("--m\r\n{part}\r\n--m")), "{part}: {text}");
        }
        // What the simulation wrote is what comes, but for what is each copy's own.
        let body =
            |raw: &[u8]| String::from_utf8_lossy(raw).split_once("\r\n\r\n").unwrap().1.to_owned();
        let files = std::fs::read_dir(&copies).unwrap().flatten();
        let shown = files.map(|file| body(&std::fs::read(file.path()).unwrap()));
        assert!(shown.into_iter().any(|shown| shown == body(&copy)), "as simulated: {text}");
        assert!(mail::header(&copy, "From").contains("anna@gmx.example"));
    }
}
