//! How long a chip may take over what a stream asks of it. The figures are esptool's, which years of
//! bug reports have shaped: they hold on slow and worn parts, and none says how long it usually takes.
//! What else a job asks of a chip has its time where it is asked.

use std::time::Duration;

/// The least that anything is given.
pub const DEFAULT: Duration = Duration::from_secs(3);

const ERASE_SECONDS_PER_MB: u64 = 40;

/// The stub inflates into a buffer of this size and writes flash when it is full.
pub const INFLATE_BUFFER_BYTES: u32 = 0x8000;
/// The largest piece that a loader erases at a time.
const ERASE_BLOCK_BYTES: u64 = 0x1_0000;

/// For a ROM's BEGIN, which erases this many bytes.
pub fn erase(bytes: u64) -> Duration {
    Duration::from_millis((bytes * ERASE_SECONDS_PER_MB * 1000).div_ceil(1 << 20)).max(DEFAULT)
}

/// For a stub that inflates and writes this many bytes: it erases ahead, 64 KB when it begins and
/// 64 KB more each time its buffer is full.
pub fn stub_write(bytes: u32) -> Duration {
    let erases = u64::from(bytes.div_ceil(INFLATE_BUFFER_BYTES)) + 1;
    erase(u64::from(bytes) + erases * ERASE_BLOCK_BYTES)
}

/// For a ROM that writes this many bytes, already erased by BEGIN.
pub fn rom_write(bytes: u32) -> Duration {
    erase(u64::from(bytes) + u64::from(INFLATE_BUFFER_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_with_the_size_and_have_a_floor() {
        let seconds = Duration::from_secs;
        assert_eq!(erase(0x1000), seconds(3));
        assert_eq!(erase(1 << 20), seconds(40));
        // 16 KB in, 160 KB at the most erased and written
        assert!(stub_write(0x8000) > seconds(6));
        assert_eq!(rom_write(0x400), seconds(3));
    }
}
