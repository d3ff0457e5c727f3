//! The one writer: takes all commits that wait, writes them in one transaction, and answers when it is durable.
//!
//! Idle, it commits at once; there is no timer. What the moves write is in `moves`, `erase` and `replica`.
//!
//! What SQLite guarantees (sqlite.org/wal.html, synchronous=FULL): a COMMIT that succeeds is synced. After one
//! that fails nothing is visible, and the next commit overwrites it; but after a failed sync (not after "full")
//! a crash may still bring it back. So a caller is told that it failed, and the files of its bodies stay.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::error::Trouble;
use super::people::People;
use super::spool::{Prepared, Spool};
use super::unfinished::Unfinished;
use crate::store::held::{NewHeld, Told};
use crate::store::{Done, MailId, Move, NewMail, NewPost, StoreError};

/// Most commits in one transaction.
const GROUP: usize = 256;

pub(super) enum Command {
    Commit(Job),
    /// Writes something that changes nothing: can it still be done?
    Probe(oneshot::Sender<Result<(), StoreError>>),
    Close(oneshot::Sender<()>),
    #[cfg(test)]
    Sql(&'static str, oneshot::Sender<()>),
}

/// One caller's moves.
pub(super) struct Job {
    pub works: Vec<Work>,
    pub answer: oneshot::Sender<Result<Vec<Done>, StoreError>>,
}

pub(super) enum Work {
    Accept {
        mail: NewMail,
        body: Prepared,
        posts: Vec<NewPost>,
        held: Vec<NewHeld>,
    },
    /// A body for each letter.
    Told {
        told: Told,
        bodies: Vec<Prepared>,
    },
    Other(Move),
}

impl Work {
    /// It writes more than one row, and a constraint may be broken after the first.
    fn is_composite(&self) -> bool {
        match self {
            Work::Accept { .. } | Work::Told { .. } => true,
            Work::Other(change) => matches!(change, Move::End { .. } | Move::Tickets(_)),
        }
    }

    /// The files that it brought.
    fn files(&self) -> Vec<MailId> {
        match self {
            Work::Accept { mail, body: Prepared::File { .. }, .. } => vec![mail.id],
            Work::Told { told, bodies } => letter_files(told, bodies).collect(),
            _ => Vec::new(),
        }
    }
}

/// The files of letters.
pub(super) fn letter_files<'a>(
    told: &'a Told,
    bodies: &'a [Prepared],
) -> impl Iterator<Item = MailId> + 'a {
    let letters = told.letters.iter().zip(bodies);
    letters.filter(|(_, body)| matches!(body, Prepared::File { .. })).map(|((mail, _), _)| mail.id)
}

/// What a job leads to once it is durable.
#[derive(Default)]
pub(super) struct Effects {
    pub done: Vec<Done>,
    /// Body files that nobody needs.
    pub remove: Vec<MailId>,
    /// Something was erased, and must go from the journal too.
    pub erased: bool,
}

pub(super) struct Writer {
    pub db: SqliteConnection,
    pub people: People,
    pub unfinished: Unfinished,
    options: SqliteConnectOptions,
    spool: Arc<Spool>,
    keeps_originals: Arc<AtomicBool>,
    /// Held as long as something may be written.
    _lock: File,
}

/// The whole transaction is gone.
struct Abort {
    trouble: Trouble,
    /// It failed in a way that it might be there after a crash.
    unsure: bool,
}

/// The files that these works brought.
pub(super) fn files(works: &[Work]) -> impl Iterator<Item = MailId> + '_ {
    works.iter().flat_map(Work::files)
}

impl Writer {
    pub(super) fn new(
        db: SqliteConnection,
        options: SqliteConnectOptions,
        spool: Arc<Spool>,
        keeps_originals: Arc<AtomicBool>,
        lock: File,
    ) -> Writer {
        Writer {
            db,
            people: People::default(),
            unfinished: Unfinished::default(),
            options,
            spool,
            keeps_originals,
            _lock: lock,
        }
    }

    /// See [`crate::store::Originals`].
    pub(super) fn keeps_originals(&self) -> bool {
        self.keeps_originals.load(Ordering::Relaxed)
    }

