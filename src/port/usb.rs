//! What sysfs tells of a USB serial line: its place, vendor and product. Works without udev, whose
//! names it computes (`udev-builtin-path_id.c`, `60-serial.rules` of systemd).

use std::fs;
use std::path::Path;

use super::UsbId;
use crate::event::UsbPath;

/// A serial line of a USB device.
#[derive(Debug, PartialEq, Eq)]
pub struct UsbLine {
    pub place: UsbPath,
    pub id: UsbId,
    /// Product and driver, for people.
    pub description: String,
    /// Bus and address: new with every plug, so it tells a replug at the same place.
    pub enumeration: (u16, u16),
}

/// The line whose tty has this folder under `/sys/devices` (symlinks resolved), if it is on USB.
pub fn line(tty: &Path) -> Option<UsbLine> {
    let mut parts: Vec<String> = Vec::new();
    let mut port = None;
    let mut driver = None;
    let mut device = None;
    let mut above = None;
    for folder in tty.ancestors() {
        let Some(subsystem) = link_name(&folder.join("subsystem")) else {
            above = None;
            continue;
        };
        driver = driver.or_else(|| link_name(&folder.join("driver")));
        if subsystem == "usb" && device.is_none() {
            device = device_facts(folder);
        }
        // Of neighbours of one kind (an interface, its device, the hubs) only the first tells the place.
        if above.as_ref() == Some(&subsystem) {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        match subsystem.as_str() {
            "usb-serial" => port = attribute(folder, "port_number"),
            "usb" => parts.push(format!("usb-0:{}", name.split_once('-')?.1)),
            "pci" | "platform" => parts.push(format!("{subsystem}-{name}")),
            _ => {}
        }
        above = Some(subsystem);
    }
    let (id, product, enumeration) = device?;
    parts.reverse();
    let port = port.or_else(|| Some(among_siblings(tty)?.to_string()));
    let suffix = port.map(|port| format!("-port{port}")).unwrap_or_default();
    let product = product.unwrap_or_else(|| format!("USB device {id}"));
    Some(UsbLine {
        place: UsbPath::from_by_path(&format!("{}{suffix}", parts.join("-"))),
        id,
        description: match driver {
            Some(driver) => format!("{product} ({driver})"),
            None => product,
        },
        enumeration,
    })
}

/// Id, product and enumeration, where this folder is a device (and no interface of one).
fn device_facts(folder: &Path) -> Option<(UsbId, Option<String>, (u16, u16))> {
    let hex = |name| u16::from_str_radix(&attribute(folder, name)?, 16).ok();
    let number = |name| attribute(folder, name)?.parse().ok();
    let id = UsbId {
        vendor: hex("idVendor")?,
        product: hex("idProduct")?,
    };
    let enumeration = (number("busnum")?, number("devnum")?);
    Some((id, attribute(folder, "product"), enumeration))
}

/// Which of its interface's lines this is, where a driver that does not number them (WCH's own for CH348
/// and CH9344) puts several into one folder: udev gives all of them the same name, and the kernel counts
/// them up as the chip does.
fn among_siblings(tty: &Path) -> Option<usize> {
    let folder = tty.parent().filter(|folder| folder.ends_with("tty"))?;
    let folder = fs::read_dir(folder).ok()?;
    let names = folder.flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    let own = tty.file_name()?;
    names.iter().position(|name| name == own)
}

fn attribute(folder: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(folder.join(name)).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn link_name(link: &Path) -> Option<String> {
    let target = fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}
