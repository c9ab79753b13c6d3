use super::*;
use crate::event::UsbPath;
use crate::settings::{After, Place, Reset, Sequence, Start};

const LEAST: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

fn parse(toml: &str) -> Settings {
    Settings::parse(Path::new("/etc/line/station.toml"), toml).unwrap()
}

/// What is told of a station file that is not taken.
fn told(toml: &str) -> String {
    let faults = Settings::parse(Path::new("station.toml"), toml).unwrap_err();
    Fault::render_all(&faults, crate::settings::Paint::Plain)
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
            hub: HubLimits::default(),
            ports: PortRules::default(),
            stubs: Arc::default(),
            // those of a table of their own are tested there
            ..Settings::of(
                "b",
                "/etc/line/m.toml".into(),
                "/etc/line/flashline.db".into()
            )
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
after = "stay"
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
                said: settings.slots[0].said.clone(),
                ..SlotSettings::at("left", Place::Path("/dev/ttyUSB0".into()))
            },
            SlotSettings {
                baud_ceiling: Some(115_200),
                reset: Reset::None,
                after: After::Stay,
                start: Start::Probe,
                said: settings.slots[1].said.clone(),
                ..SlotSettings::at(
                    "right",
                    Place::Usb(UsbPath("pci-0000:00:14.0-usb-0:1.2:1.0".to_owned())),
                )
            },
        ]
    );
}

#[test]
fn the_example_is_taken() {
    let settings = parse(include_str!("../../../station.toml.example"));
    assert_eq!(settings.slots, []);
    // what is commented out there must be right as well
    let all: String = include_str!("../../../station.toml.example")
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    // a folder of this machine
    let named = "/opt/esptool/lib/python3.11/site-packages/esptool/targets/stub_flasher/2";
    assert!(all.contains(named));
    let folder = stub_folder();
    let all = all.replace(named, &folder.path().display().to_string());
    assert_eq!(parse(&all).slots.len(), 5);
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
       = help: write "plug", "probe", "request", "scan", "cts" or "dsr"
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

#[test]
fn resets_and_what_comes_after() {
    let slot = |keys: &str| format!("{LEAST}[[slot]]\nname = \"1\"\npath = \"/dev/a\"\n{keys}\n");
    let of = |keys: &str| {
        let slot = parse(&slot(keys)).slots.remove(0);
        (slot.reset, slot.after)
    };
    assert_eq!(of(""), (Reset::Auto, After::Auto));
    assert_eq!(of("reset = \"usb-otg\""), (Reset::UsbOtg, After::Auto));
    let sequence = Sequence::parse("D1|W0.2|R0").unwrap();
    assert_eq!(
        of("reset = \"D1|W0.2|R0\"\nafter = \"watchdog\""),
        (Reset::Custom(sequence), After::Watchdog)
    );
    insta::assert_snapshot!(told(&slot("reset = \"D0|R1|W.1s|D1\"\nafter = \"reset\"")), @r#"
    error: `reset` has "W.1s" as step 3, which wants seconds from 0 to 10: W0.1
     --> station.toml:6:9
      |
    6 | reset = "D0|R1|W.1s|D1"
      |         ^^^^^^^^^^^^^^^
      |
      = help: write steps like D0|R1|W0.1|D1|R0|W0.05|D0: D is DTR, R is RTS, U1,0 both, W waits for seconds

    error: `after` is "reset"
     --> station.toml:7:9
      |
    7 | after = "reset"
      |         ^^^^^^^
      |
      = help: write "auto", "hard", "watchdog" or "stay"
    "#);
    insta::assert_snapshot!(told(&slot("reset = \"tigth\"")), @r#"
    error: `reset` is "tigth"
     --> station.toml:6:9
      |
    6 | reset = "tigth"
      |         ^^^^^^^
      |
      = help: write "auto", "tight", "classic", "usb-jtag", "usb-otg" or "none"; or a sequence: "D0|R1|W0.1|D1|R0|W0.05|D0"
    "#);
}

#[test]
fn network_ports() {
    let slot = |keys: &str| format!("{LEAST}[[slot]]\nname = \"1\"\n{keys}\n");
    let rack = slot("path = \"rfc2217://rack:4000\"\nstart = \"probe\"");
    // not below the file's folder
    let place = Place::Path("rfc2217://rack:4000".into());
    assert_eq!(parse(&rack).slots[0].place, place);
    insta::assert_snapshot!(told(&slot("path = \"telnet://rack:4000\"")), @r#"
    error: `path` begins with telnet://, which is no kind of port
     --> station.toml:5:8
      |
    5 | path = "telnet://rack:4000"
      |        ^^^^^^^^^^^^^^^^^^^^
      |
      = help: write rfc2217://host:port, socket://host:port, or the path of a device
    "#);
    insta::assert_snapshot!(told(&slot("path = \"socket://rack:4000\"")), @r#"
    error: a network port is always there, so plugging a board in cannot start its job
     --> station.toml:5:8
      |
    5 | path = "socket://rack:4000"
      |        ^^^^^^^^^^^^^^^^^^^^
      |
      = help: add: start = "probe" (a board is noticed by its answer), "scan" or "request"
    "#);
    // the column is not missing: the row is wrong
    insta::assert_snapshot!(told(&slot("path = \"/dev/x\"\nrow = 65\ncolumn = 1")), @r#"
    error: `row` is 65, more than 64
     --> station.toml:6:7
      |
    6 | row = 65
      |       ^^
      |
      = help: write a whole number from 1 to 64 (rows), without quotes
    "#);
    let switch = |path: &str| slot(&format!("path = \"{path}\"\nstart = \"dsr\""));
    insta::assert_snapshot!(told(&switch("socket://rack:4000")), @r#"
    error: a socket:// port carries bytes alone: the jig's switch cannot be read through it
     --> station.toml:6:9
      |
    6 | start = "dsr"
      |         ^^^^^
      |
      = help: let the server speak RFC 2217 (rfc2217://), or start by "probe", "scan" or "request"
    "#);
    let remote = parse(&switch("rfc2217://rack:4000"));
    assert_eq!(remote.slots[0].start, Start::Dsr);
}

#[test]
fn a_stub_folder() {
    let toml = format!("{LEAST}stub_dir = \"/nowhere\"\n");
    let faults = Settings::parse(Path::new("station.toml"), &toml).unwrap_err();
    let [fault] = &faults[..] else {
        panic!("{faults:?}");
    };
    let shown = Fault::render_all(&faults, crate::settings::Paint::Plain);
    assert!(shown.contains("station.toml:3:12"), "{shown}");
    assert!(
        fault.to_string().contains("hold an esp8266.json"),
        "{fault}"
    );
    let folder = stub_folder();
    let toml = format!("{LEAST}stub_dir = \"{}\"\n", folder.path().display());
    let none = crate::chip::Revision { major: 0, minor: 0 };
    let stubs = parse(&toml).stubs;
    assert!(stubs.find(crate::chip::Chip::Esp8266, none).is_some());
}

/// A folder such as an installed esptool has.
fn stub_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let stub = r#"{"entry": 16, "text": "AAECAw==", "text_start": 16, "data": "Bwg=",
        "data_start": 64, "bss_start": 128}"#;
    std::fs::write(folder.path().join("esp8266.json"), stub).unwrap();
    folder
}
