//! A look at every serial port of the machine, for people: whether it may be opened, and who has it.
//! Leaves out what is to be thought of it (`cli`). Blocks.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::scan::{Found, Roots, scan};
use super::{Claimed, Names, PortInfo, UsbId, holder, usb};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// By their nodes.
    pub ports: Vec<Inspected>,
    pub without_line: Vec<WithoutLine>,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    pub info: PortInfo,
    pub access: PortAccess,
    /// The flashline that works on it: command and process.
    pub claimed: Option<String>,
    /// The processes that have it open.
    pub open_in: Option<String>,
}

/// Whether this process may open a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortAccess {
    Granted,
    Denied {
        /// The node's group.
        gid: u32,
        /// Its permissions (`0o660`).
        mode: u32,
    },
}

/// A known bridge on USB that has no serial line: its driver is missing, or a program has taken it from its
/// driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutLine {
    pub id: UsbId,
    /// As of a line, without the interface.
    pub place: String,
    pub driver: Option<String>,
}

/// Looks at the ports of this machine; `configured` as for [`super::SystemPorts::new`], without URLs.
pub fn inspect(configured: &[PathBuf]) -> Inspection {
    inspect_at(&Roots::default(), configured)
}

fn inspect_at(roots: &Roots, configured: &[PathBuf]) -> Inspection {
    let claimed = Claimed::now();
    let found = scan(roots, configured).into_iter();
    let mut ports: Vec<Inspected> = found.map(|found| look_at(found, &claimed)).collect();
    // ttyUSB10 behind ttyUSB9
    ports.sort_by_key(|port| (port.info.path.as_os_str().len(), port.info.path.clone()));
    Inspection {
        ports,
        without_line: without_line(roots),
    }
}

fn look_at(found: Found, claimed: &Claimed) -> Inspected {
    let Found { info, permitted } = found;
    let meta = fs::metadata(&info.path).ok();
    let access = match &meta {
        Some(meta) if !permitted => PortAccess::Denied {
            gid: meta.gid(),
            mode: meta.mode() & 0o777,
        },
        _ => PortAccess::Granted,
    };
    Inspected {
        claimed: claimed.holder(&Names::of(&info)).map(|held| held.by),
        open_in: meta.and_then(|meta| holder::of(meta.rdev())),
        access,
        info,
    }
}

fn without_line(roots: &Roots) -> Vec<WithoutLine> {
    let below = |folder: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(roots.sys.join(folder)).into_iter().flatten();
        let paths = entries.flatten().map(|entry| entry.path().canonicalize());
        paths.flatten().collect()
    };
    let lines = below("class/tty");
    let devices = below("bus/usb/devices").into_iter();
    let mut found: Vec<WithoutLine> = devices
        .filter(|device| !lines.iter().any(|line| line.starts_with(device)))
        .filter_map(|device| {
            // what hangs below a hub is not the hub's
            let line = usb::line(&device).filter(|_| device.join("idVendor").exists())?;
            line.id.known_product()?;
            Some(WithoutLine {
                id: line.id,
                place: line.place.to_string(),
                driver: driver(&device),
            })
        })
        .collect();
    found.sort_by(|one, two| one.place.cmp(&two.place));
    found
}

/// Of the first interface that has one.
fn driver(device: &Path) -> Option<String> {
    let interfaces = fs::read_dir(device).ok()?.flatten();
    let drivers = interfaces
        .filter(|entry| entry.file_name().to_string_lossy().contains(':'))
        .filter_map(|entry| {
            let driver = fs::read_link(entry.path().join("driver")).ok()?;
            let driver = driver.file_name()?.to_str()?.to_owned();
            Some((entry.file_name(), driver))
        });
    drivers.min().map(|(_, driver)| driver)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn device(sys: &Path, path: &str, files: &[(&str, &str)], links: &[(&str, &str)]) {
        let folder = sys.join("devices").join(path);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        for (name, target) in links {
            symlink(target, folder.join(name)).unwrap();
        }
    }

    /// A bridge that brltty has taken, one without a driver, a hub, and a bridge with its line.
    #[test]
    fn bridges_without_a_line_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let sys = folder.path().to_owned();
        let pci = "pci0000:00/0000:00:14.0";
        let facts = |vendor, product| {
            [
                ("idVendor", vendor),
                ("idProduct", product),
                ("busnum", "1"),
                ("devnum", "4"),
            ]
        };
        let usb = [("subsystem", "/x/usb"), ("driver", "/x/drivers/usb")];
        let at = |name: &str| format!("{pci}/usb1/{name}");
        device(&sys, pci, &[], &[("subsystem", "/x/pci")]);
        device(&sys, &at(""), &facts("1d6b", "0002"), &usb);
        device(&sys, &at("1-1"), &facts("1a86", "7523"), &usb);
        let taken = [("subsystem", "/x/usb"), ("driver", "/x/drivers/usbfs")];
        device(&sys, &at("1-1/1-1:1.0"), &[], &taken);
        let sound = [("subsystem", "/x/usb"), ("driver", "/x/drivers/audio")];
        device(&sys, &at("1-1/1-1:1.1"), &[], &sound);
        device(&sys, &at("1-2"), &facts("10c4", "ea60"), &usb);
        device(&sys, &at("1-3"), &facts("10c4", "ea60"), &usb);
        let driven = [("subsystem", "/x/usb"), ("driver", "/x/drivers/cp210x")];
        device(&sys, &at("1-3/1-3:1.0"), &[], &driven);
        let line = at("1-3/1-3:1.0/ttyUSB0/tty/ttyUSB0");
        device(&sys, &line, &[], &[("subsystem", "/x/tty")]);
        for (class, name, target) in [
            ("bus/usb/devices", "usb1", at("")),
            ("bus/usb/devices", "1-1", at("1-1")),
            ("bus/usb/devices", "1-1:1.0", at("1-1/1-1:1.0")),
            ("bus/usb/devices", "1-2", at("1-2")),
            ("bus/usb/devices", "1-3", at("1-3")),
            ("class/tty", "ttyUSB0", line.clone()),
        ] {
            fs::create_dir_all(sys.join(class)).unwrap();
            let target = sys.join("devices").join(target);
            symlink(target, sys.join(class).join(name)).unwrap();
        }
        let roots = Roots {
            sys,
            dev: folder.path().join("dev"),
            majors: &[],
        };
        let found = inspect_at(&roots, &[]);
        assert_eq!(found.ports, []);
        let told = found
            .without_line
            .iter()
            .map(|bridge| format!("{} {} {:?}", bridge.id, bridge.place, bridge.driver));
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r#"
        1a86:7523 pci-0000:00:14.0-usb-0:1 Some("usbfs")
        10c4:ea60 pci-0000:00:14.0-usb-0:2 None
        "#);
    }

    #[test]
    fn who_has_a_port_is_told() {
        let pty = crate::port::tty::pty();
        let mut reader = std::process::Command::new("sleep")
            .arg("60")
            .stdin(fs::File::open(&pty.1).unwrap())
            .spawn()
            .unwrap();
        let found = inspect(std::slice::from_ref(&pty.1));
        reader.kill().unwrap();
        reader.wait().unwrap();
        let port = found
            .ports
            .iter()
            .find(|port| port.info.path == pty.1)
            .unwrap();
        assert_eq!((&port.access, &port.claimed), (&PortAccess::Granted, &None));
        let holder = format!("(process {})", reader.id());
        assert!(port.open_in.as_ref().unwrap().contains(&holder));
    }
}
