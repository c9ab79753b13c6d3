//! How many bytes a ROM is to be told to erase, so that it erases those that are meant.

use crate::chip::Chip;
use crate::image::SECTOR_BYTES;

/// Sectors in the blocks that a ROM erases at once.
const BLOCK_SECTORS: u32 = 16;

/// What FLASH_BEGIN has to say, for `bytes` from flash address `offset` (a sector's) on to be erased.
///
/// The ESP8266's ROM erases up to the next block and does not count that (esptool, "bootloader erase
/// bug"): told `n` sectors it erases `n` more, or as many more as there are to the block's end. So it
/// is told fewer. An odd number that ends before twice that distance cannot be met: one sector behind
/// is erased as well.
pub fn rom_erase_bytes(chip: Chip, offset: u32, bytes: u32) -> u32 {
    if chip != Chip::Esp8266 {
        return bytes;
    }
    let wanted = bytes.div_ceil(SECTOR_BYTES);
    let to_block = BLOCK_SECTORS - offset / SECTOR_BYTES % BLOCK_SECTORS;
    let told = if wanted < 2 * to_block {
        wanted.div_ceil(2)
    } else {
        wanted - to_block
    };
    told * SECTOR_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the ROM makes of it (`sim` models it by the same description).
    fn erased_sectors(offset: u32, told: u32) -> u32 {
        let to_block = 16 - offset / 0x1000 % 16;
        let told = told.div_ceil(0x1000);
        told + told.min(to_block)
    }

    #[test]
    fn an_esp8266_erases_what_is_meant() {
        for first in 0..40 {
            let offset = first * 0x1000;
            for sectors in 0..200 {
                let told = rom_erase_bytes(Chip::Esp8266, offset, sectors * 0x1000);
                let erased = erased_sectors(offset, told);
                let is_odd_and_short = sectors % 2 == 1 && sectors < 2 * (16 - first % 16);
                let expected = sectors + u32::from(is_odd_and_short);
                assert_eq!(erased, expected, "{sectors} from sector {first}");
            }
        }
        // a part of a sector is a sector
        assert_eq!(rom_erase_bytes(Chip::Esp8266, 0, 1), 0x1000);
    }

    #[test]
    fn the_others_are_told_what_is_meant() {
        for chip in Chip::ALL.into_iter().filter(|chip| *chip != Chip::Esp8266) {
            assert_eq!(rom_erase_bytes(chip, 0x1_0000, 5000), 5000);
        }
    }
}
