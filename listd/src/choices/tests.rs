//! From a link to a choice that counts, with a store in memory and a small directory.

use std::collections::HashMap;

use listcore::entry::Entry;
use listcore::hold::By;
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::outcome::Dropped;
use listcore::recipients::PersonId;
use listcore::{ldif, token};

use super::*;
use crate::directory::Change;
use crate::members::Claim;
use crate::pipeline::testing::{START, School};
use crate::store::admitted::{Admissions as _, Admitted};
use crate::store::{Queue, StoredPost};
use crate::web::wishes::Options as _;

struct House {
    school: School,
    choices: Arc<Choices>,
    pages: Pages,
    announced: Arc<Mutex<Vec<DueBatch>>>,
    /// The number in the store of whoever got a copy, by address.
    numbers: HashMap<String, u64>,
}

fn list() -> ListId {
    ListId("00000000-0000-0000-0000-00000000005b".to_owned())
}

impl House {
    /// One mail went to Anna and Bert on 5b.
    async fn new() -> House {
        let school = School::new();
        school.anna(&["5b@schule.example"], "one", "Hallo").await;
        let announced = Arc::new(Mutex::new(Vec::new()));
        let told = announced.clone();
        let pipeline = &school.door.pipeline;
        let woken = pipeline.members.clone();
        let choices = Choices::new(Parts {
            members: pipeline.members.clone(),
            store: school.store.clone(),
            keys: school.keys.clone(),
            letters: Letters { hostname: "lists.schule.example".into(), ids: pipeline.ids.clone() },
            announce: Box::new(move |batches| told.lock().expect("unharmed").extend(batches)),
            tenant: Box::new(|_| Tenant { language: "de".into(), ..Tenant::default() }),
            public_url: Some("https://lists.schule.example".into()),
            works: Box::new(move |domain, address| {
                woken.set_paused(&domain, &address, false);
                Box::pin(async { Ok(()) })
            }),
            clock: pipeline.clock.clone(),
        });
        let due = school.store.due().await.expect("due");
        let batch = school.store.batch(due[0].id).await.expect("batch").expect("there");
        let known = batch.recipients.into_iter().flatten();
        let numbers = known.map(|(number, who)| (who.address.to_string(), number.0)).collect();
        let pages = Pages(choices.clone());
        House { school, choices, pages, announced, numbers }
    }

    fn token(&self, address: &str) -> String {
        token::member(&self.school.keys, &list(), self.numbers[address], START)
    }

    /// The link in a digest of these lists that was made so long ago.
    fn digest(&self, address: &str, lists: &[ListId], ago: i64) -> String {
        let (keys, made) = (&self.school.keys, Timestamp(START.0 - ago));
        token::in_digest(keys, "schule.example", lists, made, self.numbers[address], START)
    }

    fn who(&self, person: Option<&str>, address: &str) -> Recipient {
        let address = Address::parse(address).expect("an address");
        let members = &self.school.door.pipeline.members;
        let roster = members.roster(&list()).expect("a list");
        let found = roster.recipients.iter().find(|r| r.address.same_as(&address)).cloned();
        let person = person.map(|id| PersonId(id.to_owned()));
        found.unwrap_or(Recipient { person, address, name: None, language: None })
    }

    fn claim(&self, address: &str, at: Timestamp) -> Claim {
        let members = &self.school.door.pipeline.members;
        members.claim(&list(), &self.who(None, address), at)
    }

    /// Letters so far: to whom, and their text.
    async fn letters(&self) -> Vec<(String, String)> {
        let batches: Vec<DueBatch> = self.announced.lock().expect("unharmed").clone();
        let mut letters = Vec::new();
        for due in batches {
            let batch = self.school.store.batch(due.id).await.expect("batch").expect("there");
            let post: Arc<StoredPost> =
                self.school.store.post(due.id.post).await.expect("post").expect("there");
            let body = self.school.store.body(post.mail).await.expect("body").expect("there");
            let crate::store::Body::Memory(raw) = body else { panic!("a letter is small") };
            let (_, who) = batch.recipients[0].clone().expect("somebody");
            letters.push((who.address.to_string(), String::from_utf8_lossy(&raw).into_owned()));
        }
        letters
    }
}

