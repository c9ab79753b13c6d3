//! Compression, and what of a compressed stream a chip can have written when it has seen a part.

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{CompressionLvl, Compressor};

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For what is compressed once and sent many times.
    Most,
    /// For what is sent once, while a board waits.
    Quick,
}

/// `data` as a zlib stream.
pub fn compress(data: &[u8], effort: Effort) -> Vec<u8> {
    let level = match effort {
        Effort::Most => CompressionLvl::best(),
        Effort::Quick => CompressionLvl::default(),
    };
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.zlib_compress_bound(data.len())];
    #[expect(
        clippy::expect_used,
        reason = "the only error is a buffer that is too short, and the bound is what the library asks for"
    )]
    let length = compressor
        .zlib_compress(data, &mut out)
        .expect("a buffer of the bound's size suffices");
    out.truncate(length);
    out
}

/// How many bytes a chip has inflated after each block of `block_bytes` of the stream.
pub fn inflated_after(stream: &[u8], block_bytes: usize) -> Vec<u32> {
    let mut inflater = Decompress::new(true);
    let mut sink = vec![0; 0x8000];
    stream
        .chunks(block_bytes)
        .map(|mut block| {
            loop {
                let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
                let status = inflater.decompress(block, &mut sink, FlushDecompress::None);
                let taken = (inflater.total_in() - before_in) as usize;
                block = &block[taken..];
                let stuck = taken == 0 && inflater.total_out() == before_out;
                if stuck || !matches!(status, Ok(Status::Ok)) {
                    break;
                }
            }
            inflater.total_out() as u32
        })
        .collect()
}

/// The block size, at most `most`, that makes all blocks of the stream as long as each other and the last
/// one still inflate to something.
///
/// A loader that writes while the next block is on the wire has the whole of that time only where that
/// block is no shorter than the others: a last block of a few bytes would be waited for in full, on
/// account of the one before it.
///
/// A last block that holds nothing but (the end of) the Adler-32 finds a loader that has already
/// written everything, and some refuse it: the stub with C900 until esp-flasher-stub #79, and
/// ROMs may as well.
pub fn block_bytes(stream: &[u8], most: usize) -> (usize, Vec<u32>) {
    let blocks = stream.len().div_ceil(most).max(1);
    let even = stream.len().div_ceil(blocks).next_multiple_of(4);
    let mut size = even.clamp(4.min(most), most);
    let least = (size / 2).max(4);
    loop {
        let inflated = inflated_after(stream, size);
        let last_is_needed = match inflated[..] {
            [.., before, all] => before < all,
            _ => true,
        };
        // each step moves the last border forward by 4 bytes for every block before it
        if last_is_needed || size <= least {
            return (size, inflated);
        }
        size -= 4;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chip::Chip;
    use crate::image::sample;

    #[test]
    fn the_last_entry_is_all() {
        let data = sample::app(Chip::Esp32, 200_000, 1);
        let stream = compress(&data, Effort::Most);
        let inflated = inflated_after(&stream, 0x4000);
        assert_eq!(inflated.len(), stream.len().div_ceil(0x4000));
        assert_eq!(inflated.last(), Some(&200_000));
        assert!(inflated.is_sorted());
    }

    #[test]
    fn a_run_that_inflates_a_thousandfold() {
        let stream = compress(&vec![0xFF; 4 << 20], Effort::Most);
        assert_eq!(inflated_after(&stream, 0x4000), [4 << 20]);
    }

    #[test]
    fn blocks_are_as_long_as_each_other() {
        for length in [1, 5_000, 40_000, 60_000, 100_000] {
            let data = sample::app(Chip::Esp32, length, 1);
            let stream = compress(&data, Effort::Quick);
            let (size, inflated) = block_bytes(&stream, 0x4000);
            let lengths: Vec<usize> = stream.chunks(size).map(<[u8]>::len).collect();
            assert_eq!(lengths.len(), stream.len().div_ceil(0x4000), "{lengths:?}");
            assert_eq!(lengths.len(), inflated.len());
            // the rounding to words, of every block, is what the last one lacks
            let last = lengths.last().copied().unwrap_or(0);
            assert!(last + 4 * lengths.len() > size, "{lengths:?}");
        }
    }

    #[test]
    fn the_last_block_never_holds_the_adler_alone() {
        // bytes that do not compress, in sizes around the border of a block of 1 KB
        let data = sample::app(Chip::Esp32, 8_192, 1);
        let mut borders = 0;
        for length in 1_000..3_000 {
            let stream = compress(&data[..length], Effort::Quick);
            if stream.len() > 0x400 && (1..=4).contains(&(stream.len() % 0x400)) {
                borders += 1;
            }
            let (size, inflated) = block_bytes(&stream, 0x400);
            let blocks = stream.chunks(size).count();
            assert_eq!(inflated.len(), blocks);
            if let [.., before, all] = inflated[..] {
                assert!(before < all, "{length} bytes in {blocks} blocks of {size}");
            }
        }
        assert!(borders > 0, "no stream ended just behind a border");
    }

    proptest! {
        #[test]
        fn no_stream_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 8usize..64) {
            inflated_after(&bytes, size);
            block_bytes(&bytes, size);
        }
    }
}
