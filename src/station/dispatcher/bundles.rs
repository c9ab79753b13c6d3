//! The bundles at work: what a slot's next board gets, what became of the manifests on the disk since, and
//! that only a supervisor changes what is flashed. Leaves out how files are looked at (`manifests`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::bundles::{Bundles, place};
use super::super::fit::{mute, why_mute};
use super::super::manifests::Lookout;
use super::super::slot::Now;
use super::{Dispatcher, Effect, Reply};
use crate::event::{Happening, Role, SlotId, Who};
use crate::manifest::Manifest;
use crate::plan::Planner;
use crate::record::{Approval, Approved, RecordError};
use crate::settings::Settings;
use crate::station::{BundleView, OnDisk, RequestRefused};

/// A manifest that slots flash.
#[derive(Debug)]
pub struct AtWork {
    /// As the station file names it.
    path: PathBuf,
    /// What the next boards get, where there is leave to.
    planner: Arc<Planner>,
    leave: Leave,
    on_disk: Found,
    /// Product and version.
    label: Arc<str>,
}

/// Whether boards may get the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leave {
    Given,
    /// A supervisor has to say so first. `last`: the digest of the bundle that had leave before, in hex.
    Wanted {
        last: Option<String>,
    },
}

/// What a manifest on the disk is by now.
#[derive(Debug, Clone)]
enum Found {
    AtWork,
    Other(Arc<Planner>),
    /// The first of its faults.
    Unusable(Arc<str>),
}

/// A bundle that a supervisor wants at work, on its way through the record.
#[derive(Debug)]
pub struct Taking {
    /// Which of the manifests.
    manifest: usize,
    planner: Arc<Planner>,
    by: Who,
    reply: Reply,
}

/// Why a bundle was not taken after all.
#[derive(Debug)]
pub enum NotTaken {
    /// The manifest on the disk is another by now.
    NotOnDisk,
    NotRecorded(RecordError),
}

/// The manifests of a station that begins.
pub fn at_work(settings: &Settings, bundles: &Bundles) -> Vec<AtWork> {
    let own = bundles.own.iter();
    let mut all = vec![AtWork::new(&settings.manifest, bundles.station.clone())];
    all.extend(own.map(|(path, planner)| AtWork::new(path, planner.clone())));
    // what nobody has read has no leave: the first look at it tells more
    for slot in &settings.slots {
        let path = settings.manifest_of(slot);
        if !all.iter().any(|known| known.is_at(path)) {
            all.push(AtWork {
                leave: Leave::Wanted { last: None },
                on_disk: Found::Unusable("it has not been read".into()),
                ..AtWork::new(path, bundles.station.clone())
            });
        }
    }
    all
}

/// Product and version, as a slot shows them.
pub fn label(planner: &Planner) -> Arc<str> {
    let Manifest {
        product, version, ..
    } = &planner.bundle().manifest;
    format!("{product} {version}").into()
}

/// As much of the digest as names a bundle to people.
fn short(planner: &Planner) -> String {
    planner.bundle().digest_hex()[..12].to_owned()
}

fn digest(planner: &Planner) -> String {
    planner.bundle().digest_hex()
}

impl AtWork {
    fn new(path: &Path, planner: Arc<Planner>) -> AtWork {
        AtWork {
            path: path.to_owned(),
            label: label(&planner),
            planner,
            leave: Leave::Given,
            on_disk: Found::AtWork,
        }
    }

    pub fn is_at(&self, path: &Path) -> bool {
        place(&self.path) == place(path)
    }

    /// What the record knows it by.
    pub fn place(&self) -> String {
        place(&self.path).display().to_string()
    }

    /// Who looks at it from now on.
    pub fn lookout(&self) -> Lookout {
        let known = !matches!(self.on_disk, Found::Unusable(_));
        let digest = self.planner.bundle().digest;
        Lookout::new(&self.path, known.then_some(digest))
    }

    /// As much of its bundle's digest as names it to people.
    pub fn short(&self) -> String {
        short(&self.planner)
    }

    /// Whether boards may get the bundle.
    pub fn has_leave(&self) -> bool {
        self.leave == Leave::Given
    }

    pub fn planner(&self) -> &Arc<Planner> {
        &self.planner
    }

    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// The station begins: whether the bundle has leave, and what is to be recorded of that. `last`: the
    /// digest that had leave when the station was at work before; whoever starts it the first time gives it.
    /// `running`: the bundles of lots that run, which no start replaces, in 12 hex digits.
    pub fn begin(
        &mut self,
        last: Option<String>,
        running: &[String],
        by: &Who,
        now: Now,
    ) -> Option<Approval> {
        let runs = |last: &str| {
            running
                .iter()
                .any(|bundle| last.starts_with(bundle.as_str()))
        };
        let is_read = self.leave == Leave::Given;
        let how = match &last {
            _ if !is_read => None,
            Some(last) if *last == digest(&self.planner) => return None,
            None => Some(Approved::First),
            Some(last) if by.role >= Role::Supervisor && !runs(last) => Some(Approved::Start),
            Some(_) => {
                self.on_disk = Found::Other(self.planner.clone());
                None
            }
        };
        if how.is_none() {
            self.leave = Leave::Wanted { last };
        }
        how.map(|how| self.approval(&self.planner, by, how, now))
    }

