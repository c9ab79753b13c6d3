//! One connection of the daemon: a task that reads requests and writes answers, snapshots and notices.
//! All that it holds is bounded. News are made only when the last have been written, so a client that
//! stands still costs one piece of news and is told later what it missed; requests are read only while
//! their answers are taken.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::feed::{Feed, Item};
use super::line::{Lines, TooLong};
use super::server::Daemon;
use super::wire::{
    self, Answer, Bye, ByeWord, Hello, LONGEST_REQUEST_BYTES, Missed, PROTOCOL, Refused, Request,
    SocketWord, Stream, Told, What, push_line,
};
use crate::event::{Role, Who};
use crate::station::{Ask, Asker, NotAsked, Snapshot};

/// With so much still to be written no more is read.
const MOST_UNWRITTEN_BYTES: usize = 64 << 10;

/// With so many requests unanswered no more is read.
const MOST_UNANSWERED: usize = 16;

/// How long a client may take to read the reason why it is left.
const FAREWELL: Duration = Duration::from_secs(1);

/// A line to be, once its answer is there.
type Answering = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    /// The client says no more, or is not listened to any more.
    Over,
}

struct Connection {
    daemon: Arc<Daemon>,
    asker: Asker,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What is told of snapshots; `None`: nothing.
    shown: Option<Shown>,
    /// What is told of notices; `None`: nothing.
    feed: Option<Feed>,
    lines: Lines,
    reading: Reading,
    unanswered: FuturesUnordered<Answering>,
    unwritten: Vec<u8>,
    /// When the client is left, whether it has read the last word or not.
    leave_at: Option<Instant>,
}

enum Shown {
    Nothing,
    Snapshot(Arc<Snapshot>),
}

/// Serves one client until either end has had enough.
pub async fn attend(stream: UnixStream, daemon: Arc<Daemon>) {
    let Some(who) = who(&stream, &daemon).await else {
        return;
    };
    tracing::debug!(%who, "a connection to the socket");
    let snapshots = daemon.snapshots.clone();
    let hello = Hello {
        protocol: PROTOCOL,
        flashline: env!("CARGO_PKG_VERSION").to_owned(),
        station: snapshots.borrow().station.to_string(),
        you: who.name.to_string(),
        role: who.role,
    };
    let mut connection = Connection {
        asker: daemon.asker.for_another(who),
        daemon,
        snapshots,
        shown: None,
        feed: None,
        lines: Lines::default(),
        reading: Reading::Open,
        unanswered: FuturesUnordered::new(),
        unwritten: Vec::new(),
        leave_at: None,
    };
    push_line(&mut connection.unwritten, &Told::Hello(&hello));
    // whoever is at the other end is gone: nobody is left to tell
    let _ = connection.run(stream).await;
}

/// By the kernel's word.
async fn who(stream: &UnixStream, daemon: &Arc<Daemon>) -> Option<Who> {
    let uid = stream.peer_cred().ok()?.uid();
    let daemon = daemon.clone();
    tokio::task::spawn_blocking(move || daemon.access.who(uid))
        .await
        .ok()
}

impl Connection {
    async fn run(&mut self, mut stream: UnixStream) -> std::io::Result<()> {
        let (mut reader, mut writer) = stream.split();
        loop {
            self.take_requests();
            let silent = self.unwritten.is_empty();
            if self.reading == Reading::Over && self.unanswered.is_empty() && silent {
                return Ok(());
            }
            let listens = self.reading == Reading::Open && self.has_room();
            let leave_at = self.leave_at;
            tokio::select! {
                read = reader.read_buf(self.lines.space()), if listens => {
                    if read? == 0 {
                        self.reading = Reading::Over;
                    }
                }
                written = writer.write(&self.unwritten), if !silent => {
                    self.unwritten.drain(..written?);
                }
                Some(line) = self.unanswered.next(), if !self.unanswered.is_empty() => {
                    self.unwritten.extend_from_slice(&line);
                }
                changed = self.snapshots.changed(), if silent && leave_at.is_none() => {
                    self.tell_news();
                    if changed.is_err() {
                        self.leave(ByeWord::Ended, "the station has ended");
                    }
                }
                () = at(leave_at) => return Ok(()),
            }
        }
    }

    fn has_room(&self) -> bool {
        self.unwritten.len() < MOST_UNWRITTEN_BYTES && self.unanswered.len() < MOST_UNANSWERED
    }

