//! `[[slot]]`: a place on the bench, what starts its boards, and what else differs there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use super::{
    After, Document, Fault, Fields, Found, Misfit, NetPort, NetProtocol, Reset, Sequence, Severity,
};
use super::{text, whole, word};
use crate::event::{SlotId, UsbPath};

/// What serial drivers and chips can be asked for, baud.
pub(super) const BAUDS: RangeInclusive<u32> = 1_200..=12_000_000;

/// Where a slot is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A device file, a pty, a symlink to one; or the URL of a network port ([`NetPort`]), as it is.
    Path(PathBuf),
    /// A place on USB.
    Usb(UsbPath),
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
    /// When its board's serial number is scanned.
    Scan,
    /// A switch of the jig on the adapter's CTS input closes.
    Cts,
    /// A switch of the jig on the adapter's DSR input closes.
    Dsr,
}

/// Where a slot's tile is on the screen, as the slot is on the bench: counted from 1, from the back and
/// from the left.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Seat {
    pub row: u16,
    pub column: u16,
}

/// One `[[slot]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSettings {
    pub name: SlotId,
    pub place: Place,
    pub baud_ceiling: Option<u32>,
    pub reset: Reset,
    pub after: After,
    pub start: Start,
    pub seat: Option<Seat>,
    /// Another manifest than the station's.
    pub manifest: Option<PathBuf>,
    pub said: SlotSaid,
}

impl SlotSettings {
    /// A slot for hand-plugged boards, as it is where the file says no more of it.
    pub fn at(name: &str, place: Place) -> SlotSettings {
        SlotSettings {
            name: SlotId::new(name),
            place,
            baud_ceiling: None,
            reset: Reset::Auto,
            after: After::Auto,
            start: Start::Plug,
            seat: None,
            manifest: None,
            said: SlotSaid::default(),
        }
    }
}

/// Bytes of the station file's text that say how a slot's boards are reset and left; where nothing
/// does, those that say where the slot is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlotSaid {
    pub reset: Range<usize>,
    pub after: Range<usize>,
}

/// The `[[slot]]`s that can be read; a name or a place that two of them share is a fault.
pub(super) fn slots(
    document: &Document<'_>,
    root: &mut Fields<'_>,
    folder: &Path,
) -> Vec<SlotSettings> {
    let mut slots = Vec::new();
    let mut names: HashMap<SlotId, Range<usize>> = HashMap::new();
    let mut seats: HashMap<Seat, Range<usize>> = HashMap::new();
    let mut places: HashMap<Place, Range<usize>> = HashMap::new();
    for mut slot in root.tables("slot", "[[slot]]") {
        let name = slot.required("name", "\"1\"", text(24));
        let place = place(document, &mut slot, folder);
        let baud_ceiling = slot.optional("baud_ceiling", whole(BAUDS, "baud"));
        let reset = slot.optional("reset", reset);
        let after = slot.optional("after", word(&After::NAMES));
        let start = slot.optional(
            "start",
            word(&[
                ("plug", Start::Plug),
                ("probe", Start::Probe),
                ("request", Start::Request),
                ("scan", Start::Scan),
                ("cts", Start::Cts),
                ("dsr", Start::Dsr),
            ]),
        );
        let seat = seat(document, &mut slot);
        let manifest = slot.optional("manifest", text(4096));
        let start_value = start.as_ref().map(|found| found.value).unwrap_or_default();
        if let Some(place) = &place
            && is_on_network(&place.value)
            && start_value == Start::Plug
        {
            let span = start.as_ref().map_or(&place.span, |start| &start.span);
            document.error(
                span,
                "a network port is always there, so plugging a board in cannot start its job",
                "add: start = \"probe\" (a board is noticed by its answer), \"scan\" or \"request\"",
            );
        }
        if let (Some(place), Some(start)) = (&place, &start)
            && matches!(start.value, Start::Cts | Start::Dsr)
            && is_bytes_alone(&place.value)
        {
            document.error(
                &start.span,
                "a socket:// port carries bytes alone: the jig's switch cannot be read through it",
                "let the server speak RFC 2217 (rfc2217://), or start by \"probe\", \"scan\" or \"request\"",
            );
        }
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
        if let Some(seat) = &seat {
            once(document, &mut seats, seat, "row and column");
        }
        if let (Some(name), Some(place)) = (name, place) {
            let or_place = |span: Option<Range<usize>>| span.unwrap_or_else(|| place.span.clone());
            slots.push(SlotSettings {
                said: SlotSaid {
                    reset: or_place(reset.as_ref().map(|found| found.span.clone())),
                    after: or_place(after.as_ref().map(|found| found.span.clone())),
                },
                name: name.value,
                place: place.value,
                baud_ceiling: baud_ceiling.map(|found| found.value),
                reset: reset.map(|found| found.value).unwrap_or_default(),
                after: after.map(|found| found.value).unwrap_or_default(),
                start: start_value,
                seat: seat.map(|found| found.value),
                manifest: manifest.map(|found| folder.join(found.value)),
            });
        }
    }
    slots
}

