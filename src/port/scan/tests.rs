//! Trees of sysfs as real machines have them, built in a folder.

use std::os::unix::fs::symlink;

use super::*;
use crate::event::UsbPath;
use crate::port::UsbId;

mod places;

/// A machine with a `/sys` and a `/dev`.
struct Machine {
    folder: tempfile::TempDir,
    roots: Roots,
}

impl Machine {
    fn new() -> Machine {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots {
            sys: folder.path().join("sys"),
            dev: folder.path().join("dev"),
            majors: &[],
        };
        for made in [
            &roots.sys.join("class/tty"),
            &roots.sys.join("dev/char"),
            &roots.dev,
        ] {
            fs::create_dir_all(made).unwrap();
        }
        Machine { folder, roots }
    }

    /// A folder under `/sys/devices` with its subsystem, driver (or "") and attributes.
    fn device(&self, path: &str, subsystem: &str, driver: &str, attributes: &[(&str, &str)]) {
        let folder = self.roots.sys.join("devices").join(path);
        fs::create_dir_all(&folder).unwrap();
        symlink(
            format!("/sys/somewhere/{subsystem}"),
            folder.join("subsystem"),
        )
        .unwrap();
        if !driver.is_empty() {
            symlink(format!("/sys/drivers/{driver}"), folder.join("driver")).unwrap();
        }
        for (name, value) in attributes {
            fs::write(folder.join(name), format!("{value}\n")).unwrap();
        }
    }

    /// The tty at the end, with its links; the node in `/dev` is a plain file.
    fn tty(&self, path: &str, number: &str) {
        self.device(path, "tty", "", &[("dev", number)]);
        let name = path.rsplit('/').next().unwrap();
        let (class, chars) = (
            self.roots.sys.join("class/tty"),
            self.roots.sys.join("dev/char"),
        );
        symlink(format!("../../devices/{path}"), class.join(name)).unwrap();
        symlink(format!("../../devices/{path}"), chars.join(number)).unwrap();
        fs::write(self.roots.dev.join(name), "").unwrap();
    }

    /// A CP2102 two hubs deep on a PC, as ttyUSB3.
    fn cp2102(&self, devnum: &str) {
        let pci = "pci0000:00/0000:00:14.0";
        let device = format!("{pci}/usb1/1-1/1-1.8/1-1.8.2");
        let hub: &[(&str, &str)] = &[
            ("idVendor", "05e3"),
            ("idProduct", "0610"),
            ("busnum", "1"),
            ("devnum", "2"),
        ];
        self.device(pci, "pci", "xhci_hcd", &[]);
        for path in ["usb1", "usb1/1-1", "usb1/1-1/1-1.8"] {
            self.device(&format!("{pci}/{path}"), "usb", "usb", hub);
        }
        let bridge = [
            ("idVendor", "10c4"),
            ("idProduct", "ea60"),
            ("busnum", "1"),
            ("devnum", devnum),
            ("serial", "0001"),
            ("product", "CP2102 USB to UART Bridge Controller"),
        ];
        self.device(&device, "usb", "usb", &bridge);
        let interface = format!("{device}/1-1.8.2:1.0");
        self.device(&interface, "usb", "cp210x", &[]);
        let port = format!("{interface}/ttyUSB3");
        self.device(&port, "usb-serial", "cp210x", &[("port_number", "0")]);
        self.tty(&format!("{port}/tty/ttyUSB3"), "188:3");
    }

    fn scan(&self, configured: &[PathBuf]) -> Vec<PortInfo> {
        let found = scan(&self.roots, configured);
        assert!(found.iter().all(|found| found.permitted));
        found.into_iter().map(|found| found.info).collect()
    }
}

#[test]
fn a_bridge_behind_two_hubs() {
    let machine = Machine::new();
    machine.cp2102("17");
    let [port] = &machine.scan(&[])[..] else {
        panic!("one port");
    };
    assert_eq!(port.path, machine.roots.dev.join("ttyUSB3"));
    // As udev names it, less the port of a bridge that has one only.
    let place = UsbPath("pci-0000:00:14.0-usb-0:1.8.2:1.0".to_owned());
    assert_eq!(port.usb_path, Some(place));
    let id = UsbId {
        vendor: 0x10C4,
        product: 0xEA60,
    };
    assert_eq!(port.usb_id, Some(id));
    assert!(id.known_bridge().is_some());
    assert_eq!(
        port.description,
        "CP2102 USB to UART Bridge Controller (cp210x)"
    );
}

#[test]
fn a_replug_at_the_same_place_is_another_instance() {
    let (before, again, after) = (Machine::new(), Machine::new(), Machine::new());
    before.cp2102("17");
    again.cp2102("17");
    after.cp2102("18");
    let instance = |machine: &Machine| machine.scan(&[])[0].instance;
    assert_eq!(instance(&before), instance(&again));
    assert_ne!(instance(&before), instance(&after));
}

