//! The station file: `station.toml`, its keys, their bounds and defaults. `station.toml.example`
//! explains each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Document, Fault, Fields, Found, Misfit, Severity, Source};
use super::{text, whole, word, yes_or_no};
use crate::event::{SlotId, UsbPath};

/// A station's settings, paths resolved against the file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub station: String,
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
}

/// Where a slot is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A device file, a pty, or a symlink to one.
    Path(PathBuf),
    /// A place on USB.
    Usb(UsbPath),
}

/// How a board is brought into its loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reset {
    /// By DTR and RTS where the port has them, else none.
    #[default]
    Auto,
    /// A jig holds the strap: just SYNC.
    None,
}

/// What starts a job on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Start {
    /// The port appears.
    #[default]
    Plug,
    /// The adapter stays plugged in: SYNC is tried while idle, silence ends the board.
    Probe,
    /// Only when asked.
    Request,
}

/// One `[[slot]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSettings {
    pub name: SlotId,
    pub place: Place,
    pub baud_ceiling: Option<u32>,
    pub reset: Reset,
    pub start: Start,
}

impl Settings {
    /// Reads the station file's text, or tells every fault in it.
    pub fn parse(file: &Path, text: &str) -> Result<Settings, Vec<Fault>> {
        Settings::read(&Source::new(file, text))
    }

    /// Reads the station file from disk, or tells every fault in it. Blocks.
    pub fn load(file: &Path) -> Result<Settings, Vec<Fault>> {
        Settings::read(&Source::load(file)?)
    }

    fn read(source: &Source) -> Result<Settings, Vec<Fault>> {
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
    let slots = slots(document, &mut root, folder);
    root.finish();

    let milliseconds = |found: Option<Found<u32>>, otherwise| {
        found.map_or(otherwise, |found| Duration::from_millis(found.value.into()))
    };
    Some(Settings {
        station: station?.value,
        manifest: folder.join(manifest?.value),
        database: folder.join(database.map_or(DATABASE.to_owned(), |found| found.value)),
        slots,
        baud_ceiling: baud_ceiling.map(|found| found.value),
        attempts: attempts.map_or(ATTEMPTS, |found| found.value),
        settle: milliseconds(settle, SETTLE),
        grace: milliseconds(grace, GRACE),
        disk_reserve_bytes: u64::from(reserve.map_or(DISK_RESERVE_MB, |found| found.value)) << 20,
        stub: stub.is_none_or(|found| found.value),
    })
}

/// The `[[slot]]`s that can be read; a name or a place that two of them share is a fault.
fn slots(document: &Document<'_>, root: &mut Fields<'_>, folder: &Path) -> Vec<SlotSettings> {
    let mut slots = Vec::new();
    let mut names: HashMap<SlotId, Range<usize>> = HashMap::new();
    let mut places: HashMap<Place, Range<usize>> = HashMap::new();
    for mut slot in root.tables("slot", "[[slot]]") {
        let name = slot.required("name", "\"1\"", text(24));
        let place = place(document, &mut slot, folder);
        let baud_ceiling = slot.optional("baud_ceiling", whole(BAUDS, "baud"));
        let reset = slot.optional(
            "reset",
            word(&[("auto", Reset::Auto), ("none", Reset::None)]),
        );
        let start = slot.optional(
            "start",
            word(&[
                ("plug", Start::Plug),
                ("probe", Start::Probe),
                ("request", Start::Request),
            ]),
        );
        slot.finish();
        let name = name.map(|name| Found {
            value: SlotId::new(&name.value),
            span: name.span,
        });
        if let Some(name) = &name {
            once(document, &mut names, name, "name");
        }
        if let Some(place) = &place {
            once(document, &mut places, place, "place");
        }
        if let (Some(name), Some(place)) = (name, place) {
            slots.push(SlotSettings {
                name: name.value,
                place: place.value,
                baud_ceiling: baud_ceiling.map(|found| found.value),
                reset: reset.map(|found| found.value).unwrap_or_default(),
                start: start.map(|found| found.value).unwrap_or_default(),
            });
        }
    }
    slots
}

fn place(document: &Document<'_>, slot: &mut Fields<'_>, folder: &Path) -> Option<Found<Place>> {
    let path = slot.optional("path", text(4096));
    let usb = slot.optional("usb_path", usb_path);
    match (path, usb) {
        (Some(path), None) => Some(Found {
            value: Place::Path(folder.join(path.value)),
            span: path.span,
        }),
        (None, Some(usb)) => Some(Found {
            value: Place::Usb(usb.value),
            span: usb.span,
        }),
        (Some(path), Some(usb)) => {
            let message = "the slot has both `path` and `usb_path`";
            document.error(
                &usb.span,
                message,
                "keep the one that says where the slot is",
            );
            Some(Found {
                value: Place::Path(folder.join(path.value)),
                span: path.span,
            })
        }
        (None, None) => {
            if !slot.has("path") && !slot.has("usb_path") {
                slot.error(
                    "the slot has neither `path` nor `usb_path`",
                    "add: path = \"/dev/ttyUSB0\", or usb_path with its place on USB",
                );
            }
            None
        }
    }
}

/// The form of `/dev/serial/by-path`, without the folder.
fn usb_path(value: &toml::de::DeValue<'_>) -> Result<UsbPath, Misfit> {
    let place = UsbPath::from_by_path(&text(200)(value)?);
    let is_odd = |c: char| c == '/' || c.is_whitespace();
    // names under by-id have no port chain
    if place.0.contains("-usb-0:") && !place.0.contains(is_odd) {
        Ok(place)
    } else {
        Err(Misfit::new(
            "is no place on USB",
            "write it as /dev/serial/by-path shows it, without the folder: \
             \"pci-0000:00:14.0-usb-0:1.2:1.0\"; a device file goes into `path`",
        ))
    }
}

fn once<T: Clone + Eq + Hash>(
    document: &Document<'_>,
    seen: &mut HashMap<T, Range<usize>>,
    found: &Found<T>,
    what: &str,
) {
    match seen.entry(found.value.clone()) {
        Entry::Vacant(entry) => {
            entry.insert(found.span.clone());
        }
        Entry::Occupied(entry) => {
            let fault = Fault::new(
                Severity::Error,
                document.source(),
                Some(found.span.clone()),
                format!("two slots have the same {what}"),
                format!("give each slot a {what} of its own"),
            );
            document.push(fault.and(entry.get().clone(), "here first"));
        }
    }
}

/// What serial drivers and chips can be asked for, baud.
const BAUDS: RangeInclusive<u32> = 1_200..=12_000_000;
/// The database where no file and no option names one.
pub const DATABASE: &str = "flashline.db";
const ATTEMPTS: u32 = 2;
/// Plugging by hand bounces.
const SETTLE: Duration = Duration::from_millis(300);
/// A hub that resets is back within this time.
/// How long a lost port may be away where the station file says nothing.
pub const GRACE: Duration = Duration::from_millis(1_500);
/// Free space below which nothing is recorded where the station file says nothing, in MB of 2^20 bytes.
pub const DISK_RESERVE_MB: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    fn parse(toml: &str) -> Settings {
        Settings::parse(Path::new("/etc/line/station.toml"), toml).unwrap()
    }