const BERT: &str = "bert@home.example";
const ANNA: &str = "anna@home.example";
const DAY_MS: i64 = 24 * 3600 * 1000;

/// H7, H9: one click takes effect at once and for her alone, twice is once, and one letter tells how to undo it.
#[tokio::test]
async fn one_click_counts_at_once() {
    let house = House::new().await;
    let token = house.token(BERT);
    let mine = house.pages.mine(&token).await.expect("well").expect("known");
    assert_eq!((mine.address.as_str(), mine.language.as_str()), (BERT, "en"));
    assert_eq!(mine.wishes, Wishes::default());
    assert_eq!(house.claim(BERT, START), Claim::Yes);
    for _ in 0..3 {
        assert_eq!(house.pages.unsubscribe(&token).await, Ok(Some(())));
    }
    assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Muted));
    assert_eq!(house.claim(ANNA, START), Claim::Yes);
    let mine = house.pages.mine(&token).await.expect("well").expect("known");
    assert_eq!(mine.wishes.mail, Mail::None);
    let letters = house.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].0, BERT);
    assert!(
        letters[0].1.contains("Auto-Submitted: auto-generated") && letters[0].1.contains("/o/")
    );
    assert!(!letters[0].1.contains(ANNA));
    house.pages.set(&token, Wishes::default()).await.expect("well").expect("known");
    assert_eq!(house.claim(BERT, START), Claim::Yes);
}

/// C1: a complaint ends her mail of that list and the admins alone are told; she undoes it on her page, an admin by her
/// address, and what she said herself is undone by nobody else.
#[tokio::test]
async fn a_complaint_is_undone_by_her_or_an_admin() {
    let house = House::new().await;
    let bert = Address::parse(BERT).expect("an address");
    let complains = async || {
        let who = RecipientRef(house.numbers[BERT]);
        let done = house.choices.complained_of_copy(&list(), who, "arf.provider.example").await;
        assert_eq!(done, Ok(true));
        assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Muted));
    };
    complains().await;
    assert_eq!(house.claim(ANNA, START), Claim::Yes);
    let letters = house.letters().await;
    let [(to, text)] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(to, "root@home.example");
    assert!(text.contains("listctl member resume bert@home.example"), "{text}");
    assert!(text.contains("arf.provider.example") && !text.contains("Hallo"), "{text}");

    let forgiven = house.choices.forgive(&bert).await.expect("well");
    assert_eq!(forgiven.len(), 1);
    assert_eq!(house.claim(BERT, START), Claim::Yes);
    assert!(house.choices.forgive(&bert).await.expect("well").is_empty());

    complains().await;
    house.pages.set(&house.token(BERT), Wishes::default()).await.expect("well").expect("known");
    assert_eq!(house.claim(BERT, START), Claim::Yes);

    complains().await;
    house.pages.unsubscribe(&house.token(BERT)).await.expect("well").expect("known");
    assert!(house.choices.forgive(&bert).await.expect("well").is_empty());
    assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Muted));
}

/// V7: whose address is paused reads it on her page, and to save it ends the pause, whatever she chooses.
#[tokio::test]
async fn a_pause_ends_with_her_click() {
    let house = House::new().await;
    let token = house.token(BERT);
    let mine = async || house.pages.mine(&token).await.expect("well").expect("known");
    assert!(!mine().await.paused);
    let address = Address::parse(BERT).expect("an address");
    house.school.door.pipeline.members.set_paused("schule.example", &address, true);
    assert!(mine().await.paused);
    assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Paused));
    house.pages.set(&token, Wishes::default()).await.expect("well").expect("known");
    assert!(!mine().await.paused);
    assert_eq!(house.claim(BERT, START), Claim::Yes);
}

