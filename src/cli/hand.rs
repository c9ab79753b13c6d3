//! What the commands that work on one board by hand share: the options, connecting and letting go,
//! what is said on the way and at the end, the exit code. Leaves out what each does with the board.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::screen::{Screen, Style};
use super::{Exit, info, out, session};
use crate::event::{Code, Outcome, StopReason};
use crate::hand::{Board, Done, HandError, Options, Part};
use crate::image::hex;
use crate::job::StubUse;
use crate::lang::{Language, advice};
use crate::port::StopHandle;
use crate::settings::{After, Reset, load_stubs};

/// How a board is reached and let go.
#[derive(Debug, clap::Args)]
pub(super) struct Reach {
    /// The board's serial port: a device file, a pty, a symlink to one, rfc2217://host:port or
    /// socket://host:port
    #[arg(long, value_name = "PORT")]
    pub(super) port: PathBuf,
    /// The rate to begin with; lower ones are tried where it does not hold
    #[arg(long, value_name = "RATE", default_value_t = 921_600, value_parser = clap::value_parser!(u32).range(9_600..=5_000_000))]
    baud: u32,
    /// How the board gets into its loader: auto, tight, classic, usb-jtag, usb-otg, none, or a
    /// sequence such as D0|R1|W0.1|D1|R0|W0.05|D0
    #[arg(long, value_name = "HOW", default_value = "auto")]
    before: Reset,
    /// What becomes of the board afterwards: auto, hard (RTS), watchdog, or stay in its loader
    #[arg(long, value_name = "HOW", default_value = "auto")]
    after: After,
    /// Let the chip's ROM work, without Espressif's flasher stub
    #[arg(long)]
    no_stub: bool,
    /// The stub folder of an installed esptool (esptool/targets/stub_flasher/2): has the ESP8266's stub
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_stub")]
    stub_dir: Option<PathBuf>,
    /// JSON lines on standard output: progress, and the result as the last one
    #[arg(long)]
    pub(super) json: bool,
}

/// Where the partition table is.
#[derive(Debug, clap::Args)]
pub(super) struct TableAt {
    /// Where the partition table is
    #[arg(long, value_name = "OFFSET", default_value = "0x8000", value_parser = number)]
    pub(super) partition_table_offset: u32,
}

/// A flash range, by its numbers or by the name of a partition.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// Where it begins
    #[arg(long, value_name = "OFFSET", value_parser = number, requires = "size")]
    offset: Option<u32>,
    /// How long it is: bytes, or with KB or MB
    #[arg(long, value_name = "SIZE", value_parser = number)]
    size: Option<u32>,
    /// The partition of this name in the board's own partition table
    #[arg(long, value_name = "NAME", conflicts_with_all = ["offset", "size"])]
    pub(super) partition: Option<String>,
    #[command(flatten)]
    table: TableAt,
}

impl Where {
    /// The range, or `None` where none was asked for.
    pub(super) async fn range(&self, board: &mut Board) -> Result<Option<Range<u32>>, HandError> {
        if let Some(name) = &self.partition {
            let table_offset = self.table.partition_table_offset;
            let range = board.partition(table_offset, name).await?.range();
            // a table's numbers are of 32 bits each
            let end = u32::try_from(range.end).unwrap_or(u32::MAX);
            return Ok(Some(range.start as u32..end));
        }
        Ok(self.size.map(|size| {
            let start = self.offset.unwrap_or(0);
            start..start.saturating_add(size)
        }))
    }
}

/// The result of a command, for both faces.
pub(super) struct Report {
    /// What people read, on stdout.
    pub(super) text: String,
    /// The fields of the JSON result.
    pub(super) fields: Value,
    /// Whether it was what was hoped for.
    pub(super) exit: Exit,
}

/// Connects, does the work, lets the board go, reports. `command` is the word on the command line.
pub(super) fn run(
    command: &'static str,
    reach: &Reach,
    work: impl AsyncFnOnce(&mut Board) -> Result<Report, HandError>,
) -> Exit {
    match session::block_on(connect_and(command, reach, work)) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("flashline: no threads to work with: {error}");
            Exit::BenchError
        }
    }
}

