//! A run of flash, its bytes and digests, and the streams that write it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::deflate::Effort;
use super::erase_size::rom_erase;
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
    /// Streams of parts, the latest last: boards of one lot tend to need the same.
    parts: Mutex<VecDeque<Part>>,
}

/// A stream of a part of a region.
struct Part {
    range: Range<u32>,
    method: Method,
    framed: Arc<Framed>,
}

/// Streams of parts that are kept, for each region.
const PARTS_KEPT: usize = 8;

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
            parts: Mutex::default(),
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

    /// The stream for a part: whole sectors of the region that differ, or the rest of a stream that
    /// did not get through. It begins at the start of the sector that `range` begins in, since BEGIN
    /// erases whole sectors, and holds that sector at least, or one more before it where an ESP8266's
    /// ROM would erase too much otherwise. Built quickly, and kept for a while: costs CPU all the same.
    pub fn part(&self, method: Method, range: Range<u32>) -> Arc<Framed> {
        let whole = self.range();
        let last = whole.end.saturating_sub(1).max(whole.start);
        let start = range.start.clamp(whole.start, last) / SECTOR_BYTES * SECTOR_BYTES;
        let sector_end = start.saturating_add(SECTOR_BYTES).min(whole.end);
        let mut range = start.max(whole.start)..range.end.clamp(sector_end, whole.end);
        if method == Method::RomPlain
            && rom_erase(self.chip, range.start, range.len() as u32)
                .besides
                .is_some()
        {
            // together with the sector before it, it is erased alone
            range.start = range.start.saturating_sub(SECTOR_BYTES).max(whole.start);
        }
        if range == whole {
            return self.framed(method);
        }
        // a list that a panicking thread left is whole: entries go in and out at once
        let parts = || self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |part: &Part| part.range == range && part.method == method;
        if let Some(known) = parts().iter().find(|part| is_it(part)) {
            return known.framed.clone();
        }
        let bytes = &self.bytes[(range.start - whole.start) as usize..][..range.len()];
        let framed = stream::frame(self.chip, method, range.start, bytes, Effort::Quick);
        let framed = Arc::new(framed);
        let mut parts = parts();
        if parts.len() >= PARTS_KEPT {
            parts.pop_front();
        }
        parts.push_back(Part {
            range,
            method,
            framed: framed.clone(),
        });
        framed
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
    fn a_part_is_whole_sectors_of_the_region() {
        let region = region(&sample::app(Chip::Esp32, 20_000, 1));
        let end = OFFSET + 20_000;
        let check = |asked: Range<u32>, expect: Range<u32>| {
            for method in Method::ALL {
                let framed = region.part(method, asked.clone());
                assert_eq!(framed.offset, expect.start, "{method:?} {asked:x?}");
                let bytes = expect.end - expect.start;
                assert_eq!(framed.inflated_after.last(), Some(&bytes), "{asked:x?}");
            }
        };
        check(0..end, OFFSET..end);
        check(OFFSET..end, OFFSET..end);
        check(OFFSET + 0xFFF..end, OFFSET..end);
        check(OFFSET + 0x2400..end, OFFSET + 0x2000..end);
        check(
            OFFSET + 0x1000..OFFSET + 0x3000,
            OFFSET + 0x1000..OFFSET + 0x3000,
        );
        // at and past the end there is still the last sector to write
        check(end..end, OFFSET + 0x4000..end);
        check(u32::MAX..u32::MAX, OFFSET + 0x4000..end);
        check(
            OFFSET + 0x1800..OFFSET + 0x1800,
            OFFSET + 0x1000..OFFSET + 0x2000,
        );
    }

    #[test]
    fn an_esp8266s_rom_gets_no_sector_alone_that_has_one_before_it() {
        let bytes = sample::app(Chip::Esp8266, 20_000, 1);
        let region = Region::new(Chip::Esp8266, "app".into(), OFFSET, &bytes, sha256(&bytes));
        let end = region.range().end;
        let check = |method, asked: Range<u32>, from| {
            assert_eq!(region.part(method, asked).offset, from);
        };
        check(Method::RomPlain, end - 1..end, OFFSET + 0x3000);
        check(Method::StubDeflate, end - 1..end, OFFSET + 0x4000);
        check(Method::RomPlain, OFFSET..OFFSET + 0x1000, OFFSET);
        check(Method::RomPlain, OFFSET + 0x3000..end, OFFSET + 0x3000);
    }

    #[test]
    fn the_latest_parts_are_kept() {
        let region = region(&sample::app(Chip::Esp32, 100_000, 1));
        let part = |n: u32| {
            let start = OFFSET + n * 0x1000;
            region.part(Method::StubDeflate, start..start + 0x1000)
        };
        let first = part(1);
        assert!(Arc::ptr_eq(&first, &part(1)));
        for n in 2..=PARTS_KEPT as u32 {
            part(n);
        }
        assert!(Arc::ptr_eq(&first, &part(1)));
        part(20);
        assert!(!Arc::ptr_eq(&first, &part(1)));
    }
}