/// What a list makes of it beside: `leave` is seen by admins, `request` asks its owners, once; and mail alone ends
/// nothing else. At once whatever it says, however often and by whichever way.
#[tokio::test]
async fn a_list_says_what_unsubscribing_means() {
    let cases = [
        ("mute", Mute::ForGood, vec![ANNA]),
        ("leave", Mute::Left, vec![ANNA]),
        // The owner.
        ("request", Mute::ForGood, vec![ANNA, BERT]),
    ];
    for (setting, mute, told) in cases {
        let house = House::new().await;
        let members = &house.school.door.pipeline.members;
        members.set_override(&list(), Key::Unsubscribe, Some(&[setting.to_owned()]));
        let (of, who) = (members.list(&list()).expect("a list"), house.who(None, ANNA));
        let (one, two) = tokio::join!(
            house.choices.leave(&of, &who, Left::Mail),
            house.choices.leave(&of, &who, Left::Click)
        );
        assert_eq!((one, two), (Ok(true), Ok(false)), "{setting}");
        house.pages.unsubscribe(&house.token(ANNA)).await.expect("well").expect("known");
        let wishes = Wishes { mail: Mail::None, ..Wishes::default() };
        house.pages.set(&house.token(ANNA), wishes).await.expect("well").expect("known");
        assert_eq!(house.claim(ANNA, START), Claim::Never(Dropped::Muted), "{setting}");
        let choice = members.choice(&list(), &who).expect("a choice");
        assert_eq!(choice.options.mute, mute, "{setting}");
        let letters = house.letters().await;
        let to: Vec<&str> = letters.iter().map(|(to, _)| to.as_str()).collect();
        assert_eq!(to, told, "{setting}");
        assert!(letters.iter().skip(1).all(|(_, text)| text.contains(ANNA)), "{setting}");
    }
}

/// 5b, where unsubscribing means leaving, and whom somebody let onto it.
async fn let_in(house: &House, written: &str, person: Option<PersonId>) -> (Arc<List>, Admitted) {
    let members = &house.school.door.pipeline.members;
    members.set_override(&list(), Key::Unsubscribe, Some(&["leave".to_owned()]));
    let admitted = Admitted {
        list: list(),
        address: Address::parse(written).expect("an address"),
        name: String::new(),
        language: None,
        person,
        by: By::Admin("root".into()),
        at: START,
    };
    let admit = Move::Admit(Box::new(admitted.clone()));
    house.choices.parts.store.commit(vec![admit]).await.expect("a commit");
    members.admit(admitted.clone());
    (members.list(&list()).expect("a list"), admitted)
}

/// Whom somebody let in beside the directory is let out again where unsubscribing means leaving; the letter has no link
/// then, and a second click does nothing.
#[tokio::test]
async fn who_was_let_in_is_let_out() {
    let house = House::new().await;
    let members = &house.school.door.pipeline.members;
    let (of, admitted) = let_in(&house, "oma@out.example", None).await;
    let who = admitted.recipient();
    assert_eq!(members.claim(&list(), &who, START), Claim::Yes);
    for left in [true, false] {
        assert_eq!(house.choices.leave(&of, &who, Left::Click).await, Ok(left));
        assert_eq!(members.claim(&list(), &who, START), Claim::Never(Dropped::LeftList));
    }
    assert_eq!(house.school.store.admitted().await.expect("a store"), []);
    assert_eq!(house.school.store.member_options().await.expect("options"), []);
    let letters = house.letters().await;
    assert!(letters.len() == 1 && !letters[0].1.contains("/o/"), "{letters:?}");
}

/// Whom the group names as well gets no mail either: she is muted beside, and the letter's link brings the mail back.
/// Under her address of today or an older one, she is the same person.
#[tokio::test]
async fn a_guest_in_the_group_gets_nothing_either() {
    for written in [BERT, "old@home.example"] {
        let house = House::new().await;
        let members = &house.school.door.pipeline.members;
        let who = house.who(None, BERT);
        let (of, _) = let_in(&house, written, who.person.clone()).await;
        for left in [true, false] {
            assert_eq!(house.choices.leave(&of, &who, Left::Click).await, Ok(left), "{written}");
            assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Muted), "{written}");
        }
        let choice = members.choice(&list(), &who).expect("a choice");
        assert_eq!((choice.options.mute, choice.by), (Mute::Left, Some(Left::Click)), "{written}");
        assert_eq!(house.school.store.admitted().await.expect("a store"), [], "{written}");
        assert_eq!(members.admitted(&list()), [], "{written}");
        let letters = house.letters().await;
        assert!(letters.len() == 1 && letters[0].1.contains("/o/"), "{written} {letters:?}");
        house.pages.set(&house.token(BERT), Wishes::default()).await.expect("well").expect("known");
        assert_eq!(house.claim(BERT, START), Claim::Yes, "{written}");
    }
}

