//! Whose copies are left out: by her own wish, for herself alone, and only where it is sure.

use listcore::ldif;
use listcore::list::ListId;
use listcore::options::{Choice, Options};
use listcore::outcome::Dropped;
use listcore::recipients::PersonId;

use crate::directory::Change;
use crate::pipeline::testing::{START, School, letter};
use crate::store::Report;

const OWN: Options = Options { no_own: true, ..Options::NONE };
const ADDRESSED: Options = Options { no_addressed: true, ..Options::NONE };

fn entry(school: &School, login: &str, addresses: &[&str]) {
    let mails: String = addresses.iter().map(|a| format!("mail: {a}\n")).collect();
    let text =
        format!("dn: uid={login},dc=x\nobjectClass: inetOrgPerson\nuid: {login}\ncn: x\n{mails}");
    let entry = ldif::parse(text.as_bytes()).expect("LDIF").remove(0);
    school.live.apply(&[Change::Upsert(format!("uid={login},dc=x"), entry)]);
}

fn wish(school: &School, list: &str, login: &str, address: &str, options: Options) {
    school.door.pipeline.members.set_options(Choice {
        list: Some(ListId(format!("00000000-0000-0000-0000-0000000000{list}"))),
        person: Some(PersonId(format!("uid={login},dc=x"))),
        address: listcore::address::Address::parse(address).expect("an address"),
        options,
        at: START,
        by: None,
    });
}

/// Sends Anna's mail with these To and Cc to 5b; who of the frozen recipients is spared.
async fn spared(school: &School, id: &str, to: &str) -> Vec<(String, Dropped)> {
    let mail = letter(id, "Hallo").replace("To: 5b@schule.example", to);
    let replies = school.send("<anna@home.example>", &["5b@schule.example"], mail.as_bytes()).await;
    assert!(replies.iter().all(|reply| reply.starts_with("250")), "{replies:?}");
    let (accounts, _) = school.store.trace(id).await.expect("a trace");
    let post = &accounts.first().expect("a post").post;
    post.frozen.spared.clone().into_iter().collect()
}

#[tokio::test]
async fn who_has_it_already_is_spared_by_her_wish() {
    let anna = |why| vec![("person:uid=anna,dc=x".to_owned(), why)];
    let bert = |why| vec![("person:uid=bert,dc=x".to_owned(), why)];
    let to = "To: 5b@schule.example";
    let with_bert = "To: 5b@schule.example\r\nCc: Bert <BERT@home.example>, x@out.example";
    let school = School::new();
    assert_eq!(spared(&school, "nobody-wishes", with_bert).await, []);
    wish(&school, "5b", "anna", "anna@home.example", OWN);
    wish(&school, "6a", "bert", "bert@home.example", ADDRESSED);
    assert_eq!(spared(&school, "own", with_bert).await, anna(Dropped::Own));
    wish(&school, "5b", "bert", "bert@home.example", ADDRESSED);
    let both = [anna(Dropped::Own), bert(Dropped::Addressed)].concat();
    assert_eq!(spared(&school, "both", with_bert).await, both);
    assert_eq!(spared(&school, "not-named", to).await, anna(Dropped::Own));
    // Her copies go elsewhere: she is the same.
    entry(&school, "anna", &["copies@out.example", "anna@home.example"]);
    entry(&school, "bert", &["bert@new.example", "bert@home.example"]);
    assert_eq!(spared(&school, "other-addresses", with_bert).await, both);
    // Another has the address she writes from as well: nobody knows who of them wrote.
    entry(&school, "carl", &["carl@home.example", "anna@home.example"]);
    assert_eq!(spared(&school, "shared-mailbox", to).await, []);
    wish(&school, "5b", "bert", "bert@home.example", Options::NONE);
    assert_eq!(spared(&school, "changed-her-mind", with_bert).await, []);
}

/// Nobody vouches for its author: the very person has to see what goes out in her name.
#[tokio::test]
async fn a_mail_in_her_name_is_not_kept_from_her() {
    let school = School::new();
    wish(&school, "d0", "anna", "anna@home.example", OWN);
    for (id, proven) in [("hers", true), ("somebodys", false)] {
        let mail = letter(id, "Hallo");
        let mail = if proven { mail } else { mail.replace("auth=pass", "auth=none") };
        let rcpt = ["small@small.example"];
        let replies = school.send("<anna@home.example>", &rcpt, mail.as_bytes()).await;
        assert!(replies.iter().all(|reply| reply.starts_with("250")), "{replies:?}");
        let (accounts, _) = school.store.trace(id).await.expect("a trace");
        assert_eq!(accounts[0].post.frozen.spared.len(), usize::from(proven), "{id}");
    }
}
