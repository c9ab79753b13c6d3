//! Why work by hand was refused or failed.

use std::io;

use crate::chip::{Chip, Identity, Security};
use crate::event::Code;

/// Why work by hand was refused or failed. Everything that has a [`Code`] has its advice in
/// [`crate::lang::advice`].
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// A step failed, after all that a job tries too.
    #[error("{detail}")]
    Failed {
        code: Code,
        detail: String,
        /// The board, as far as it was known by then.
        identity: Option<Box<Identity>>,
    },
    /// Another program works on the port.
    #[error("{port} is at work: held by {by}")]
    Held { port: String, by: String },
    #[error("{what} is for the {image} and the board has an {board}")]
    WrongChip {
        what: String,
        image: Chip,
        board: Chip,
    },
    #[error("the board is not open ({security}): what is written to it may never start")]
    NotOpen { security: Security },
    #[error("{what} ends at 0x{end:x}, past the flash's end at 0x{flash_bytes:x}")]
    OutOfRange {
        what: String,
        end: u64,
        flash_bytes: u64,
    },
    #[error("{what} begins or ends within a sector: flash is erased in pieces of 0x1000 bytes")]
    WithinSector { what: String },
    #[error("{one} and {other} overlap")]
    Overlap { one: String, other: String },
    #[error("{what} is empty")]
    Empty { what: String },
    #[error("a chip in Secure Download Mode lets nobody read its flash")]
    Hidden,
    #[error("the size of flash part {flash_id} is not known: give --offset and --size")]
    SizeUnknown { flash_id: String },
    #[error("there is no partition table at 0x{offset:x}: {why}")]
    NoTable { offset: u32, why: String },
    #[error("there is no partition {name}; there are {}", there.join(", "))]
    NoPartition { name: String, there: Vec<String> },
    #[error("what was read could not be kept: {0}")]
    Sink(#[from] io::Error),
}

impl HandError {
    /// The stable word, where it is the board's or the bench's trouble; `None` where what was asked for
    /// is not possible.
    pub fn code(&self) -> Option<Code> {
        match self {
            HandError::Failed { code, .. } => Some(*code),
            HandError::Held { .. } => Some(Code::PortBusy),
            HandError::Hidden => Some(Code::SecurityState),
            HandError::WrongChip { .. } => Some(Code::WrongChip),
            HandError::NotOpen { .. } => Some(Code::SecurityState),
            HandError::OutOfRange { .. }
            | HandError::WithinSector { .. }
            | HandError::Overlap { .. }
            | HandError::Empty { .. }
            | HandError::SizeUnknown { .. }
            | HandError::NoTable { .. }
            | HandError::NoPartition { .. }
            | HandError::Sink(_) => None,
        }
    }
}