    /// Takes what has been read, as far as its answers have room.
    fn take_requests(&mut self) {
        while self.leave_at.is_none() && self.has_room() {
            let parsed = match self.lines.next(LONGEST_REQUEST_BYTES) {
                Ok(Some(line)) if line.trim_ascii().is_empty() => continue,
                Ok(Some(line)) => wire::parse(line),
                Ok(None) => return,
                Err(TooLong) => {
                    let text = format!("a line has more than {LONGEST_REQUEST_BYTES} bytes");
                    self.leave(ByeWord::TooLong, &text);
                    return;
                }
            };
            match parsed {
                Ok(request) => self.take(request),
                Err((id, why)) => self.refuse(id, Refused::Socket(SocketWord::Malformed, why)),
            }
        }
    }

    fn take(&mut self, request: Request) {
        let Request {
            id,
            what,
            warrant,
            role,
        } = request;
        match what {
            What::Ask(Ask::Shutdown) => {
                let text = "only the daemon's owner ends it: systemctl stop, or a signal";
                self.refuse(
                    Some(id),
                    Refused::Socket(SocketWord::OwnerOnly, text.to_owned()),
                );
            }
            What::Ask(ask) => match self.asks_as(role).try_ask(ask, warrant) {
                Ok(answer) => self.unanswered.push(Box::pin(async move {
                    line(match answer.await {
                        Ok(Ok(())) => Ok(answered(id)),
                        Ok(Err(refused)) => Err(refusal(Some(id), refused.into())),
                        Err(_) => Err(refusal(Some(id), not_asked(NotAsked::StationGone))),
                    })
                })),
                Err(why) => self.refuse(Some(id), not_asked(why)),
            },
            What::Query(query) => {
                let daemon = self.daemon.clone();
                self.unanswered.push(Box::pin(async move {
                    line(match daemon.answer(query).await {
                        Ok(what) => Ok(Answer {
                            id: Some(id),
                            ok: true,
                            what,
                        }),
                        Err(refused) => Err(refusal(Some(id), refused)),
                    })
                }));
            }
            What::Follow(streams) => {
                for stream in streams {
                    match stream {
                        Stream::Snapshots => self.shown = Some(Shown::Nothing),
                        Stream::Notices => self.feed = Some(Feed::from_the_first_told()),
                    }
                }
                push_line(&mut self.unwritten, &answered(id));
                self.snapshots.mark_changed();
            }
        }
    }

    /// The client, as no more than this.
    fn asks_as(&self, role: Option<Role>) -> Asker {
        let by = self.asker.by();
        let role = role.map_or(by.role, |least| least.min(by.role));
        self.asker.for_another(Who::new(&by.name, role))
    }

    fn refuse(&mut self, id: Option<u64>, why: Refused) {
        push_line(&mut self.unwritten, &refusal(id, why));
    }

    /// All that is new since the last time, of what is followed.
    fn tell_news(&mut self) {
        let now = Arc::clone(&self.snapshots.borrow_and_update());
        let out = &mut self.unwritten;
        if let Some(shown) = &mut self.shown {
            let changes = match shown {
                Shown::Nothing => None,
                Shown::Snapshot(before) => self.daemon.changes.between(before, &now),
            };
            match changes {
                Some(line) => out.extend_from_slice(&line),
                None => push_line(out, &Told::Snapshot(&now)),
            }
            *shown = Shown::Snapshot(now.clone());
        }
        if let Some(feed) = &mut self.feed {
            for item in feed.news(&now.notices) {
                match item {
                    Item::Missed(notices) => push_line(out, &Told::Missed(Missed::new(notices))),
                    Item::Notice(notice) => push_line(out, &Told::Notice(&notice)),
                }
            }
        }
    }

    fn leave(&mut self, word: ByeWord, text: &str) {
        let bye = Bye {
            word,
            text: text.to_owned(),
        };
        push_line(&mut self.unwritten, &Told::Bye(&bye));
        self.reading = Reading::Over;
        self.leave_at = Some(Instant::now() + FAREWELL);
    }
}

/// Never where there is no time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[derive(serde::Serialize)]
struct Nothing {}

fn answered(id: u64) -> Answer<Nothing> {
    Answer {
        id: Some(id),
        ok: true,
        what: Nothing {},
    }
}

fn refusal(id: Option<u64>, what: Refused) -> Answer<Refused> {
    Answer {
        id,
        ok: false,
        what,
    }
}

fn not_asked(why: NotAsked) -> Refused {
    let word = match why {
        NotAsked::QueueFull => SocketWord::Busy,
        NotAsked::StationGone => SocketWord::Ended,
    };
    Refused::Socket(word, why.to_string())
}

fn line(answer: Result<impl serde::Serialize, Answer<Refused>>) -> Vec<u8> {
    let mut line = Vec::new();
    match answer {
        Ok(answer) => push_line(&mut line, &answer),
        Err(refused) => push_line(&mut line, &refused),
    }
    line
}
