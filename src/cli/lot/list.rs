//! `flashline lot list`: how far each lot is, as a running daemon tells it, or a database.

use std::path::{Path, PathBuf};

use super::super::daemon::{self, Which};
use super::super::{Exit, out};
use crate::event::{FirstArticle, LotState};
use crate::record::{LotStanding, Reader};
use crate::socket::ClientError;

/// Tell how far the lots are
///
/// Of a running daemon, those that have not ended; where none answers, or with --db, every lot in the database.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One object with all of them, for programs
    #[arg(long)]
    json: bool,
    /// Read this database (it may be in use)
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Exit {
    if let Some(db) = &args.db {
        return of_database(args, db);
    }
    let asked = args.which.try_talk(async |client| {
        let snapshot = daemon::snapshot(client).await?;
        Ok(show(args, &snapshot.standing.lots))
    });
    match asked {
        Ok(Ok(exit)) | Err(exit) => exit,
        Ok(Err(absent @ ClientError::Absent { .. })) => match args.which.station_file() {
            Ok(Some(settings)) if settings.database.exists() => {
                of_database(args, &settings.database)
            }
            Ok(_) => daemon::trouble(&absent),
            Err(exit) => exit,
        },
        Ok(Err(error)) => daemon::trouble(&error),
    }
}

fn of_database(args: &Args, db: &Path) -> Exit {
    match Reader::open(db).and_then(|reader| reader.lots()) {
        Ok(lots) => show(args, &lots),
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::from(&error)
        }
    }
}

fn show(args: &Args, lots: &[LotStanding]) -> Exit {
    if args.json {
        out::line(&serde_json::json!({ "lots": lots }).to_string());
    } else {
        out::line(&table(lots));
    }
    Exit::Pass
}

/// A line with what a lot has come to, and one with what it is.
fn table(lots: &[LotStanding]) -> String {
    if lots.is_empty() {
        return "no lots".to_owned();
    }
    let lines = lots
        .iter()
        .flat_map(|lot| [format!("{:<24} {}", lot.lot, progress(lot)), about(lot)]);
    lines.collect::<Vec<_>>().join("\n")
}

/// How far a lot is, in a line.
pub fn progress(lot: &LotStanding) -> String {
    let figures = &lot.figures;
    let mut parts = vec![state(lot), format!("{} of {}", figures.passed, lot.target)];
    if figures.units > 0 {
        let percent = |part: u64| part as f64 * 100.0 / figures.units as f64;
        parts.push(format!("first-pass {:.1} %", percent(figures.first_pass)));
        parts.push(format!("final {:.1} %", percent(figures.passed)));
    }
    if let Some(speed) = lot.units_per_hour {
        parts.push(format!("{speed:.0} an hour"));
    }
    match lot.to_go {
        Some(to_go) if figures.passed < lot.target => {
            parts.push(format!("{} min to go", to_go.as_secs().div_ceil(60)));
        }
        _ => {}
    }
    if lot.open_units > 0 {
        parts.push(format!("{} open", lot.open_units));
    }
    parts.join(", ")
}

/// What is done with it, in a word or more.
fn state(lot: &LotStanding) -> String {
    match &lot.state {
        LotState::Approved => "not started".to_owned(),
        LotState::Running if lot.first_article == FirstArticle::Held => {
            "first article waits for a supervisor".to_owned()
        }
        LotState::Running if lot.figures.passed >= lot.target => "done".to_owned(),
        LotState::Running => "running".to_owned(),
        LotState::Paused { by } => format!("paused by {by}"),
        LotState::Ended => "ended".to_owned(),
    }
}

fn about(lot: &LotStanding) -> String {
    let LotStanding {
        product,
        version,
        bundle,
        ..
    } = lot;
    let order = lot.order.as_ref().map(|order| format!(", order {order}"));
    let order = order.unwrap_or_default();
    format!("  {product} {version} (bundle {bundle}){order}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{LotName, Role, Who};
    use crate::record::Yield;

    #[test]
    fn what_is_shown() {
        assert_eq!(table(&[]), "no lots");
        let lot = |name: &str, state, passed| LotStanding {
            lot: LotName::parse(name).unwrap(),
            product: "thermostat".to_owned(),
            version: "1.4.2".to_owned(),
            bundle: "3f2a91c07be4".to_owned(),
            order: None,
            target: 500,
            state,
            first_article: FirstArticle::Free,
            figures: Yield {
                units: passed + passed / 100,
                first_pass: passed - passed / 50,
                passed,
                ..Yield::default()
            },
            open_units: 0,
            units_per_hour: None,
            to_go: None,
        };
        let by = Who::new("anna", Role::Supervisor);
        let lots = [
            LotStanding {
                order: Some("PO-88231".to_owned()),
                open_units: 2,
                units_per_hour: Some(312.4),
                to_go: Some(Duration::from_secs(4381)),
                ..lot("L-2031", LotState::Running, 120)
            },
            LotStanding {
                first_article: FirstArticle::Held,
                ..lot("L-2032", LotState::Running, 1)
            },
            lot("L-2033", LotState::Running, 500),
            lot("L-2034", LotState::Paused { by }, 7),
            lot("L-2035", LotState::Approved, 0),
            lot("L-2030", LotState::Ended, 499),
        ];
        insta::assert_snapshot!(table(&lots));
    }
}
