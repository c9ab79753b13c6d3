//! The vocabulary that every room shares: who (slot, job, unit), how it ended (outcome, code), how far it
//! is (step, progress) and what happened (notice). Leaves out every word that people read: those
//! are in `lang`.

mod again;
mod code;
mod lot;
mod notice;
mod progress;
mod scan;
pub mod spelling;
mod unit;
mod who;

use std::fmt;
use std::sync::Arc;

use crate::chip::spelled;

pub use again::{Again, Passed};
pub use code::Code;
pub use lot::{FirstArticle, Golden, LotName, LotState};
pub use notice::{Happening, Notice, Waiting};
pub use progress::{Progress, Step};
pub use scan::ScanKind;
pub use unit::{Serial, Unit};
pub use who::{Role, Who};

/// A slot's name on the bench, as the station file spells it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub Arc<str>);

impl SlotId {
    pub fn new(name: &str) -> SlotId {
        SlotId(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

spelled!(SlotId, |text| Some(SlotId::new(text)), "slot");

impl fmt::Debug for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A physical place on USB: the PCI path of the controller and the chain of hub ports, such as
/// `pci-0000:00:14.0-usb-0:1.8.2:1.0`; never a bus number. The form of `/dev/serial/by-path`, less the
/// `-port0` that it adds for the first line of a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsbPath(pub String);

impl UsbPath {
    /// The place that a name in `/dev/serial/by-path` tells. Newer udev gives a second name there, with
    /// the USB generation in it (ID_PATH_WITH_USB_REVISION): the same place.
    pub fn from_by_path(name: &str) -> UsbPath {
        let name = name.strip_suffix("-port0").unwrap_or(name);
        let plain = |name: String, generation| name.replace(generation, "-usb-");
        UsbPath(
            ["-usbv1-", "-usbv2-", "-usbv3-"]
                .into_iter()
                .fold(name.to_owned(), plain),
        )
    }

    /// The chain of hub ports alone, `usb-1.8.2`: how people point at a place on one computer.
    /// A second interface of a device keeps its number (`usb-1.8.2:1.1`).
    pub fn short(&self) -> String {
        let chain = self
            .0
            .rsplit_once("-usb-")
            .map_or(self.0.as_str(), |(_, chain)| chain);
        let chain = chain.strip_prefix("0:").unwrap_or(chain);
        format!("usb-{}", chain.strip_suffix(":1.0").unwrap_or(chain))
    }
}

impl UsbPath {
    /// Configuration and interface of the device there: `1.0`. `None` where the path tells none.
    pub fn interface(&self) -> Option<&str> {
        let (_, chain) = self.0.rsplit_once("-usb-0:")?;
        let (_, interface) = chain.split_once(':')?;
        interface.split('-').next()
    }
}

/// What feeds a place on USB: a hub, or the controller's root hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsbHub {
    /// `pci-0000:00:14.0-usb-0:`
    controller: String,
    /// The chain of hub ports to it; empty for the root hub.
    chain: String,
}

impl UsbPath {
    /// The hub that this place is plugged into; `None` where the path tells no chain of ports.
    pub fn hub(&self) -> Option<UsbHub> {
        let start = self.0.rfind("-usb-0:")? + "-usb-0:".len();
        let (controller, chain) = self.0.split_at(start);
        let chain = chain.split(':').next().unwrap_or_default();
        Some(UsbHub {
            controller: controller.to_owned(),
            chain: chain
                .rsplit_once('.')
                .map_or_else(String::new, |(hub, _)| hub.to_owned()),
        })
    }
}

impl UsbHub {
    /// The hub that this one is plugged into; `None` for the root hub.
    pub fn above(&self) -> Option<UsbHub> {
        (!self.chain.is_empty()).then(|| UsbHub {
            controller: self.controller.clone(),
            chain: self
                .chain
                .rsplit_once('.')
                .map_or_else(String::new, |(hub, _)| hub.to_owned()),
        })
    }

    /// Hubs between it and the controller, itself included.
    pub fn depth(&self) -> usize {
        std::iter::successors(self.above(), UsbHub::above).count()
    }

    /// Whether a place hangs on it, directly or behind other hubs.
    pub fn feeds(&self, place: &UsbPath) -> bool {
        std::iter::successors(place.hub(), UsbHub::above).any(|hub| hub == *self)
    }

    /// As people point at it: `usb-1.8`.
    pub fn short(&self) -> String {
        if self.chain.is_empty() {
            "usb root hub".to_owned()
        } else {
            format!("usb-{}", self.chain)
        }
    }
}

impl fmt::Display for UsbPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A job's identity: a UUID version 7, so ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub uuid::Uuid);

impl JobId {
    /// A new id at the wall clock's time.
    pub fn now() -> JobId {
        JobId(uuid::Uuid::now_v7())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

spelled!(JobId, |text| text.parse().ok().map(JobId), "job");

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Written, verified and recorded.
    Pass,
    /// Everything was written, not everything could be verified: neither good nor bad until someone
    /// or something else tells. Never a PASS.
    Written,
    /// The board is bad.
    Fail,
    /// The bench is bad: port, cable, hub, database.
    Error,
    /// Someone stopped it.
    Aborted,
    /// The board was good already, as the chip's own digests told: nothing was written, nothing counts.
    Skipped,
}

impl Outcome {
    pub const ALL: [Outcome; 6] = [
        Outcome::Pass,
        Outcome::Written,
        Outcome::Fail,
        Outcome::Error,
        Outcome::Aborted,
        Outcome::Skipped,
    ];

    /// The word in records and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "PASS",
            Outcome::Written => "WRITTEN",
            Outcome::Fail => "FAIL",
            Outcome::Error => "ERROR",
            Outcome::Aborted => "ABORTED",
            Outcome::Skipped => "SKIPPED",
        }
    }

    pub fn from_name(name: &str) -> Option<Outcome> {
        Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.name() == name)
    }
}

spelled!(Outcome, Outcome::from_name, "outcome");

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a job is asked to stop. Ordered: a later reason may replace an earlier one, never the other
/// way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StopReason {
    /// Someone at the bench stopped this slot or the line.
    Operator,
    /// The program is ending (SIGINT, SIGTERM, `q`).
    Shutdown,
}
