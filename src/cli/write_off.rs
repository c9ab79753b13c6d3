//! `flashline write-off`: takes an open unit off the list. The running daemon does it, for a supervisor; where none
//! runs it is written beside it, by whoever may write the database.

use std::path::{Path, PathBuf};

use super::daemon::{self, Which, Why};
use super::{Exit, out, session};
use crate::event::Unit;
use crate::record::Record;
use crate::settings::DATABASE;
use crate::socket::{Client, ClientError, What};
use crate::station::Ask;

/// Take a board that was pulled too early off the list of open units (supervisors only, where the station runs)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The board, as `flashline report` lists it
    #[arg(value_name = "MAC|serial:SERIAL", value_parser = unit)]
    unit: Unit,
    #[command(flatten)]
    why: Why,
    /// Who decides it (this user, unless said); where the station runs it knows that itself
    #[arg(long, value_name = "NAME", value_parser = daemon::words)]
    who: Option<String>,
    /// The database, where there is no station file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "socket"])]
    db: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    let (socket, database) = match args.which.places(args.db, DATABASE) {
        Ok(places) => places,
        Err(exit) => return exit,
    };
    let why = args.why.text();
    let by_daemon = async {
        let mut client = match Client::connect(&socket).await {
            Err(ClientError::Absent { .. }) => return Ok(None),
            client => client?,
        };
        if args.who.is_some() {
            let you = &client.hello().you;
            eprintln!("flashline: the station runs and takes you for {you}: leave --who out");
            return Ok(Some(Exit::Usage));
        }
        let unit = args.unit.clone();
        let asked = What::Ask(Ask::WriteOff { unit });
        let warrant = Some(daemon::by_login(why.clone()));
        Ok(Some(match client.answer_with(asked, warrant).await? {
            Ok(_) => written_off(&args.unit),
            Err(refused) => daemon::refusal(&refused),
        }))
    };
    match session::block_on(by_daemon) {
        Ok(Ok(Some(exit))) => exit,
        Ok(Ok(None)) => beside(&args.unit, args.who.clone(), &why, &database),
        Ok(Err(error)) => daemon::trouble(&error as &ClientError),
        Err(error) => daemon::trouble(&error),
    }
}

fn beside(unit: &Unit, who: Option<String>, why: &str, database: &Path) -> Exit {
    let Some(who) = who.or_else(|| std::env::var("USER").ok()) else {
        eprintln!("flashline: say with --who who decides it");
        return Exit::Usage;
    };
    match Record::write_off_beside(database, unit, &who, why) {
        Ok(true) => written_off(unit),
        Ok(false) => {
            eprintln!(
                "flashline: {unit} is no open unit: `flashline report --db {}` lists them",
                database.display()
            );
            Exit::Usage
        }
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::from(&error)
        }
    }
}

fn written_off(unit: &Unit) -> Exit {
    out::line(&format!("{unit} is written off"));
    Exit::Pass
}

pub(super) fn unit(text: &str) -> Result<Unit, &'static str> {
    Unit::parse(text)
        .ok_or("a MAC has twelve hex digits: 24:0a:c4:00:00:01; a serial stands after `serial:`")
}
