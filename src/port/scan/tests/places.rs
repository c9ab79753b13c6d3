//! Places: what tells boards apart that look the same, and bridges with several lines.

use std::collections::BTreeSet;

use super::*;

const PCI: &str = "pci0000:00/0000:00:14.0";

/// How a bridge's lines hang on its interfaces.
enum Lines<'a> {
    /// A driver of USB serial: interface, number of the port there, name of the tty.
    Serial(&'a [(u8, u8, &'a str)]),
    /// A driver that makes terminals itself (cdc_acm, WCH's): interface, name of the tty.
    Own(&'a [(u8, &'a str)]),
}

impl Machine {
    /// A bridge at the end of a chain of hubs (`1.8.2`), on the bus of [`PCI`].
    fn bridge(&self, chain: &str, devnum: &str, id: (&str, &str), driver: &str, lines: Lines<'_>) {
        let mut folder = format!("{PCI}/usb1");
        let facts = |vendor, product, devnum| {
            [
                ("idVendor", vendor),
                ("idProduct", product),
                ("busnum", "1"),
                ("devnum", devnum),
                ("serial", "0001"),
            ]
        };
        self.once(PCI, "pci", &[]);
        self.once(&folder, "usb", &facts("1d6b", "0002", "1"));
        for (at, _) in chain.match_indices('.') {
            folder += &format!("/1-{}", &chain[..at]);
            self.once(&folder, "usb", &facts("05e3", "0610", "2"));
        }
        folder += &format!("/1-{chain}");
        self.device(&folder, "usb", "usb", &facts(id.0, id.1, devnum));
        let interface = |number: u8| format!("{folder}/1-{chain}:1.{number}");
        let number = |name: &str| {
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            // of CH9344USB7 the last
            let digits = digits.rsplit(|c: char| !c.is_ascii_digit()).next();
            let major = if name.contains("ACM") { 166 } else { 188 };
            format!("{major}:{}", digits.unwrap())
        };
        match lines {
            Lines::Serial(lines) => {
                for (at, port, name) in lines {
                    self.once(&interface(*at), "usb", &[]);
                    let folder = format!("{}/{name}", interface(*at));
                    let port = [("port_number", port.to_string())];
                    let port = port.each_ref().map(|(key, value)| (*key, value.as_str()));
                    self.device(&folder, "usb-serial", driver, &port);
                    self.tty(&format!("{folder}/tty/{name}"), &number(name));
                }
            }
            Lines::Own(lines) => {
                for (at, name) in lines {
                    self.once(&interface(*at), "usb", &[]);
                    self.tty(&format!("{}/tty/{name}", interface(*at)), &number(name));
                }
            }
        }
    }

    /// What is there already stays.
    fn once(&self, path: &str, subsystem: &str, attributes: &[(&str, &str)]) {
        if !self.roots.sys.join("devices").join(path).exists() {
            self.device(path, subsystem, "", attributes);
        }
    }

    /// Node and place of each line.
    fn places(&self) -> String {
        let line = |port: &PortInfo| {
            let node = port.path.file_name().unwrap().to_str().unwrap().to_owned();
            let place = port.usb_path.as_ref().unwrap();
            format!("{node} {place} {}", place.short())
        };
        let found = self.scan(&[]);
        let shorts: BTreeSet<String> = found
            .iter()
            .map(|port| port.usb_path.as_ref().unwrap().short())
            .collect();
        assert_eq!(shorts.len(), found.len(), "each has a name of its own");
        let mut lines: Vec<String> = found.iter().map(line).collect();
        lines.sort_by_key(|line| (line.find(' '), line.clone()));
        lines.join("\n")
    }
}

const CP2102: (&str, &str) = ("10c4", "ea60");

