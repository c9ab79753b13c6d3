//! `flashline ports`: every serial port of the machine, which slot has it or why it is left alone, whether it
//! may be opened, who has it open, and what to do about that. Leaves out the looking (`port`).

use std::fmt::Write;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User};
use serde_json::{Value, json};

use super::{Exit, faults, out};
use crate::event::SlotId;
use crate::port::{
    Inspected, Inspection, LeftAlone, PortAccess, UsbId, WithoutLine, inspect, remedy,
};
use crate::settings::{NetPort, Place, Settings, SlotSettings};

/// List the serial ports: place, slot, permission, and who has them open
///
/// Nothing is opened. Exit code: 0 every slot's port may be opened, 3 one may not or another program has it,
/// 4 the station file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station file [default: station.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Exit {
    let usual = Path::new("station.toml");
    let config = args
        .config
        .or_else(|| usual.exists().then(|| usual.to_owned()));
    let settings = match config.as_deref().map(Settings::load).transpose() {
        Ok(Some(settings)) => settings,
        Ok(None) => Settings::of("", PathBuf::new(), PathBuf::new()),
        Err(found) => {
            faults::tell(&found);
            return Exit::Usage;
        }
    };
    let configured = settings.slots.iter().filter_map(device).cloned();
    let inspection = inspect(&configured.collect::<Vec<_>>());
    let list = List::of(&inspection, &settings, &People::here());
    if args.json {
        out::line(&list.json().to_string());
    } else {
        out::line(list.text(config.as_deref()).trim_end());
    }
    list.exit()
}

/// The device that a slot has in the file.
fn device(slot: &SlotSettings) -> Option<&PathBuf> {
    match &slot.place {
        Place::Path(path) if NetPort::from_path(path).is_none() => Some(path),
        _ => None,
    }
}

/// Who asks, and the machine's groups.
struct People {
    user: Option<String>,
    /// A group's name and members, by its number. Blocks.
    group: fn(u32) -> Option<(String, Vec<String>)>,
}

impl People {
    fn here() -> People {
        let user = User::from_uid(Uid::current()).ok().flatten();
        People {
            user: user.map(|user| user.name),
            group: |gid| {
                let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten()?;
                Some((group.name, group.mem))
            },
        }
    }

    /// What lets this user open a node of this group and mode.
    fn permit(&self, gid: u32, mode: u32) -> String {
        let group = (self.group)(gid).filter(|(name, _)| name != "root");
        let (Some((group, members)), true) = (group, mode & 0o060 == 0o060) else {
            return "`sudo flashline install-udev` gives it to a group".to_owned();
        };
        let user = self.user.as_deref().unwrap_or("USER");
        if members.iter().any(|member| member == user) {
            format!("{user} is in group {group} since the last login: log in again")
        } else {
            format!("`sudo usermod -aG {group} {user}`, then log in again")
        }
    }
}

/// A port in words.
struct Row {
    node: String,
    usb_id: Option<UsbId>,
    product: String,
    place: Option<String>,
    slot: Result<SlotId, LeftAlone>,
    access: PortAccess,
    group: Option<String>,
    held_by: Option<String>,
    is_in_the_way: bool,
    /// What is wrong, and what to do about it.
    notes: Vec<String>,
}

struct List {
    rows: Vec<Row>,
    /// Known bridges that have no serial line, and what to do about it.
    without_line: Vec<(WithoutLine, String)>,
    /// Slots whose place has no port now.
    vacant: Vec<(SlotId, String)>,
}

