//! A station in another process, as faces know one: snapshots through a watch, an asker. A task keeps the
//! connection, and takes it up again when the daemon is back. It ends when nobody looks any more.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::client::{Client, ClientError, Event};
use super::wire::{self, ByeWord, Query, Refused, Stream, What};
use crate::event::{Notice, Role, Who};
use crate::station::enquiry::{Enquirer, Enquiry, Found, NotFound};
use crate::station::{Ask, Asker, KEPT_NOTICES, Request, RequestRefused, Snapshot};

/// Between two looks for a daemon that is gone.
const LOOK_EACH: Duration = Duration::from_millis(500);

/// A daemon that has told nothing for `ask_after` is asked something, and is lost if it still tells nothing
/// for `patience`: one that stands still closes no connection.
#[derive(Debug, Clone, Copy)]
struct Pace {
    ask_after: Duration,
    patience: Duration,
}

const PACE: Pace = Pace {
    ask_after: Duration::from_secs(3),
    patience: Duration::from_secs(5),
};

/// What a face may have asked and the daemon not yet been told.
const REQUESTS_LENGTH: usize = 64;

/// Questions that the daemon was asked and has not answered: fewer than the unanswered requests with which
/// it reads no more.
const MOST_ENQUIRED: usize = 4;

/// Whether the daemon is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    There,
    /// What is shown is what was told last; the daemon is looked for.
    Lost,
}

/// What to do when the daemon goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenLost {
    Look,
    /// End, as a station that has ended.
    End,
}

/// A daemon's station.
#[derive(Debug)]
pub struct Attached {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub asker: Asker,
    /// The daemon answers.
    pub enquirer: Enquirer,
    pub contact: watch::Receiver<Contact>,
    task: JoinHandle<Result<(), ClientError>>,
}

impl Attached {
    /// Waits for the end of the connection, after the snapshots' receivers were dropped or where the
    /// daemon is not looked for any more.
    ///
    /// # Errors
    /// The daemon was lost without a word, or the one that came back speaks another protocol.
    pub async fn ended(self) -> Result<(), ClientError> {
        drop((self.snapshots, self.contact));
        self.task.await.unwrap_or(Err(ClientError::Lost))
    }
}

/// Attaches to a daemon; returns with its first snapshot.
///
/// # Errors
/// Nobody answers, or speaks another version of the protocol.
pub async fn attach(path: &Path, when_lost: WhenLost) -> Result<Attached, ClientError> {
    attach_at(path, when_lost, PACE).await
}

async fn attach_at(path: &Path, when_lost: WhenLost, pace: Pace) -> Result<Attached, ClientError> {
    let (client, snapshot) = meet(path).await?;
    let hello = client.hello();
    let by = Who::new(&hello.you, Role::Operator);
    let (publisher, snapshots) = watch::channel(Arc::new(snapshot.clone()));
    let (contact_sender, contact) = watch::channel(Contact::There);
    let (sender, requests) = mpsc::channel(REQUESTS_LENGTH);
    let (enquirer, enquiries) = Enquirer::new();
    let keeper = Keeper {
        path: path.to_owned(),
        when_lost,
        pace,
        snapshot,
        notices: VecDeque::new(),
        publisher,
        contact: contact_sender,
        requests,
        enquiries,
        asked: HashMap::new(),
        enquired: HashMap::new(),
    };
    Ok(Attached {
        snapshots,
        asker: Asker::new(by, sender),
        enquirer,
        contact,
        task: tokio::spawn(keeper.keep(client)),
    })
}

/// Connects, and hears the first snapshot.
async fn meet(path: &Path) -> Result<(Client, Snapshot), ClientError> {
    let mut client = Client::connect(path).await?.as_operator();
    client.follow(&[Stream::Snapshots, Stream::Notices]).await?;
    loop {
        match client.event().await? {
            Event::Snapshot(snapshot) => return Ok((client, *snapshot)),
            Event::Bye(bye) => return Err(ClientError::TurnedAway { text: bye.text }),
            _ => {}
        }
    }
}

struct Keeper {
    path: PathBuf,
    when_lost: WhenLost,
    pace: Pace,
    snapshot: Snapshot,
    /// The newest ones.
    notices: VecDeque<Arc<Notice>>,
    publisher: watch::Sender<Arc<Snapshot>>,
    contact: watch::Sender<Contact>,
    requests: mpsc::Receiver<Request>,
    enquiries: mpsc::Receiver<Enquiry>,
    /// Not answered yet, by number.
    asked: HashMap<u64, oneshot::Sender<Result<(), RequestRefused>>>,
    /// The same of questions.
    enquired: HashMap<u64, oneshot::Sender<Result<Found, NotFound>>>,
}

/// What the daemon owes while it tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    Short,
    /// It was asked for a sign of life.
    Asked,
}

/// Why a connection is over.
enum Over {
    /// Nobody looks any more.
    Left,
    /// The daemon said so.
    Ended,
    Lost(ClientError),
}

impl Keeper {
    async fn keep(mut self, mut client: Client) -> Result<(), ClientError> {
        loop {
            let over = self.talk(client).await;
            // a question that went with the connection has no answer
            self.asked.clear();
            self.enquired.clear();
            match (over, self.when_lost) {
                (Over::Left, _) | (Over::Ended, WhenLost::End) => return Ok(()),
                (Over::Lost(error), WhenLost::End) => return Err(error),
                (Over::Ended | Over::Lost(_), WhenLost::Look) => {}
            }
            self.contact.send_replace(Contact::Lost);
            let Some((found, snapshot)) = self.find().await? else {
                return Ok(());
            };
            client = found;
            self.snapshot = snapshot;
            self.notices.clear();
            self.publish();
            self.contact.send_replace(Contact::There);
        }
    }

