//! Turns between lists, without tasks and without a clock.
use super::*;
use crate::store::RecipientRef;
use listcore::address::Address;
use listcore::outcome::Reply;
use listcore::recipients::Recipient;
use listcore::rewrite::Edition;
use proptest::prelude::*;
use std::collections::HashSet;

fn list(name: &str) -> ListId {
    ListId(name.to_owned())
}

fn id(post: u64, number: u32) -> BatchId {
    BatchId { post: PostId(post), number }
}

fn due(post: u64, number: u32, name: &str, at: i64) -> DueBatch {
    DueBatch { id: id(post, number), list: list(name), due: Timestamp(at) }
}

fn ones(n: u16) -> Vec<Unit> {
    (0..n).map(|i| vec![i]).collect()
}

fn done(unit: &[u16]) -> Vec<(u16, Outcome)> {
    let reply = Reply { code: 250, text: String::new() };
    let outcome = Outcome::Delivered { at: Timestamp(0), reply, queue_id: None };
    unit.iter().map(|i| (*i, outcome.clone())).collect()
}

/// The next unit; loads what must be loaded, with `n` units each.
fn next(agenda: &mut Agenda, n: u16) -> Option<(BatchId, Unit)> {
    match agenda.pick()? {
        Pick::Unit(id, unit) => Some((id, unit)),
        Pick::Load(id) => {
            agenda.opened(id, ones(n), None);
            agenda.take(id).map(|unit| (id, unit))
        }
    }
}

/// Behind 500 batches of one list, a class mail is the very next, and then they take turns.
#[test]
fn a_new_list_is_next_and_then_takes_turns() {
    let mut agenda = Agenda::default();
    (0..500).for_each(|n| agenda.add(due(1, n, "all", 0)));
    agenda.advance(Timestamp(1));
    for _ in 0..250 {
        assert_eq!(next(&mut agenda, 100).expect("a copy").0.post, PostId(1));
    }
    agenda.add(due(2, 0, "5b", 0));
    agenda.advance(Timestamp(1));
    let order: Vec<u64> = (0..12).map(|_| next(&mut agenda, 5).expect("a copy").0.post.0).collect();
    assert_eq!(order, [2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1]);
}

/// Lists that come and go do not push those away that are there all the time.
#[test]
fn short_lists_do_not_starve_a_long_one() {
    let mut agenda = Agenda::default();
    (0..50).for_each(|n| agenda.add(due(1, n, "all", 0)));
    agenda.advance(Timestamp(1));
    let mut of_all = 0;
    for round in 0..100 {
        // Two small lists get a new post of one copy each time.
        agenda.add(due(1000 + round, 0, "a", 0));
        agenda.add(due(2000 + round, 0, "b", 0));
        agenda.advance(Timestamp(1));
        for _ in 0..3 {
            let (id, unit) = next(&mut agenda, if round == 0 { 100 } else { 1 }).expect("a copy");
            of_all += usize::from(id.post == PostId(1));
            agenda.settled(id, &done(&unit));
        }
    }
    assert!(of_all >= 90, "{of_all} of 300");
}

/// A list with large mails pays with turns.
#[test]
fn a_large_copy_costs_turns() {
    let mut agenda = Agenda::default();
    agenda.add(due(1, 0, "videos", 0));
    agenda.add(due(2, 0, "5b", 0));
    agenda.advance(Timestamp(1));
    let mut counts = [0, 0];
    for _ in 0..60 {
        let (id, _) = next(&mut agenda, 100).expect("a copy");
        counts[usize::from(id.post == PostId(2))] += 1;
        if id.post == PostId(1) {
            agenda.charge(&list("videos"), 9);
        }
    }
    assert!((4..=8).contains(&counts[0]), "{counts:?}");
    // Alone it does not wait for anybody.
    while next(&mut agenda, 100).is_some_and(|(id, _)| id.post == PostId(2) || counts[0] < 100) {
        counts[0] += 1;
    }
    assert!(counts[0] > 60);
}

