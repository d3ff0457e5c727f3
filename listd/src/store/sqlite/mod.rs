//! The durable store: SQLite in WAL mode with synchronous=FULL, one writer, a few readers, large bodies as files.
//!
//! `docs/queue.md` tells the states and what each crash leaves behind. Here: how it is opened and closed.

mod admitted;
#[cfg(test)]
mod bench;
mod brake;
#[cfg(test)]
mod crash;
mod digest;
mod erase;
mod error;
mod failures;
mod held;
mod hidden;
mod last_mile;
mod moves;
mod options;
mod overrides;
mod packing;
mod people;
mod read;
mod replica;
mod spool;
#[cfg(test)]
mod tests;
mod unfinished;
mod writer;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use self::error::Trouble;
use self::spool::{Prepared, Spool};
use self::writer::{Command, Job, Work, Writer};
use super::witness::{Watch, Witness};
use super::{Commit, Done, MailId, Move, NewMail, Probe, StoreError};

/// Connections for reading; each is a thread.
const READERS: u32 = 3;
/// Commits that may wait for the writer before callers have to.
const QUEUE: usize = 1024;

/// One database file, its lock `FILE.lock` and its bodies in `FILE.spool/`.
pub struct SqliteStore {
    commands: mpsc::Sender<Command>,
    readers: SqlitePool,
    spool: Arc<Spool>,
    keeps_originals: Arc<AtomicBool>,
    watch: OnceLock<Watch>,
}

