//! The other end of the socket, for flashline's own commands: connects, holds the daemon to the protocol's
//! version, turns lines into events.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::changes::Changes;
use super::line::Lines;
use super::wire::{
    Bye, Hello, Line, Missed, PROTOCOL, Refused, Request, Stream, What, push_line, refusal,
};
use crate::event::{Notice, Role};
use crate::station::{Snapshot, Warrant};

/// Longer than any line of the daemon's: a whole job with its logs is the longest.
const LONGEST_LINE_BYTES: usize = 16 << 20;

/// How long a daemon may take to say hello.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take to answer: a commit may wait for a slow disk.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no talking to the daemon.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(
        "no flashline answers at {}: start `flashline run`, or name its socket with --socket",
        path.display()
    )]
    Absent { path: PathBuf },
    #[error(
        "{} may not be used by this user: only by the daemon's own and by the group that `group` in \
         [socket] names", path.display()
    )]
    Denied { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Connect { path: PathBuf, source: io::Error },
    #[error(
        "the daemon (flashline {flashline}) speaks version {theirs} of the protocol and this flashline \
         ({}) version {PROTOCOL}: use the flashline that the daemon was started from",
        env!("CARGO_PKG_VERSION")
    )]
    Protocol { theirs: u32, flashline: String },
    #[error("the daemon closes the connection: {text}")]
    TurnedAway { text: String },
    #[error("the daemon takes the connection and says nothing: is it stopped?")]
    Silent,
    #[error("the daemon is gone")]
    Lost,
    #[error("the daemon says what is not of the protocol: {0}")]
    Garbled(String),
}

/// What the daemon tells.
#[derive(Debug)]
pub enum Event {
    Snapshot(Box<Snapshot>),
    Changes(Box<Changes>),
    Notice(Arc<Notice>),
    Missed(u64),
    Answer {
        id: u64,
        /// Its line.
        answer: Result<String, Refused>,
    },
    Bye(Bye),
    /// Something that a newer daemon tells.
    Other,
}

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    lines: Lines,
    hello: Hello,
    asked: u64,
    /// As no more than this; `None`: as whoever the daemon takes this process for.
    role: Option<Role>,
}

