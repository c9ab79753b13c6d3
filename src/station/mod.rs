//! A bench of slots: which port belongs to which slot, what starts a job, the Gate, and the dispatcher
//! that turns inputs into effects and keeps the snapshot that faces show. Leaves out how a job works
//! and how anything looks.

mod access;
mod admission;
mod border;
mod bundles;
mod claims;
mod dispatcher;
pub mod enquiry;
mod failures;
mod fit;
mod floor;
mod journal;
mod judge;
mod lockout;
mod lots;
mod manifests;
mod pins;
mod pulse;
mod reports;
mod slot;
mod switch;
mod watch;

pub use crate::event::Again;
pub use access::Access;
pub use admission::{GateNews, GateTold, Gatekeeper};
pub use border::{
    Answer, Ask, Asker, AtHand, BoardView, BundleView, Halt, LineState, NamedPin, NewLot, NotAsked,
    OnDisk, Pin, PortView, Question, Request, RequestRefused, ResultView, Scanned, SlotOut,
    SlotState, SlotView, Snapshot, Warrant,
};
pub use bundles::Bundles;
pub use fit::{mute, why_mute};
pub use floor::Station;
pub use journal::KEPT_NOTICES;
pub use judge::{Objection, judge};
pub use pins::{FEWEST_DIGITS, MOST_DIGITS, NotAPin, Pins, PinsError, Tried};
pub use pulse::Pulse;
