//! `flashline check`: a manifest and its images, without a board; a station file as well.

mod boot;
mod sheet;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Exit, faults};
use crate::manifest::Bundle;
use crate::plan::{Method, Planner};
use crate::settings::{Fault, Settings};
use sheet::Sheet;

/// Read a manifest and its images: print the plan, or every fault
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The manifest; without it, the one that the station file names
    #[arg(value_name = "MANIFEST", required_unless_present = "station")]
    manifest: Option<PathBuf>,
    /// Estimate at this rate only, in baud
    #[arg(long, value_name = "BAUD", value_parser = clap::value_parser!(u32).range(1_200..=12_000_000))]
    baud: Option<u32>,
    /// Read this station file too: its baud ceiling and its use of the stub count
    #[arg(long, value_name = "FILE")]
    station: Option<PathBuf>,
}

pub fn run(args: Args) -> Exit {
    let (bundle, settings) = match read(&args) {
        Ok(read) => read,
        Err(found) => {
            faults::tell(&found);
            return Exit::Usage;
        }
    };
    faults::tell(&bundle.warnings);
    let sheet = Sheet {
        planner: Planner::new(Arc::new(bundle)),
        method: match &settings {
            Some(settings) if !settings.stub => Method::RomDeflate,
            _ => Method::StubDeflate,
        },
        baud: args.baud,
        ceiling: settings.as_ref().and_then(|settings| settings.baud_ceiling),
        settings,
    };
    match io::stdout().lock().write_all(sheet.render().as_bytes()) {
        Ok(()) => Exit::Pass,
        // `| head` has read enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Pass,
        Err(error) => {
            eprintln!("flashline: the plan could not be printed: {error}");
            Exit::BenchError
        }
    }
}

/// Both files, or the faults of both.
fn read(args: &Args) -> Result<(Bundle, Option<Settings>), Vec<Fault>> {
    let settings = args.station.as_deref().map(Settings::load).transpose();
    let named = match &settings {
        Ok(Some(settings)) => Some(settings.manifest.clone()),
        _ => None,
    };
    let bundle = args
        .manifest
        .clone()
        .or(named)
        .map(|path| Bundle::load(&path))
        .transpose();
    match (bundle, settings) {
        (Ok(Some(bundle)), Ok(settings)) => Ok((bundle, settings)),
        (bundle, settings) => {
            let mut found = settings.err().unwrap_or_default();
            found.extend(bundle.err().unwrap_or_default());
            Err(found)
        }
    }
}
