//! Which outcomes are committed together: a commit for each would be most of the work.

use std::time::Duration;

use listcore::list::ListId;
use listcore::outcome::{Dropped, Outcome};
use tokio::sync::Semaphore;

use super::house::{START, TestTimer};
use super::*;
use crate::scheduler::settle::{Settlement, gather};
use crate::store::memory::MemoryStore;
use crate::store::{BatchId, PostId};

/// Longer than any test may take.
const HOUR: Duration = Duration::from_secs(3600);

/// The agenda, with copies that nobody has taken yet or without.
fn core(busy: bool) -> Arc<Core> {
    let mut state = State::default();
    if busy {
        let id = BatchId { post: PostId(1), number: 0 };
        state.agenda.add(DueBatch { id, list: ListId("5b".into()), due: START });
        state.agenda.advance(START);
        assert!(state.agenda.has_work());
    }
    Arc::new(Core {
        state: Mutex::new(state),
        wake: Notify::new(),
        stop: CancellationToken::new(),
        timer: TestTimer::new(false),
        queue: MemoryStore::new(),
    })
}

async fn settlement(index: u16, presses: bool) -> Settlement {
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("open");
    let outcome = Outcome::Dropped { at: START, why: Dropped::Muted };
    let batch = BatchId { post: PostId(1), number: 0 };
    Settlement { batch, outcomes: vec![(index, outcome)], presses, _permit: permit }
}

/// What is sent before and while it gathers, and how many it takes at once.
#[tokio::test]
async fn outcomes_wait_for_others_until_somebody_is_pressed() {
    for (busy, before, later, within, taken_at_once) in [
        (true, &[false][..], &[false, true][..], HOUR, 3),
        (true, &[false, true], &[false], HOUR, 2),
        (true, &[false, false], &[], Duration::ZERO, 2),
        (false, &[false], &[true], HOUR, 1),
    ] {
        let (sender, mut settlements) = mpsc::unbounded_channel();
        for presses in before {
            sender.send(settlement(0, *presses).await).expect("sent");
        }
        let core = core(busy);
        let mut taken = Vec::new();
        let gathering = gather(&core, &mut settlements, &mut taken, within);
        // On one thread: it takes what is there, and only where it waits the others are sent.
        let sending = async {
            for presses in later {
                sender.send(settlement(0, *presses).await).expect("sent");
            }
        };
        assert!(tokio::join!(gathering, sending).0);
        assert_eq!(taken.len(), taken_at_once, "{busy} {before:?} {later:?}");
    }
}

#[tokio::test]
async fn what_was_sent_before_the_end_is_taken() {
    let (sender, mut settlements) = mpsc::unbounded_channel();
    sender.send(settlement(0, false).await).expect("sent");
    drop(sender);
    let (core, mut taken) = (core(true), Vec::new());
    assert!(gather(&core, &mut settlements, &mut taken, HOUR).await && taken.len() == 1);
    assert!(!gather(&core, &mut settlements, &mut taken, HOUR).await);
}