async fn connect_and(
    command: &'static str,
    reach: &Reach,
    work: impl AsyncFnOnce(&mut Board) -> Result<Report, HandError>,
) -> Exit {
    let stubs = match reach.stub_dir.as_deref().map(load_stubs).transpose() {
        Ok(stubs) => Arc::new(stubs.unwrap_or_default()),
        Err(error) => return usage(command, reach, &format!("--stub-dir: {error}")),
    };
    let style = if reach.json {
        Style::Json
    } else {
        Style::People
    };
    let screen = Arc::new(Screen::new(style));
    let (handle, stop) = StopHandle::new();
    let signals = CancellationToken::new();
    if let Err(error) = session::stop_on_signals(&signals, session::HangUp::Ends) {
        eprintln!("flashline: {error}");
        return Exit::BenchError;
    }
    let asked = signals.clone();
    tokio::spawn(async move {
        asked.cancelled().await;
        handle.ask(StopReason::Shutdown);
    });
    let options = Options::new(&reach.port)
        .baud(reach.baud)
        .before(reach.before.clone())
        .after(reach.after)
        .stub(if reach.no_stub {
            StubUse::RomDeflate
        } else {
            StubUse::Stub
        })
        .stubs(stubs)
        .who(&format!("flashline {command}"))
        .reports(screen.clone())
        .stop(stop);
    let worked = match Board::connect(options).await {
        Ok(mut board) => {
            if let Some(mac) = board.identity().mac {
                screen.line(format!("{mac} {}", board.identity().chip));
            }
            let worked = work(&mut board).await;
            let let_go = board.reset().await;
            // what was read is read, whatever came after
            worked.and_then(|report| let_go.map(|()| report))
        }
        Err(error) => Err(error),
    };
    screen.close();
    signals.cancel();
    match worked {
        Ok(report) => succeed(command, reach, report),
        Err(error) => fail(command, reach, &error),
    }
}

fn succeed(command: &str, reach: &Reach, report: Report) -> Exit {
    if reach.json {
        let ok = report.exit == Exit::Pass;
        let mut object = json!({ "event": "result", "command": command, "ok": ok });
        merge(&mut object, report.fields);
        out::line(&object.to_string());
    } else {
        out::line(report.text.trim_end());
    }
    report.exit
}

/// Tells an error with its advice, as a sentence or as the JSON result.
pub(super) fn fail(command: &str, reach: &Reach, error: &HandError) -> Exit {
    let code = error.code();
    let identity = match error {
        HandError::Failed { identity, .. } => identity.as_deref(),
        _ => None,
    };
    if reach.json {
        let words = code.map(|code| advice(code, Language::English));
        let mut object = json!({
            "event": "result",
            "command": command,
            "ok": false,
            "code": code.map(Code::word),
            "detail": error.to_string(),
            "what_to_do": words.map(|words| words.remedy),
        });
        if let Some(identity) = identity {
            merge(&mut object, info::identity_fields(identity));
        }
        out::line(&object.to_string());
        return exit(error);
    }
    if let Some(identity) = identity {
        eprint!("{}", info::identity_text(identity));
    }
    explain(command, error)
}

/// An error with its advice, as a sentence on stderr.
pub(super) fn explain(command: &str, error: &HandError) -> Exit {
    match error.code() {
        Some(code) => {
            let words = advice(code, Language::English);
            eprintln!(
                "flashline {command}: {code}: {} ({error}). {}",
                words.happened, words.remedy
            );
        }
        None => eprintln!("flashline {command}: {error}"),
    }
    exit(error)
}

fn exit(error: &HandError) -> Exit {
    match (error.code().map(Code::outcome), error) {
        (None, HandError::Sink(error)) if is_usage(error) => Exit::Usage,
        (Some(Outcome::Error), _) | (None, HandError::Sink(_)) => Exit::BenchError,
        (Some(Outcome::Written), _) => Exit::NotVerified,
        (Some(Outcome::Aborted), _) => Exit::Failure,
        (Some(_), _) => Exit::BoardFailed,
        (None, _) => Exit::Usage,
    }
}

/// A file that is there already, a name that cannot be made: not the disk's trouble.
fn is_usage(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, InvalidInput, NotFound};
    matches!(error.kind(), AlreadyExists | InvalidInput | NotFound)
}

/// What was asked for makes no sense, before any board was touched.
pub(super) fn usage(command: &str, reach: &Reach, says: &str) -> Exit {
    if reach.json {
        let object = json!({
            "event": "result", "command": command, "ok": false, "code": null, "detail": says,
        });
        out::line(&object.to_string());
    } else {
        eprintln!("flashline {command}: {says}");
    }
    Exit::Usage
}

