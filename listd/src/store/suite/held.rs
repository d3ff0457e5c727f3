//! What every backend must do with mail that waits: kept, decided once, told once, erased.

use listcore::hold::{By, End, Ended, Reason, Waiting};
use listcore::policy::Unproven;

use super::*;
use crate::store::held::{About, Arrived, DUE, Held, Mark, MarkKind, NewHeld, Ticket, Told};

pub(crate) fn held(id: u64, list: &str) -> NewHeld {
    NewHeld {
        id: PostId(id),
        list: ListId(list.into()),
        address: Address::parse(&format!("{list}@schule.example")).expect("address"),
        kind: PostKind::List,
        reason: Reason::Nonmember,
        waits_for: Waiting::Moderator,
        author: Some(Address::parse("Anna@x.example").expect("address")),
        person: Some(PersonId("person-1".into())),
        language: "de".into(),
        subject: "Grüße aus der 5b".into(),
        verification: "a DKIM signature of x.example".into(),
        verified: true,
        verdict: "clean".into(),
        suspect: false,
        arrived: Arrived { rcpt: format!("{list}@schule.example"), ..Arrived::default() },
        digest: [7; 32],
        message_id: format!("m{id}@x.example"),
        expires: day(14),
        next: T,
    }
}

/// A small mail of which all is held: mail and held mail have the same number.
pub(crate) fn hold(id: u64, list: &str) -> Move {
    let mail = mail(id, "A: b\r\n\r\nc\r\n");
    Move::Accept { mail, posts: Vec::new(), held: vec![held(id, list)] }
}

fn ended(end: End, who: &str, at: Timestamp) -> Ended {
    Ended { end, by: By::Moderator(Address::parse(who).expect("address")), at }
}

pub(crate) fn end(id: u64, ended: &Ended, post: Option<NewPost>) -> Move {
    let (id, ended, post) = (PostId(id), ended.clone(), post.map(Box::new));
    Move::End { id, ended, post, marks: Vec::new() }
}

fn ticket(number: u64, about: About) -> Ticket {
    Ticket { number, list: ListId("5b".into()), about, who: person(3), expires: day(14) }
}

fn mark(kind: MarkKind, list: Option<&str>, value: &str, until: Option<Timestamp>) -> Mark {
    let list = list.map(|list| ListId(list.into()));
    Mark { kind, list, who: "anna@x.example".into(), value: value.into(), until }
}

/// The next step, with one letter and a ticket of the letter's number.
pub(crate) fn told(id: u64, expect: u8, letter: (NewMail, NewPost)) -> Told {
    Told {
        id: PostId(id),
        expect,
        ended: false,
        step: expect + 1,
        next: Some(day(1)),
        tickets: vec![ticket(letter.1.id.0, About::Moderate(PostId(id)))],
        letters: vec![letter],
        marks: vec![mark(MarkKind::Asked, None, "", Some(day(1)))],
    }
}

pub(crate) fn letter(id: u64) -> (NewMail, NewPost) {
    (mail(id, "a letter"), post(id, "notice", people(2)))
}

impl Case {
    async fn held(&self, id: u64) -> Option<Held> {
        self.store.held(PostId(id)).await.expect("held")
    }

    async fn held_due(&self, now: Timestamp) -> (Vec<u64>, Option<Timestamp>) {
        let (due, next) = self.store.held_due(now).await.expect("due");
        (due.iter().map(|held| held.id.0).collect(), next)
    }

    async fn held_on(&self, list: Option<&str>, limit: usize) -> Vec<u64> {
        let list = list.map(|list| ListId(list.into()));
        let all = self.store.held_on(list.as_ref(), limit).await.expect("held");
        all.iter().map(|held| held.id.0).collect()
    }

    async fn marked(&self, kind: MarkKind, list: Option<&str>, now: Timestamp) -> Vec<Mark> {
        let list = list.map(|list| ListId(list.into()));
        self.store.marked(kind, list.as_ref(), "anna@x.example", now).await.expect("marks")
    }
}

