//! `flashline check`: a manifest and its images, without a board; a station file as well.

mod boot;
mod loader;
mod sheet;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Exit, faults};
use crate::manifest::Bundle;
use crate::plan::Planner;
use crate::settings::{Fault, Settings, Source};
pub use loader::Loader;
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
    let (mut bundle, settings, path) = match read(&args) {
        Ok(read) => read,
        Err(found) => {
            faults::tell(&found);
            return Exit::Usage;
        }
    };
    let mut warnings = std::mem::take(&mut bundle.warnings);
    let loader = Loader::of(bundle.manifest.chip, settings.as_ref());
    let source = Source::new(&path, &bundle.text);
    let planner = Planner::new(Arc::new(bundle));
    let plan = planner.plan_for_flash(None, None);
    warnings.extend(loader.warnings(planner.bundle(), &plan, &source));
    faults::tell(&warnings);
    let sheet = Sheet {
        planner,
        loader,
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

/// Both files, and the manifest's path; or the faults of both.
fn read(args: &Args) -> Result<(Bundle, Option<Settings>, PathBuf), Vec<Fault>> {
    let settings = args.station.as_deref().map(Settings::load).transpose();
    let named = match &settings {
        Ok(Some(settings)) => Some(settings.manifest.clone()),
        _ => None,
    };
    let path = args.manifest.clone().or(named);
    let load = |path: PathBuf| Bundle::load(&path).map(|bundle| (bundle, path));
    let bundle = path.map(load).transpose();
    match (bundle, settings) {
        (Ok(Some((bundle, path))), Ok(settings)) => Ok((bundle, settings, path)),
        (bundle, settings) => {
            let mut found = settings.err().unwrap_or_default();
            found.extend(bundle.err().unwrap_or_default());
            Err(found)
        }
    }
}