/// The settings' page ends it too, and says so by the same letter; its link brings the mail back.
#[tokio::test]
async fn the_letters_link_takes_it_back() {
    let house = House::new().await;
    let wishes = Wishes { mail: Mail::None, ..Wishes::default() };
    house.pages.set(&house.token(BERT), wishes).await.expect("well").expect("known");
    assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Muted));
    let letters = house.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    let text = letters[0].1.replace("=\r\n", "");
    let (_, rest) = text.split_once("https://lists.schule.example/o/").expect("a link");
    let token: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    house.pages.set(&token, Wishes::default()).await.expect("well").expect("known");
    assert_eq!(house.claim(BERT, START), Claim::Yes);
    assert_eq!(house.letters().await.len(), 1);
}

/// A pause ends by itself, on the day that was chosen.
#[tokio::test]
async fn a_pause_ends() {
    let house = House::new().await;
    let end = Timestamp(START.0 + 3 * DAY_MS);
    let wishes = Wishes { mail: Mail::Until(end), ..Wishes::default() };
    house.pages.set(&house.token(BERT), wishes).await.expect("well").expect("known");
    let muted = Claim::Never(Dropped::Muted);
    assert_eq!(house.claim(BERT, Timestamp(end.0 - 1)), muted);
    assert_eq!(house.claim(BERT, end), Claim::Yes);
    house.school.later(Duration::from_millis(3 * 24 * 3600 * 1000));
    let mine = house.pages.mine(&house.token(BERT)).await.expect("well").expect("known");
    assert_eq!(mine.wishes.mail, Mail::All);
    assert_eq!(house.letters().await, []);
}

fn bert(uuid: &str, address: &str) -> (String, Entry) {
    let text = format!(
        "dn: uid=bert,dc=x\nobjectClass: inetOrgPerson\nuid: bert\ncn: Bert\nmail: {address}\n"
    );
    let entry = ldif::parse(text.as_bytes()).expect("LDIF").remove(0);
    (uuid.to_owned(), entry)
}

/// What was chosen survives a restart, a re-sync, a new address of hers, and a new account with the same address; whether
/// it is no mail, none for a while, or digests.
#[tokio::test]
async fn a_choice_stays() {
    use crate::web::wishes::Digest;
    let end = Timestamp(START.0 + DAY_MS);
    for (wishes, claim) in [
        (Wishes { mail: Mail::None, ..Wishes::default() }, Dropped::Muted),
        (Wishes { mail: Mail::Until(end), ..Wishes::default() }, Dropped::Muted),
        (Wishes { digest: Digest::Weekly, ..Wishes::default() }, Dropped::Digest),
    ] {
        stays(&wishes, &Claim::Never(claim)).await;
    }
}

async fn stays(wishes: &Wishes, claim: &Claim) {
    let house = House::new().await;
    let token = house.token(BERT);
    house.pages.set(&token, wishes.clone()).await.expect("well").expect("known");
    let kept = house.school.store.member_options().await.expect("options");
    assert_eq!(kept.len(), 1);
    let members = crate::members::Members::new(house.school.live.clone(), Vec::new());
    kept.into_iter().for_each(|choice| members.set_options(choice));
    let counts = |who: &Recipient| {
        let options = members.options(&list(), who).unwrap_or_default();
        match claim {
            Claim::Never(Dropped::Muted) => options.is_muted(START),
            _ => options.digest == super::Digest::Weekly,
        }
    };
    let before = house.who(None, BERT);
    assert!(counts(&before), "after a restart: {wishes:?}");
    let (uuid, entry) = bert("uid=bert,dc=x", "new@home.example");
    house.school.live.apply(&[Change::Upsert(uuid.clone(), entry)]);
    let moved = house.who(None, "new@home.example");
    assert_eq!(moved.person, before.person);
    assert!(counts(&moved), "under a new address of hers: {wishes:?}");
    let (new, entry) = bert("another-account", BERT);
    house.school.live.apply(&[Change::Remove(uuid), Change::Upsert(new, entry)]);
    let again = house.who(None, BERT);
    assert_ne!(again.person, before.person);
    assert!(counts(&again), "as a new account with the same address: {wishes:?}");
}

