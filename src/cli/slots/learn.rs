//! `flashline slots learn`: the ports of this machine, someone's keys and the clock, brought to a `Lesson`;
//! what it comes to is shown and written. It watches and opens no port, so it works beside a running
//! station.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use super::file::{StationFile, WriteError};
use super::keys::{Keys, Said, SingleKeys, Style};
use super::layout::{Change, Names, Unseen};
use super::lesson::{Bench, Interfaces, Key, Learned, Lesson, Terms};
use super::{Exit, Which};
use crate::cli::{faults, out, session};
use crate::port::{Ports, SystemPorts};
use crate::settings::{Place, Settings};

/// Ask for a board in place 1, 2, 3 …, and write each place as a slot into the station file
///
/// Keys (from a pipe: lines): Enter or s skips a place, u undoes the last one, q ends and writes, Ctrl-C
/// writes nothing. What is plugged in already counts when it is plugged in anew. Slots that the file has
/// keep their names and keys; slots with a path of their own are left alone. No port is opened. Exit
/// code: 0 written, 1 nothing was learned or it was declined, 4 usage or a station file with faults.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Rows of the bench, from the back
    #[arg(long, requires = "columns", value_parser = clap::value_parser!(u16).range(1..=64))]
    rows: Option<u16>,
    /// Columns of the bench, from the left: places are counted row by row
    #[arg(long, requires = "rows", value_parser = clap::value_parser!(u16).range(1..=64))]
    columns: Option<u16>,
    /// So many places, without rows and columns; else as many as come until q
    #[arg(long, conflicts_with = "rows", value_parser = clap::value_parser!(u32).range(1..=1024))]
    count: Option<u32>,
    /// Each line of an adapter that has several is a place, in their order
    #[arg(long)]
    each_interface: bool,
    /// Name slots that the file has by their place's number too
    #[arg(long)]
    rename: bool,
    /// A fresh layout: slots on USB that nobody plugs a board into are taken out of the file
    #[arg(long)]
    fresh: bool,
    /// Do not ask before something in the file is replaced
    #[arg(long)]
    yes: bool,
    /// The station's name, where there is no station file yet
    #[arg(long, value_name = "NAME")]
    station: Option<String>,
    /// The manifest's path, where there is no station file yet
    #[arg(long, value_name = "FILE")]
    manifest: Option<String>,
}

/// The names of a station file that nobody has filled in.
const STATION: &str = "bench-1";
const MANIFEST: &str = "manifest.toml";

pub fn run(args: Args) -> Exit {
    let file = match station_file(&args) {
        Ok(file) => file,
        Err(exit) => return exit,
    };
    match session::block_on(at_the_bench(&args, &file)) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::BenchError
        }
    }
}

fn station_file(args: &Args) -> Result<StationFile, Exit> {
    let path = &args.which.config;
    let read = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let station = args.station.as_deref().unwrap_or(STATION);
            let manifest = args.manifest.as_deref().unwrap_or(MANIFEST);
            StationFile::minimal(path, station, manifest)
        }
        _ if args.station.is_some() || args.manifest.is_some() => {
            eprintln!(
                "flashline: {} is there already: change `station` and `manifest` in it by hand",
                path.display()
            );
            return Err(Exit::Usage);
        }
        _ => StationFile::load(path),
    };
    read.map_err(|told| {
        faults::tell(&told);
        Exit::Usage
    })
}

/// On the thread that runs the program, which may wait for a slow terminal.
async fn at_the_bench(args: &Args, file: &StationFile) -> Exit {
    let stop = CancellationToken::new();
    if let Err(error) = session::stop_on_signals(&stop, session::HangUp::Ends) {
        eprintln!("flashline: {error}");
        return Exit::BenchError;
    }
    // without a terminal keys come as lines
    let single_keys = SingleKeys::begin().ok();
    let style = match &single_keys {
        Some(_) => Style::Terminal,
        None => Style::Lines,
    };
    let ports = SystemPorts::new(file.settings.paths());
    let mut teacher = Teacher {
        keys: Some(Keys::new(tokio::io::stdin(), style)),
        stop,
        say: out::line,
    };
    teacher.teach(args, file, &ports).await
}

struct Teacher<R, S> {
    /// `None` where no key will come any more.
    keys: Option<Keys<R>>,
    stop: CancellationToken,
    say: S,
}

/// What ended the waiting.
enum Heard {
    Key(Key),
    KeysGone,
    Port(crate::port::PortChange),
    Due,
    Stopped,
}

