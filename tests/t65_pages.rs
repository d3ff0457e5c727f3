//! The pages over real HTTP, from the link in a copy that went through Exim: one click by a scanner, by a provider, twice;
//! the way back; and what an admin sees of it.

use std::net::SocketAddr;

use stack::claim::Port;
use stack::{Stack, dkim, http, mail, school, wait};

const PUBLIC: &str = "https://lists.schule.example";

fn post(stack: &Stack, id: &str) {
    let (_, author) = school::JOERG;
    let letter = mail::text(author, school::CLASS_5B, "Ausflug", id, "Liebe Eltern");
    let reply = stack.post(author, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
}

/// The path of a copy's own link (H8), and that it is signed (H10).
fn own_path(copy: &[u8]) -> String {
    let signatures = dkim::check_school(copy).unwrap();
    assert!(!signatures.is_empty());
    for field in ["List-Unsubscribe", "List-Unsubscribe-Post"] {
        assert_eq!(mail::headers(copy, field).len(), 1, "{field}");
        assert!(dkim::covers(copy, field), "{field}");
    }
    assert_eq!(mail::header(copy, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let links = mail::header(copy, "List-Unsubscribe");
    assert!(links.contains("<mailto:klasse-5b-unsubscribe@schule.example>"), "{links}");
    mail::own_path(copy, PUBLIC).expect("an https link first")
}

#[test]
fn one_click_ends_the_mail_of_one_member() {
    let port = Port::claim().unwrap();
    let web = SocketAddr::from(([127, 0, 0, 1], port.number()));
    let pages = format!("\n[web]\nlisten = \"{web}\"\npublic_url = \"{PUBLIC}\"\n");
    let mut stack = Stack::builder().settings(|s| s.more.push_str(&pages)).start().unwrap();
    let (ayse, maria) = (school::AYSE, school::MARIA);
    post(&stack, "eins@post.example");
    let path = own_path(&stack.dovecot.wait_for(ayse.0, "eins@post.example").unwrap());
    let other = own_path(&stack.dovecot.wait_for(maria.0, "eins@post.example").unwrap());
    assert_ne!(path, other, "each has her own");

    // A scanner looks, and a form that is none is sent.
    for _ in 0..3 {
        let (status, page) = http::get(web, &path).unwrap();
        assert!(status == 200 && page.contains("List-Unsubscribe"), "{status} {page}");
    }
    assert_eq!(http::post(web, &path, "a=b").unwrap().0, 400);
    assert_eq!(http::get(web, "/u/forged").unwrap().0, 404);
    post(&stack, "zwei@post.example");
    stack.dovecot.wait_for(ayse.0, "zwei@post.example").unwrap();

    // A provider clicks, twice.
    for _ in 0..2 {
        let (status, page) = http::post(web, &path, "List-Unsubscribe=One-Click").unwrap();
        assert!(status == 200 && page.contains(ayse.1), "{status} {page}");
    }
    post(&stack, "drei@post.example");
    stack.dovecot.wait_for(maria.0, "drei@post.example").unwrap();
    let quiet = |stack: &Stack, id: &str| {
        let trace = stack.listd.listctl(&["trace", id]).unwrap();
        trace.lines().any(|line| line.contains(ayse.1) && line.contains("muted"))
    };
    wait::until_true("the trace to say why", wait::MAIL, || quiet(&stack, "drei@post.example"))
        .unwrap();
    let members = stack.listd.listctl(&["list", "members", school::CLASS_5B]).unwrap();
    let line = members.lines().find(|line| line.contains(ayse.1)).unwrap_or_default();
    assert!(line.contains("unsubscribed from this list"), "{members}");

    // It outlives the daemon, and she takes it back herself.
    stack.listd.stop().unwrap();
    stack.listd.start().unwrap();
    post(&stack, "vier@post.example");
    stack.dovecot.wait_for(maria.0, "vier@post.example").unwrap();
    wait::until_true("the trace to say why", wait::MAIL, || quiet(&stack, "vier@post.example"))
        .unwrap();
    let settings = path.replace("/u/", "/o/");
    let (status, page) = http::post(web, &settings, "mail=all&digest=off").unwrap();
    assert!(status == 200 && page.contains("role=\"status\""), "{status} {page}");
    post(&stack, "fuenf@post.example");
    stack.dovecot.wait_for(ayse.0, "fuenf@post.example").unwrap();

    // GD23: no token in any log.
    let token = path.trim_start_matches("/u/");
    assert!(token.len() > 20 && !stack.listd.output().contains(token));
}
