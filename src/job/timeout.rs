//! How long a chip may take over what a job asks of it beside streams (those carry their own times).
//! The figures are esptool's, which years of bug reports have shaped: they hold on slow and worn
//! parts, and none says how long it usually takes.

use std::time::Duration;

/// For every command that neither erases nor reads flash at length, and the least that anything gets.
pub(super) const COMMAND: Duration = Duration::from_secs(3);

const ERASE_SECONDS_PER_MB: u64 = 40;
const MD5_SECONDS_PER_MB: u64 = 8;

/// What small parts were seen to take for a whole-chip erase.
const CHIP_ERASE_LEAST: Duration = Duration::from_secs(120);
/// Data sheets tell at most 12.5 s per MB (W25Q128JV: 200 s for 16 MB, W25Q256JV: 400 s for 32 MB).
const CHIP_ERASE_SECONDS_PER_MB: u64 = 20;

/// What usual parts take for a whole-chip erase (W25Q128JV: 40 s for 16 MB; W25Q256JV: 80 s for
/// 32 MB, typical).
pub(super) const LIKELY_CHIP_ERASE_PER_MB: Duration = Duration::from_millis(2500);

/// For erasing this many bytes by sectors and blocks.
pub(super) fn erase(bytes: u64) -> Duration {
    per_mb(ERASE_SECONDS_PER_MB, bytes).max(COMMAND)
}

/// For erasing a whole part of this size with one command.
pub(super) fn erase_chip(flash_bytes: u64) -> Duration {
    per_mb(CHIP_ERASE_SECONDS_PER_MB, flash_bytes).max(CHIP_ERASE_LEAST)
}

/// For SPI_FLASH_MD5 over this many bytes.
pub(super) fn md5(bytes: u64) -> Duration {
    per_mb(MD5_SECONDS_PER_MB, bytes).max(COMMAND)
}

fn per_mb(seconds: u64, bytes: u64) -> Duration {
    Duration::from_millis((bytes * seconds * 1000).div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_with_the_size_and_have_a_floor() {
        let seconds = Duration::from_secs;
        assert_eq!((md5(0x1000), md5(4 << 20)), (seconds(3), seconds(32)));
        assert_eq!((erase(0x1000), erase(1 << 20)), (seconds(3), seconds(40)));
        assert_eq!(erase_chip(2 << 20), seconds(120));
        assert_eq!(erase_chip(32 << 20), seconds(640));
    }
}
