//! Simulated boards: the chip model (pure: bytes and a clock's time in, bytes out) and the bench that
//! puts boards on ptys, on RFC2217 ports and on in-memory ports.
//!
//! The model answers as the mask ROM and Espressif's flasher stub do, to wrong frames too
//! (`tests/fixtures/wire`). It has its own framing and its own idea of the commands, on purpose: it
//! does not share `protocol/`, so a mistake there does not agree with itself here.

mod bench;
mod spec;

pub use bench::{Bench, BoardHandle, BoardState, Mode, SimPorts};
pub use spec::{BoardSpec, Contents, Fault, Pace, Wiring};
