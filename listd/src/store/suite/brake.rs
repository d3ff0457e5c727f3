//! Refusals of a mail, and brakes: cases for every backend.

use listcore::bounce::Class;
use listcore::bounce::brake::{ByProvider, Refusals};

use super::*;
use crate::store::brake::{Braked, Refused, Sent};

fn refused(post: u64, who: u64, provider: &str, said: &str) -> Move {
    let (provider, said) = (provider.to_owned(), said.to_owned());
    let (post, who) = (PostId(post), RecipientRef(who));
    Move::Refused(Box::new(Refused { post, who, provider, class: Class::Policy, said }))
}

/// V6: a recipient is one, however often her server says it; what names no post is nothing.
pub async fn who_refuses_a_mail_is_counted_once(case: Case) {
    case.accept(1, "5b", people(4)).await;
    case.commit(vec![settle(
        1,
        0,
        vec![(0, delivered(5)), (1, delivered(5)), (2, deferred(5, 9))],
    )])
    .await;
    case.commit(vec![
        refused(1, 1, "gmx.de", "554 spam"),
        refused(1, 1, "gmx.de", "554 spam again"),
        refused(1, 2, "web.de", "550 no"),
        refused(9, 1, "gmx.de", "nothing"),
    ])
    .await;
    let tally = case.store.tally(PostId(1)).await.expect("read").expect("is there");
    assert_eq!((tally.tried, tally.waiting), (2, 2));
    let by = |provider: &str, said: &str| ByProvider {
        provider: provider.into(),
        class: Class::Policy,
        count: 1,
        said: said.into(),
    };
    assert_eq!(tally.by, [by("gmx.de", "554 spam again"), by("web.de", "550 no")]);
    assert_eq!(case.store.tally(PostId(9)).await.expect("read"), None);
}

/// A brake lasts until it is released, or nobody waits any more, and is never put on again.
pub async fn a_mail_is_braked_once(case: Case) {
    case.accept(1, "5b", people(2)).await;
    case.accept(2, "5b", people(2)).await;
    let why = Refusals { refused: 12, tried: 20, by: Vec::new() };
    let brake = |post| Move::Brake { post: PostId(post), at: day(1), refusals: why.clone() };
    let release = |post| Move::Unbrake { post: PostId(post), at: day(2) };
    let done =
        case.store.commit(vec![brake(1), brake(1), brake(9), release(2)]).await.expect("done");
    assert_eq!(done, [Done::Ok, Done::Stale, Done::Stale, Done::Stale]);
    let braked = case.store.braked().await.expect("read");
    let expires = case.store.post(PostId(1)).await.expect("read").expect("a post").expires;
    assert_eq!(case.store.counts().await.expect("counts").braked, 1);
    assert_eq!(braked, [Braked { post: PostId(1), at: day(1), refusals: why.clone(), expires }]);
    assert_eq!(case.store.tally(PostId(1)).await.expect("read"), None, "it was braked");

    let done = case.store.commit(vec![release(1), release(1), brake(1)]).await.expect("done");
    assert_eq!(done, [Done::Ok, Done::Stale, Done::Stale]);
    assert_eq!(case.store.braked().await.expect("read"), []);
    case.commit(vec![brake(2), settle(2, 0, vec![(0, delivered(5)), (1, delivered(5))])]).await;
    assert_eq!(case.store.braked().await.expect("read"), [], "nobody waits");
}

pub async fn a_copy_and_a_bounce_lead_to_whom_and_what(case: Case) {
    case.accept(1, "5b", people(3)).await;
    let batch = BatchId { post: PostId(1), number: 0 };
    let sent = case.store.sent(batch, 1).await.expect("read").expect("known");
    let frozen = frozen("5b");
    let (address, domain, list) = (person(1).address, frozen.domain.clone(), frozen.list.clone());
    assert_eq!(sent, Sent { who: sent.who, address, domain, list, probe: None });
    assert_eq!(case.store.sent(batch, 9).await.expect("read"), None);
    let find = async |list: &str, id: &str, who| {
        case.store.post_to(&ListId(list.into()), id, who).await.expect("read")
    };
    assert_eq!(find("5b", "m1@x.example", sent.who).await, Some(PostId(1)));
    assert_eq!(find("6a", "m1@x.example", sent.who).await, None);
    assert_eq!(find("5b", "m2@x.example", sent.who).await, None);
    assert_eq!(find("5b", "m1@x.example", RecipientRef(77)).await, None);
}
