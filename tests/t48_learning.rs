//! rspamd learns what people say of a mail: by its Message-ID, from the original, with its password.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use stack::home::Home;
use stack::rspamd::{PASSWORD, Rspamd};
use stack::{Failure, Stack, mail, school, wait};

fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// GD8: by hand, a mail as spam and as ham; all that can go wrong is said in words.
#[test]
fn rspamd_learns_what_an_admin_says_of_a_mail() {
    let home = Home::make().unwrap();
    let mut rspamd = Rspamd::learning(home.dir()).unwrap();
    let password = home.dir().join("password");
    secret(&password, "falsch\n");
    let verdict = format!(
        "\n[verdict]\nmilter = \"127.0.0.1:1\"\non_failure = \"accept\"\n\
         rspamd_controller = \"http://{}\"\nrspamd_password_file = \"{}\"\n",
        rspamd.control(),
        password.display()
    );
    let stack = Stack::builder().settings(|s| s.more += &verdict).start().unwrap();
    let id = "werbung@post.example";
    let text = "Gewinnen Sie heute ein neues Auto, jetzt klicken und alles bekommen, ohne Kosten";
    let letter = mail::text(school::AYSE.1, school::CLASS_5B, "Gewinn", id, text);
    let reply = stack.post(school::AYSE.1, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    // Its last copy is out: it is still kept only for this.
    let sent = || Ok((stack.listd.status("/queue/mails")? == 0).then_some(()));
    wait::until("the mail to be out", wait::MAIL, sent).unwrap();

    let says = |args: &[&str], expect: &str| {
        let said = stack.listd.listctl(args).unwrap();
        assert_eq!(said, format!("<{id}>: rspamd learned it as {expect}.\n"), "{args:?}");
    };
    let fails = |args: &[&str], parts: &[&str]| {
        let Failure(said) = stack.listd.listctl(args).unwrap_err();
        assert!(parts.iter().all(|part| said.contains(part)), "{args:?}: {said}");
    };
    let before = rspamd.learned().unwrap();
    fails(&["spam", id], &["password", "401"]);
    assert_eq!(rspamd.learned().unwrap(), before);
    secret(&password, &format!("{PASSWORD}\n"));
    says(&["spam", &format!("<{id}>")], "spam");
    assert_eq!(rspamd.learned().unwrap(), before + 1);
    says(&["spam", id], "spam before");
    says(&["ham", id], "ham");
    fails(&["ham", "nie@post.example"], &["<nie@post.example> was taken in"]);
    rspamd.stop();
    fails(&["spam", id], &["does not answer", "controller"]);
}