impl<R: AsyncRead + Unpin, S: FnMut(&str)> Teacher<R, S> {
    async fn teach(&mut self, args: &Args, file: &StationFile, ports: &impl Ports) -> Exit {
        let Some(learned) = self.learn(terms(args, &file.settings), ports).await else {
            return self.nothing("stopped");
        };
        let names = if args.rename {
            Names::ByNumber
        } else {
            Names::Kept
        };
        let unseen = if args.fresh {
            Unseen::Removed
        } else {
            Unseen::Kept
        };
        let change = Change::of(&file.settings.slots, &learned, names, unseen);
        if learned.is_empty() {
            return self.nothing("nothing was learned");
        }
        let path = &args.which.config;
        (self.say)(&format!("\n{}:\n{change}", path.display()));
        if change.is_nothing() {
            (self.say)("The file says so already.");
            return Exit::Pass;
        }
        if change.replaces() && !args.yes && !self.confirmed().await {
            return self.nothing("declined");
        }
        match self.write(path, file, &change) {
            Ok(()) => {
                if file.settings.slots.is_empty() && file.settings.manifest.ends_with(MANIFEST) {
                    (self.say)("Check that `manifest` in it names your manifest.");
                }
                (self.say)("A station that runs takes it at its next start.");
                Exit::Pass
            }
            Err(exit) => exit,
        }
    }

    fn nothing(&mut self, why: &str) -> Exit {
        (self.say)(&format!("{why}: nothing was written"));
        Exit::Failure
    }

    /// The lesson; `None` where it was broken off.
    async fn learn(&mut self, terms: Terms, ports: &impl Ports) -> Option<Vec<Learned>> {
        let mut changes = ports.watch();
        let mut lesson = Lesson::new(terms);
        (self.say)("Enter, s: skip   u: undo the last   q: write and end   Ctrl-C: write nothing");
        let mut asked = String::new();
        loop {
            if lesson.is_over() {
                return Some(lesson.learned());
            }
            let question = lesson.question();
            if question != asked {
                (self.say)(&question);
                asked = question;
            }
            let heard = tokio::select! {
                // a board that is there counts before a key that ends the lesson
                biased;
                () = self.stop.cancelled() => Heard::Stopped,
                change = changes.recv() => change.map_or(Heard::Stopped, Heard::Port),
                () = due(lesson.due()) => Heard::Due,
                said = next(&mut self.keys) => match said {
                    Some(Said::Key(key)) => Heard::Key(key),
                    Some(Said::Unknown(line)) => {
                        (self.say)(&format!("{line:?} means nothing here: s, u or q"));
                        continue;
                    }
                    None => Heard::KeysGone,
                },
            };
            let now = tokio::time::Instant::now().into_std();
            let said = match heard {
                Heard::Stopped => return None,
                Heard::Port(change) => lesson.port(now, change),
                Heard::Due => lesson.tick(now),
                Heard::Key(key) => {
                    asked.clear();
                    lesson.key(key)
                }
                Heard::KeysGone => {
                    self.keys = None;
                    Vec::new()
                }
            };
            for line in &said {
                (self.say)(line);
            }
            if self.keys.is_none() {
                for line in lesson.keys_gone() {
                    (self.say)(&line);
                }
            }
        }
    }

    async fn confirmed(&mut self) -> bool {
        (self.say)("This replaces what the file says. Write it? y or n");
        loop {
            let said = tokio::select! {
                () = self.stop.cancelled() => return false,
                said = next(&mut self.keys) => said,
            };
            match said {
                Some(Said::Key(Key::Yes)) => return true,
                None | Some(Said::Key(Key::No | Key::Finish)) => return false,
                Some(_) => (self.say)("y or n"),
            }
        }
    }

    fn write(&mut self, path: &Path, file: &StationFile, change: &Change) -> Result<(), Exit> {
        let text = change.apply(file.source.text()).map_err(|error| {
            eprintln!("flashline: {} was not changed: {error}", path.display());
            Exit::Usage
        })?;
        file.replace(&text).map_err(|error| {
            eprintln!("flashline: {} was not changed: {error}", path.display());
            match error {
                WriteError::Faults(told) => {
                    faults::tell(&told);
                    Exit::Usage
                }
                WriteError::ChangedMeanwhile { .. } | WriteError::Io { .. } => Exit::Failure,
            }
        })?;
        (self.say)(&format!("{} is written.", path.display()));
        Ok(())
    }
}

fn terms(args: &Args, settings: &Settings) -> Terms {
    let bench = match (args.rows, args.columns, args.count) {
        (Some(rows), Some(columns), _) => Bench::Grid { rows, columns },
        (_, _, Some(count)) => Bench::Count(count),
        _ => Bench::Open,
    };
    let known = settings.slots.iter().filter_map(|slot| match &slot.place {
        Place::Usb(place) => Some((place.clone(), slot.name.clone())),
        Place::Path(_) => None,
    });
    Terms {
        bench,
        interfaces: if args.each_interface {
            Interfaces::Each
        } else {
            Interfaces::Ask
        },
        settle: settings.settle.max(GATHER),
        known: known.collect(),
    }
}

/// The lines of one adapter come within this time of each other, whatever `settle_ms` says.
const GATHER: Duration = Duration::from_millis(100);

/// Never where nothing is due.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Never where no key will come.
async fn next<R: AsyncRead + Unpin>(keys: &mut Option<Keys<R>>) -> Option<Said> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