/// Promise 1: what waits is there whole, also a large one.
pub(super) async fn a_held_mail_is_there_whole(case: Case) {
    let raw = vec![b'l'; INLINE_BODY + 9];
    let large = Move::Accept {
        mail: mail(1, raw.clone()),
        posts: vec![post(1, "5b", people(1))],
        held: vec![held(2, "6a"), NewHeld { next: day(1), ..held(3, "7c") }],
    };
    assert_eq!(case.commit(vec![large]).await, vec![Done::Ok; 3]);
    let expect = Held {
        new: held(2, "6a"),
        mail: MailId(1),
        sender: Some(Address::parse("anna@x.example").expect("address")),
        utf8: false,
        at: T,
        step: 0,
        next: Some(T),
        ended: None,
        size: raw.len() as u64,
    };
    assert_eq!(case.held(2).await, Some(expect));
    assert_eq!((case.held(1).await, case.held(u64::MAX).await), (None, None));
    assert!(case.store.post(PostId(2)).await.expect("post").is_none());
    let counts = case.counts().await;
    assert_eq!((counts.mails, counts.held, counts.posts_waiting), (1, 2, 1));
    assert_eq!(case.held_due(T).await, (vec![2], Some(day(1))));
    case.commit(vec![settle(1, 0, vec![(0, delivered(1))])]).await;
    assert_eq!(case.body(1).await, Some(raw), "it is still needed");
    let no = ended(End::Discarded, "mod@x.example", day(1));
    assert_eq!(case.commit(vec![end(2, &no, None), end(3, &no, None)]).await, vec![Done::Ok; 2]);
    assert_eq!((case.body(1).await, files(&case.spool)), (None, 0));
    let counts = case.counts().await;
    assert_eq!((counts.mails, counts.held), (0, 0));
}

/// L4: a mail that waits is a mail that was accepted.
pub(super) async fn a_held_mail_is_no_second_time_accepted(case: Case) {
    let again = |id: u64, posts: Vec<NewPost>, held: Vec<NewHeld>| {
        let mut mail = mail(id, "again");
        mail.message_id = "m1@x.example".into();
        Move::Accept { mail, posts, held }
    };
    assert_eq!(case.commit(vec![hold(1, "5b")]).await, [Done::Ok]);
    let other = |id| NewHeld { digest: [8; 32], ..held(id, "5b") };
    let conflict = |id| NewHeld { reason: Reason::Conflict, ..other(id) };
    let done = case
        .commit(vec![
            again(2, vec![post(2, "5b", people(1))], Vec::new()),
            again(3, Vec::new(), vec![held(3, "5b"), other(4), held(5, "5c")]),
            again(6, Vec::new(), vec![conflict(6)]),
            again(7, Vec::new(), vec![conflict(7)]),
        ])
        .await;
    let first = Done::Duplicate(PostId(1));
    let conflicting = Done::Conflict(PostId(1));
    let same = Done::Duplicate(PostId(6));
    assert_eq!(done, [first.clone(), first, conflicting, Done::Ok, Done::Ok, same]);
    assert_eq!(case.held_on(None, 9).await, [1, 5, 6]);
    assert_eq!((case.body(2).await, case.body(7).await), (None, None));
    case.accept(8, "5b", people(1)).await;
    let mut retry = mail(9, "x");
    retry.message_id = "m8@x.example".into();
    let moves = vec![Move::Accept { mail: retry, posts: Vec::new(), held: vec![held(9, "5b")] }];
    assert_eq!(case.commit(moves).await, [Done::Duplicate(PostId(8))], "sent, and not held again");
}

