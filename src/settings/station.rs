//! The station file: `station.toml`, its keys, their bounds and defaults; tables have files of their own.
//! `station.toml.example` explains each.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::slot::{self, BAUDS};
use super::{
    AccessSettings, AlarmSettings, Document, FaceSettings, Fault, Fields, Found, GoldenBoards,
    LineRules, LogSettings, Place, PortRules, ScanSettings, SlotSettings, SocketSettings, Source,
};
use super::{
    access, alarm, face, golden, line, log, ports, scan, socket, stub_dir, text, whole, yes_or_no,
};
use crate::chip::Stubs;

/// A station's settings, paths resolved against the file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub station: String,
    /// What slots flash that name no other.
    pub manifest: PathBuf,
    pub database: PathBuf,
    /// Empty: every known ESP bridge that appears is a slot of its own.
    pub slots: Vec<SlotSettings>,
    /// No job goes faster, whatever the manifest says.
    pub baud_ceiling: Option<u32>,
    /// Attempts a job has, the first included.
    pub attempts: u32,
    /// How long a port must have been there before it is opened.
    pub settle: Duration,
    /// How long a lost port may be away before the board counts as pulled.
    pub grace: Duration,
    /// Less free space than this on the database's disk stops the line.
    pub disk_reserve_bytes: u64,
    /// Use the flasher stub.
    pub stub: bool,
    /// The stubs that there are: those built in, and what `stub_dir` holds.
    pub stubs: Arc<Stubs>,
    pub hub: HubLimits,
    pub line: LineRules,
    pub golden: GoldenBoards,
    pub scan: ScanSettings,
    pub access: AccessSettings,
    /// Where the supervisors' PINs are.
    pub pins: PathBuf,
    pub ports: PortRules,
    pub log: LogSettings,
    /// How often manifests are looked at for changes.
    pub manifest_looks: Duration,
    pub socket: SocketSettings,
    pub face: FaceSettings,
    pub alarm: AlarmSettings,
}

/// What one USB hub can feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HubLimits {
    /// Boards at work at once; `None`: as many as there are.
    pub max_active: Option<u32>,
    /// Between the starts of two boards.
    pub stagger: Duration,
}

impl Settings {
    /// What holds where the file says nothing but these three.
    pub fn of(station: &str, manifest: PathBuf, database: PathBuf) -> Settings {
        let socket = SocketSettings::beside(&database);
        let pins = access::pins_beside(&database);
        Settings {
            station: station.to_owned(),
            manifest,
            database,
            slots: Vec::new(),
            baud_ceiling: None,
            attempts: ATTEMPTS,
            settle: SETTLE,
            grace: GRACE,
            disk_reserve_bytes: u64::from(DISK_RESERVE_MB) << 20,
            stub: true,
            stubs: Arc::default(),
            hub: HubLimits::default(),
            line: LineRules::default(),
            golden: GoldenBoards::default(),
            scan: ScanSettings::default(),
            access: AccessSettings::default(),
            pins,
            ports: PortRules::default(),
            log: LogSettings::default(),
            manifest_looks: MANIFEST_LOOKS,
            socket,
            face: FaceSettings::default(),
            alarm: AlarmSettings::default(),
        }
    }

    /// Ports that are watched besides all those on USB.
    pub fn paths(&self) -> Vec<PathBuf> {
        let path = |slot: &SlotSettings| match &slot.place {
            Place::Path(path) => Some(path.clone()),
            Place::Usb(_) => None,
        };
        self.slots.iter().filter_map(path).collect()
    }

    /// The manifest that a slot flashes.
    pub fn manifest_of<'s>(&'s self, slot: &'s SlotSettings) -> &'s Path {
        slot.manifest.as_deref().unwrap_or(&self.manifest)
    }

    /// Reads the station file's text, or tells every fault in it.
    pub fn parse(file: &Path, text: &str) -> Result<Settings, Vec<Fault>> {
        Settings::read(&Source::new(file, text))
    }

    /// Reads the station file from disk, or tells every fault in it. Blocks.
    pub fn load(file: &Path) -> Result<Settings, Vec<Fault>> {
        Settings::read(&Source::load(file)?)
    }

    /// Reads a station file, or tells every fault in it.
    pub fn read(source: &Source) -> Result<Settings, Vec<Fault>> {
        let document = Document::parse(source)?;
        let settings = fields(&document, source.path().parent().unwrap_or(Path::new("")));
        match settings {
            Some(settings) if !document.has_errors() => Ok(settings),
            _ => Err(document.into_faults()),
        }
    }
}

