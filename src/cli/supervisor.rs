//! `flashline supervisor`: who has a PIN on this station. Leaves out the file (`station/pins`) and how digits are
//! typed (`typed`).

use std::path::PathBuf;

use super::daemon::usual;
use super::typed::{self, NotTyped};
use super::{Exit, faults, out};
use crate::settings::Settings;
use crate::station::{Pins, PinsError};

/// Give supervisors a PIN, which the dashboard asks for before anything that changes the line
///
/// The PIN file is beside the database unless `[access]` in the station file names another. Whoever may write it may
/// do this; a running station knows it two seconds later.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station file, which says where the PIN file is: station.toml here or, where there is none, the
    /// service's in /etc/flashline
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Set someone's PIN: asked twice at a terminal, one line of standard input otherwise
    Set {
        /// In whose name
        #[arg(value_name = "NAME", value_parser = name)]
        name: String,
    },
    /// Take someone's PIN away
    Remove {
        /// Whose
        #[arg(value_name = "NAME", value_parser = name)]
        name: String,
    },
    /// Tell who has one
    List,
}

pub fn run(args: Args) -> Exit {
    let config = args.config.as_deref().unwrap_or_else(|| usual());
    let pins = match Settings::load(config) {
        Ok(settings) => Pins::at(&settings.pins),
        Err(found) => {
            faults::tell(&found);
            return Exit::Usage;
        }
    };
    match args.what {
        What::Set { name } => set(&pins, &name),
        What::Remove { name } => match pins.remove(&name) {
            Ok(true) => {
                out::line(&format!("{name} has no PIN any more"));
                Exit::Pass
            }
            Ok(false) => {
                eprintln!("flashline: {name} has no PIN");
                Exit::Usage
            }
            Err(error) => not_changed(&error),
        },
        What::List => list(&pins),
    }
}

fn set(pins: &Pins, name: &str) -> Exit {
    // mistakes are told before anything is typed
    if let Err(found) = pins.check() {
        return faulty(&found);
    }
    let pin = match typed::new_pin(name) {
        Ok(pin) => pin,
        Err(why) => {
            eprintln!("flashline: {why}");
            return match why {
                NotTyped::Io(_) => Exit::BenchError,
                NotTyped::NotAPin(_) | NotTyped::Different | NotTyped::GivenUp => Exit::Usage,
            };
        }
    };
    match pins.set(name, &pin) {
        Ok(()) => {
            out::line(&format!("{name} has a PIN"));
            Exit::Pass
        }
        Err(error) => not_changed(&error),
    }
}

fn list(pins: &Pins) -> Exit {
    match pins.check() {
        Ok(warnings) => faults::tell(&warnings),
        Err(found) => return faulty(&found),
    }
    match pins.names() {
        Ok(names) => {
            for name in names {
                out::line(&name);
            }
            Exit::Pass
        }
        Err(why) => {
            eprintln!("flashline: {why}");
            Exit::BenchError
        }
    }
}

fn not_changed(error: &PinsError) -> Exit {
    match error {
        PinsError::Faulty(found) => faulty(found),
        PinsError::Write { .. } | PinsError::Hash(_) => {
            eprintln!("flashline: {error}");
            Exit::BenchError
        }
    }
}

fn faulty(found: &[crate::settings::Fault]) -> Exit {
    faults::tell(found);
    Exit::Usage
}

fn name(text: &str) -> Result<String, &'static str> {
    const LONGEST: usize = 64;
    let name = text.trim();
    let fits = (1..=LONGEST).contains(&name.chars().count());
    match fits && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err("a name has 1 to 64 characters"),
    }
}