/// Promise 2: what is accepted later goes out from its own body, once.
pub(super) async fn an_accepted_one_goes_out(case: Case) {
    case.commit(vec![hold(1, "5b")]).await;
    let yes = ended(End::Accepted, "mod@x.example", day(2));
    let wrong = case.commit(vec![end(1, &yes, Some(post(2, "5b", people(1))))]).await;
    assert!(is_rejected(&wrong[0]), "another post's name");
    assert_eq!(case.held(1).await.expect("held").ended, None, "nothing of it was done");
    let always = mark(MarkKind::Always, Some("5b"), "", None);
    let post = Some(Box::new(post(1, "5b", people(130))));
    let accept = Move::End { id: PostId(1), ended: yes.clone(), post, marks: vec![always.clone()] };
    assert_eq!(case.commit(vec![accept]).await, [Done::Ok]);
    assert_eq!(case.due().await, [(1, 0, 0), (1, 1, 0)]);
    let stored = case.store.post(PostId(1)).await.expect("post").expect("is there");
    assert_eq!((stored.mail, stored.message_id.as_str()), (MailId(1), "m1@x.example"));
    assert_eq!((stored.accepted, stored.size, &stored.frozen), (T, 11, &frozen("5b")));
    assert!(case.body(1).await.is_some());
    assert_eq!(case.marked(MarkKind::Always, Some("5b"), T).await, [always]);
    let held = case.held(1).await.expect("held");
    assert_eq!((held.ended, held.next), (Some(yes), Some(day(2))), "the desk tells of it");
    let counts = case.counts().await;
    assert_eq!((counts.mails, counts.held, counts.posts_waiting), (1, 0, 1));
    let all = |n| (0..n).map(|n| (n, delivered(1))).collect();
    case.commit(vec![settle(1, 0, all(100)), settle(1, 1, all(30))]).await;
    assert_eq!(case.body(1).await, None);
}

/// Two moderators at once: one decision, and the others hear of it.
pub(super) async fn there_is_one_decision(case: Case) {
    case.commit(vec![hold(1, "5b")]).await;
    let choice = |n: u64| match n % 3 {
        0 => ended(End::Accepted, "a@x.example", day(1)),
        1 => ended(End::Rejected("Bitte an die Klasse".into()), "b@x.example", day(1)),
        _ => ended(End::Withdrawn, "c@x.example", day(1)),
    };
    let mut set = tokio::task::JoinSet::new();
    for n in 0..9 {
        let store = Arc::clone(&case.store);
        let out = (n % 3 == 0).then(|| post(1, "5b", people(2)));
        set.spawn(async move { (n, store.commit(vec![end(1, &choice(n), out)]).await) });
    }
    let all = set.join_all().await;
    let first: Vec<u64> =
        all.iter().filter(|(_, done)| *done == Ok(vec![Done::Ok])).map(|(n, _)| *n).collect();
    assert_eq!(first.len(), 1, "{all:?}");
    let decided = choice(first[0]);
    for (n, done) in all.iter().filter(|(n, _)| *n != first[0]) {
        assert_eq!(*done, Ok(vec![Done::Ended(decided.clone())]), "{n}");
    }
    assert_eq!(case.held(1).await.expect("held").ended, Some(decided.clone()));
    let sent = case.store.post(PostId(1)).await.expect("post").is_some();
    assert_eq!(sent, decided.end == End::Accepted);
    assert_eq!(case.body(1).await.is_some(), sent);
    let nobody = case.commit(vec![end(9, &decided, None)]).await;
    assert!(is_rejected(&nobody[0]));
}

