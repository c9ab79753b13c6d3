//! A plan and its regions.

use std::ops::Range;
use std::sync::Arc;

use crate::chip::{Chip, Identity};
use crate::manifest::Bundle;
use crate::protocol::Block;

/// Who writes, and how: it decides block sizes and padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// The stub, compressed, blocks of 16 KB.
    StubDeflate,
    /// The ROM, compressed, blocks of 1 KB.
    RomDeflate,
    /// The ROM, plain, blocks of 1 KB.
    RomPlain,
}

/// A region's whole stream in the form of one method.
#[derive(Debug)]
pub struct Framed {
    /// The BEGIN command's frame: from the start. (ROM: a block that failed wants BEGIN again, see [`Region::resume`].)
    pub begin: Arc<[u8]>,
    /// How long BEGIN may take (a ROM erases in it).
    pub begin_timeout: std::time::Duration,
    pub blocks: Arc<[Block]>,
    /// Flash bytes that are complete on the chip's side once block n is acknowledged and worked off.
    pub flash_bytes_after: Arc<[u32]>,
    /// Bytes that the whole stream puts on the wire.
    pub wire_bytes: u64,
}

/// A run of flash that is written with one stream.
#[derive(Debug)]
pub struct Region {
    pub name: String,
    pub offset: u32,
    /// As written (header patched), padded with FF to 4 bytes.
    pub bytes: Arc<[u8]>,
    /// SHA-256 of the image's file and of what is written.
    pub file_sha256: [u8; 32],
    pub written_sha256: [u8; 32],
    /// What the chip must answer, over `bytes`.
    pub md5: [u8; 16],
}

impl Region {
    /// The region's flash addresses.
    pub fn range(&self) -> Range<u32> {
        self.offset..self.offset + self.bytes.len() as u32
    }

    /// The stream for a method: built at the first call (costs CPU: call it off the workers), shared
    /// after that.
    pub fn framed(&self, method: Method) -> Arc<Framed> {
        let _ = method;
        todo!("helper M1")
    }

    /// The stream from flash offset `from` within the region on (a sector boundary), for a ROM that
    /// wants BEGIN again, or a chip that was reset in mid-write.
    pub fn resume(&self, method: Method, from: u32) -> Arc<Framed> {
        let _ = (method, from);
        todo!("helper M1")
    }
}

/// All that is done to one board's flash.
#[derive(Debug, Clone)]
pub struct Plan {
    pub chip: Chip,
    /// The part's size, for SPI_SET_PARAMS.
    pub flash_bytes: u64,
    /// Erase the whole part first.
    pub erase_all: bool,
    /// Sector-aligned ranges to erase before writing (data partitions marked `erase`).
    pub erases: Vec<Range<u32>>,
    /// Sorted by offset; shared between boards wherever they are the same.
    pub regions: Vec<Arc<Region>>,
    /// Rates to try, best first, the manifest's clipped by the ceiling.
    pub bauds: Vec<u32>,
}

/// The plans of one bundle, with the regions that boards share. One per bundle, used by all jobs.
#[derive(Debug)]
pub struct Planner {}

impl Planner {
    /// Patches what does not depend on the board.
    pub fn new(bundle: Arc<Bundle>) -> Planner {
        let _ = bundle;
        todo!("helper M1")
    }

    /// The plan for a board; `flash.size = "detect"` takes the size from its flash ID.
    pub fn plan(&self, identity: &Identity, baud_ceiling: Option<u32>) -> Plan {
        let _ = (identity, baud_ceiling);
        todo!("helper M1")
    }
}