impl SqliteStore {
    /// Opens the store at `path`, makes it where there is none, and brings its tables up to date.
    ///
    /// What a crash left over is cleaned up first, spilled files included. [`StoreError::Locked`] where another
    /// daemon has it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Arc<SqliteStore>, StoreError> {
        let path = path.as_ref().to_owned();
        let files = path.clone();
        let (lock, spool) = blocking(move || prepare_files(&files)).await??;
        let mut db = connect(&options(&path)).await.map_err(|e| at(&path, e))?;
        sqlx::migrate!("src/store/sqlite/migrations")
            .run(&mut db)
            .await
            .map_err(|e| StoreError::Failed(format!("{}: {e}", path.display())))?;
        sweep(&mut db, &spool).await.map_err(|e| at(&path, e))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .max_lifetime(None)
            .idle_timeout(None)
            .test_before_acquire(false)
            .connect_lazy_with(options(&path).pragma("query_only", "ON"));
        let (commands, receiver) = mpsc::channel(QUEUE);
        let keeps_originals = Arc::<AtomicBool>::default();
        let keeps = Arc::clone(&keeps_originals);
        let writer = Writer::new(db, options(&path), Arc::clone(&spool), keeps, lock);
        tokio::spawn(writer.run(receiver));
        let watch = OnceLock::new();
        Ok(Arc::new(SqliteStore { commands, readers, spool, keeps_originals, watch }))
    }

    /// Where intake may spill to; names that end in `.mail` or `.tmp` are the store's.
    pub fn spool_dir(&self) -> &Path {
        self.spool.dir()
    }

    /// Who is told of every commit from now on. Only the first call counts.
    pub fn watched_by(&self, witnesses: Vec<Arc<dyn Witness>>) {
        if self.watch.set(Watch::new(witnesses)).is_err() {
            tracing::error!("the store has its witnesses already; the later ones hear nothing");
        }
    }

    /// Finishes what was given to the writer, moves all into the database file and lets go of the lock.
    pub async fn close(&self) {
        self.readers.close().await;
        let (closed, wait) = oneshot::channel();
        if self.commands.send(Command::Close(closed)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

#[async_trait]
impl Commit for SqliteStore {
    async fn commit(&self, moves: Vec<Move>) -> Result<Vec<Done>, StoreError> {
        let Some(watch) = self.watch.get() else { return self.write(moves).await };
        let (notes, began) = (watch.notes(&moves), Instant::now());
        let result = self.write(moves).await;
        watch.tell(notes, &result, began.elapsed(), self).await;
        result
    }
}

impl SqliteStore {
    async fn write(&self, moves: Vec<Move>) -> Result<Vec<Done>, StoreError> {
        let spool = Arc::clone(&self.spool);
        let commands = self.commands.clone();
        // A task, so that a caller who goes away leaves no half prepared body.
        let task = tokio::spawn(async move {
            let works = prepare(moves, spool).await?;
            let (answer, wait) = oneshot::channel();
            commands.send(Command::Commit(Job { works, answer })).await.map_err(|_| closed())?;
            wait.await.map_err(|_| closed())?
        });
        task.await.map_err(|e| StoreError::Failed(e.to_string()))?
    }
}

#[async_trait]
impl Probe for SqliteStore {
    async fn probe(&self) -> Result<(), StoreError> {
        let spool = Arc::clone(&self.spool);
        blocking(move || spool.has_room()).await??;
        let (answer, wait) = oneshot::channel();
        self.commands.send(Command::Probe(answer)).await.map_err(|_| closed())?;
        wait.await.map_err(|_| closed())?
    }
}

fn closed() -> StoreError {
    StoreError::Failed("it is closed".into())
}

/// Makes the bodies of all mails durable, before the writer's turn.
async fn prepare(moves: Vec<Move>, spool: Arc<Spool>) -> Result<Vec<Work>, StoreError> {
    let mut works = Vec::with_capacity(moves.len());
    let mut failure = None;
    for change in moves {
        match change {
            // After a failure the rest is prepared all the same, so that their spilled files are used up.
            Move::Accept { mail, posts, held } => match prepare_body(&mail, &spool).await? {
                Ok(body) => works.push(Work::Accept { mail, body, posts, held }),
                Err(trouble) => failure = Some(trouble),
            },
            Move::Told(told) => {
                let mut bodies = Vec::with_capacity(told.letters.len());
                for (mail, _) in &told.letters {
                    match prepare_body(mail, &spool).await? {
                        Ok(body) => bodies.push(body),
                        Err(trouble) => failure = Some(trouble),
                    }
                }
                works.push(Work::Told { told, bodies });
            }
            other => works.push(Work::Other(other)),
        }
    }
    let Some(trouble) = failure else { return Ok(works) };
    for id in writer::files(&works) {
        spool.remove(id);
    }
    Err(trouble.into())
}

async fn prepare_body(
    mail: &NewMail,
    spool: &Arc<Spool>,
) -> Result<Result<Prepared, Trouble>, StoreError> {
    let (id, raw, spool) = (mail.id, mail.raw.clone(), Arc::clone(spool));
    blocking(move || spool.prepare(id, &raw)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| StoreError::Failed(e.to_string()))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", "16777216")
        .disable_statement_logging()
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, Trouble> {
    Ok(options.connect().await?)
}

fn at(path: &Path, trouble: Trouble) -> StoreError {
    let text = |text| format!("{}: {text}", path.display());
    match trouble {
        Trouble::Full(why) => StoreError::Full(text(why)),
        Trouble::Failed(why) | Trouble::Constraint(why) => StoreError::Failed(text(why)),
    }
}

/// Directory, lock, database file and spool, readable for us alone.
fn prepare_files(path: &Path) -> Result<(File, Arc<Spool>), StoreError> {
    let failed = |e: io::Error| at(path, e.into());
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let lock = private(&beside(path, ".lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Locked(path.display().to_string()));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    private(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    let spool = Spool::open(beside(path, ".spool")).map_err(failed)?;
    spool::sync_dir(dir).map_err(failed)?;
    Ok((lock, Arc::new(spool)))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

async fn sweep(db: &mut SqliteConnection, spool: &Arc<Spool>) -> Result<(), Trouble> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM mail WHERE spilled = 1").fetch_all(db).await?;
    let wanted: HashSet<MailId> = ids.into_iter().map(|id| MailId(id.cast_unsigned())).collect();
    let spool = Arc::clone(spool);
    let swept = tokio::task::spawn_blocking(move || spool.sweep(&wanted)).await;
    for mail in swept.map_err(|e| Trouble::Failed(e.to_string()))?? {
        tracing::error!(
            mail = mail.0,
            "the body's file is gone from the spool; its posts can't be sent"
        );
    }
    Ok(())
}
