//! `flashline check`: a manifest and its images, without a board; a station file as well.

mod boot;
mod loader;
mod sheet;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Exit, faults, names};
use crate::manifest::Bundle;
use crate::plan::Planner;
use crate::settings::{Fault, Settings, Source};
use crate::station::{Bundles, Pins};
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
    /// Read this station file too: its baud ceiling, its use of the stub and what its slots
    /// flash count
    #[arg(long, value_name = "FILE")]
    station: Option<PathBuf>,
}

pub fn run(args: Args) -> Exit {
    let Read {
        bundles,
        station,
        path,
    } = match read(&args) {
        Ok(read) => read,
        Err(found) => {
            faults::tell(&found);
            return Exit::Usage;
        }
    };
    let settings = station.as_ref().map(|(settings, _)| settings);
    let mut warnings: Vec<Fault> = station
        .iter()
        .flat_map(|(settings, source)| {
            let mut warnings = settings.scan.warnings(source);
            warnings.extend(names::warnings(settings, source));
            warnings
        })
        .collect();
    if let Some(settings) = settings {
        let pins = Pins::at(&settings.pins);
        match pins.check() {
            // an engineer checks what the station's user will read
            Err(_) if pins.is_hidden() => {}
            Ok(more) => warnings.extend(more),
            Err(found) => {
                faults::tell(&found);
                return Exit::Usage;
            }
        }
    }
    let mut text = String::new();
    for (path, bundle) in bundles.each(&path) {
        if !text.is_empty() {
            text += &format!("\n{}\n", path.display());
        }
        let loader = Loader::of(bundle.manifest.chip, settings);
        let source = Source::new(path, &bundle.text);
        let planner = Planner::new(bundle.clone());
        let plan = planner.plan_for_flash(None, None);
        warnings.extend(bundle.warnings.iter().cloned());
        warnings.extend(loader.warnings(bundle, &plan, &source));
        let sheet = Sheet {
            planner,
            loader,
            baud: args.baud,
            ceiling: settings.and_then(|settings| settings.baud_ceiling),
            path: path.to_owned(),
            settings: settings.cloned(),
        };
        text += &sheet.render();
    }
    if let Some(settings) = settings {
        text += "\n";
        text += &sheet::station(settings, &bundles);
    }
    faults::tell(&warnings);
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Exit::Pass,
        // `| head` has read enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Pass,
        Err(error) => {
            eprintln!("flashline: the plan could not be printed: {error}");
            Exit::BenchError
        }
    }
}

/// What there is to look at.
struct Read {
    bundles: Bundles,
    /// The station file's, and its text.
    station: Option<(Settings, Source)>,
    /// The first manifest's.
    path: PathBuf,
}

/// The manifest that is named, the station file, and what its slots flash besides; or the faults of all.
fn read(args: &Args) -> Result<Read, Vec<Fault>> {
    let load = |path| {
        let source = Source::load(path)?;
        Ok((Settings::read(&source)?, source))
    };
    let station: Result<_, Vec<Fault>> = args.station.as_deref().map(load).transpose();
    match station {
        Ok(Some((mut settings, source))) => {
            // what is named stands in for the station's
            if let Some(path) = &args.manifest {
                settings.manifest.clone_from(path);
            }
            Ok(Read {
                bundles: Bundles::load(&settings)?,
                path: settings.manifest.clone(),
                station: Some((settings, source)),
            })
        }
        station => {
            let mut found = station.err().unwrap_or_default();
            let bundle = args.manifest.as_deref().map(Bundle::load).transpose();
            match (bundle, args.manifest.clone()) {
                (Ok(Some(bundle)), Some(path)) if found.is_empty() => Ok(Read {
                    bundles: Bundles::from(Arc::new(bundle)),
                    station: None,
                    path,
                }),
                (bundle, _) => {
                    found.extend(bundle.err().unwrap_or_default());
                    Err(found)
                }
            }
        }
    }
}
