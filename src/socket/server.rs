//! Takes connections, up to a bound, each a task of its own, until the station has ended. Leaves out
//! what is said on one (`connection`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::changes::LastLine;
use super::connection;
use super::health::{self, Status};
use super::listen::Listening;
use super::wire::{Bye, ByeWord, Query, Refused, SocketWord, Told, push_line};
use crate::event::JobId;
use crate::record::Standing;
use crate::station::enquiry::{Enquirer, Found, NotFound, Question};
use crate::station::{Access, Asker, Snapshot};

/// As many connections as there may be at once.
pub const MOST_CONNECTIONS: usize = 64;

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
    enquirer: Enquirer,
    began: Instant,
    places: Arc<Semaphore>,
    pub(super) changes: LastLine,
}

/// What a question was answered.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    Status(Status),
    Standing(Arc<Standing>),
    #[serde(untagged)]
    Found(Found),
}

/// Serves a station on a socket until it has ended. `asker`: its queue, in anyone's name; `enquirer`: who
/// answers what is asked of its past.
///
/// # Errors
/// The runtime does not take the socket.
pub fn serve(
    listening: Listening,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    asker: Asker,
    access: Access,
    enquirer: Enquirer,
) -> std::io::Result<Server> {
    let listener = UnixListener::from_std(listening.listener.try_clone()?)?;
    let daemon = Arc::new(Daemon {
        snapshots,
        asker,
        access,
        enquirer,
        began: Instant::now(),
        places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
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
            Query::Status => self.status().await.map(Answered::Status),
            Query::Standing => Ok(Answered::Standing(self.snapshots.borrow().standing.clone())),
            Query::Jobs(filter) => self.find(Question::Jobs(filter)).await,
            Query::Day => self.find(Question::Day).await,
            Query::Job { job } => match self.find(Question::Job { job }).await? {
                Answered::Found(Found::Job(None)) => Err(no_such_job(job)),
                found => Ok(found),
            },
        }
    }

    async fn find(&self, question: Question) -> Result<Answered, Refused> {
        let found = self.enquirer.ask(question).await;
        found.map(Answered::Found).map_err(|why| {
            let word = match why {
                NotFound::Unreadable(_) => SocketWord::RecordUnreadable,
                NotFound::Busy => SocketWord::Busy,
                NotFound::Silent => SocketWord::Ended,
            };
            Refused::Socket(word, why.to_string())
        })
    }

    /// Waits for nothing that another client asked.
    async fn status(&self) -> Result<Status, Refused> {
        let tasks = Handle::current().metrics().num_alive_tasks();
        let connections = MOST_CONNECTIONS - self.places.available_permits();
        let began = self.began;
        let look = move || health::look(began, tasks, connections);
        let looked = tokio::task::spawn_blocking(look).await;
        // the runtime is being shut down
        looked.map_err(|error| Refused::Socket(SocketWord::Ended, error.to_string()))
    }
}

fn no_such_job(job: JobId) -> Refused {
    let text = format!("there is no job {job} on record");
    Refused::Socket(SocketWord::NoSuchJob, text)
}
