//! `station.toml`, and what every file of ours shares: its text with places in it (`Source`), its
//! mistakes (`Fault`), and the typed reading of TOML that tells all of them at once (`Fields`).
//! Leaves out the manifest's own rules.

mod access;
mod alarm;
mod face;
mod fault;
mod fields;
mod golden;
mod likeness;
mod line;
mod log;
mod net;
mod pattern;
mod pins;
mod ports;
mod reset;
mod scan;
mod slot;
mod socket;
mod source;
mod station;
mod stub_dir;
mod value;

pub use access::AccessSettings;
pub use alarm::{Alarm, AlarmSettings};
pub use face::{FaceSettings, LANGUAGES};
pub use fault::{Fault, Paint, Pointer, Severity};
pub use fields::{Document, Fields, Found};
pub use golden::{GoldenBoard, GoldenBoards};
pub use line::{LineRules, Required};
pub use log::{LogFormat, LogLevel, LogSettings};
pub use net::{NetPort, NetPortError, NetProtocol};
pub use pattern::{expression, no_expression};
pub use pins::{PinFile, open_to_others as pins_open_to_others};
pub use ports::{BUSY_BY_HAND, PortPattern, PortRules};
pub use reset::{After, Reset, ResetError, Sequence, SequenceError, SequenceStep};
pub use scan::ScanSettings;
pub use slot::{Place, Seat, SlotSaid, SlotSettings, Start};
pub use socket::{LONGEST_SOCKET_BYTES, SocketSettings};
pub use source::{FileError, Source, read_bounded};
pub use station::{DATABASE, DISK_RESERVE_MB, GRACE, HubLimits, Settings};
pub use stub_dir::{StubDirError, load as load_stubs};
pub use value::{Misfit, number, text, whole, word, yes_or_no};
