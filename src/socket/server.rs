//! Takes connections, up to a bound, each a task of its own, until the station has ended. Leaves out
//! what is said on one (`connection`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::changes::LastLine;
use super::connection;
use super::health::{self, Status};
use super::history::{self, JobObject, StoryObject};
use super::listen::Listening;
use super::wire::{Bye, ByeWord, Query, Refused, SocketWord, Told, push_line};
use crate::record::{RecordError, Standing};
use crate::station::{Access, Asker, Snapshot};

/// As many connections as there may be at once.
pub const MOST_CONNECTIONS: usize = 64;

/// As many questions as are asked of the record at once.
const MOST_READERS: usize = 2;

/// How long connections may take to hear the last of a station that has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long nothing is taken after no connection could be taken (too many open files).
const PAUSE: Duration = Duration::from_millis(200);

/// A served socket.
#[derive(Debug)]
pub struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Waits until the last connection has ended, soon after the station has.
    pub async fn ended(self) {
        // a panic there has been printed by its task
        let _ = self.task.await;
    }
}

/// What every connection needs of the daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) asker: Asker,
    pub(super) access: Access,
    database: PathBuf,
    began: Instant,
    places: Arc<Semaphore>,
    readers: Semaphore,
    pub(super) changes: LastLine,
}

/// What a question was answered.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    Status(Status),
    Standing(Arc<Standing>),
    Jobs(Vec<JobObject>),
    Job(Box<StoryObject>),
}

/// Serves a station on a socket until it has ended. `asker`: its queue, in anyone's name.
///
/// # Errors
/// The runtime does not take the socket.
pub fn serve(
    listening: Listening,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    asker: Asker,
    access: Access,
    database: PathBuf,
) -> std::io::Result<Server> {
    let listener = UnixListener::from_std(listening.listener.try_clone()?)?;
    let daemon = Arc::new(Daemon {
        snapshots,
        asker,
        access,
        database,
        began: Instant::now(),
        places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
        readers: Semaphore::new(MOST_READERS),
        changes: LastLine::default(),
    });
    Ok(Server {
        task: tokio::spawn(take(listening, listener, daemon)),
    })
}

async fn take(listening: Listening, listener: UnixListener, daemon: Arc<Daemon>) {
    let mut connections = JoinSet::new();
    let mut snapshots = daemon.snapshots.clone();
    let ended = async move { while snapshots.changed().await.is_ok() {} };
    let mut ended = std::pin::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => break,
            taken = listener.accept() => match taken {
                Ok((stream, _)) => match daemon.places.clone().try_acquire_owned() {
                    Ok(place) => {
                        let daemon = daemon.clone();
                        connections.spawn(async move {
                            connection::attend(stream, daemon).await;
                            drop(place);
                        });
                    }
                    Err(_) => turn_away(&stream),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection to the socket");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    // nobody finds a station that has ended
    drop(listening);
    let farewell = async { while connections.join_next().await.is_some() {} };
    // who does not listen is cut off: dropping the set ends the rest
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

fn turn_away(stream: &UnixStream) {
    let mut line = Vec::new();
    let bye = Bye {
        word: ByeWord::TooMany,
        text: format!("{MOST_CONNECTIONS} connections are open, as many as there may be"),
    };
    push_line(&mut line, &Told::Bye(&bye));
    // a fresh connection has room for a line; without one it is closed without a word
    let _ = stream.try_write(&line);
}

impl Daemon {
    pub(super) async fn answer(&self, query: Query) -> Result<Answered, Refused> {
        match query {
            Query::Status => {
                let tasks = Handle::current().metrics().num_alive_tasks();
                let connections = MOST_CONNECTIONS - self.places.available_permits();
                let began = self.began;
                let status = self.look(move || Ok(health::look(began, tasks, connections)));
                status.await.map(Answered::Status)
            }
            Query::Standing => Ok(Answered::Standing(self.snapshots.borrow().standing.clone())),
            Query::Jobs {
                newest,
                slot,
                outcome,
            } => {
                let database = self.database.clone();
                let most = newest.min(Query::MOST_JOBS);
                let jobs = self
                    .look(move || history::newest(&database, most, slot.as_ref(), outcome))
                    .await?;
                Ok(Answered::Jobs(jobs))
            }
            Query::Job { job } => {
                let database = self.database.clone();
                let found = self.look(move || history::story(&database, job)).await?;
                found.map_or_else(
                    || {
                        let text = format!("there is no job {job} on record");
                        Err(Refused::Socket(SocketWord::NoSuchJob, text))
                    },
                    |story| Ok(Answered::Job(Box::new(story))),
                )
            }
        }
    }

    /// Asks what blocks, off the workers, a few at a time.
    async fn look<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, RecordError> + Send + 'static,
    ) -> Result<T, Refused> {
        // never closed
        let _turn = self.readers.acquire().await;
        let unreadable = |text| Refused::Socket(SocketWord::RecordUnreadable, text);
        match tokio::task::spawn_blocking(question).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(unreadable(error.to_string())),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }
}