    /// Until it is closed, or the last handle of the store is gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.recv().await {
            let (group, close) = self.gather(first, &mut commands).await;
            self.write(group).await;
            if let Some(closed) = close {
                commands.close();
                // What is still in the channel is dropped, which tells its callers.
                self.close().await;
                let _ = closed.send(());
                return;
            }
        }
        self.close().await;
    }

    /// All that waits, up to a close or the limit.
    async fn gather(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
    ) -> (Vec<Job>, Option<oneshot::Sender<()>>) {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Commit(job) => group.push(job),
                Command::Probe(answer) => {
                    // It sets what it is already, which is a write and a sync all the same.
                    let written = self.sql("PRAGMA user_version = 0").await;
                    let _ = answer.send(written.map_err(StoreError::from));
                }
                Command::Close(closed) => return (group, Some(closed)),
                #[cfg(test)]
                Command::Sql(sql, done) => {
                    sqlx::query(sql).execute(&mut self.db).await.expect(sql);
                    let _ = done.send(());
                }
            }
            next = if group.len() < GROUP { commands.try_recv().ok() } else { None };
        }
        (group, None)
    }

    async fn write(&mut self, group: Vec<Job>) {
        if group.is_empty() {
            return;
        }
        match self.attempt(&group).await {
            Ok(results) => {
                let mut pairs: Vec<_> = group.into_iter().zip(results).collect();
                // Who needs tidying up waits, the others don't.
                pairs.sort_by_key(|(_, result)| result.as_ref().is_ok_and(Effects::is_slow));
                for (job, result) in pairs {
                    self.answer(job, result, false).await;
                }
            }
            // Each alone: a body that is too large for the disk must not cost another's outcome.
            Err(Abort { trouble: Trouble::Full(_), .. }) if group.len() > 1 => {
                for job in group {
                    Box::pin(self.write(vec![job])).await;
                }
            }
            Err(abort) => self.fail(group, abort).await,
        }
    }

    async fn fail(&mut self, group: Vec<Job>, abort: Abort) {
        tracing::error!(why = ?abort.trouble, unsure = abort.unsure, "a commit failed");
        for job in group {
            self.answer(job, Err(abort.trouble.clone()), abort.unsure).await;
        }
        if !matches!(abort.trouble, Trouble::Full(_)) {
            self.reconnect().await;
        }
    }

    /// One transaction: BEGIN IMMEDIATE, each job under a savepoint, COMMIT.
    ///
    /// Each statement is a trip to SQLite's thread, so what goes together is one text.
    async fn attempt(&mut self, group: &[Job]) -> Result<Vec<Result<Effects, Trouble>>, Abort> {
        let mut results = Vec::with_capacity(group.len());
        let mut begin = "BEGIN IMMEDIATE; SAVEPOINT job";
        for job in group {
            let result = match self.sql(begin).await {
                Ok(()) => self.job(&job.works).await,
                Err(trouble) => Err(trouble),
            };
            begin = "RELEASE job; SAVEPOINT job";
            match result {
                Ok(result) => results.push(result),
                Err(trouble) => {
                    self.roll_back().await;
                    return Err(Abort { trouble, unsure: false });
                }
            }
        }
        if let Err(trouble) = self.sql("COMMIT").await {
            self.roll_back().await;
            let unsure = !matches!(trouble, Trouble::Full(_));
            return Err(Abort { trouble, unsure });
        }
        Ok(results)
    }

    /// All moves of one caller, or none. The outer error means that the whole transaction is lost.
    async fn job(&mut self, works: &[Work]) -> Result<Result<Effects, Trouble>, Trouble> {
        let mut effects = Effects::default();
        for work in works {
            // Alone, the job's savepoint serves.
            let shared = works.len() > 1 && work.is_composite();
            let result = match shared {
                true => self.shielded(work, &mut effects).await,
                false => self.apply(work, &mut effects).await,
            };
            let Err(trouble) = result else { continue };
            self.forget();
            // After a full disk or an I/O error SQLite may have rolled back all by itself: then this fails.
            self.sql("ROLLBACK TO job").await.map_err(|_| trouble.clone())?;
            return Ok(match (trouble, works) {
                (Trouble::Constraint(why), [work]) => Ok(Effects::rejected(work, &why)),
                (trouble, _) => Err(trouble),
            });
        }
        Ok(Ok(effects))
    }

    /// One move among others; where it breaks a constraint it is rejected, and leaves nothing.
    async fn shielded(&mut self, work: &Work, effects: &mut Effects) -> Result<(), Trouble> {
        self.sql("SAVEPOINT move").await?;
        let mut own = Effects::default();
        match self.apply(work, &mut own).await {
            Ok(()) => self.sql("RELEASE move").await?,
            Err(Trouble::Constraint(why)) => {
                self.forget();
                self.sql("ROLLBACK TO move; RELEASE move").await?;
                own = Effects::rejected(work, &why);
            }
            Err(trouble) => return Err(trouble),
        }
        effects.done.append(&mut own.done);
        effects.remove.append(&mut own.remove);
        Ok(())
    }

    async fn apply(&mut self, work: &Work, effects: &mut Effects) -> Result<(), Trouble> {
        match work {
            Work::Accept { mail, body, posts, held } => {
                self.accept(mail, body, posts, held, effects).await
            }
            Work::Told { told, bodies } => self.told(told, bodies, effects).await,
            Work::Other(change) => {
                let done = self.change(change, effects).await?;
                effects.done.push(done);
                Ok(())
            }
        }
    }

    /// Something was taken back: what is remembered may be wrong.
    pub(super) fn forget(&mut self) {
        self.people.forget();
        self.unfinished.forget();
    }

    pub(super) async fn sql(&mut self, sql: &'static str) -> Result<(), Trouble> {
        sqlx::query(sql).execute(&mut self.db).await?;
        Ok(())
    }

    async fn roll_back(&mut self) {
        self.forget();
        if let Err(error) = self.sql("ROLLBACK").await {
            tracing::debug!(?error, "SQLite had rolled back by itself");
        }
    }

    async fn answer(&mut self, job: Job, result: Result<Effects, Trouble>, unsure: bool) {
        let mut erased = false;
        let (remove, answer) = match result {
            Ok(effects) => {
                erased = effects.erased;
                (effects.remove, Ok(effects.done))
            }
            Err(trouble) if unsure => (Vec::new(), Err(trouble.into())),
            Err(trouble) => (files(&job.works).collect(), Err(trouble.into())),
        };
        if !remove.is_empty() {
            let spool = Arc::clone(&self.spool);
            let removal = move || remove.into_iter().for_each(|mail| spool.remove(mail));
            let _ = tokio::task::spawn_blocking(removal).await;
        }
        if erased {
            self.truncate().await;
        }
        let _ = job.answer.send(answer);
    }

    /// Gives pages back and empties the journal, so that what was erased is nowhere. A reader may be in the way;
    /// then the next erasure does it.
    async fn truncate(&mut self) {
        for sql in ["PRAGMA incremental_vacuum(4096)", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            if let Err(error) = self.sql(sql).await {
                tracing::warn!(?error, sql, "the store could not be tidied up");
            }
        }
    }

    /// After an error whose cause is unknown: a new connection has no doubtful state.
    async fn reconnect(&mut self) {
        self.forget();
        match self.options.connect().await {
            Ok(db) => {
                let old = std::mem::replace(&mut self.db, db);
                let _ = old.close_hard().await;
            }
            Err(error) => tracing::error!(%error, "the store can't be opened again"),
        }
    }

    async fn close(mut self) {
        self.truncate().await;
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    }
}

impl Effects {
    fn is_slow(&self) -> bool {
        self.erased || !self.remove.is_empty()
    }

    fn rejected(work: &Work, why: &str) -> Effects {
        let (answers, remove) = match work {
            Work::Accept { posts, held, .. } => (posts.len() + held.len(), work.files()),
            Work::Told { .. } | Work::Other(_) => (1, work.files()),
        };
        let done = (0..answers).map(|_| Done::Rejected(why.to_owned())).collect();
        Effects { done, remove, erased: false }
    }
}
