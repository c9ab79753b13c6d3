//! `flashline write-off`: takes an open unit off the list.

use std::path::PathBuf;

use super::daemon::words;
use super::{Exit, out};
use crate::event::Unit;
use crate::record::Record;
use crate::settings::DATABASE;

/// Take a board that was pulled too early off the list of open units
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The board, as `flashline report` lists it
    #[arg(value_name = "MAC|serial:SERIAL", value_parser = unit)]
    unit: Unit,
    /// What became of it: kept in the record
    #[arg(long, value_name = "TEXT", value_parser = words)]
    why: String,
    /// Who decides it (this user, unless said)
    #[arg(long, value_name = "NAME", value_parser = words)]
    who: Option<String>,
    /// The database (it may be in use)
    #[arg(long, value_name = "FILE", default_value = DATABASE)]
    db: PathBuf,
}

pub fn run(args: Args) -> Exit {
    let Some(who) = args.who.or_else(|| std::env::var("USER").ok()) else {
        eprintln!("flashline: say with --who who decides it");
        return Exit::Usage;
    };
    match Record::write_off_beside(&args.db, &args.unit, &who, &args.why) {
        Ok(true) => {
            out::line(&format!("{} is written off", args.unit));
            Exit::Pass
        }
        Ok(false) => {
            eprintln!(
                "flashline: {} is no open unit: `flashline report --db {}` lists them",
                args.unit,
                args.db.display()
            );
            Exit::Usage
        }
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::from(&error)
        }
    }
}

fn unit(text: &str) -> Result<Unit, &'static str> {
    Unit::parse(text)
        .ok_or("a MAC has twelve hex digits: 24:0a:c4:00:00:01; a serial stands after `serial:`")
}