#[test]
fn two_of_a_kind_with_one_serial_number_on_hubs_on_hubs() {
    let machine = Machine::new();
    let at = |chain, devnum, name| {
        machine.bridge(
            chain,
            devnum,
            CP2102,
            "cp210x",
            Lines::Serial(&[(0, 0, name)]),
        );
    };
    at("1.4.4.4.1", "9", "ttyUSB0");
    at("1.4.4.4.2", "10", "ttyUSB1");
    at("3", "11", "ttyUSB2");
    insta::assert_snapshot!(machine.places(), @r"
    ttyUSB0 pci-0000:00:14.0-usb-0:1.4.4.4.1:1.0 usb-1.4.4.4.1
    ttyUSB1 pci-0000:00:14.0-usb-0:1.4.4.4.2:1.0 usb-1.4.4.4.2
    ttyUSB2 pci-0000:00:14.0-usb-0:3:1.0 usb-3
    ");
    let instances: BTreeSet<u64> = machine.scan(&[]).iter().map(|port| port.instance).collect();
    assert_eq!(instances.len(), 3);
}

#[test]
fn a_board_that_comes_back_under_another_number_is_at_its_place() {
    let (before, after) = (Machine::new(), Machine::new());
    let plug = |machine: &Machine, devnum, name| {
        let lines = Lines::Serial(&[(0, 0, name)]);
        machine.bridge("1.2", devnum, CP2102, "cp210x", lines);
        machine.scan(&[]).remove(0)
    };
    let (before, after) = (plug(&before, "5", "ttyUSB0"), plug(&after, "6", "ttyUSB1"));
    assert_eq!(before.usb_path, after.usb_path);
    assert_ne!(before.instance, after.instance);
}

/// A driver of USB serial for each interface: FTDI's and Silicon Labs' with several lines.
#[test]
fn each_interface_of_a_device_is_a_place() {
    let machine = Machine::new();
    let ft4232 = [
        (0, 0, "ttyUSB0"),
        (1, 0, "ttyUSB1"),
        (2, 0, "ttyUSB2"),
        (3, 0, "ttyUSB3"),
    ];
    let ftdi = ("0403", "6011");
    machine.bridge("1.1", "5", ftdi, "ftdi_sio", Lines::Serial(&ft4232));
    let cp2105 = [(0, 0, "ttyUSB4"), (1, 0, "ttyUSB5")];
    let silabs = ("10c4", "ea70");
    machine.bridge("1.2", "6", silabs, "cp210x", Lines::Serial(&cp2105));
    // cdc_acm hangs the terminal on the first of two interfaces
    let ch342 = [(0, "ttyACM0"), (2, "ttyACM1")];
    machine.bridge("1.3", "7", ("1a86", "55d2"), "cdc_acm", Lines::Own(&ch342));
    insta::assert_snapshot!(machine.places(), @r"
    ttyACM0 pci-0000:00:14.0-usb-0:1.3:1.0 usb-1.3
    ttyACM1 pci-0000:00:14.0-usb-0:1.3:1.2 usb-1.3:1.2
    ttyUSB0 pci-0000:00:14.0-usb-0:1.1:1.0 usb-1.1
    ttyUSB1 pci-0000:00:14.0-usb-0:1.1:1.1 usb-1.1:1.1
    ttyUSB2 pci-0000:00:14.0-usb-0:1.1:1.2 usb-1.1:1.2
    ttyUSB3 pci-0000:00:14.0-usb-0:1.1:1.3 usb-1.1:1.3
    ttyUSB4 pci-0000:00:14.0-usb-0:1.2:1.0 usb-1.2
    ttyUSB5 pci-0000:00:14.0-usb-0:1.2:1.1 usb-1.2:1.1
    ");
}

/// Several lines on one interface: as udev names them where the driver numbers them, else in their order.
#[test]
fn each_line_of_an_interface_is_a_place() {
    let machine = Machine::new();
    let ch348 = [(0, 0, "ttyUSB0"), (0, 1, "ttyUSB1"), (0, 7, "ttyUSB2")];
    let wch = ("1a86", "55d9");
    machine.bridge("1.1", "5", wch, "ch348", Lines::Serial(&ch348));
    let ch9344 = [
        (0, "ttyCH9344USB9"),
        (0, "ttyCH9344USB10"),
        (0, "ttyCH9344USB11"),
    ];
    machine.bridge("1.2", "6", wch, "usb_ch9344", Lines::Own(&ch9344));
    insta::assert_snapshot!(machine.places(), @r"
    ttyUSB0 pci-0000:00:14.0-usb-0:1.1:1.0 usb-1.1
    ttyUSB1 pci-0000:00:14.0-usb-0:1.1:1.0-port1 usb-1.1:1.0-port1
    ttyUSB2 pci-0000:00:14.0-usb-0:1.1:1.0-port7 usb-1.1:1.0-port7
    ttyCH9344USB9 pci-0000:00:14.0-usb-0:1.2:1.0 usb-1.2
    ttyCH9344USB10 pci-0000:00:14.0-usb-0:1.2:1.0-port1 usb-1.2:1.0-port1
    ttyCH9344USB11 pci-0000:00:14.0-usb-0:1.2:1.0-port2 usb-1.2:1.0-port2
    ");
}

/// The host's sysfs in a container, whose node of that name is another device.
#[test]
fn a_node_is_what_its_number_says() {
    let machine = Machine::new();
    machine.cp2102("17");
    let pty = crate::port::tty::pty();
    let node = machine.roots.dev.join("ttyUSB3");
    fs::remove_file(&node).unwrap();
    symlink(&pty.1, &node).unwrap();
    assert_eq!(machine.scan(&[]), []);
}

/// A pty in place of a line, since nobody else may make nodes.
#[test]
fn without_sysfs_a_node_is_known_by_its_number() {
    let pty = crate::port::tty::pty();
    let roots = Roots {
        sys: "/nowhere".into(),
        dev: "/dev/pts".into(),
        majors: &[136],
    };
    let found = scan(&roots, &[]);
    let ours = found.iter().filter(|found| found.info.path == pty.1);
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(
        (&ours[0].info.usb_path, &ours[0].info.usb_id),
        (&None, &None)
    );
    // under a name that the station file gives it, it is listed once
    let folder = tempfile::tempdir().unwrap();
    let slot = folder.path().join("slot");
    symlink(&pty.1, &slot).unwrap();
    let paths = scan(&roots, std::slice::from_ref(&slot));
    let paths: Vec<_> = paths.into_iter().map(|found| found.info.path).collect();
    assert!(paths.contains(&slot) && !paths.contains(&pty.1));
}
