//! The serial protocol of Espressif's ROM loaders and flasher stub, with no IO and no clock inside:
//! frames (`slip`), commands and replies as bytes, and exchanges, which are told the time and say
//! what to send and how long to wait. Leaves out ports, rates and lines (`port`), and what to do
//! when an exchange fails (`job`).
//!
//! Source: Espressif, "Serial Protocol" (esptool documentation, advanced topics).

mod command;
mod exchange;
mod reply;
pub mod slip;
#[cfg(test)]
mod transcripts;

pub use command::{Command, Op, RegWrite, checksum};
pub use exchange::{
    Action, Await, Block, Exchange, ExchangeError, ReadFlash, Request, Stream, Sync,
};
pub use reply::{Refusal, Reply};

/// Who answers at the other end; it decides the status bytes of a reply and how a block is tried
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// ESP8266's ROM: two status bytes.
    Rom8266,
    /// ESP32's ROM and later: four status bytes, of which the first two count.
    Rom,
    /// The flasher stub: two status bytes, the code in the first.
    Stub,
}

impl Dialect {
    /// Status bytes at the end of a reply's payload.
    pub const fn status_bytes(self) -> usize {
        match self {
            Dialect::Rom => 4,
            Dialect::Rom8266 | Dialect::Stub => 2,
        }
    }
}