impl List {
    fn of(inspection: &Inspection, settings: &Settings, people: &People) -> List {
        let rows = inspection
            .ports
            .iter()
            .map(|port| row(port, settings, people));
        let is_vacant = |place: &Place| {
            let ports = &inspection.ports;
            !ports.iter().any(|port| port.info.is_at(place))
        };
        let slots = settings.slots.iter().filter(|slot| is_vacant(&slot.place));
        let vacant = slots.map(|slot| {
            let says = match &slot.place {
                Place::Usb(place) => format!("nothing is plugged in at {place}"),
                Place::Path(path) if NetPort::from_path(path).is_some() => {
                    format!("{} is reached when it is worked", path.display())
                }
                Place::Path(path) => format!("{} is not there", path.display()),
            };
            (slot.name.clone(), says)
        });
        let without_line = inspection.without_line.iter().map(|bridge| {
            let says = match bridge.driver.as_deref() {
                Some("usbfs") => {
                    "a program has taken it from its driver, as brltty does: \
                     `sudo flashline install-udev`, then plug it in again"
                }
                Some(_) => "its driver makes no serial line of it",
                None => "it has no driver: is its kernel module (cp210x, ch341, …) installed?",
            };
            (bridge.clone(), says.to_owned())
        });
        List {
            rows: rows.collect(),
            without_line: without_line.collect(),
            vacant: vacant.collect(),
        }
    }

    fn exit(&self) -> Exit {
        let is_in_the_way = |row: &Row| row.slot.is_ok() && row.is_in_the_way;
        if self.rows.iter().any(is_in_the_way) {
            Exit::BenchError
        } else {
            Exit::Pass
        }
    }

    fn text(&self, config: Option<&Path>) -> String {
        let mut text = String::new();
        let header = ["port", "usb id", "place", "slot", "what"].map(str::to_owned);
        let cells = self.rows.iter().map(|row| {
            let slot = match &row.slot {
                Ok(slot) => slot.to_string(),
                Err(_) => "-".to_owned(),
            };
            [
                row.node.clone(),
                row.usb_id.map_or("-".to_owned(), |id| id.to_string()),
                row.place.clone().unwrap_or("-".to_owned()),
                slot,
                row.product.clone(),
            ]
        });
        let cells: Vec<[String; 5]> = std::iter::once(header).chain(cells).collect();
        let width = |column: usize| {
            let widths = cells.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let [w0, w1, w2, w3] = [width(0), width(1), width(2), width(3)];
        if self.rows.is_empty() {
            text += "no serial port on USB\n";
        } else {
            for (index, [node, id, place, slot, what]) in cells.iter().enumerate() {
                let line = format!("{node:<w0$}  {id:<w1$}  {place:<w2$}  {slot:<w3$}  {what}");
                let _ = writeln!(text, "{}", line.trim_end());
                let row = index.checked_sub(1).and_then(|index| self.rows.get(index));
                for note in row.into_iter().flat_map(Row::lines) {
                    let _ = writeln!(text, "    {note}");
                }
            }
        }
        // writing to a String cannot fail
        for (bridge, says) in &self.without_line {
            let (id, place) = (bridge.id, &bridge.place);
            let name = bridge.id.known_bridge().unwrap_or_default();
            let _ = writeln!(text, "\n{id} {name} at {place} has no serial line: {says}");
        }
        if !self.vacant.is_empty() {
            text += "\n";
        }
        for (slot, says) in &self.vacant {
            let _ = writeln!(text, "slot {slot}: {says}");
        }
        let said = match config {
            Some(file) => format!("slots as {} has them", file.display()),
            None => "no station file: each known bridge is a slot of its own".to_owned(),
        };
        let _ = writeln!(text, "\n{said}");
        text
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "port": row.node,
                "usb_id": row.usb_id.map(|id| id.to_string()),
                "bridge": row.usb_id.and_then(UsbId::known_bridge),
                "product": row.product,
                "place": row.place,
                "slot": row.slot.as_ref().ok().map(SlotId::as_str),
                "left_alone": row.slot.as_ref().err().map(ToString::to_string),
                "may_open": row.access == PortAccess::Granted,
                "group": row.group,
                "held_by": row.held_by,
                "notes": row.notes,
            })
        });
        let without_line = self.without_line.iter().map(|(bridge, says)| {
            json!({
                "usb_id": bridge.id.to_string(),
                "bridge": bridge.id.known_bridge(),
                "place": bridge.place,
                "driver": bridge.driver,
                "note": says,
            })
        });
        let vacant = self
            .vacant
            .iter()
            .map(|(slot, says)| json!({ "slot": slot.as_str(), "note": says }));
        json!({
            "ports": rows.collect::<Vec<Value>>(),
            "without_line": without_line.collect::<Vec<Value>>(),
            "slots_without_port": vacant.collect::<Vec<Value>>(),
        })
    }
}

