//! Replies, parsed from frames.

use super::{Dialect, Op};

/// A reply frame: direction 1, op, value, payload with the status bytes still in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub op: u8,
    pub value: u32,
    pub payload: Vec<u8>,
}

impl Reply {
    /// The reply in this frame, or `None` if it is none (direction, length).
    pub fn parse(frame: &[u8]) -> Option<Reply> {
        let _ = frame;
        todo!("helper P")
    }

    /// The payload before the status bytes, or the refusal that the status tells.
    pub fn data(&self, dialect: Dialect) -> Result<&[u8], Refusal> {
        let _ = dialect;
        todo!("helper P")
    }
}

/// A reply whose status is not success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{op:?} was refused with status {status:04x} ({})", self.meaning())]
pub struct Refusal {
    /// What was asked.
    pub op: Op,
    /// The first two status bytes, big-endian.
    pub status: u16,
}

impl Refusal {
    /// The status in words, for ROM (`0105`) and stub (`C100`) codes alike.
    pub fn meaning(&self) -> &'static str {
        todo!("helper P")
    }

    /// The block's checksum did not hold (ROM 0107, stub C100): the line damaged it, send it again.
    pub fn is_line_damage(&self) -> bool {
        matches!(self.status, 0x0107 | 0xC100)
    }
}
