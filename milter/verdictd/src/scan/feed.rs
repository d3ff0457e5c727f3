//! The way of a mail to one scanner: a task that asks, and a short queue in front of it.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::verdict::Failure;

/// Pieces that wait for a scanner. A milter's piece has at most 64 KiB.
const WAITING: usize = 4;

/// One scanner at work on one mail. Dropped, the scanner's connection is closed.
#[derive(Debug)]
pub struct Feed<T> {
    /// `None` where it takes no more: it answered, or it was given up.
    pieces: Option<mpsc::Sender<Bytes>>,
    task: AbortOnDropHandle<(Result<T, Failure>, Duration)>,
    late: bool,
    began: Instant,
}

impl<T: Send + 'static> Feed<T> {
    /// Starts asking. The pieces end where the mail ends.
    pub fn start<F>(ask: impl FnOnce(mpsc::Receiver<Bytes>) -> F) -> Feed<T>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING);
        let began = Instant::now();
        let asking = ask(receiver);
        let task = tokio::spawn(async move {
            let answer = asking.await;
            (answer, began.elapsed())
        });
        Feed { pieces: Some(sender), task: AbortOnDropHandle::new(task), late: false, began }
    }

    /// Hands on a piece, or gives the scanner up when it takes nothing for so long.
    pub async fn give(&mut self, piece: Bytes, patience: Duration) {
        let Some(pieces) = &self.pieces else { return };
        match timeout(patience, pieces.send(piece)).await {
            Ok(Ok(())) => {}
            // It has its answer, or its failure, already.
            Ok(Err(_)) => self.pieces = None,
            Err(_) => {
                self.late = true;
                self.pieces = None;
                self.task.abort();
            }
        }
    }

    /// Does it still take pieces?
    pub fn is_heard(&self) -> bool {
        self.pieces.as_ref().is_some_and(|pieces| !pieces.is_closed())
    }

    /// The mail is whole: the answer, and how long it took from the first octet.
    pub async fn answer(mut self, patience: Duration) -> (Result<T, Failure>, Duration) {
        self.pieces = None;
        if self.late {
            return (Err(Failure::Late), self.began.elapsed());
        }
        match timeout_at(Instant::now() + patience, &mut self.task).await {
            Ok(Ok(answer)) => answer,
            // A panic in it ends this question, not the daemon.
            Ok(Err(error)) => (Err(Failure::Error(error.to_string())), self.began.elapsed()),
            Err(_) => (Err(Failure::Late), self.began.elapsed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    /// A scanner that takes nothing is given up, and is late; the mail goes on.
    #[tokio::test]
    async fn who_takes_nothing_is_late() {
        let mut feed: Feed<u8> = Feed::start(|pieces| async move {
            let _held = pieces;
            std::future::pending().await
        });
        for _ in 0..WAITING + 3 {
            feed.give(Bytes::from_static(b"x"), SHORT).await;
        }
        assert!(!feed.is_heard());
        assert_eq!(feed.answer(SHORT).await.0, Err(Failure::Late));
    }

    #[tokio::test]
    async fn who_never_answers_is_late() {
        let feed: Feed<u8> = Feed::start(|_| std::future::pending());
        assert_eq!(feed.answer(SHORT).await.0, Err(Failure::Late));
    }

    /// An early answer counts, and what comes after it goes nowhere.
    #[tokio::test]
    async fn an_early_answer_is_kept() {
        let mut feed = Feed::start(|mut pieces: mpsc::Receiver<Bytes>| async move {
            pieces.recv().await;
            Ok(7)
        });
        for _ in 0..20 {
            feed.give(Bytes::from_static(b"x"), SHORT).await;
            tokio::task::yield_now().await;
        }
        assert!(!feed.is_heard());
        assert_eq!(feed.answer(SHORT).await.0, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let feed: Feed<u8> = Feed::start(|_| async { panic!("on purpose") });
        assert!(matches!(feed.answer(SHORT).await.0, Err(Failure::Error(_))));
    }
}
