//! `flashline demo`: the main job on a simulated bench. Boards are simulated on pseudo-terminals and
//! opened like real ports; station, jobs, record and faces are those of `run`. What is on the bench is
//! a story (`story`), played by a `director`, judged by the record (`verdict`).

mod director;
mod stage;
mod story;
mod verdict;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::director::{Director, Halt};
use self::stage::{Stage, Tempo};
use self::story::{Round, Troubles};
use self::verdict::{Played, Verdict};
use super::Exit;
use super::faults;
use super::look::Look;
use super::session::{self, Face, HangUp};
use crate::dashboard::{self, Options, Quit};
use crate::event::{Role, Who};
use crate::manifest::Bundle;
use crate::port::SystemPorts;
use crate::record::{Reader, Record, Since};
use crate::settings::{AlarmSettings, FaceSettings, Fault, Settings};
use crate::sim::Bench;
use crate::station::Station;

/// Show the main job on a simulated bench, with nothing attached
///
/// Boards on pseudo-terminals are plugged, flashed and pulled in rounds by the same code that works on
/// a line. On a terminal the dashboard stays after the last round until `q`; otherwise the demo ends by
/// itself. Its supervisor is `demo`, with the PIN 1234: `P` stops the line and `G` lets it go on. Exit code
/// 0 when each board ended as the story says, else 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Slots of the bench, a board each per round
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    boards: u8,
    /// How often boards are plugged in
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Another seed is another story, told by other boards
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Troubles among the boards: none, all, or some of noise (damaged blocks on the line),
    /// pull (pulled in mid-write, plugged again in the next round), cell (a flash cell that does not
    /// hold), chip (a wrong chip), silent (never answers), with commas between
    #[arg(long, value_name = "LIST", default_value = "all")]
    faults: Troubles,
    /// One line per notice instead of the dashboard
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// One JSON object per notice instead of the dashboard; the closing table goes to standard error
    #[arg(long)]
    json: bool,
    /// The database to write; without it a new one in the temporary folder
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// No waiting: boards answer as fast as the computer can
    #[arg(long)]
    fast: bool,
    #[command(flatten)]
    look: Look,
}

pub fn run(args: Args) -> Exit {
    let face = Face::choose(args.plain, args.json);
    match play(&args, face) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::Failure
        }
    }
}

fn play(args: &Args, face: Face) -> Result<Exit, Box<dyn Error>> {
    let tempo = if args.fast { Tempo::Fast } else { Tempo::Paced };
    let (slots, rounds) = (usize::from(args.boards), usize::from(args.rounds));
    let story = story::tell(slots, rounds, &args.faults.0, args.seed);
    let database = args.db.as_deref().map(std::path::absolute).transpose()?;
    let stage = Stage::build(&std::env::temp_dir(), slots, tempo, database)?;
    let (settings, bundle) = load(&stage).map_err(|faults| {
        faults::tell(&faults);
        "the demo's own files are not in order"
    })?;
    let (record, interrupted) = Record::open(&stage.database)?;
    let began = jiff::Timestamp::now();
    let show = Show {
        settings,
        bundle,
        record,
        interrupted,
        face,
        options: args
            .look
            .options(face, &FaceSettings::default(), &AlarmSettings::default()),
        tempo,
        seed: args.seed,
    };
    let end = session::block_on(show.run(&stage, &story))??;
    let rows = Reader::open(&stage.database)?.jobs(Since(Some(began)))?;
    let verdict = Verdict::of(&story, &rows, end.played());
    let text = [
        end.table.as_str(),
        &verdict.table(),
        &end.remark(),
        &whereabouts(&stage),
    ]
    .concat();
    // a reader that has left wants no closing table
    let _ = match face {
        Face::Json => io::stderr().lock().write_all(text.as_bytes()),
        Face::Dashboard | Face::Plain => io::stdout().lock().write_all(text.as_bytes()),
    };
    Ok(if verdict.holds() && end.in_order() {
        Exit::Pass
    } else {
        Exit::Failure
    })
}