impl Row {
    fn lines(&self) -> impl Iterator<Item = String> {
        let left_alone = self.slot.as_ref().err();
        let left_alone = left_alone.map(|why| format!("left alone: {why}"));
        left_alone.into_iter().chain(self.notes.iter().cloned())
    }
}

fn row(port: &Inspected, settings: &Settings, people: &People) -> Row {
    let info = &port.info;
    let named = settings.slots.iter().find(|slot| info.is_at(&slot.place));
    let slot = match named {
        Some(slot) => Ok(slot.name.clone()),
        None => info.is_slot_by_itself(settings).map(|()| {
            let short = info.usb_path.as_ref().map(|place| place.short());
            SlotId::new(&short.unwrap_or_else(|| info.path.display().to_string()))
        }),
    };
    let mut notes = Vec::new();
    let mut group = None;
    if let PortAccess::Denied { gid, mode } = port.access {
        let name = (people.group)(gid).map(|(name, _)| name);
        notes.push(format!(
            "no permission (mode {mode:03o}, group {}): {}",
            name.clone().unwrap_or_else(|| gid.to_string()),
            people.permit(gid, mode)
        ));
        group = name;
    }
    if let Some(by) = &port.claimed {
        notes.push(format!("at work: {by}"));
    } else if let Some(by) = &port.open_in {
        let what = match remedy(by) {
            Some(remedy) => format!("{remedy}; until then end it"),
            None => "close it there".to_owned(),
        };
        notes.push(format!("open in {by}: {what}"));
    }
    Row {
        node: info.path.display().to_string(),
        usb_id: info.usb_id,
        product: info.description.clone(),
        place: info.usb_path.as_ref().map(ToString::to_string),
        slot,
        access: port.access.clone(),
        group,
        held_by: port.claimed.clone().or_else(|| port.open_in.clone()),
        is_in_the_way: port.access != PortAccess::Granted
            || port.claimed.is_none() && port.open_in.is_some(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::UsbPath;
    use crate::port::PortInfo;

    fn people() -> People {
        People {
            user: Some("anna".to_owned()),
            group: |gid| {
                let (name, members) = match gid {
                    0 => ("root", ""),
                    20 => ("dialout", "li"),
                    998 => ("line", "anna li"),
                    _ => return None,
                };
                let members = members.split_whitespace().map(str::to_owned);
                Some((name.to_owned(), members.collect()))
            },
        }
    }

    fn port(node: &str, id: Option<(u16, u16)>, chain: &str, description: &str) -> Inspected {
        Inspected {
            info: PortInfo {
                usb_id: id.map(|(vendor, product)| UsbId { vendor, product }),
                usb_path: id.map(|_| UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}"))),
                description: description.to_owned(),
                ..PortInfo::at(node)
            },
            access: PortAccess::Granted,
            claimed: None,
            open_in: None,
        }
    }

    fn machine() -> Inspection {
        let cp2102 = Some((0x10C4, 0xEA60));
        let denied = |gid, mode| PortAccess::Denied { gid, mode };
        Inspection {
            ports: vec![
                port("/dev/ttyS9", None, "", "serial device"),
                port("/dev/ttyUSB0", cp2102, "1.2:1.0", "CP2102 (cp210x)"),
                Inspected {
                    access: denied(20, 0o660),
                    ..port("/dev/ttyUSB1", cp2102, "1.3:1.0", "CP2102 (cp210x)")
                },
                Inspected {
                    open_in: Some("ModemManager (process 812)".to_owned()),
                    ..port(
                        "/dev/ttyACM0",
                        Some((0x303A, 0x1001)),
                        "1.4:1.0",
                        "USB JTAG (cdc_acm)",
                    )
                },
                Inspected {
                    open_in: Some("picocom (process 4711)".to_owned()),
                    ..port(
                        "/dev/ttyUSB2",
                        Some((0x0403, 0x6010)),
                        "2:1.0",
                        "Dual RS232-HS (ftdi_sio)",
                    )
                },
                Inspected {
                    claimed: Some("flashline run, slot left (process 90)".to_owned()),
                    open_in: Some("flashline (process 90)".to_owned()),
                    ..port(
                        "/dev/ttyUSB3",
                        Some((0x0403, 0x6010)),
                        "2:1.1",
                        "Dual RS232-HS (ftdi_sio)",
                    )
                },
                port(
                    "/dev/ttyACM1",
                    Some((0x2341, 0x0043)),
                    "4:1.0",
                    "Arduino Uno (cdc_acm)",
                ),
            ],
            without_line: vec![
                WithoutLine {
                    id: UsbId {
                        vendor: 0x1A86,
                        product: 0x7523,
                    },
                    place: "pci-0000:00:14.0-usb-0:5".to_owned(),
                    driver: Some("usbfs".to_owned()),
                },
                WithoutLine {
                    id: UsbId {
                        vendor: 0x10C4,
                        product: 0xEA60,
                    },
                    place: "pci-0000:00:14.0-usb-0:6".to_owned(),
                    driver: None,
                },
            ],
        }
    }

    const STATION: &str = r#"
station = "bench"
manifest = "m.toml"
[ports]
ignore = ["0403:6010:1.0"]
[[slot]]
name = "left"
usb_path = "pci-0000:00:14.0-usb-0:2:1.1"
[[slot]]
name = "right"
usb_path = "pci-0000:00:14.0-usb-0:1.4:1.0"
[[slot]]
name = "empty"
usb_path = "pci-0000:00:14.0-usb-0:7:1.0"
[[slot]]
name = "rack"
path = "rfc2217://rack-1:4000"
start = "request"
[[slot]]
name = "pty"
path = "/tmp/bench/1"
"#;

    #[test]
    fn a_machine_without_a_station_file() {
        let settings = Settings::of("", PathBuf::new(), PathBuf::new());
        let list = List::of(&machine(), &settings, &people());
        insta::assert_snapshot!(list.text(None));
        assert_eq!(list.exit(), Exit::BenchError);
    }

    #[test]
    fn a_machine_with_slots() {
        let file = Path::new("station.toml");
        let settings = Settings::parse(file, STATION).unwrap();
        let mut machine = machine();
        let list = List::of(&machine, &settings, &people());
        insta::assert_snapshot!(list.text(Some(file)));
        let json = serde_json::to_string_pretty(&list.json()).unwrap();
        insta::assert_snapshot!("json", json);
        // ModemManager has a slot's port; what is nobody's slot is in nobody's way
        assert_eq!(list.exit(), Exit::BenchError);
        machine.ports[3].open_in = None;
        assert_eq!(List::of(&machine, &settings, &people()).exit(), Exit::Pass);
    }

    #[test]
    fn nothing_is_plugged_in() {
        let settings = Settings::of("", PathBuf::new(), PathBuf::new());
        let list = List::of(&Inspection::default(), &settings, &people());
        assert_eq!(
            list.text(None),
            "no serial port on USB\n\nno station file: each known bridge is a slot of its own\n"
        );
        assert_eq!(list.exit(), Exit::Pass);
    }

    #[test]
    fn what_gives_permission() {
        let check = |gid, mode, says: &str| assert_eq!(people().permit(gid, mode), says);
        check(
            20,
            0o660,
            "`sudo usermod -aG dialout anna`, then log in again",
        );
        check(
            998,
            0o660,
            "anna is in group line since the last login: log in again",
        );
        let install = "`sudo flashline install-udev` gives it to a group";
        check(0, 0o660, install);
        check(20, 0o600, install);
        check(4242, 0o660, install);
    }
}
