//! A run of flash, its bytes and digests, and the streams that write it.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::deflate::Effort;
use super::stream::{self, Framed, Method};
use crate::chip::Chip;
use crate::image::{SECTOR_BYTES, md5, sha256};

/// A run of flash that is written with one stream.
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
    chip: Chip,
    /// Whole streams, in the order of [`Method::ALL`].
    streams: [OnceLock<Arc<Framed>>; 3],
}

impl Region {
    /// `bytes` as they are to be written at `offset` (a sector's), from a file with that digest.
    pub fn new(
        chip: Chip,
        name: String,
        offset: u32,
        bytes: &[u8],
        file_sha256: [u8; 32],
    ) -> Region {
        let mut padded = bytes.to_vec();
        padded.resize(padded.len().next_multiple_of(4), 0xFF);
        Region {
            name,
            offset,
            file_sha256,
            written_sha256: sha256(&padded),
            md5: md5(&padded),
            bytes: padded.into(),
            chip,
            streams: Default::default(),
        }
    }

    /// The region's flash addresses.
    pub fn range(&self) -> Range<u32> {
        self.offset..self.offset + self.bytes.len() as u32
    }

    /// The stream for a method: built at the first call (costs CPU: call it off the workers), shared
    /// after that.
    pub fn framed(&self, method: Method) -> Arc<Framed> {
        let slot = match method {
            Method::StubDeflate => 0,
            Method::RomDeflate => 1,
            Method::RomPlain => 2,
        };
        self.streams[slot]
            .get_or_init(|| {
                Arc::new(stream::frame(
                    self.chip,
                    method,
                    self.offset,
                    &self.bytes,
                    Effort::Most,
                ))
            })
            .clone()
    }

    /// The stream from flash address `from` within the region on, for a ROM that wants BEGIN again,
    /// or a chip that was reset in mid-write. It begins at the start of the sector that `from` lies
    /// in, since BEGIN erases whole sectors. Built at each call, quickly: costs CPU all the same.
    pub fn resume(&self, method: Method, from: u32) -> Arc<Framed> {
        let last = self.range().end.saturating_sub(1).max(self.offset);
        let from = from.clamp(self.offset, last) / SECTOR_BYTES * SECTOR_BYTES;
        if from <= self.offset {
            return self.framed(method);
        }
        let rest = &self.bytes[(from - self.offset) as usize..];
        Arc::new(stream::frame(self.chip, method, from, rest, Effort::Quick))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("name", &self.name)
            .field("range", &format_args!("{:#x?}", self.range()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::sample;

    const OFFSET: u32 = 0x1_0000;

    fn region(bytes: &[u8]) -> Region {
        Region::new(Chip::Esp32, "app".into(), OFFSET, bytes, sha256(bytes))
    }

    #[test]
    fn padded_to_words() {
        let region = region(&[0x11; 4097]);
        assert_eq!(region.bytes.len(), 4100);
        assert_eq!(region.bytes[4096..], [0x11, 0xFF, 0xFF, 0xFF]);
        assert_eq!(region.range(), OFFSET..OFFSET + 4100);
        assert_eq!(region.md5, md5(&region.bytes));
        assert_ne!(region.written_sha256, region.file_sha256);
    }

    #[test]
    fn a_stream_is_built_once() {
        let region = region(&sample::app(Chip::Esp32, 8_192, 1));
        for method in Method::ALL {
            assert!(Arc::ptr_eq(&region.framed(method), &region.framed(method)));
        }
    }

    #[test]
    fn resuming_begins_at_the_sector() {
        let region = region(&sample::app(Chip::Esp32, 20_000, 1));
        let check = |from: u32, expect: u32| {
            for method in Method::ALL {
                let framed = region.resume(method, from);
                assert_eq!(framed.offset, expect, "{method:?} from {from:#x}");
                let all = OFFSET + 20_000 - expect;
                assert_eq!(framed.inflated_after.last(), Some(&all));
            }
        };
        check(0, OFFSET);
        check(OFFSET, OFFSET);
        check(OFFSET + 0xFFF, OFFSET);
        check(OFFSET + 0x1000, OFFSET + 0x1000);
        check(OFFSET + 0x2400, OFFSET + 0x2000);
        // at and past the end there is still the last sector to write
        check(OFFSET + 20_000, OFFSET + 0x4000);
        check(u32::MAX, OFFSET + 0x4000);
    }
}
