//! People beside the directory: cases for every backend.

use listcore::hold::By;

use super::*;
use crate::store::admitted::Admitted;

fn admitted(list: &str, address: &str, by: By) -> Admitted {
    Admitted {
        list: ListId(list.into()),
        address: Address::parse(address).expect("an address"),
        name: "Oma Öz".into(),
        language: Some("tr".into()),
        person: None,
        by,
        at: T,
    }
}

fn admit(who: &Admitted) -> Move {
    Move::Admit(Box::new(who.clone()))
}

/// Once for a list and mailbox, until she is dismissed, whatever the retention job does.
pub async fn who_was_let_in_is_kept(case: Case) {
    let known = async || case.store.admitted().await.expect("admitted");
    assert_eq!(known().await, []);
    let owner = By::Moderator(Address::parse("a.lehrer@schule.example").expect("an address"));
    let first = admitted("5b", "Oma@x.example", owner);
    let other = admitted("5a", "oma@x.example", By::Admin("root".into()));
    assert_eq!(case.commit(vec![admit(&first), admit(&other)]).await, vec![Done::Ok; 2]);
    let again = admitted("5b", "oma@X.example", By::Admin("root".into()));
    let erase = [
        Move::Erase { before: day(9_999) },
        Move::EraseExpired { before: day(9_999) },
        Move::EraseOriginals { before: day(9_999) },
    ];
    case.commit(std::iter::once(admit(&again)).chain(erase).collect()).await;
    assert_eq!(known().await, [other.clone(), again.clone()]);
    let (list, address) = (again.list.clone(), first.address.clone());
    let dismiss = Move::Dismiss { list, address };
    assert_eq!(case.commit(vec![dismiss.clone(), dismiss]).await, vec![Done::Ok; 2]);
    assert_eq!(known().await, [other]);
}