/// A batch waits for the earliest of its unfinished recipients, and is not worked on twice at a time.
#[test]
fn a_batch_waits_for_its_time() {
    let mut agenda = Agenda::default();
    agenda.add(due(1, 0, "5b", 0));
    agenda.add(due(1, 0, "5b", 0));
    agenda.advance(Timestamp(1));
    let (batch, first) = next(&mut agenda, 2).expect("a copy");
    let (_, second) = next(&mut agenda, 2).expect("a copy");
    assert_eq!(agenda.pick(), None);
    agenda.add(due(1, 0, "5b", 5_000));
    agenda.advance(Timestamp(9_999));
    assert_eq!(agenda.pick(), None, "it is in work");
    let reply = Reply { code: 451, text: String::new() };
    let later = |next| Outcome::Deferred {
        at: Timestamp(1),
        attempts: 1,
        next: Timestamp(next),
        reply: reply.clone(),
    };
    assert!(!agenda.settled(batch, &[(first[0], later(70_000))]));
    assert!(agenda.is_open(batch));
    assert!(agenda.settled(batch, &[(second[0], later(60_000))]), "the post rests");
    // It was asked for again meanwhile, for 5,000: so it is looked at then.
    assert_eq!(agenda.next_due(), Some(Timestamp(5_000)));
    agenda.advance(Timestamp(5_000));
    assert_eq!(agenda.pick(), Some(Pick::Load(batch)));
    agenda.opened(batch, vec![], Some(Timestamp(60_000)));
    assert_eq!((agenda.next_due(), agenda.has_work()), (Some(Timestamp(60_000)), false));
    agenda.add(due(1, 0, "5b", 7_000));
    assert_eq!(agenda.next_due(), Some(Timestamp(7_000)), "moved forward by a retry");
}

fn batch(outcomes: Vec<Outcome>, addresses: &[&str]) -> Batch {
    let recipient = |(i, a): (usize, &&str)| {
        let address = Address::parse(a).expect("address");
        let who = Recipient { person: None, address, name: None, language: None };
        Some((RecipientRef(i as u64), who))
    };
    Batch {
        id: id(1, 0),
        recipients: addresses.iter().enumerate().map(recipient).collect(),
        outcomes,
    }
}

/// U1 and the retries: who is sent together.
#[test]
fn units_of_a_batch() {
    let reply = Reply { code: 451, text: String::new() };
    let later = |attempts, next| Outcome::Deferred {
        at: Timestamp(0),
        attempts,
        next: Timestamp(next),
        reply: reply.clone(),
    };
    let outcomes = vec![
        Outcome::Waiting,
        later(1, 50),
        Outcome::Waiting,
        Outcome::Failed { at: Timestamp(0), reply: reply.clone() },
        later(9, 200),
        Outcome::Waiting,
        later(4, 50),
        later(4, 60),
    ];
    let to = ["a@x", "b@x", "\u{fc}@x", "d@x", "e@x", "f@x", "g@x", "h@x"];
    let batch = batch(outcomes, &to);
    let at = Timestamp(100);
    let none = |_: &Recipient| Edition::default();
    let shared = units(&batch, at, true, 4, &none);
    assert_eq!(
        shared,
        (vec![vec![0, 5], vec![2], vec![1], vec![6], vec![7]], Some(Timestamp(200)))
    );
    let (personal, _) = units(&batch, at, false, 4, &none);
    assert!(personal.iter().all(|unit| unit.len() == 1) && personal.len() == 6);
    assert_eq!(units(&batch, Timestamp(10), true, 1, &none).0, [vec![0], vec![5], vec![2]]);
    let reading = |who: &Recipient| match who.address.local() {
        "a" | "g" => Edition { plain: true, ..Edition::default() },
        _ => "en".into(),
    };
    assert_eq!(
        units(&batch, at, true, 4, &reading).0,
        [vec![0], vec![5], vec![2], vec![1], vec![6], vec![7]],
        "each edition has its own transaction"
    );
    assert_eq!(units(&batch, at, false, 4, &reading).0, personal, "in the order of the batch");
}