    /// What is told of a station file that is not taken.
    fn told(toml: &str) -> String {
        let faults = Settings::parse(Path::new("station.toml"), toml).unwrap_err();
        Fault::render_all(&faults, super::super::Paint::Plain)
    }

    #[test]
    fn defaults() {
        let settings = parse(LEAST);
        assert_eq!(
            settings,
            Settings {
                station: "b".to_owned(),
                manifest: "/etc/line/m.toml".into(),
                database: "/etc/line/flashline.db".into(),
                slots: vec![],
                baud_ceiling: None,
                attempts: 2,
                settle: Duration::from_millis(300),
                grace: Duration::from_millis(1500),
                disk_reserve_bytes: 64 << 20,
                stub: true,
            }
        );
    }

    #[test]
    fn every_key() {
        let settings = parse(
            r#"
station = "b"
manifest = "/srv/m.toml"
database = "db/x.db"
baud_ceiling = 460_800
attempts = 3
settle_ms = 0
grace_ms = 10
disk_reserve_mb = 1
stub = false

[[slot]]
name = "left"
path = "/dev/ttyUSB0"

[[slot]]
name = "right"
usb_path = "pci-0000:00:14.0-usb-0:1.2:1.0"
baud_ceiling = 115200
reset = "none"
start = "probe"
"#,
        );
        assert_eq!(settings.manifest, Path::new("/srv/m.toml"));
        assert_eq!(settings.database, Path::new("/etc/line/db/x.db"));
        assert_eq!(
            (settings.baud_ceiling, settings.attempts, settings.stub),
            (Some(460_800), 3, false)
        );
        assert_eq!(
            (settings.settle, settings.grace, settings.disk_reserve_bytes),
            (Duration::ZERO, Duration::from_millis(10), 1 << 20)
        );
        assert_eq!(
            settings.slots,
            [
                SlotSettings {
                    name: SlotId::new("left"),
                    place: Place::Path("/dev/ttyUSB0".into()),
                    baud_ceiling: None,
                    reset: Reset::Auto,
                    start: Start::Plug,
                },
                SlotSettings {
                    name: SlotId::new("right"),
                    place: Place::Usb(UsbPath("pci-0000:00:14.0-usb-0:1.2:1.0".to_owned())),
                    baud_ceiling: Some(115_200),
                    reset: Reset::None,
                    start: Start::Probe,
                },
            ]
        );
    }

    #[test]
    fn the_example_is_taken() {
        let settings = parse(include_str!("../../station.toml.example"));
        assert_eq!(settings.slots, []);
        // what is commented out there must be right as well
        let all: String = include_str!("../../station.toml.example")
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(parse(&all).slots.len(), 3);
    }