fn load(stage: &Stage) -> Result<(Settings, Arc<Bundle>), Vec<Fault>> {
    let settings = Settings::load(&stage.station_file)?;
    let bundle = Bundle::load(&settings.manifest)?;
    Ok((settings, Arc::new(bundle)))
}

/// Everything that is on when the curtain rises.
struct Show {
    settings: Settings,
    bundle: Arc<Bundle>,
    record: Record,
    interrupted: usize,
    face: Face,
    options: Options,
    tempo: Tempo,
    seed: u64,
}

impl Show {
    async fn run(self, stage: &Stage, story: &[Round]) -> Result<End, Box<dyn Error>> {
        let configured = self
            .settings
            .slots
            .iter()
            .map(|slot| stage.ports.join(slot.name.as_str()))
            .collect();
        let ports = Arc::new(SystemPorts::new(configured));
        let signal = CancellationToken::new();
        session::stop_on_signals(&signal, HangUp::Ends)?;
        let stop = signal.child_token();
        let bench = Bench::new(&stage.ports)?;
        let station = Station::start(
            self.settings,
            self.bundle,
            ports,
            self.record.clone(),
            self.interrupted,
            stop.clone(),
        )
        .await?;
        let (caption, captions) = watch::channel(None);
        let options = Options {
            quit: Quit::AtOnce,
            caption: Some(captions),
            ..self.options
        };
        let snapshots = station.snapshots.clone();
        let mut director = Director {
            bench,
            snapshots: snapshots.clone(),
            caption,
            tempo: self.tempo,
            seed: self.seed,
        };
        let played = async {
            let played = director.play(story).await;
            // the dashboard shows the last results until `q`; who reads lines has seen them
            if self.face != Face::Dashboard || matches!(&played, Err(halt) if halt.is_fault()) {
                stop.cancel();
            }
            played
        };
        let operator = Who::new("demo", Role::Operator);
        let shown = session::show(station, self.face, operator, options.clone(), &stop);
        let (shown, played) = tokio::join!(shown, played);
        self.record.close().await;
        shown?;
        let table = match self.face {
            // it has printed its own
            Face::Plain => String::new(),
            Face::Dashboard | Face::Json => dashboard::closing_table(&snapshots.borrow(), &options),
        };
        Ok(End {
            played,
            signalled: signal.is_cancelled(),
            table,
        })
    }
}

/// How it ended.
struct End {
    played: Result<(), Halt>,
    signalled: bool,
    table: String,
}

impl End {
    fn played(&self) -> Played {
        match &self.played {
            Err(halt) if !halt.is_fault() => Played::EndedEarly,
            _ => Played::ToTheEnd,
        }
    }

    /// Whoever presses `q` has seen enough; a signal or a fault leaves the demo undone.
    fn in_order(&self) -> bool {
        match &self.played {
            Ok(()) => true,
            Err(halt) => !halt.is_fault() && !self.signalled,
        }
    }

    fn remark(&self) -> String {
        match &self.played {
            Err(halt) if halt.is_fault() => format!("{halt}\n"),
            _ => String::new(),
        }
    }
}

/// Where the record is, and how to ask it.
fn whereabouts(stage: &Stage) -> String {
    // cargo tells its children the package's name
    let by_cargo = std::env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == "flashline");
    let command = match (by_cargo, cfg!(debug_assertions)) {
        (true, true) => "cargo run -- report",
        (true, false) => "cargo run --release -- report",
        (false, _) => "flashline report",
    };
    let database = shell_word(&stage.database);
    format!(
        "\nThe record is in {}. To read it:\n  {command} --db {database}\n",
        stage.database.display()
    )
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%".contains(c);
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_needs_it() {
        let check = |path: &str, expected: &str| assert_eq!(shell_word(path.as_ref()), expected);
        check("/tmp/demo-1/demo.db", "/tmp/demo-1/demo.db");
        check("/tmp/my demo.db", "'/tmp/my demo.db'");
        check("/tmp/o'clock.db", r"'/tmp/o'\''clock.db'");
    }
}