/// A step and its letters, all or nothing, and only where the mail is as the desk saw it.
pub(super) async fn a_step_is_told_once(case: Case) {
    case.commit(vec![hold(1, "5b")]).await;
    let moves = [told(1, 0, letter(11)), told(1, 0, letter(12))].map(Move::Told);
    assert_eq!(case.commit(moves.to_vec()).await, [Done::Ok, Done::Stale]);
    let held = case.held(1).await.expect("held");
    assert_eq!((held.step, held.next), (1, Some(day(1))));
    assert_eq!(case.due().await, [(11, 0, 0)], "one letter");
    assert_eq!(case.body(11).await.as_deref(), Some(&b"a letter"[..]));
    let about = case.store.tickets_about(PostId(1)).await.expect("tickets");
    assert_eq!(about, [ticket(11, About::Moderate(PostId(1)))]);
    assert_eq!(case.store.ticket(11).await.expect("ticket"), about.first().cloned());
    assert_eq!(case.store.ticket(12).await.expect("ticket"), None);
    assert_eq!(case.store.ticket(u64::MAX).await.expect("ticket"), None);
    assert_eq!(case.marked(MarkKind::Asked, None, T).await.len(), 1);

    let again =
        Told { tickets: vec![ticket(11, About::Withdraw(PostId(1)))], ..told(1, 1, letter(13)) };
    let large = Raw::Memory(vec![b'x'; INLINE_BODY + 1].into());
    let mut used = told(1, 1, letter(14));
    used.letters[0].1.id = PostId(11);
    used.letters[0].0.raw = large.clone();
    let mut late = told(1, 0, letter(15));
    late.letters[0].0.raw = large;
    let moves = [again, used, late, told(9, 0, letter(16))].map(Move::Told).to_vec();
    let done = case.commit(moves).await;
    assert!([0, 1, 3].iter().all(|n| is_rejected(&done[*n])), "{done:?}");
    assert_eq!(done[2], Done::Stale);
    assert_eq!((case.due().await.len(), files(&case.spool)), (1, 0), "no letter alone");
    assert_eq!(case.held(1).await.expect("held").step, 1);

    let no = ended(End::Expired, "mod@x.example", day(14));
    case.commit(vec![end(1, &no, None)]).await;
    assert_eq!(case.held_due(day(14)).await, (vec![1], None));
    let last =
        |ended, letter| Move::Told(Told { ended, next: None, ..told(1, 1, self::letter(letter)) });
    let done = case.commit(vec![last(false, 17), last(true, 18)]).await;
    assert_eq!(done, [Done::Stale, Done::Ok], "it ended in the meantime");
    assert_eq!(case.held_due(day(99)).await, (Vec::new(), None));
}

/// Confirmed by its author, it waits for the moderators.
pub(super) async fn it_goes_on_waiting_for_another(case: Case) {
    let asked = NewHeld {
        reason: Reason::Asked(Unproven::Nothing),
        waits_for: Waiting::Author,
        ..held(1, "5b")
    };
    let posts = Vec::new();
    case.commit(vec![Move::Accept { mail: mail(1, "x"), posts, held: vec![asked] }]).await;
    case.commit(vec![Move::Told(told(1, 0, letter(11)))]).await;
    let rehold = || Move::Rehold {
        id: PostId(1),
        reason: Reason::Moderated,
        waits_for: Waiting::Moderator,
        next: day(2),
        expires: day(16),
    };
    assert_eq!(case.commit(vec![rehold(), rehold()]).await, [Done::Ok, Done::Stale]);
    let held = case.held(1).await.expect("held");
    assert_eq!((held.reason, held.waits_for), (Reason::Moderated, Waiting::Moderator));
    assert_eq!((held.step, held.next, held.expires), (0, Some(day(2)), day(16)));
    let no = ended(End::NotMine, "anna@x.example", day(3));
    case.commit(vec![end(1, &no, None)]).await;
    assert_eq!(case.commit(vec![rehold()]).await, [Done::Ended(no)]);
    assert_eq!(case.held(1).await.expect("held").next, Some(day(3)));
}

pub(super) async fn what_waits_is_listed_and_due_in_order(case: Case) {
    for (id, list, at, next) in [(1, "5b", 3, 5), (2, "5c", 1, 4), (3, "5b", 1, 9)] {
        let mut mail = mail(id, "x");
        mail.received = day(at);
        let held = vec![NewHeld { next: day(next), ..held(id, list) }];
        case.commit(vec![Move::Accept { mail, posts: Vec::new(), held }]).await;
    }
    assert_eq!(case.held_on(None, 9).await, [2, 3, 1]);
    assert_eq!(
        (case.held_on(None, 1).await, case.held_on(Some("5b"), 9).await),
        (vec![2], vec![3, 1])
    );
    assert!(case.held_on(Some("6a"), 9).await.is_empty());
    assert_eq!(case.held_due(day(3)).await, (Vec::new(), Some(day(4))));
    assert_eq!(case.held_due(day(5)).await, (vec![2, 1], Some(day(9))));
    let many = (10..).take(DUE + 2).map(|id| hold(id, "6a")).collect();
    case.commit(many).await;
    let (due, next) = case.held_due(day(3)).await;
    assert_eq!((due.len(), next), (DUE, Some(T)), "the rest is due as well");
}

