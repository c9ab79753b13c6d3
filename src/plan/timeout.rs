//! How long a chip may take. All of them hold on real, slow, worn parts (the figures are esptool's,
//! which years of bug reports have shaped); none says how long it usually takes.

use std::time::Duration;

/// For every command that neither erases, writes nor reads flash at length.
pub const DEFAULT: Duration = Duration::from_secs(3);

const MD5_SECONDS_PER_MB: u64 = 8;
const ERASE_SECONDS_PER_MB: u64 = 40;
const CHIP_ERASE: Duration = Duration::from_secs(120);
/// W25Q128JV tells at most 200 s for 16 MB, W25Q256JV 400 s for 32 MB; with reserve.
const CHIP_ERASE_SECONDS_PER_MB: u64 = 20;

/// The stub inflates into a buffer of this size and writes flash when it is full.
pub(super) const INFLATE_BUFFER_BYTES: u32 = 0x8000;
/// The largest piece that a loader erases at a time.
const ERASE_BLOCK_BYTES: u64 = 0x1_0000;

fn per_mb(seconds: u64, bytes: u64) -> Duration {
    Duration::from_millis((bytes * seconds * 1000).div_ceil(1 << 20)).max(DEFAULT)
}

/// For erasing, or for a ROM's BEGIN that erases, this many bytes.
pub fn erase(bytes: u64) -> Duration {
    per_mb(ERASE_SECONDS_PER_MB, bytes)
}

/// For the whole part.
pub fn erase_all(flash_bytes: u64) -> Duration {
    per_mb(CHIP_ERASE_SECONDS_PER_MB, flash_bytes).max(CHIP_ERASE)
}

/// For SPI_FLASH_MD5 over this many bytes.
pub fn md5(bytes: u64) -> Duration {
    per_mb(MD5_SECONDS_PER_MB, bytes)
}

/// For a stub that inflates and writes this many bytes: it erases ahead, 64 KB when it begins and
/// 64 KB more each time its buffer is full.
pub(super) fn stub_write(bytes: u32) -> Duration {
    let erases = u64::from(bytes.div_ceil(INFLATE_BUFFER_BYTES)) + 1;
    per_mb(
        ERASE_SECONDS_PER_MB,
        u64::from(bytes) + erases * ERASE_BLOCK_BYTES,
    )
}

/// For a ROM that writes this many bytes, already erased by BEGIN.
pub(super) fn rom_write(bytes: u32) -> Duration {
    per_mb(
        ERASE_SECONDS_PER_MB,
        u64::from(bytes) + u64::from(INFLATE_BUFFER_BYTES),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_with_the_size_and_have_a_floor() {
        let seconds = Duration::from_secs;
        assert_eq!(md5(0x1000), seconds(3));
        assert_eq!(md5(4 << 20), seconds(32));
        assert_eq!(erase(1 << 20), seconds(40));
        assert_eq!(erase_all(2 << 20), seconds(120));
        assert_eq!(erase_all(16 << 20), seconds(320));
        // 16 KB in, 160 KB at the most erased and written
        assert!(stub_write(0x8000) > seconds(6));
        assert_eq!(rom_write(0x400), seconds(3));
    }
}