/// What she chooses of digests counts and is on her page again; whoever wants them gets no copy.
#[tokio::test]
async fn digests_are_chosen() {
    use crate::web::wishes::Digest;
    let house = House::new().await;
    let token = house.token(BERT);
    let mine = async || house.pages.mine(&token).await.expect("well").expect("known");
    assert!(mine().await.offers.digest);
    for (digest, claim) in [
        (Digest::Daily, Claim::Never(Dropped::Digest)),
        (Digest::Weekly, Claim::Never(Dropped::Digest)),
        (Digest::Off, Claim::Yes),
    ] {
        let wishes = Wishes { digest, ..Wishes::default() };
        house.pages.set(&token, wishes.clone()).await.expect("well").expect("known");
        assert_eq!(mine().await.wishes, wishes);
        assert_eq!(house.claim(BERT, START), claim, "{digest:?}");
    }
    assert_eq!(house.letters().await, []);
}

/// The link in a digest ends each list that stood in it, however she gets its mail by now, and the other digests that
/// she had then; not what she chose since, and no other list.
#[tokio::test]
async fn a_digests_link_is_about_that_digest() {
    use crate::web::wishes::Digest;
    const DAILY: Claim = Claim::Never(Dropped::Digest);
    const NONE: Claim = Claim::Never(Dropped::Muted);
    // Of 5b: how long ago it was made, and how Anna gets 5b and 6a; then who of both is meant, and what is after a click.
    for (ago, chosen, meant, after) in [
        (0, [Digest::Daily, Digest::Weekly], "both", [NONE, NONE]),
        (0, [Digest::Off, Digest::Daily], "both", [NONE, NONE]),
        (0, [Digest::Daily, Digest::Off], "5b", [NONE, Claim::Yes]),
        // She chose after it was made.
        (DAY_MS, [Digest::Off, Digest::Off], "5b", [NONE, Claim::Yes]),
        (DAY_MS, [Digest::Daily, Digest::Daily], "5b", [NONE, DAILY]),
        (DAY_MS, [Digest::Off, Digest::Daily], "5b", [NONE, DAILY]),
    ] {
        let house = House::new().await;
        let members = &house.school.door.pipeline.members;
        let anna = house.who(None, ANNA);
        let of = |name: &str| {
            let address = Address::parse(&format!("{name}@schule.example")).expect("an address");
            let Lookup::List(list) = members.lookup(&address) else { panic!("a list") };
            Member { list, who: anna.clone() }
        };
        let lists = [of("5b"), of("6a")];
        for (member, digest) in lists.iter().zip(chosen) {
            let wishes = Wishes { digest, ..Wishes::default() };
            house.choices.wish(member, &wishes).await.expect("well");
        }
        let what = format!("{ago} {chosen:?}");
        let link = house.digest(ANNA, &[list()], ago);
        let title = house.pages.mine(&link).await.expect("well").expect("known").list_title;
        let names = |name: &str| title.contains(name);
        assert_eq!((names("5b"), names("6a")), (true, meant == "both"), "{what}: {title}");
        house.pages.unsubscribe(&link).await.expect("well").expect("known");
        let claims = lists.map(|of| members.claim(&of.list.id, &of.who, START));
        assert_eq!(claims, after, "{what}");
        assert_eq!(members.options(&of("watched").list.id, &anna), None, "{what}");
        let ended = claims.iter().filter(|claim| **claim == NONE).count();
        assert_eq!(house.letters().await.len(), ended, "{what}: one for each list");
        house.pages.unsubscribe(&link).await.expect("well").expect("known");
        assert_eq!(house.letters().await.len(), ended, "{what}: once");
    }
}