/// `row` and `column`, which go together.
fn seat(document: &Document<'_>, slot: &mut Fields<'_>) -> Option<Found<Seat>> {
    // one that does not fit is told as that
    let both_given = slot.has("row") && slot.has("column");
    let row = slot.optional("row", whole(1..=64, "rows"));
    let column = slot.optional("column", whole(1..=64, "columns"));
    match (row, column) {
        (Some(row), Some(column)) => Some(Found {
            value: Seat {
                row: row.value as u16,
                column: column.value as u16,
            },
            span: row.span,
        }),
        (Some(one), None) | (None, Some(one)) if !both_given => {
            let message = "the slot has only one of `row` and `column`";
            document.error(
                &one.span,
                message,
                "give it both, counted from 1, or neither",
            );
            None
        }
        _ => None,
    }
}

fn place(document: &Document<'_>, slot: &mut Fields<'_>, folder: &Path) -> Option<Found<Place>> {
    let path = slot.optional("path", port_path);
    let usb = slot.optional("usb_path", usb_path);
    match (path, usb) {
        (Some(path), None) => Some(Found {
            value: at_path(folder, path.value),
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
                value: at_path(folder, path.value),
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

/// A URL is no path to resolve.
fn at_path(folder: &Path, path: String) -> Place {
    match NetPort::parse(&path) {
        Some(_) => Place::Path(path.into()),
        None => Place::Path(folder.join(path)),
    }
}

fn is_on_network(place: &Place) -> bool {
    matches!(place, Place::Path(path) if NetPort::from_path(path).is_some())
}

fn is_bytes_alone(place: &Place) -> bool {
    let Place::Path(path) = place else {
        return false;
    };
    let port = NetPort::from_path(path);
    port.is_some_and(|port| port.protocol == NetProtocol::Socket)
}

/// A path, or the URL of a network port.
fn port_path(value: &toml::de::DeValue<'_>) -> Result<String, Misfit> {
    let path = text(4096)(value)?;
    match NetPort::parse(&path) {
        Some(Err(error)) => Err(Misfit::new(
            error.to_string(),
            "write rfc2217://host:port, socket://host:port, or the path of a device",
        )),
        Some(Ok(port)) => Ok(port.to_string()),
        None => Ok(path),
    }
}

/// A strategy's name, or a sequence.
fn reset(value: &toml::de::DeValue<'_>) -> Result<Reset, Misfit> {
    if let toml::de::DeValue::String(written) = value
        && Sequence::is_meant_by(written)
    {
        return match Sequence::parse(written) {
            Ok(sequence) => Ok(Reset::Custom(sequence)),
            Err(error) => Err(Misfit::new(
                error.to_string(),
                "write steps like D0|R1|W0.1|D1|R0|W0.05|D0: D is DTR, R is RTS, U1,0 both, W waits \
                 for seconds",
            )),
        };
    }
    word(&Reset::NAMES)(value).map_err(|misfit| Misfit {
        advice: format!(
            "{}; or a sequence: \"D0|R1|W0.1|D1|R0|W0.05|D0\"",
            misfit.advice
        ),
        ..misfit
    })
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