/// USB-Serial-JTAG on a single-board computer whose PCI controller hangs on a platform device; and the
/// second port of a bridge that has several on one interface.
#[test]
fn other_places() {
    let machine = Machine::new();
    let soc = "platform/scb/fd500000.pcie";
    let pci = format!("{soc}/pci0000:00/0000:00:00.0/0000:01:00.0");
    let bus = format!("{pci}/usb1/1-1");
    let numbers = |vendor, product| {
        [
            ("idVendor", vendor),
            ("idProduct", product),
            ("busnum", "1"),
            ("devnum", "5"),
        ]
    };
    machine.device(soc, "platform", "brcm-pcie", &[]);
    machine.device(
        &format!("{soc}/pci0000:00/0000:00:00.0"),
        "pci",
        "pcieport",
        &[],
    );
    machine.device(&pci, "pci", "xhci_hcd", &[]);
    machine.device(
        &format!("{pci}/usb1"),
        "usb",
        "usb",
        &numbers("1d6b", "0002"),
    );
    machine.device(&bus, "usb", "usb", &numbers("303a", "1001"));
    machine.device(&format!("{bus}/1-1:1.0"), "usb", "cdc_acm", &[]);
    machine.tty(&format!("{bus}/1-1:1.0/tty/ttyACM0"), "166:0");
    let many = format!("{pci}/usb1/1-2");
    machine.device(&many, "usb", "usb", &numbers("abcd", "0001"));
    machine.device(&format!("{many}/1-2:1.0"), "usb", "mxuport", &[]);
    let port = format!("{many}/1-2:1.0/ttyUSB1");
    machine.device(&port, "usb-serial", "mxuport", &[("port_number", "1")]);
    machine.tty(&format!("{port}/tty/ttyUSB1"), "188:1");

    let mut seen: Vec<String> = machine
        .scan(&[])
        .iter()
        .map(|port| format!("{} | {}", port.usb_path.as_ref().unwrap(), port.description))
        .collect();
    seen.sort();
    insta::assert_snapshot!(seen.join("\n"), @r"
    platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1:1.0 | USB device 303a:1001 (cdc_acm)
    platform-fd500000.pcie-pci-0000:01:00.0-usb-0:2:1.0-port1 | USB device abcd:0001 (mxuport)
    ");
}

#[test]
fn consoles_and_lines_without_a_node_are_left_out() {
    let machine = Machine::new();
    machine.device("virtual/tty", "none", "", &[]);
    machine.tty("virtual/tty/tty1", "4:1");
    machine.tty("platform/serial8250/tty/ttyS0", "4:64");
    machine.cp2102("17");
    fs::remove_file(machine.roots.dev.join("ttyUSB3")).unwrap();
    assert_eq!(machine.scan(&[]), []);
}

/// The node is a pty here, under the number of which sysfs knows a bridge.
#[test]
fn a_bridge_at_a_configured_path_is_listed_once_and_keeps_its_place() {
    let pty = crate::port::tty::pty();
    let number = fs::metadata(&pty.1).unwrap().rdev();
    let number = format!("{}:{}", major(number), minor(number));
    let machine = Machine::new();
    machine.cp2102("17");
    let tty = "pci0000:00/0000:00:14.0/usb1/1-1/1-1.8/1-1.8.2/1-1.8.2:1.0/ttyUSB3/tty/ttyUSB3";
    fs::write(
        machine.roots.sys.join("devices").join(tty).join("dev"),
        &number,
    )
    .unwrap();
    symlink(
        format!("../../devices/{tty}"),
        machine.roots.sys.join("dev/char").join(&number),
    )
    .unwrap();
    let slot = machine.folder.path().join("left-slot");
    symlink(&pty.1, &slot).unwrap();

    let [port] = &machine.scan(std::slice::from_ref(&slot))[..] else {
        panic!("one port");
    };
    assert_eq!(port.path, slot);
    assert_eq!(port.usb_path.as_ref().unwrap().short(), "usb-1.8.2");
}

#[test]
fn configured_paths_may_be_anything() {
    let machine = Machine::new();
    let at = |name: &str| machine.folder.path().join(name);
    let pty = crate::port::tty::pty();
    symlink(&pty.1, at("pty")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    fs::write(at("file"), "").unwrap();
    let all = [
        at("pty"),
        at("dangling"),
        at("file"),
        at("absent"),
        "/dev/null".into(),
    ];
    let seen: Vec<_> = machine
        .scan(&all)
        .into_iter()
        .map(|port| (port.path, port.description))
        .collect();
    assert_eq!(
        seen,
        [
            (at("pty"), "pseudo-terminal".to_owned()),
            (at("file"), "not a serial device".to_owned()),
            ("/dev/null".into(), "serial device".to_owned()),
        ]
    );
}

#[test]
fn a_path_that_points_elsewhere_is_another_instance() {
    let machine = Machine::new();
    let slot = machine.folder.path().join("slot");
    let instance = |target: &Path| {
        let _ = fs::remove_file(&slot);
        symlink(target, &slot).unwrap();
        machine.scan(std::slice::from_ref(&slot))[0].instance
    };
    let (first, second) = (crate::port::tty::pty(), crate::port::tty::pty());
    let before = instance(&first.1);
    // The link was made anew and leads to the same board: no replug.
    assert_eq!(instance(&first.1), before);
    assert_ne!(instance(&second.1), before);
}

/// This machine's own trees: whatever they hold, nothing fails, and what is told can be a line on USB.
#[test]
fn the_real_trees_can_be_read() {
    for found in scan(&Roots::default(), &[]) {
        let number = fs::metadata(&found.info.path).unwrap().rdev();
        assert!(found.info.usb_path.is_some() || USB_MAJORS.contains(&major(number)));
    }
}