    #[test]
    fn an_empty_file() {
        insta::assert_snapshot!(told(""), @r#"
        error: the file has no `station`
        --> station.toml
         = help: add: station = "bench-1"

        error: the file has no `manifest`
        --> station.toml
         = help: add: manifest = "manifest.toml"
        "#);
    }

    #[test]
    fn slots_that_share() {
        let slots = "[[slot]]\nname = \"1\"\npath = \"/dev/ttyUSB0\"\n[[slot]]\nname = \"1\"\npath = \"/dev/./ttyUSB0\"\n";
        insta::assert_snapshot!(told(&format!("{LEAST}{slots}")), @r#"
        error: two slots have the same name
         --> station.toml:7:8
          |
        4 | name = "1"
          |        --- here first
        ...
        7 | name = "1"
          |        ^^^
          |
          = help: give each slot a name of its own

        error: two slots have the same place
         --> station.toml:8:8
          |
        5 | path = "/dev/ttyUSB0"
          |        -------------- here first
        ...
        8 | path = "/dev/./ttyUSB0"
          |        ^^^^^^^^^^^^^^^^
          |
          = help: give each slot a place of its own
        "#);
    }

    #[test]
    fn slots_without_a_place() {
        let slots = "[[slot]]\nname = \"1\"\n[[slot]]\nname = \"2\"\npath = \"a\"\nusb_path = \"pci-0-usb-0:1:1.0\"\n[[slot]]\nname = \"3\"\nusb_path = \"/dev/ttyUSB0\"\nstart = \"plugged\"\n";
        insta::assert_snapshot!(told(&format!("{LEAST}{slots}")), @r#"
        error: the slot has neither `path` nor `usb_path`
         --> station.toml:3:1
          |
        3 | [[slot]]
          | ^^^^^^^^
          |
          = help: add: path = "/dev/ttyUSB0", or usb_path with its place on USB

        error: the slot has both `path` and `usb_path`
         --> station.toml:8:12
          |
        8 | usb_path = "pci-0-usb-0:1:1.0"
          |            ^^^^^^^^^^^^^^^^^^^
          |
          = help: keep the one that says where the slot is

        error: `usb_path` is no place on USB
          --> station.toml:11:12
           |
        11 | usb_path = "/dev/ttyUSB0"
           |            ^^^^^^^^^^^^^^
           |
           = help: write it as /dev/serial/by-path shows it, without the folder: "pci-0000:00:14.0-usb-0:1.2:1.0"; a device file goes into `path`

        error: `start` is "plugged"
          --> station.toml:12:9
           |
        12 | start = "plugged"
           |         ^^^^^^^^^
           |
           = help: write "plug", "probe" or "request"
        "#);
    }

    #[test]
    fn places_as_udev_names_them() {
        let place = |usb_path: &str| {
            let slot = format!("{LEAST}[[slot]]\nname = \"1\"\nusb_path = \"{usb_path}\"\n");
            let settings = Settings::parse(Path::new("station.toml"), &slot);
            settings
                .ok()
                .map(|settings| settings.slots[0].place.clone())
        };
        let plain = "pci-0000:00:14.0-usb-0:1.2:1.0";
        let expected = Some(Place::Usb(UsbPath(plain.to_owned())));
        assert_eq!(place(plain), expected);
        assert_eq!(place(&format!("{plain}-port0")), expected);
        assert_eq!(place("pci-0000:00:14.0-usbv2-0:1.2:1.0-port0"), expected);
        // a name of /dev/serial/by-id is no place
        assert_eq!(place("usb-Silicon_Labs_CP2102_0001-if00-port0"), None);
        assert_eq!(place("/dev/ttyUSB0"), None);
    }

    #[test]
    fn values_out_of_bounds() {
        insta::assert_snapshot!(told(&format!("{LEAST}attempts = 0\nbaud_ceiling = 300\nsettle = 300\nstub = \"no\"\n")), @r#"
        error: `attempts` is 0, less than 1
         --> station.toml:3:12
          |
        3 | attempts = 0
          |            ^
          |
          = help: write a whole number from 1 to 10 (attempts), without quotes

        error: `baud_ceiling` is 300, less than 1200
         --> station.toml:4:16
          |
        4 | baud_ceiling = 300
          |                ^^^
          |
          = help: write a whole number from 1200 to 12000000 (baud), without quotes

        error: unknown key `settle`
         --> station.toml:5:1
          |
        5 | settle = 300
          | ^^^^^^
          |
          = help: did you mean `settle_ms`?

        error: `stub` is a string
         --> station.toml:6:8
          |
        6 | stub = "no"
          |        ^^^^
          |
          = help: write true or false, without quotes
        "#);
    }

    #[test]
    fn no_file() {
        let faults = Settings::load(Path::new("/nowhere/station.toml")).unwrap_err();
        insta::assert_snapshot!(faults[0], @r#"
        error: the file does not exist
        --> /nowhere/station.toml
         = help: check the name and the folder: paths are relative to the file that names them
        "#);
    }
}
