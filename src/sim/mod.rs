//! Simulated boards: the chip model (pure: bytes and a clock's time in, bytes out) and the bench that
//! puts boards on ptys, on RFC2217 ports and on in-memory ports.
//!
//! The model answers as the mask ROM and Espressif's flasher stub do, to wrong frames too
//! (`tests/fixtures/wire`). It has its own framing and its own idea of the commands, on purpose: it
//! does not share `protocol/`, so a mistake there does not agree with itself here.

mod bench;
mod board;
mod boot;
mod console;
mod cost;
mod efuse;
mod facts;
mod flash;
mod hardware;
mod inflate;
mod memory;
mod random;
mod rom;
mod spec;
mod stub;
mod telnet;
mod troubles;
mod wire;

pub use bench::{Bench, BoardHandle, SimPorts};
pub use board::{Board, BoardState, Mode};
pub use console::{AppEnd, Console, Said};
pub use cost::Costs;
pub use spec::{Access, BoardSpec, Contents, Fault, Pace, Strap, Wiring};