/// Who may pass, and until when; what is over is not true.
pub(super) async fn marks_are_true_until_they_end(case: Case) {
    let nets = ["192.0.2.0/24", "2001:db8::/48"];
    let seen = |value, days| mark(MarkKind::Confirmed, None, value, Some(day(days)));
    let posted = mark(MarkKind::Posted, Some("5b"), "", None);
    let moves = vec![
        Move::Mark(seen(nets[0], 10)),
        Move::Mark(seen(nets[1], 20)),
        Move::Mark(seen(nets[0], 15)),
        Move::Mark(posted.clone()),
        Move::Mark(mark(MarkKind::Always, Some("5b"), "", None)),
    ];
    assert_eq!(case.commit(moves).await, vec![Done::Ok; 5]);
    let confirmed = async |days| case.marked(MarkKind::Confirmed, None, day(days)).await;
    assert_eq!(confirmed(14).await, [seen(nets[0], 15), seen(nets[1], 20)]);
    assert_eq!((confirmed(15).await, confirmed(20).await), (vec![seen(nets[1], 20)], vec![]));
    assert_eq!(case.marked(MarkKind::Confirmed, Some("5b"), T).await, []);
    let posted = [posted];
    assert_eq!(case.marked(MarkKind::Posted, Some("5b"), day(99)).await, posted);
    case.commit(vec![Move::Mark(mark(MarkKind::Always, Some("5b"), "", Some(T)))]).await;
    assert_eq!(case.marked(MarkKind::Always, Some("5b"), T).await, [], "taken back");
    assert_eq!(case.commit(vec![Move::EraseExpired { before: day(16) }]).await, [Done::Ok]);
    let erased = case.marked(MarkKind::Confirmed, None, T).await;
    assert_eq!(erased, [seen(nets[1], 20)]);
    assert_eq!(case.marked(MarkKind::Posted, Some("5b"), T).await, posted);
}

/// GD8: what was decided is erased with the rest; what waits stays.
pub(super) async fn old_decisions_are_erased(case: Case) {
    case.commit(vec![hold(1, "5b"), hold(2, "5b"), hold(3, "5c")]).await;
    let no = |days| ended(End::Discarded, "mod@x.example", day(days));
    let short = Ticket { expires: day(1), ..ticket(5, About::Confirm(PostId(1))) };
    let done = case
        .commit(vec![
            Move::Tickets(vec![short.clone(), ticket(6, About::Moderate(PostId(2)))]),
            end(1, &no(1), None),
            end(2, &no(4), None),
            Move::Erase { before: day(2) },
        ])
        .await;
    assert_eq!(done, vec![Done::Ok; 4]);
    assert!(is_rejected(&case.commit(vec![Move::Tickets(vec![ticket(6, short.about)])]).await[0]));
    let there = async |id| case.held(id).await.is_some();
    assert!(!there(1).await && there(2).await && there(3).await);
    let asked = async |n| case.store.ticket(n).await.expect("ticket").is_some();
    assert!(!asked(5).await && asked(6).await);
    assert!(case.body(3).await.is_some() && case.body(2).await.is_none());
    case.commit(vec![Move::Erase { before: day(99) }]).await;
    assert!(!there(2).await && there(3).await && case.body(3).await.is_some());
    let yes = ended(End::Accepted, "mod@x.example", day(5));
    let done = case.commit(vec![end(3, &yes, Some(post(3, "5c", people(1))))]).await;
    assert_eq!(done, [Done::Ok], "it can still go out");
    case.commit(vec![Move::Erase { before: day(99) }]).await;
    assert!(case.body(3).await.is_some() && !case.due().await.is_empty(), "its post needs it");
}