impl Client {
    /// Connects and hears the hello.
    ///
    /// # Errors
    /// Nobody answers, or speaks another version of the protocol.
    pub async fn connect(path: &Path) -> Result<Client, ClientError> {
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            Err(source) => {
                let path = path.to_owned();
                return Err(match source.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                        ClientError::Absent { path }
                    }
                    io::ErrorKind::PermissionDenied => ClientError::Denied { path },
                    // as many wait as the kernel lets: nobody takes them
                    io::ErrorKind::WouldBlock => ClientError::Silent,
                    _ => ClientError::Connect { path, source },
                });
            }
        };
        let mut client = Client {
            stream,
            lines: Lines::default(),
            hello: Hello {
                protocol: PROTOCOL,
                flashline: String::new(),
                station: String::new(),
                you: String::new(),
                role: Role::Operator,
            },
            asked: 0,
            role: None,
        };
        let first = tokio::time::timeout(PATIENCE, client.line());
        let first = first.await.map_err(|_| ClientError::Silent)??;
        client.hello = hello(&first)?;
        Ok(client)
    }

    /// The same, asking as an operator from now on.
    #[must_use]
    pub fn as_operator(self) -> Client {
        let role = Some(Role::Operator);
        Client { role, ..self }
    }

    /// Who the daemon is and takes this process for.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks something; its answer carries the number that is returned.
    ///
    /// # Errors
    /// The daemon is gone.
    pub async fn ask(&mut self, what: What) -> Result<u64, ClientError> {
        self.ask_with(what, None).await
    }

    /// Asks what changes the line, with what makes it a supervisor's.
    ///
    /// # Errors
    /// The daemon is gone.
    pub async fn ask_with(
        &mut self,
        what: What,
        warrant: Option<Warrant>,
    ) -> Result<u64, ClientError> {
        self.asked += 1;
        let mut line = Vec::new();
        let id = self.asked;
        let request = Request {
            id,
            what,
            warrant,
            role: self.role,
        };
        push_line(&mut line, &request);
        let written = self.stream.write_all(&line).await;
        written.map_err(|_| ClientError::Lost)?;
        Ok(id)
    }

    /// Asks, and waits for the answer's line; what else is told until then is left out.
    ///
    /// # Errors
    /// The daemon is gone, or has refused: the inner one.
    pub async fn answer(&mut self, what: What) -> Result<Result<String, Refused>, ClientError> {
        self.answer_with(what, None).await
    }

    /// The same with what makes it a supervisor's.
    ///
    /// # Errors
    /// As of [`Client::answer`].
    pub async fn answer_with(
        &mut self,
        what: What,
        warrant: Option<Warrant>,
    ) -> Result<Result<String, Refused>, ClientError> {
        let id = self.ask_with(what, warrant).await?;
        let answered = tokio::time::timeout(ANSWER_PATIENCE, self.answer_to(id));
        answered.await.map_err(|_| ClientError::Silent)?
    }

    async fn answer_to(&mut self, id: u64) -> Result<Result<String, Refused>, ClientError> {
        loop {
            let line = self.line().await?;
            let read = read(&line)?;
            match read {
                Line { bye: Some(bye), .. } => {
                    return Err(ClientError::TurnedAway { text: bye.text });
                }
                Line {
                    id: Some(answered),
                    ok: Some(ok),
                    ..
                } if answered == id => {
                    return Ok(if ok { Ok(line) } else { Err(refusal(&line)) });
                }
                _ => {}
            }
        }
    }

    /// From now on tells these; the answer comes among the events.
    ///
    /// # Errors
    /// The daemon is gone.
    pub async fn follow(&mut self, streams: &[Stream]) -> Result<u64, ClientError> {
        self.ask(What::Follow(streams.to_vec())).await
    }

    /// The next line as it came. May be dropped while it waits.
    ///
    /// # Errors
    /// The daemon is gone.
    pub async fn line(&mut self) -> Result<String, ClientError> {
        loop {
            match self.lines.next(LONGEST_LINE_BYTES) {
                Ok(Some(line)) => {
                    let text = String::from_utf8(line.to_vec());
                    return text.map_err(|_| ClientError::Garbled("no UTF-8".to_owned()));
                }
                Ok(None) => {}
                Err(_) => return Err(ClientError::Garbled("an endless line".to_owned())),
            }
            match self.stream.read_buf(self.lines.space()).await {
                Ok(0) | Err(_) => return Err(ClientError::Lost),
                Ok(_) => {}
            }
        }
    }

    /// The next event. May be dropped while it waits.
    ///
    /// # Errors
    /// The daemon is gone, or does not keep to the protocol.
    pub async fn event(&mut self) -> Result<Event, ClientError> {
        let line = self.line().await?;
        event(&line)
    }
}

fn hello(line: &str) -> Result<Hello, ClientError> {
    // the version is read alone: the rest of another version's hello may be different
    #[derive(Deserialize)]
    struct Versions {
        protocol: u32,
        #[serde(default)]
        flashline: String,
    }
    #[derive(Deserialize)]
    struct First<'a> {
        #[serde(borrow)]
        hello: Option<&'a RawValue>,
        bye: Option<Bye>,
    }
    let first: First<'_> = parsed(line)?;
    if let Some(bye) = first.bye {
        return Err(ClientError::TurnedAway { text: bye.text });
    }
    let Some(hello) = first.hello else {
        return Err(ClientError::Garbled(line.to_owned()));
    };
    let versions: Versions = parsed(hello.get())?;
    if versions.protocol != PROTOCOL {
        return Err(ClientError::Protocol {
            theirs: versions.protocol,
            flashline: versions.flashline,
        });
    }
    parsed(hello.get())
}

fn event(line: &str) -> Result<Event, ClientError> {
    Ok(match read(line)? {
        Line {
            snapshot: Some(it), ..
        } => Event::Snapshot(parsed(it.get())?),
        Line {
            changes: Some(it), ..
        } => Event::Changes(parsed(it.get())?),
        Line {
            notice: Some(it), ..
        } => match serde_json::from_str::<Missed>(it.get()) {
            Ok(missed) => Event::Missed(missed.notices),
            Err(_) => Event::Notice(parsed(it.get())?),
        },
        Line { bye: Some(bye), .. } => Event::Bye(bye),
        Line {
            id: Some(id),
            ok: Some(ok),
            ..
        } => Event::Answer {
            id,
            answer: if ok {
                Ok(line.to_owned())
            } else {
                Err(refusal(line))
            },
        },
        _ => Event::Other,
    })
}

fn read(line: &str) -> Result<Line<'_>, ClientError> {
    parsed(line)
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ClientError> {
    serde_json::from_str(text).map_err(|error| ClientError::Garbled(error.to_string()))
}

#[cfg(test)]
mod tests;