    /// As much of the digest of what has leave as names it to people.
    pub fn with_leave(&self) -> Option<String> {
        match &self.leave {
            Leave::Given => Some(self.short()),
            Leave::Wanted { last } => last
                .as_ref()
                .and_then(|last| last.get(..12))
                .map(str::to_owned),
        }
    }

    /// What there is to tell of it from the start.
    pub fn news(&self) -> Option<Happening> {
        (!matches!(self.on_disk, Found::AtWork)).then(|| self.told())
    }

    fn put_to_work(&mut self, planner: Arc<Planner>) {
        self.label = label(&planner);
        self.planner = planner;
        self.leave = Leave::Given;
    }

    fn view(&self) -> BundleView {
        let manifest = &self.planner.bundle().manifest;
        BundleView {
            manifest: self.path.display().to_string().into(),
            product: manifest.product.as_str().into(),
            version: manifest.version.as_str().into(),
            bundle: short(&self.planner).into(),
            on_disk: match &self.on_disk {
                Found::AtWork => OnDisk::Same,
                Found::Other(planner) => {
                    let manifest = &planner.bundle().manifest;
                    OnDisk::Changed {
                        product: manifest.product.as_str().into(),
                        version: manifest.version.as_str().into(),
                        bundle: short(planner).into(),
                    }
                }
                Found::Unusable(fault) => OnDisk::Invalid {
                    fault: fault.clone(),
                },
            },
        }
    }

    fn approval(&self, planner: &Planner, who: &Who, how: Approved, now: Now) -> Approval {
        let bundle = planner.bundle();
        Approval {
            manifest: self.place(),
            product: bundle.manifest.product.clone(),
            version: bundle.manifest.version.clone(),
            bundle_digest: bundle.digest,
            manifest_text: bundle.text.clone(),
            who: who.name.to_string(),
            how,
            at: now.wall,
        }
    }

    /// Says once what the disk holds.
    fn told(&self) -> Happening {
        let manifest = self.path.display().to_string();
        match &self.on_disk {
            Found::AtWork => Happening::ManifestUnchanged { manifest },
            Found::Other(planner) => Happening::ManifestChanged {
                manifest,
                product: planner.bundle().manifest.product.clone(),
                version: planner.bundle().manifest.version.clone(),
                bundle: short(planner),
            },
            Found::Unusable(fault) => Happening::ManifestInvalid {
                manifest,
                fault: fault.to_string(),
            },
        }
    }
}

/// What the disk holds now, seen against what is at work.
enum News {
    None,
    /// Told, and nothing else.
    Told,
    /// What had leave before is there again.
    Back,
}

impl Dispatcher {
    /// The slot's manifest, where its boards wait for a supervisor to approve what became of it.
    pub(super) fn wants_leave(&self, id: &SlotId) -> Option<&Path> {
        let slot = self.slots.iter().find(|slot| slot.id() == id)?;
        let at_work = &self.at_work[slot.manifest];
        matches!(at_work.leave, Leave::Wanted { .. }).then_some(&at_work.path)
    }

    /// Whoever flashes the bundle that this names.
    pub(super) fn bundle_at_work(&self, bundle: &str) -> Option<&AtWork> {
        let mut at_work = self.at_work.iter();
        at_work.find(|one| one.has_leave() && one.short() == bundle)
    }

    pub(super) fn manifest_read(
        &mut self,
        manifest: usize,
        found: Result<Arc<Planner>, Arc<str>>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let found = found.and_then(|planner| match self.unfit(manifest, &planner) {
            Some(why) => Err(why),
            None => Ok(planner),
        });
        let at_work = &mut self.at_work[manifest];
        let news = match found {
            Err(fault) => match &at_work.on_disk {
                Found::Unusable(known) if *known == fault => News::None,
                _ => {
                    at_work.on_disk = Found::Unusable(fault);
                    News::Told
                }
            },
            Ok(planner) => {
                let found = digest(&planner);
                match (&at_work.leave, &at_work.on_disk) {
                    (Leave::Wanted { last }, _) if last.as_ref() == Some(&found) => {
                        at_work.put_to_work(planner);
                        at_work.on_disk = Found::AtWork;
                        News::Back
                    }
                    (Leave::Given, known) if found == digest(&at_work.planner) => {
                        let was_known = matches!(known, Found::AtWork);
                        at_work.on_disk = Found::AtWork;
                        if was_known { News::None } else { News::Told }
                    }
                    (_, Found::Other(known)) if digest(known) == found => News::None,
                    (Leave::Given | Leave::Wanted { .. }, _) => {
                        at_work.on_disk = Found::Other(planner);
                        News::Told
                    }
                }
            }
        };
        if matches!(news, News::None) {
            return;
        }
        self.journal.line(now, self.at_work[manifest].told());
        self.show_bundles();
        if matches!(news, News::Back) {
            self.prepare(manifest, effects);
            self.unblock(now, effects);
        }
    }