/// The whole file; `None` where a value without a default is missing or does not fit.
fn fields(document: &Document<'_>, folder: &Path) -> Option<Settings> {
    let mut root = document.root();
    let station = root.required("station", "\"bench-1\"", text(64));
    let manifest = root.required("manifest", "\"manifest.toml\"", text(4096));
    let database = root.optional("database", text(4096));
    let baud_ceiling = root.optional("baud_ceiling", whole(BAUDS, "baud"));
    let attempts = root.optional("attempts", whole(1..=10, "attempts"));
    let settle = root.optional("settle_ms", whole(0..=60_000, "milliseconds"));
    let grace = root.optional("grace_ms", whole(0..=60_000, "milliseconds"));
    let reserve = root.optional("disk_reserve_mb", whole(1..=1_000_000, "megabytes"));
    let stub = root.optional("stub", yes_or_no);
    let hub = hub(&mut root);
    let line = line::table(&mut root);
    let (access, pins) = access::table(&mut root);
    let golden = golden::tables(document, &mut root);
    let scan = scan::table(&mut root, &line);
    let ports = ports::table(&mut root);
    let socket = socket::table(&mut root);
    let log = log::table(&mut root, folder);
    let face = face::keys(&mut root);
    let alarm = alarm::table(&mut root);
    let stub_dir = root.optional("stub_dir", text(4096));
    let slots = slot::slots(document, &mut root, folder);
    root.finish();

    let milliseconds = |found: Option<Found<u32>>, otherwise| {
        found.map_or(otherwise, |found| Duration::from_millis(found.value.into()))
    };
    let said_database = database.as_ref().map(|found| found.span.clone());
    let defaults = Settings::of(
        &station?.value,
        folder.join(manifest?.value),
        folder.join(database.map_or(DATABASE.to_owned(), |found| found.value)),
    );
    Some(Settings {
        slots,
        baud_ceiling: baud_ceiling.map(|found| found.value),
        attempts: attempts.map_or(defaults.attempts, |found| found.value),
        settle: milliseconds(settle, defaults.settle),
        grace: milliseconds(grace, defaults.grace),
        disk_reserve_bytes: reserve.map_or(defaults.disk_reserve_bytes, |found| {
            u64::from(found.value) << 20
        }),
        stub: stub.is_none_or(|found| found.value),
        hub,
        line,
        golden,
        scan,
        access,
        pins: pins.map_or(defaults.pins, |path| folder.join(path)),
        ports,
        socket: socket.settings(document, folder, &defaults.database, said_database),
        log,
        face,
        alarm,
        stubs: Arc::new(
            stub_dir.map_or_else(Stubs::default, |found| stubs(document, folder, &found)),
        ),
        ..defaults
    })
}

fn stubs(document: &Document<'_>, folder: &Path, found: &Found<String>) -> Stubs {
    stub_dir::load(&folder.join(&found.value)).unwrap_or_else(|error| {
        document.error(&found.span, error.to_string(), stub_dir::HELP);
        Stubs::default()
    })
}

/// `[hub]`.
fn hub(root: &mut Fields<'_>) -> HubLimits {
    let Some(mut table) = root.table("hub", "[hub]") else {
        return HubLimits::default();
    };
    let max_active = table.optional("max_active", whole(1..=127, "boards"));
    let stagger = table.optional("stagger_ms", whole(0..=10_000, "milliseconds"));
    table.finish();
    HubLimits {
        max_active: max_active.map(|found| found.value),
        stagger: stagger.map_or(Duration::ZERO, |found| {
            Duration::from_millis(found.value.into())
        }),
    }
}

/// The database where no file and no option names one.
pub const DATABASE: &str = "flashline.db";
const ATTEMPTS: u32 = 2;
/// A file is read anew after two looks in which it did not move.
const MANIFEST_LOOKS: Duration = Duration::from_secs(2);
/// Plugging by hand bounces.
const SETTLE: Duration = Duration::from_millis(300);
/// How long a lost port may be away where the station file says nothing: a hub that resets is back by then.
pub const GRACE: Duration = Duration::from_millis(1_500);
/// Free space below which nothing is recorded where the station file says nothing, in MB of 2^20 bytes.
pub const DISK_RESERVE_MB: u32 = 64;

#[cfg(test)]
mod tests;
