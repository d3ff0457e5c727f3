//! One mail to 250 lists: three LMTP transactions, 250 decisions, nobody forgotten and nobody served twice.

use stack::smtp::{As, Client, send};
use stack::{Stack, crowd, dkim, mail, school, wait};

#[test]
fn a_mail_to_250_lists_in_three_transactions() {
    let names: Vec<String> = (0..250).map(|i| format!("viele-{i}")).collect();
    let lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 2)).collect();
    let stack = Stack::builder()
        .ldif(&crowd::entries(&lists))
        .settings(|s| s.list = "post = [\"people\"]\n".into())
        .start()
        .unwrap();
    let (login, author) = school::TEACHER;
    let to: Vec<String> = names.iter().map(|n| crowd::address(n)).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let letter =
        mail::text(author, "alle@schule.example", "An alle", "viele@schule.example", "Hallo");
    let user = As::User(login, school::PASSWORD);
    let reply = send(stack.exim.submission(), &user, author, &to, &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    stack.sink.wait_for(500, wait::MAIL * 2).unwrap();
    let counts = stack.sink.counts();
    assert!(counts.len() == 500 && counts.values().all(|n| *n == 1), "{} people", counts.len());

    // Exim writes that down when a transaction is over; copies are out by then.
    let answered = |l: &&str| l.contains("T=listd_lmtp") && l.contains("viele-");
    wait::until_true("each list to have answered for itself", wait::MAIL, || {
        stack.exim.log().lines().filter(answered).count() == 250
    })
    .unwrap();

    // The same by hand, a hundred recipients at most in a transaction, as the transport's max_rcpt has it.
    stack.sink.clear();
    let (_, author) = school::JOERG;
    let letter =
        mail::text(author, "alle@schule.example", "Noch eins", "drei@post.example", "Hallo");
    let letter = dkim::sign_as_provider(&letter).unwrap();
    let mut client = Client::connect(stack.listd.lmtp()).unwrap();
    client.hello("LHLO", "mx.schule.example").unwrap();
    for transaction in to.chunks(100) {
        let replies = client.deliver(author, transaction, &letter).unwrap();
        assert!(replies.iter().all(|r| r.code == 250), "{replies:?}");
    }
    client.quit();
    stack.sink.wait_for(500, wait::MAIL * 2).unwrap();
    let counts = stack.sink.counts();
    assert!(counts.len() == 500 && counts.values().all(|n| *n == 1), "{} people", counts.len());
}