    /// Why the slots of this manifest could not pass a board with that bundle.
    fn unfit(&self, manifest: usize, planner: &Planner) -> Option<Arc<str>> {
        let (path, of) = (&self.at_work[manifest].path, &planner.bundle().manifest);
        let slot = mute(of, path, &self.settings).next()?;
        let (name, why) = (&slot.name, why_mute(slot));
        Some(format!("slot `{name}` {why}, and its [boot] waits for them: none could pass").into())
    }

    /// Whether such a bundle is on the disk, and no lot runs with what it would replace.
    pub(super) fn could_take(&self, bundle: &str) -> Result<(), RequestRefused> {
        self.offer(bundle).map(drop)
    }

    /// The manifest on the disk whose bundle begins with these digits.
    fn offer(&self, bundle: &str) -> Result<(usize, &AtWork, &Arc<Planner>), RequestRefused> {
        let mut offers = self.at_work.iter().enumerate();
        let offer = offers.find_map(|(index, at_work)| match &at_work.on_disk {
            Found::Other(planner) if short(planner) == bundle => Some((index, at_work, planner)),
            _ => None,
        });
        let offer = offer.ok_or_else(|| RequestRefused::NoSuchBundle(bundle.to_owned()))?;
        match self.lot_that_needs(offer.0) {
            Some(running) => Err(RequestRefused::LotRuns {
                running: running.clone(),
            }),
            None => Ok(offer),
        }
    }

    /// A supervisor wants the bundle that begins with these digits: it goes on record first.
    pub(super) fn take_bundle(
        &mut self,
        bundle: String,
        by: Who,
        reply: Reply,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let (manifest, at_work, planner) = match self.offer(&bundle) {
            Ok(offer) => offer,
            Err(refused) => return effects.push(Effect::Answer(reply, Err(refused))),
        };
        effects.push(Effect::Approve {
            approval: at_work.approval(planner, &by, Approved::Asked, now),
            path: at_work.path.clone(),
            taking: Taking {
                manifest,
                planner: planner.clone(),
                by,
                reply,
            },
        });
        self.lots.bundle_is_taken();
    }

    /// The approval is on record, or nothing came of it.
    pub(super) fn approved(
        &mut self,
        taking: Taking,
        result: Result<(), NotTaken>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Taking {
            manifest,
            planner,
            by,
            reply,
        } = taking;
        self.lots.bundle_was_taken();
        if let Err(why) = result {
            let refused = match why {
                NotTaken::NotOnDisk => RequestRefused::NoSuchBundle(short(&planner)),
                NotTaken::NotRecorded(error) => {
                    self.stop_line(&error, now);
                    RequestRefused::NotRecorded(error.to_string())
                }
            };
            effects.push(Effect::Answer(reply, Err(refused)));
            return;
        }
        let at_work = &mut self.at_work[manifest];
        // another may be on the disk since, also the one that was at work until now
        let is_taken = |on_disk: &Arc<Planner>| digest(on_disk) == digest(&planner);
        let mut is_back = false;
        match &at_work.on_disk {
            Found::Other(other) if is_taken(other) => at_work.on_disk = Found::AtWork,
            Found::AtWork if !is_taken(&at_work.planner) => {
                at_work.on_disk = Found::Other(at_work.planner.clone());
                is_back = true;
            }
            Found::Other(_) | Found::AtWork | Found::Unusable(_) => {}
        }
        at_work.put_to_work(planner);
        let back = is_back.then(|| at_work.told());
        let of = &at_work.planner.bundle().manifest;
        let taken = Happening::BundleTaken {
            manifest: at_work.path.display().to_string(),
            product: of.product.clone(),
            version: of.version.clone(),
            bundle: short(&at_work.planner),
            by,
        };
        self.journal.line(now, taken);
        if let Some(back) = back {
            self.journal.line(now, back);
        }
        effects.push(Effect::Answer(reply, Ok(())));
        self.prepare(manifest, effects);
        self.show_bundles();
        self.unblock(now, effects);
    }

    fn prepare(&self, manifest: usize, effects: &mut Vec<Effect>) {
        let planner = self.at_work[manifest].planner.clone();
        effects.push(Effect::Prepare { planner });
    }

    pub(super) fn show_bundles(&mut self) {
        self.bundles_view = self.at_work.iter().map(AtWork::view).collect();
        for slot in &mut self.slots {
            slot.product = self.at_work[slot.manifest].label.clone();
        }
    }
}
