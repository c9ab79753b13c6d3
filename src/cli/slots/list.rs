//! `flashline slots list`: the bench as it is laid out, and where something is plugged in now.

use std::collections::BTreeMap;

use super::{Exit, Which};
use crate::cli::{faults, out, session};
use crate::port::{PortChange, PortInfo, Ports, SystemPorts};
use crate::settings::{NetPort, Place, Seat, Settings, SlotSettings};

/// Show the slots as they are on the bench, and what is plugged in now
///
/// Exit code: 0 shown, 4 usage or a station file with faults.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub which: Which,
}

pub fn run(args: Args) -> Exit {
    let settings = match Settings::load(&args.which.config) {
        Ok(settings) => settings,
        Err(told) => {
            faults::tell(&told);
            return Exit::Usage;
        }
    };
    let ports = SystemPorts::new(settings.paths());
    match session::block_on(present(&ports)) {
        Ok(ports) => {
            out::line(bench(&settings, &ports).trim_end());
            Exit::Pass
        }
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::BenchError
        }
    }
}

/// What is plugged in now.
async fn present(ports: &impl Ports) -> Vec<PortInfo> {
    let mut changes = ports.watch();
    loop {
        match changes.recv().await {
            Some(PortChange::Present(ports)) => return ports,
            Some(_) => {}
            None => return Vec::new(),
        }
    }
}

/// The bench in text: a row of three lines for each row of slots with seats, then a line for each other.
fn bench(settings: &Settings, ports: &[PortInfo]) -> String {
    let slots = &settings.slots;
    if slots.is_empty() {
        return "no slots: each known bridge that is plugged in is one of its own".to_owned();
    }
    let mut rows: BTreeMap<u16, BTreeMap<u16, [String; 3]>> = BTreeMap::new();
    for slot in slots {
        if let Some(Seat { row, column }) = slot.seat {
            rows.entry(row)
                .or_default()
                .insert(column, cell(slot, ports));
        }
    }
    let columns = slots.iter().filter_map(|slot| Some(slot.seat?.column));
    let columns = columns.max().unwrap_or(0);
    let width = |column: u16| {
        let cells = rows.values().filter_map(|row| row.get(&column));
        let lines = cells.flatten().map(|line| line.chars().count());
        lines.max().unwrap_or(1)
    };
    let mut text = String::new();
    for (row, cells) in &rows {
        for line in 0..3 {
            let head = if line == 0 {
                format!("row {row}")
            } else {
                String::new()
            };
            let mut shown = format!("{head:<8}");
            for column in 1..=columns {
                let said = match cells.get(&column) {
                    Some(cell) => cell[line].as_str(),
                    None if line == 0 => ".",
                    None => "",
                };
                let wide = width(column);
                shown += &format!("{said:<wide$}   ");
            }
            text += shown.trim_end();
            text.push('\n');
        }
        text.push('\n');
    }
    let others: Vec<[String; 3]> = slots
        .iter()
        .filter(|slot| slot.seat.is_none())
        .map(|slot| cell(slot, ports))
        .collect();
    let wide = |index: usize| {
        let lines = others.iter().map(|cell| cell[index].chars().count());
        lines.max().unwrap_or(0)
    };
    let (names, places) = (wide(0), wide(1));
    for [name, place, now] in &others {
        text += &format!("{name:<names$}   {place:<places$}   {now}\n");
    }
    text
}

/// Name, place, and what is there.
fn cell(slot: &SlotSettings, ports: &[PortInfo]) -> [String; 3] {
    let (place, now) = match &slot.place {
        Place::Usb(place) => (place.short(), node(ports, &slot.place)),
        Place::Path(path) if NetPort::from_path(path).is_some() => {
            (path.display().to_string(), "a server".to_owned())
        }
        Place::Path(path) => (path.display().to_string(), node(ports, &slot.place)),
    };
    [slot.name.to_string(), place, now]
}

fn node(ports: &[PortInfo], place: &Place) -> String {
    let there = ports.iter().find(|port| port.is_at(place));
    there.map_or("-".to_owned(), |port| port.path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::event::UsbPath;

    #[test]
    fn the_grid_with_its_holes_and_the_slots_without_a_seat() {
        let text = "station = \"b\"\nmanifest = \"m\"\n\
            [[slot]]\nname = \"left\"\nusb_path = \"pci-0000:00:14.0-usb-0:1.2:1.0\"\nrow = 1\ncolumn = 1\n\
            [[slot]]\nname = \"right\"\nusb_path = \"pci-0000:00:14.0-usb-0:1.4.1:1.0\"\nrow = 1\ncolumn = 3\n\
            [[slot]]\nname = \"front\"\nusb_path = \"pci-0000:00:14.0-usb-0:1.3:1.0\"\nrow = 3\ncolumn = 3\n\
            [[slot]]\nname = \"rack\"\npath = \"rfc2217://rack-1:4000\"\nstart = \"probe\"\n\
            [[slot]]\nname = \"jig\"\npath = \"/dev/ttyS4\"\n";
        let settings = Settings::parse(Path::new("/etc/station.toml"), text).unwrap();
        let ports = [PortInfo {
            usb_path: Some(UsbPath("pci-0000:00:14.0-usb-0:1.4.1:1.0".to_owned())),
            ..PortInfo::at("/dev/ttyUSB0")
        }];
        insta::assert_snapshot!(bench(&settings, &ports), @r#"
        row 1   left      .   right
                usb-1.2       usb-1.4.1
                -             /dev/ttyUSB0

        row 3   .         .   front
                              usb-1.3
                              -

        rack   rfc2217://rack-1:4000   a server
        jig    /dev/ttyS4              -
        "#);
    }
}
