//! How many bytes a ROM is to be told to erase, so that it erases those that are meant; and what is
//! lost where it cannot be told so.

use std::ops::Range;

use super::planner::Plan;
use crate::chip::Chip;
use crate::image::SECTOR_BYTES;

/// Sectors in the blocks that a ROM erases at once.
const BLOCK_SECTORS: u32 = 16;

/// What FLASH_BEGIN has to say for a range to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomErase {
    /// A command of its own that has to go before: its offset and its bytes.
    pub before: Option<(u32, u32)>,
    pub bytes: u32,
    /// What is erased besides, and cannot be spared.
    pub besides: Option<Range<u32>>,
}

/// For `bytes` from flash address `offset` (a sector's) on to be erased by the chip's ROM.
///
/// The ESP8266's ROM erases up to the next block and does not count that (esptool, "bootloader erase
/// bug"): told `n` sectors it erases `n` more, or as many more as there are to the block's end. So it
/// is told fewer, and an odd number that ends before twice that distance takes two commands, which
/// meet in the range's last sector but one. A single sector cannot be erased alone: the one behind it
/// goes with it.
pub fn rom_erase(chip: Chip, offset: u32, bytes: u32) -> RomErase {
    if chip != Chip::Esp8266 {
        return RomErase {
            before: None,
            bytes,
            besides: None,
        };
    }
    let wanted = bytes.div_ceil(SECTOR_BYTES);
    let to_block = BLOCK_SECTORS - offset / SECTOR_BYTES % BLOCK_SECTORS;
    let (before, told) = if wanted >= 2 * to_block {
        (None, wanted - to_block)
    } else if wanted > 1 && wanted % 2 == 1 {
        let last_pair = offset + (wanted - 2) * SECTOR_BYTES;
        (Some((last_pair, SECTOR_BYTES)), wanted / 2)
    } else {
        (None, wanted.div_ceil(2))
    };
    RomErase {
        before,
        bytes: told * SECTOR_BYTES,
        besides: (wanted == 1).then(|| {
            let end = offset.saturating_add(SECTOR_BYTES);
            end..end.saturating_add(SECTOR_BYTES)
        }),
    }
}

/// A sector that an ESP8266's ROM erases besides what is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Besides {
    /// The region that takes it along; `None`: an erase does.
    pub region: Option<String>,
    /// What takes it along.
    pub range: Range<u32>,
    pub lost: Range<u32>,
    pub whose: Whose,
}

/// Whose sector is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// It was to keep what it held.
    Kept,
    /// That region's; it is written after the other.
    Region(String),
}

impl Plan {
    /// What the chip's ROM erases of others, when it writes this plan.
    pub fn erased_besides(&self) -> Vec<Besides> {
        let erases = (self.erases.iter()).map(|range| (None, range.clone()));
        let regions = self.regions.iter();
        let regions = regions.map(|region| (Some(region.name.clone()), region.range()));
        let all = erases.chain(regions);
        all.filter_map(|(region, range)| {
            let lost = rom_erase(self.chip, range.start, range.len() as u32).besides?;
            let meets = |other: &Range<u32>| other.start < lost.end && lost.start < other.end;
            let other = self.regions.iter().find(|other| meets(&other.range()));
            let whose = match other {
                _ if self.kept.iter().any(meets) => Whose::Kept,
                Some(other) => Whose::Region(other.name.clone()),
                None => return None,
            };
            Some(Besides {
                region,
                range,
                lost,
                whose,
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What the ROM makes of a command (`sim` models it by the same description).
    fn erased(offset: u32, told: u32) -> impl Iterator<Item = u32> {
        let first = offset / 0x1000;
        let told = told.div_ceil(0x1000);
        first..first + told + told.min(16 - first % 16)
    }

    #[test]
    fn an_esp8266_erases_what_is_meant() {
        for first in 0..40 {
            for sectors in 0..200 {
                let offset = first * 0x1000;
                let erase = rom_erase(Chip::Esp8266, offset, sectors * 0x1000);
                let mut found: BTreeSet<u32> = erased(offset, erase.bytes).collect();
                if let Some((offset, bytes)) = erase.before {
                    found.extend(erased(offset, bytes));
                }
                let is_alone = sectors == 1;
                let meant = first..first + sectors + u32::from(is_alone);
                assert_eq!(found, meant.collect(), "{sectors} from sector {first}");
                let behind = offset + 0x1000..offset + 0x2000;
                assert_eq!(erase.besides, is_alone.then_some(behind));
            }
        }
        // a part of a sector is a sector
        assert_eq!(rom_erase(Chip::Esp8266, 0, 1).bytes, 0x1000);
    }

    #[test]
    fn the_others_are_told_what_is_meant() {
        for chip in Chip::ALL.into_iter().filter(|chip| *chip != Chip::Esp8266) {
            let expected = RomErase {
                before: None,
                bytes: 5000,
                besides: None,
            };
            assert_eq!(rom_erase(chip, 0x1_0000, 5000), expected);
        }
    }
}