/// A group that is renamed and moved, with another address, is the same list: her choices stay, those who left are known
/// to its admins, and links of older copies still work.
#[tokio::test]
async fn a_choice_stays_when_the_group_is_renamed() {
    let house = House::new().await;
    let members = &house.school.door.pipeline.members;
    let anna = house.who(None, ANNA);
    members.set_override(&list(), Key::Unsubscribe, Some(&["leave".to_owned()]));
    house
        .choices
        .leave(&members.list(&list()).expect("a list"), &anna, Left::Mail)
        .await
        .expect("well");
    let wishes = Wishes { mail: Mail::Until(Timestamp(START.0 + DAY_MS)), ..Wishes::default() };
    house.pages.set(&house.token(BERT), wishes).await.expect("well").expect("known");
    let text = "dn: cn=6b,ou=new,dc=x\nobjectClass: groupOfNames\ncn: 6b\nmail: 6b@schule.example\n\
        member: uid=anna,dc=x\nmember: uid=bert,dc=x\n";
    let group = ldif::parse(text.as_bytes()).expect("LDIF").remove(0);
    house.school.live.apply(&[Change::Upsert(list().0, group)]);
    assert_eq!(members.list(&list()).expect("the list").address.to_string(), "6b@schule.example");
    let choice = |who: &Recipient| members.choice(&list(), who).expect("a choice");
    assert_eq!((choice(&anna).options.mute, choice(&anna).by), (Mute::Left, Some(Left::Mail)));
    assert_eq!(house.claim(ANNA, START), Claim::Never(Dropped::Muted));
    assert_eq!(house.claim(BERT, START), Claim::Never(Dropped::Muted));
    assert_eq!(house.claim(BERT, Timestamp(START.0 + DAY_MS)), Claim::Yes);
    house.pages.set(&house.token(ANNA), Wishes::default()).await.expect("well").expect("known");
    assert_eq!(house.claim(ANNA, START), Claim::Yes);
}

/// H8: a token that is forged, of another purpose or of nobody leads nowhere, and does nothing.
#[tokio::test]
async fn bad_tokens_do_nothing() {
    let house = House::new().await;
    let (keys, good) = (&house.school.keys, house.token(BERT));
    let others = ListId("00000000-0000-0000-0000-00000000006a".to_owned());
    let bad = [
        String::new(),
        "aaaa".to_owned(),
        format!("{good}a"),
        good.chars().rev().collect(),
        token::member(keys, &others, 999_999, START),
        token::make(keys, token::Purpose::Bounces, &list(), house.numbers[BERT], START),
        token::ticket(keys, 12_345, START),
        // Of a digest with no list of hers, and she gets none.
        house.digest(BERT, &[ListId("gone".to_owned())], 0),
    ];
    for token in bad {
        assert_eq!(house.pages.mine(&token).await, Ok(None), "{token}");
        assert_eq!(house.pages.unsubscribe(&token).await, Ok(None), "{token}");
        assert_eq!(house.pages.set(&token, Wishes::default()).await, Ok(None), "{token}");
    }
    assert_eq!(house.school.store.member_options().await.expect("options"), []);
    assert_eq!(house.letters().await, []);
}

/// GD2: only who is on the list gets a link, at her own address and not more than three a day.
#[tokio::test]
async fn a_link_comes_by_mail() {
    let house = House::new().await;
    let members = &house.school.door.pipeline.members;
    let Lookup::List(list) = members.lookup(&Address::parse("5b@schule.example").expect("address"))
    else {
        panic!("a list")
    };
    let ask = async |address: &str| {
        let address = Address::parse(address).expect("an address");
        house.choices.write_link(list.clone(), address).await;
    };
    ask("nobody@home.example").await;
    ask("left@home.example").await;
    assert_eq!(house.letters().await, []);
    for _ in 0..5 {
        ask("BERT@home.example").await;
    }
    let letters = house.letters().await;
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|(to, _)| to == BERT));
    let text = letters[0].1.replace("=\r\n", "");
    let (_, rest) = text.split_once("https://lists.schule.example/o/").expect("a link");
    let token: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    let mine = house.pages.mine(&token).await.expect("well").expect("known");
    assert_eq!((mine.address.as_str(), mine.list_address.as_str()), (BERT, "5b@schule.example"));
    house.school.later(LINK_LIFE);
    assert_eq!(house.pages.mine(&token).await, Ok(None), "it is old");
}

#[tokio::test]
async fn a_list_has_a_page() {
    let house = House::new().await;
    let page = house.pages.list("KLASSE-5b@schule.example").await.expect("well").expect("known");
    assert_eq!((page.title.as_str(), page.address.as_str()), ("Klasse 5b", "5b@schule.example"));
    for address in ["", "5c@schule.example", "5b@elsewhere.example", "5b-owner@schule.example"] {
        assert_eq!(house.pages.list(address).await, Ok(None), "{address}");
    }
}
