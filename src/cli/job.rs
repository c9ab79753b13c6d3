//! `flashline job`: the whole story of one job, from the record.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Exit, out};
use crate::record::{JobRow, Reader, RecordError, Story};
use crate::settings::DATABASE;

/// Tell the whole story of one job: the board, steps, what was tried again, log and console
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The job's id, or how it begins
    #[arg(value_name = "ID")]
    id: String,
    /// The database (it may be in use)
    #[arg(long, value_name = "FILE", default_value = DATABASE)]
    db: PathBuf,
}

pub fn run(args: Args) -> Exit {
    match find(&args.db, &args.id) {
        Ok(Found::One(story)) => {
            out::line(told(&story, &TimeZone::system()).trim_end());
            Exit::Pass
        }
        Ok(Found::None) => {
            eprintln!(
                "flashline: no job in {} has an id that begins with {}",
                args.db.display(),
                args.id
            );
            Exit::Usage
        }
        Ok(Found::Several(rows)) => {
            eprintln!("flashline: several jobs begin with {}:", args.id);
            for row in rows {
                eprintln!("  {}  {}", row.job, headline(&row, &TimeZone::system()));
            }
            Exit::Usage
        }
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::from(&error)
        }
    }
}

enum Found {
    None,
    One(Box<Story>),
    Several(Vec<JobRow>),
}

fn find(db: &Path, id: &str) -> Result<Found, RecordError> {
    let reader = Reader::open(db)?;
    let rows = reader.jobs_like(id)?;
    Ok(match rows.as_slice() {
        [row] => reader
            .story(row.job)?
            .map_or(Found::None, |story| Found::One(Box::new(story))),
        [] => Found::None,
        _ => Found::Several(rows),
    })
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// When, where, and how it ended.
fn headline(row: &JobRow, zone: &TimeZone) -> String {
    let end = match (row.outcome, row.code) {
        (None, _) => "running".to_owned(),
        (Some(outcome), None) => outcome.to_string(),
        (Some(outcome), Some(code)) => format!("{outcome} {code}"),
    };
    format!("{}  slot {}  {end}", time(row.started, zone), row.slot)
}

fn told(story: &Story, zone: &TimeZone) -> String {
    let row = &story.row;
    let mut text = String::new();
    let mut fact = |name: &str, value: &str| {
        // writing to a string does not fail
        let _ = writeln!(text, "{name:<8} {value}");
    };
    fact("job", &row.job.to_string());
    let bundle = row.bundle_digest.get(..12).unwrap_or(&row.bundle_digest);
    fact(
        "product",
        &format!("{} {}, bundle {bundle}", row.product, row.version),
    );
    if let Some(lot) = &row.lot {
        fact("lot", lot.as_str());
    }
    fact(
        "place",
        &format!("{}, slot {}: {}", row.station, row.slot, row.place),
    );
    fact("board", &board(row));
    let ended = row.ended.map_or("running".to_owned(), |ended| {
        let took = ended.duration_since(row.started).as_secs_f64();
        format!("to {}, {took:.1} s", time(ended, zone))
    });
    fact("time", &format!("{} {ended}", time(row.started, zone)));
    if let Some(outcome) = row.outcome {
        let code = row.code.map_or(String::new(), |code| format!(" {code}"));
        let detail = match row.detail.as_str() {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        fact("outcome", &format!("{outcome}{code}{detail}"));
    }
    let retries = row.retries;
    fact(
        "effort",
        &format!(
            "{} attempts; again: {} blocks, {} rates, {} connections",
            row.attempts, retries.blocks, retries.rates, retries.connections
        ),
    );
    if let Some(method) = row.written_by {
        fact(
            "written",
            &format!(
                "{} bytes by {} at {} baud; {} bytes were there already",
                row.bytes_written,
                method.name(),
                row.baud,
                row.bytes_skipped
            ),
        );
    }
    section(
        &mut text,
        "steps",
        story.steps.iter().map(|step| {
            let code = step.code.map_or(String::new(), |code| format!("  {code}"));
            let (began, took) = (step.began.as_secs_f64(), step.took.as_secs_f64());
            let name = step.step.name();
            format!(
                "{began:>8.3} {name:<9} {took:>7.3} s  attempt {}{code}",
                step.attempt
            )
        }),
    );
    section(
        &mut text,
        "regions",
        story.regions.iter().map(|region| {
            let found = match (region.found_md5, region.found_sha256) {
                (_, Some(_)) => "read back",
                (Some(_), None) => "MD5 by the chip",
                (None, None) => "not looked at",
            };
            format!(
                "{:#010x} {} {} bytes, {} of them there before; {found}",
                region.offset, region.name, region.size_bytes, region.skipped_bytes
            )
        }),
    );
    let boot = story.boot.as_ref();
    let measured = boot.iter().flat_map(|boot| &boot.measurements);
    section(
        &mut text,
        "measured",
        measured.map(|value| {
            let limit =
                |limit: Option<f64>| limit.map_or("…".to_owned(), |limit| limit.to_string());
            let judged = if value.is_within() { "" } else { "  OUTSIDE" };
            format!(
                "{} {} {} ({} to {}){judged}",
                value.name,
                value.value,
                value.unit,
                limit(value.low),
                limit(value.high)
            )
        }),
    );
    match &story.log {
        Some(log) => section(&mut text, "log", log.lines().map(shown)),
        None => section(&mut text, "log", std::iter::once(no_log(row).to_owned())),
    }
    let console = boot.iter().flat_map(|boot| boot.text.lines());
    section(&mut text, "console", console.map(shown));
    text
}

/// A heading with its lines; nothing without any.
fn section(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        *text += &format!("\n{heading}\n");
    }
    for line in lines {
        *text += &format!("  {line}\n");
    }
}

fn no_log(row: &JobRow) -> &'static str {
    match row.outcome {
        None => "is written when the job ends",
        Some(_) => "there is none: flashline ended before the job did, or knew of no logs yet",
    }
}

fn board(row: &JobRow) -> String {
    let mut words = match &row.identity {
        None => vec!["not identified".to_owned()],
        Some(identity) => vec![identity.in_a_line()],
    };
    words.extend(row.serial.as_ref().map(|serial| format!("serial {serial}")));
    words.join(", ")
}

/// A line without what would move a terminal's cursor.
fn shown(line: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    line.chars().map(plain).collect()
}

#[cfg(test)]
mod tests;