    async fn talk(&mut self, mut client: Client) -> Over {
        let mut silence = Silence::Short;
        loop {
            let wait = match silence {
                Silence::Short => self.pace.ask_after,
                Silence::Asked => self.pace.patience,
            };
            tokio::select! {
                () = self.publisher.closed() => return Over::Left,
                event = client.event() => {
                    silence = Silence::Short;
                    match event {
                        Ok(Event::Bye(bye)) if bye.word == ByeWord::Ended => return Over::Ended,
                        Ok(event) => self.take(event),
                        Err(error) => return Over::Lost(error),
                    }
                }
                () = tokio::time::sleep(wait) => match silence {
                    Silence::Asked => return Over::Lost(ClientError::Silent),
                    Silence::Short => match client.ask(What::Query(Query::Standing)).await {
                        Ok(_) => silence = Silence::Asked,
                        Err(error) => return Over::Lost(error),
                    },
                },
                Some(request) = self.requests.recv() => {
                    let Request { ask, warrant, answer, .. } = request;
                    // a face that is through leaves; it does not end another process's station
                    if ask == Ask::Shutdown {
                        return Over::Left;
                    }
                    match client.ask_with(What::Ask(ask), warrant).await {
                        Ok(id) => {
                            self.asked.insert(id, answer);
                        }
                        Err(error) => return Over::Lost(error),
                    }
                }
                Some(enquiry) = self.enquiries.recv(), if self.enquired.len() < MOST_ENQUIRED => {
                    let Enquiry { question, answer } = enquiry;
                    if answer.is_closed() {
                        continue;
                    }
                    match client.ask(What::Query(question.into())).await {
                        Ok(id) => {
                            self.enquired.insert(id, answer);
                        }
                        Err(error) => return Over::Lost(error),
                    }
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Snapshot(snapshot) => self.snapshot = *snapshot,
            Event::Changes(changes) => changes.apply(&mut self.snapshot),
            Event::Notice(notice) => {
                if self.notices.len() == KEPT_NOTICES {
                    self.notices.pop_front();
                }
                self.notices.push_back(notice);
            }
            Event::Answer { id, answer } => {
                if let Some(enquired) = self.enquired.remove(&id) {
                    // the face may have gone on
                    let _ = enquired.send(wire::found(answer));
                } else if let Some(asked) = self.asked.remove(&id) {
                    let answer = match answer {
                        Ok(_) => Ok(()),
                        Err(Refused::Station(refused)) => Err(refused),
                        // dropped, as by a station that has no time or has ended
                        Err(Refused::Socket(..)) => return,
                    };
                    // the face may have gone on
                    let _ = asked.send(answer);
                }
                return;
            }
            Event::Missed(_) | Event::Bye(_) | Event::Other => return,
        }
        self.publish();
    }

    fn publish(&mut self) {
        let mut snapshot = self.snapshot.clone();
        snapshot.notices = self.notices.iter().cloned().collect();
        self.publisher.send_replace(Arc::new(snapshot));
    }

    /// Waits for a daemon to be there again; `None`: nobody looks any more.
    async fn find(&mut self) -> Result<Option<(Client, Snapshot)>, ClientError> {
        loop {
            tokio::select! {
                () = self.publisher.closed() => return Ok(None),
                () = tokio::time::sleep(LOOK_EACH) => {}
                Some(request) = self.requests.recv() => {
                    // there is nobody to ask; its answer is dropped
                    if request.ask == Ask::Shutdown {
                        return Ok(None);
                    }
                    continue;
                }
                // as of the requests
                Some(_) = self.enquiries.recv() => continue,
            }
            // one that stands still takes a connection and says nothing
            let met = tokio::select! {
                () = self.publisher.closed() => return Ok(None),
                met = meet(&self.path) => met,
            };
            match met {
                Ok(met) => return Ok(Some(met)),
                Err(error @ ClientError::Protocol { .. }) => return Err(error),
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixListener;

    use super::*;
    use crate::dashboard::fixture;
    use crate::event::Role;
    use crate::socket::wire::{Hello, PROTOCOL, Told, push_line};

    #[tokio::test]
    async fn a_daemon_that_stands_still_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let mut lines = Vec::new();
        let hello = Hello {
            protocol: PROTOCOL,
            flashline: String::new(),
            station: String::new(),
            you: "li".to_owned(),
            role: Role::Operator,
        };
        push_line(&mut lines, &Told::Hello(&hello));
        push_line(&mut lines, &Told::Snapshot(&fixture::bench()));
        let daemon = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&lines).await.unwrap();
            stream
        };
        let pace = Pace {
            ask_after: Duration::from_millis(10),
            patience: Duration::from_millis(10),
        };
        let attached = attach_at(&path, WhenLost::Look, pace);
        let (attached, _stands_still) = tokio::join!(attached, daemon);
        let mut attached = attached.unwrap();
        let lost = attached
            .contact
            .wait_for(|contact| *contact == Contact::Lost);
        assert_eq!(*lost.await.unwrap(), Contact::Lost);
    }
}
