//! Which ports are there now: a look at sysfs, at `/dev` and at the configured paths. Blocking, and
//! without memory; what changed between two looks is `system`'s affair.
//!
//! In a container sysfs may be missing, or be the host's: then it tells of lines that are not passed in,
//! and `/dev` may have those that are under other names. So a node is what its device number says.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, major, makedev, minor};

use super::{PortInfo, usb};

/// Where the kernel's trees are; elsewhere in tests.
#[derive(Debug, Clone)]
pub struct Roots {
    pub sys: PathBuf,
    pub dev: PathBuf,
    /// Major numbers of the nodes in `dev` that are serial lines on USB whatever sysfs knows.
    pub majors: &'static [u32],
}

/// ttyACM and ttyUSB (Linux, `Documentation/admin-guide/devices.txt`).
const USB_MAJORS: &[u32] = &[166, 188];

impl Default for Roots {
    fn default() -> Roots {
        Roots {
            sys: "/sys".into(),
            dev: "/dev".into(),
            majors: USB_MAJORS,
        }
    }
}

/// A port, and whether it may be opened: udev sets permissions a moment after the node appears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub info: PortInfo,
    pub permitted: bool,
}

/// All serial lines on USB, and whatever is at the configured paths; a line that is at one of those, or has
/// several nodes, is listed once.
pub fn scan(roots: &Roots, configured: &[PathBuf]) -> Vec<Found> {
    let mut devices = Vec::new();
    let mut found = Vec::new();
    for path in configured {
        if let Some((device, info)) = at_path(roots, path) {
            devices.extend(device);
            found.push(info);
        }
    }
    for (device, info) in usb_lines(roots) {
        if !devices.contains(&device) {
            devices.push(device);
            found.push(info);
        }
    }
    for path in usb_nodes(roots) {
        if let Some((Some(device), info)) = at_path(roots, &path)
            && !devices.contains(&device)
        {
            devices.push(device);
            found.push(info);
        }
    }
    found
        .into_iter()
        .map(|info| Found {
            permitted: access(&info.path, Access::READ_OK | Access::WRITE_OK).is_ok(),
            info,
        })
        .collect()
}

/// What is at a configured path, and its device number if it has one. Whether it is a serial line is
/// found out, and told, when it is opened.
fn at_path(roots: &Roots, path: &Path) -> Option<(Option<u64>, PortInfo)> {
    let meta = fs::metadata(path).ok()?;
    let device = meta.file_type().is_char_device().then(|| meta.rdev());
    let info = |instance, description: &str| PortInfo {
        path: path.to_owned(),
        instance,
        usb_path: None,
        usb_id: None,
        description: description.to_owned(),
    };
    let inode = (meta.dev(), meta.ino());
    let Some(number) = device else {
        return Some((None, info(digest(&inode), "not a serial device")));
    };
    let in_sysfs = format!("dev/char/{}:{}", major(number), minor(number));
    let line = fs::canonicalize(roots.sys.join(in_sysfs))
        .ok()
        .and_then(|tty| usb::line(&tty));
    let info = match line {
        Some(line) => usb_info(path.to_owned(), number, line),
        None if is_pty(number) => {
            // The next pty takes the same number and inode; the time of its making differs.
            let made = (meta.ctime(), meta.ctime_nsec());
            info(digest(&(number, inode, made)), "pseudo-terminal")
        }
        None => info(digest(&(number, inode)), "serial device"),
    };
    Some((device, info))
}

/// The serial lines on USB whose nodes exist.
fn usb_lines(roots: &Roots) -> impl Iterator<Item = (u64, PortInfo)> {
    let folder = roots.sys.join("class/tty");
    let names = fs::read_dir(&folder).into_iter().flatten().flatten();
    names.filter_map(move |entry| {
        // Cheaply past the hundred consoles and on-board lines.
        let target = fs::read_link(entry.path()).ok()?;
        if !target
            .components()
            .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"usb"))
        {
            return None;
        }
        let tty = folder.join(target).canonicalize().ok()?;
        let number = device_number(&tty)?;
        let node = roots.dev.join(entry.file_name());
        let meta = fs::metadata(&node).ok()?;
        let is_another = meta.file_type().is_char_device() && meta.rdev() != number;
        (!is_another).then_some(())?;
        Some((number, usb_info(node, number, usb::line(&tty)?)))
    })
}

/// The nodes that are serial lines on USB by their numbers.
fn usb_nodes(roots: &Roots) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(&roots.dev).into_iter().flatten().flatten();
    let nodes = entries.filter(|entry| {
        let is_device = entry.file_type().is_ok_and(|kind| kind.is_char_device());
        let number = |meta: fs::Metadata| major(meta.rdev());
        is_device
            && entry
                .metadata()
                .is_ok_and(|meta| roots.majors.contains(&number(meta)))
    });
    nodes.map(|entry| entry.path())
}

fn usb_info(path: PathBuf, device: u64, line: usb::UsbLine) -> PortInfo {
    PortInfo {
        path,
        instance: digest(&(device, line.enumeration)),
        usb_path: Some(line.place),
        usb_id: Some(line.id),
        description: line.description,
    }
}

fn device_number(tty: &Path) -> Option<u64> {
    let text = fs::read_to_string(tty.join("dev")).ok()?;
    let (major, minor) = text.trim().split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

/// Unix98 pty slaves (Linux, `Documentation/admin-guide/devices.txt`).
fn is_pty(device: u64) -> bool {
    (136..=143).contains(&major(device))
}

fn digest(parts: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