/// One copy each, until that is more than 256 MB.
#[test]
fn personal_or_shared() {
    let mb = 1024 * 1024;
    for (copies, size, recipients, expect) in [
        (Copies::Personal, 10 * mb, 25, false),
        (Copies::Personal, 10 * mb, 26, true),
        (Copies::Personal, 4096, 50_000, false),
        (Copies::Personal, u64::MAX, u64::MAX, true),
        (Copies::Shared, 1, 1, true),
    ] {
        assert_eq!(is_shared(copies, size, recipients), expect, "{size} {recipients}");
    }
    let mut agenda = Agenda::default();
    (0..3).for_each(|n| agenda.add(due(1, n, "5b", 0)));
    let full: Vec<&str> = vec!["a@x"; BATCH];
    let mut b = batch(vec![Outcome::Waiting; BATCH], &full);
    assert_eq!(agenda.recipients_of_post(&b), 201);
    b.id.number = 2;
    assert_eq!(agenda.recipients_of_post(&b), 300);
}

proptest! {
    /// Whatever happens in whatever order: each recipient is handed out until she is done, and never twice at a time.
    #[test]
    fn nobody_missing_nobody_twice(steps in prop::collection::vec((0u8..6, 0usize..8), 1..300)) {
        let mut agenda = Agenda::default();
        let mut left: HashSet<(BatchId, u16)> = HashSet::new();
        let mut out: Vec<(BatchId, Unit)> = Vec::new();
        let mut now = 0;
        for post in 0..3u64 {
            for number in 0..2 {
                agenda.add(due(post, number, ["a", "b"][post as usize % 2], 0));
                left.extend((0..4).map(|i| (id(post, number), i)));
            }
        }
        for (what, which) in steps.into_iter().chain(std::iter::repeat_n((6, 0), 1000)) {
            now += 1000;
            agenda.advance(Timestamp(now));
            match (what, out.is_empty()) {
                (0, false) => {
                    let (id, unit) = out.swap_remove(which % out.len());
                    agenda.put_back(id, unit);
                }
                (1, false) => {
                    let (id, unit) = out.swap_remove(which % out.len());
                    let reply = Reply { code: 451, text: String::new() };
                    let next = Timestamp(now + 3000);
                    let later = Outcome::Deferred { at: Timestamp(now), attempts: 1, next, reply };
                    let outcomes: Vec<_> = unit.iter().map(|i| (*i, later.clone())).collect();
                    agenda.settled(id, &outcomes);
                }
                (2 | 6, false) => {
                    let (id, unit) = out.swap_remove(which % out.len());
                    unit.iter().for_each(|i| { left.remove(&(id, *i)); });
                    agenda.settled(id, &done(&unit));
                }
                (3, _) => agenda.add(due(which as u64 % 3, 0, ["a", "b"][which % 3 % 2], now)),
                _ => {
                    let picked = match agenda.pick() {
                        Some(Pick::Unit(id, unit)) => Some((id, unit)),
                        Some(Pick::Load(id)) => {
                            let todo: Vec<Unit> =
                                (0..4).filter(|i| left.contains(&(id, *i))).map(|i| vec![i]).collect();
                            if todo.is_empty() { agenda.gone(id); } else { agenda.opened(id, todo, None); }
                            agenda.take(id).map(|unit| (id, unit))
                        }
                        None => None,
                    };
                    if let Some((id, unit)) = picked {
                        for i in &unit {
                            prop_assert!(left.contains(&(id, *i)), "done before");
                            prop_assert!(!out.iter().any(|(o, u)| *o == id && u.contains(i)), "out already");
                        }
                        out.push((id, unit));
                    }
                }
            }
        }
        prop_assert!(left.is_empty() && out.is_empty(), "{} left", left.len());
        prop_assert!(!agenda.has_work());
    }
}
