//! What the commands share that talk to a running daemon: where its socket is, one question and its
//! answer, and what a refusal makes of the exit code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Exit, faults, session};
use crate::event::SlotId;
use crate::settings::{Settings, SocketSettings};
use crate::socket::{Client, ClientError, Refused, What};
use crate::station::{Ask, RequestRefused, Snapshot, Warrant};

/// Which daemon.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The station file of the daemon, which says where the socket is: station.toml here or, where there is
    /// none, the service's in /etc/flashline
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The daemon's socket, without a station file
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    socket: Option<PathBuf>,
}

impl Which {
    /// Where the socket is; mistakes in the station file are told.
    pub fn path(&self) -> Result<PathBuf, Exit> {
        match &self.socket {
            Some(path) => Ok(path.clone()),
            None => Ok(self.settings()?.socket.path),
        }
    }

    /// The station file, unless the socket was named without one; mistakes in it are told.
    pub fn station_file(&self) -> Result<Option<Settings>, Exit> {
        match self.socket {
            Some(_) => Ok(None),
            None => self.settings().map(Some),
        }
    }

    fn settings(&self) -> Result<Settings, Exit> {
        let config = self.config.as_deref().unwrap_or_else(|| usual());
        match Settings::load(config) {
            Ok(settings) => Ok(settings),
            Err(faults) => {
                faults::tell(&faults);
                Err(Exit::Usage)
            }
        }
    }

    /// Where a station's socket and its database are, whether it runs or not: as the station file says or,
    /// where there is none, beside each other.
    pub fn places(
        &self,
        database: Option<PathBuf>,
        otherwise: &str,
    ) -> Result<(PathBuf, PathBuf), Exit> {
        let config = self.config.as_deref().unwrap_or_else(|| usual());
        let named = database.is_none() && (self.config.is_some() || config.exists());
        let (socket, database) = if named && self.socket.is_none() {
            let settings = Settings::load(config).map_err(|found| {
                faults::tell(&found);
                Exit::Usage
            })?;
            (settings.socket.path, settings.database)
        } else {
            let database = database.unwrap_or_else(|| otherwise.into());
            (SocketSettings::beside(&database).path, database)
        };
        Ok((self.socket.clone().unwrap_or(socket), database))
    }

    /// Asks for one thing to be done; `why`: where that is the supervisor's.
    pub fn ask(&self, ask: Ask, why: Option<Arc<str>>) -> Exit {
        self.talk(async |client| {
            let answer = client
                .answer_with(What::Ask(ask), why.map(by_login))
                .await?;
            Ok(match answer {
                Ok(_) => Exit::Pass,
                Err(refused) => refusal(&refused),
            })
        })
    }

    /// Connects and talks; trouble is told.
    pub fn talk(&self, work: impl AsyncFnOnce(&mut Client) -> Result<Exit, ClientError>) -> Exit {
        match self.try_talk(work) {
            Ok(Ok(exit)) | Err(exit) => exit,
            Ok(Err(error)) => trouble(&error),
        }
    }

    /// Connects and talks. Where that could not even be tried, that is told, and the outer result an error.
    pub fn try_talk(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<Exit, ClientError>,
    ) -> Result<Result<Exit, ClientError>, Exit> {
        let path = self.path()?;
        let talk = async {
            let mut client = Client::connect(&path).await?;
            work(&mut client).await
        };
        session::block_on(talk).map_err(|error| trouble(&error))
    }
}

/// A slot, or the whole line.
#[derive(Debug, clap::Args)]
pub struct SlotOrLine {
    /// The slot; without one, the line
    #[arg(value_name = "SLOT")]
    slot: Option<String>,
    #[command(flatten)]
    which: Which,
}

impl SlotOrLine {
    /// Asks for one thing to be done to it.
    pub fn ask(self, slot: impl FnOnce(SlotId) -> Ask, line: Ask, why: Option<Arc<str>>) -> Exit {
        let ask = self.slot.map_or(line, |name| slot(SlotId::new(&name)));
        self.which.ask(ask, why)
    }
}

/// Why something is done that changes the line.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Why: kept in the record
    #[arg(long, value_name = "TEXT", value_parser = words)]
    why: String,
}

impl Why {
    pub fn text(self) -> Arc<str> {
        self.why.into()
    }
}

/// Of someone who is a supervisor by login.
pub fn by_login(why: Arc<str>) -> Warrant {
    Warrant { why, pin: None }
}

/// A word or more, as an argument.
pub fn words(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("say it in a word or more"),
        words => Ok(words.to_owned()),
    }
}

/// The station file where none is named.
pub fn usual() -> &'static Path {
    let (here, service) = ("station.toml", Path::new("/etc/flashline/station.toml"));
    if !Path::new(here).exists() && service.exists() {
        service
    } else {
        here.as_ref()
    }
}

/// Tells why there is no talking to the daemon.
pub fn trouble(error: &dyn std::error::Error) -> Exit {
    eprintln!("flashline: {error}");
    Exit::BenchError
}

/// Tells a refusal: what was asked for cannot be (usage), or cannot be now (the bench).
pub fn refusal(refused: &Refused) -> Exit {
    eprintln!("flashline: {refused}");
    match refused {
        Refused::Station(
            RequestRefused::NoSuchSlot(_)
            | RequestRefused::NotASerial(_)
            | RequestRefused::UnknownScan { .. }
            | RequestRefused::NoSuchBundle(_)
            | RequestRefused::NotALot(_)
            | RequestRefused::NoSuchLot(_)
            | RequestRefused::LotExists(_)
            | RequestRefused::NotOpen(_)
            | RequestRefused::WhyMissing
            | RequestRefused::SupervisorOnly { .. },
        ) => Exit::Usage,
        Refused::Station(_) | Refused::Socket(..) => Exit::BenchError,
    }
}

/// The snapshot of now.
pub async fn snapshot(client: &mut Client) -> Result<Box<Snapshot>, ClientError> {
    use crate::socket::{Event, Stream};
    client.follow(&[Stream::Snapshots]).await?;
    loop {
        match client.event().await? {
            Event::Snapshot(snapshot) => return Ok(snapshot),
            Event::Bye(_) => return Err(ClientError::Lost),
            _ => {}
        }
    }
}