/// Puts the fields of one object into another.
pub(super) fn merge(into: &mut Value, fields: Value) {
    if let (Value::Object(into), Value::Object(fields)) = (into, fields) {
        into.extend(fields);
    }
}

/// What every result tells of the board.
pub(super) fn board_fields(board: &Board) -> Value {
    let identity = board.identity();
    json!({
        "chip": identity.chip.name(),
        "mac": identity.mac.map(|mac| mac.to_string()),
    })
}

/// What a piece of work took.
pub(super) fn done_fields(done: &Done) -> Value {
    json!({
        "bytes": done.bytes,
        "seconds": done.took.as_millis() as f64 / 1000.0,
        "baud": done.baud,
        "retries": done.retries,
    })
}

/// `1048576 bytes in 11.9 s (86 KB/s, 2 retries)`
pub(super) struct Took<'a>(pub(super) &'a Done);

impl fmt::Display for Took<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Done {
            bytes,
            took,
            retries,
            ..
        } = self.0;
        let seconds = took.max(&Duration::from_millis(1)).as_secs_f64();
        let speed = *bytes as f64 / 1024.0 / seconds;
        write!(f, "{bytes} bytes in {seconds:.1} s ({speed:.0} KB/s")?;
        match retries {
            0 => f.write_str(")"),
            1 => f.write_str(", 1 retry)"),
            _ => write!(f, ", {retries} retries)"),
        }
    }
}

/// `OFFSET FILE [OFFSET FILE …]` as parts, or what is wrong with them.
pub(super) fn parts(words: &[String]) -> Result<Vec<Part>, String> {
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err("say OFFSET FILE, as often as there are files".to_owned());
    }
    words
        .chunks(2)
        .map(|pair| {
            let offset = number(&pair[0])?;
            let bytes = fs::read(&pair[1]).map_err(|error| format!("{}: {error}", pair[1]))?;
            let name = Path::new(&pair[1]).file_name();
            Ok(Part {
                name: name.map_or_else(|| pair[1].clone(), |name| name.to_string_lossy().into()),
                offset,
                bytes,
            })
        })
        .collect()
}

/// The parts as a result tells them.
pub(super) fn part_fields(parts: &[Part]) -> Value {
    let one = |part: &Part| {
        json!({
            "name": part.name,
            "offset": part.offset,
            "bytes": part.bytes.len(),
            "sha256": hex(&crate::image::sha256(&part.bytes)),
        })
    };
    parts.iter().map(one).collect()
}

/// `0x1000`, `4096`, `64KB`, `64K`, `4MB`, `4M`.
pub(super) fn number(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text} is no number of bytes: 4096, 0x1000, 64KB and 4MB are");
    let lower = text.trim().to_ascii_lowercase().replace('_', "");
    let (digits, unit) = match lower.trim_end_matches('b') {
        _ if lower.starts_with("0x") => (lower.as_str(), 1),
        short => match (short.strip_suffix('k'), short.strip_suffix('m')) {
            (Some(digits), _) => (digits, 1 << 10),
            (_, Some(digits)) => (digits, 1 << 20),
            _ => (lower.as_str(), 1),
        },
    };
    let value: u32 = match digits.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.trim().parse(),
    }
    .map_err(|_| wrong())?;
    value.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes() {
        let check = |text, expected: Option<u32>| assert_eq!(number(text).ok(), expected, "{text}");
        check("4096", Some(4096));
        check("0x1000", Some(0x1000));
        check("0x1b", Some(0x1B));
        check("0X1_0000", Some(0x1_0000));
        check("64KB", Some(0x1_0000));
        check("64k", Some(0x1_0000));
        check("4 MB", Some(4 << 20));
        check("4M", Some(4 << 20));
        check("4096M", None);
        check("1 GB", None);
        check("-1", None);
        check("", None);
        check("0x", None);
        check("b", None);
    }

    #[test]
    fn what_it_took() {
        let mut done = Done {
            bytes: 1 << 20,
            took: Duration::from_millis(11_900),
            retries: 0,
            baud: 921_600,
        };
        let check = |done: &Done, expected| assert_eq!(Took(done).to_string(), expected);
        check(&done, "1048576 bytes in 11.9 s (86 KB/s)");
        done.retries = 2;
        check(&done, "1048576 bytes in 11.9 s (86 KB/s, 2 retries)");
    }
}
