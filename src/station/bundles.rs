//! The bundles that a station begins with: its own, and those of slots with a manifest of their own.
//! Leaves out what becomes of them later (`dispatcher/bundles`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::event::{Role, Who};
use crate::manifest::Bundle;
use crate::plan::Planner;
use crate::settings::{Fault, Settings, SlotSettings};

/// A bundle for each manifest that the station file names, made ready for boards.
#[derive(Debug, Clone)]
pub struct Bundles {
    pub(super) station: Arc<Planner>,
    /// Those of slots' own manifests, by their paths in the station file.
    pub(super) own: Vec<(PathBuf, Arc<Planner>)>,
    /// Who started the station, and so stands for what is flashed from now on.
    pub(super) started_by: Who,
}

impl Bundles {
    /// Reads every manifest that the station file names with its images; two slots that name the same file
    /// share a bundle. Tells every fault of all of them. Blocks.
    pub fn load(settings: &Settings) -> Result<Bundles, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut read = |path: &Path| match Bundle::load(path) {
            Ok(bundle) => Some(Arc::new(bundle)),
            Err(found) => {
                faults.extend(found);
                None
            }
        };
        let station = read(&settings.manifest);
        let mut own: Vec<(PathBuf, Option<Arc<Bundle>>)> = Vec::new();
        for slot in &settings.slots {
            let path = settings.manifest_of(slot);
            let same = |known: &Path| place(known) == place(path);
            if !same(&settings.manifest) && !own.iter().any(|(known, _)| same(known)) {
                own.push((path.to_owned(), read(path)));
            }
        }
        let Some(station) = station.filter(|_| faults.is_empty()) else {
            return Err(faults);
        };
        let mut bundles = Bundles::from(station);
        for (path, bundle) in own {
            if let Some(bundle) = bundle {
                bundles = bundles.with_own(&path, bundle);
            }
        }
        Ok(bundles)
    }

    /// The same with the bundle of a manifest that slots name.
    #[must_use]
    pub fn with_own(mut self, manifest: &Path, bundle: Arc<Bundle>) -> Bundles {
        let planner = Arc::new(Planner::new(bundle));
        self.own.push((manifest.to_owned(), planner));
        self
    }

    /// The same, started by someone.
    #[must_use]
    pub fn started_by(mut self, who: Who) -> Bundles {
        self.started_by = who;
        self
    }

    /// What a slot flashes; `None` where its manifest was not read.
    pub fn of(&self, settings: &Settings, slot: &SlotSettings) -> Option<&Arc<Bundle>> {
        let path = settings.manifest_of(slot);
        if place(path) == place(&settings.manifest) {
            return Some(self.station.bundle());
        }
        let own = self.own.iter().find(|(own, _)| place(own) == place(path));
        own.map(|(_, planner)| planner.bundle())
    }

    /// Each manifest with its bundle, the station's first: that one is at `station`.
    pub fn each<'b>(
        &'b self,
        station: &'b Path,
    ) -> impl Iterator<Item = (&'b Path, &'b Arc<Bundle>)> {
        let own = self.own.iter().map(|(path, planner)| (&**path, planner));
        std::iter::once((station, &self.station))
            .chain(own)
            .map(|(path, planner)| (path, planner.bundle()))
    }
}

/// One bundle for all slots. Who started the station is not known: a change of the bundle since it last
/// ran wants a supervisor.
impl From<Arc<Bundle>> for Bundles {
    fn from(bundle: Arc<Bundle>) -> Bundles {
        Bundles {
            station: Arc::new(Planner::new(bundle)),
            own: Vec::new(),
            started_by: Who::new("nobody", Role::Operator),
        }
    }
}

/// Where a manifest is, whatever folder the program was started in.
pub fn place(manifest: &Path) -> PathBuf {
    // an error means that there is no working folder; the path as it is will do
    std::path::absolute(manifest).unwrap_or_else(|_| manifest.to_owned())
}

/// The slots of the station file that flash this manifest.
pub fn slots_of<'s>(
    settings: &'s Settings,
    manifest: &Path,
) -> impl Iterator<Item = &'s SlotSettings> {
    let wanted = place(manifest);
    let slots = settings.slots.iter();
    slots.filter(move |slot| place(settings.manifest_of(slot)) == wanted)
}
