//! The otadata partition: two sectors with an entry each, which tell the bootloader which app to
//! start. What an earlier firmware left there can start another slot than the one just written, so a
//! manifest must decide what becomes of it: erase (the factory app, or else `ota_0`, starts), keep,
//! or an image of its own.
//!
//! Source: ESP-IDF, "Over The Air Updates"; `esp_ota_select_entry_t`, `bootloader_common.c`.

use super::SECTOR_BYTES;

/// The size of the partition.
pub const OTADATA_BYTES: u32 = 2 * SECTOR_BYTES;

const STATE_INVALID: u32 = 3;
const STATE_ABORTED: u32 = 4;

/// One of the two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtaEntry {
    /// Counts up with each update; 0xFFFFFFFF in a blank entry.
    pub sequence: u32,
    /// `esp_ota_img_states_t`; 0xFFFFFFFF where rollback is not used.
    pub state: u32,
    /// Whether the CRC over the sequence holds.
    pub crc_holds: bool,
}

impl OtaEntry {
    fn parse(sector: &[u8]) -> Option<OtaEntry> {
        let entry: &[u8; 32] = sector.first_chunk()?;
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| entry[at + index]));
        Some(OtaEntry {
            sequence: word(0),
            state: word(24),
            crc_holds: word(28) == crc32_of_sequence(word(0)),
        })
    }

    fn is_valid(&self) -> bool {
        self.sequence != u32::MAX
            && self.crc_holds
            && !matches!(self.state, STATE_INVALID | STATE_ABORTED)
    }

    /// As the bootloader reads it, in 32 bytes.
    pub fn to_bytes(sequence: u32) -> [u8; 32] {
        let mut bytes = [0xFF; 32];
        bytes[..4].copy_from_slice(&sequence.to_le_bytes());
        bytes[28..].copy_from_slice(&crc32_of_sequence(sequence).to_le_bytes());
        bytes
    }
}

/// What the bootloader starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtaSelection {
    /// No entry is valid: the factory app, or where there is none, `ota_0`.
    Default,
    /// `ota_n`.
    Slot(u32),
}

/// What an otadata image makes the bootloader start in a table with that many OTA slots; `None`
/// where the file is shorter than the partition or there are no slots.
pub fn ota_selection(image: &[u8], slots: u32) -> Option<OtaSelection> {
    if slots == 0 || image.len() < OTADATA_BYTES as usize {
        return None;
    }
    let (first, second) = image.split_at(SECTOR_BYTES as usize);
    let newest = [OtaEntry::parse(first)?, OtaEntry::parse(second)?]
        .into_iter()
        .filter(OtaEntry::is_valid)
        .map(|entry| entry.sequence)
        .max();
    Some(match newest {
        // sequence 0 is never written; the bootloader's arithmetic takes it for the last slot
        Some(sequence) => OtaSelection::Slot(sequence.wrapping_sub(1) % slots),
        None => OtaSelection::Default,
    })
}

/// CRC-32 as the ROM's `esp_rom_crc32_le` computes it from 0xFFFFFFFF: without the usual first
/// inversion, with the last.
fn crc32_of_sequence(sequence: u32) -> u32 {
    let crc = sequence.to_le_bytes().iter().fold(0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(first: Option<u32>, second: Option<u32>) -> Vec<u8> {
        let mut image = vec![0xFF; OTADATA_BYTES as usize];
        for (at, sequence) in [(0, first), (0x1000, second)] {
            if let Some(sequence) = sequence {
                image[at..at + 32].copy_from_slice(&OtaEntry::to_bytes(sequence));
            }
        }
        image
    }

    #[test]
    fn the_crc_is_the_bootloaders() {
        // ESP-IDF's otatool and many dumps: sequence 1 has the CRC 4743989a
        assert_eq!(crc32_of_sequence(1), 0x4743_989A);
    }

    #[test]
    fn the_newest_valid_entry_wins() {
        let check = |first, second, slots, expect| {
            assert_eq!(ota_selection(&image(first, second), slots), expect);
        };
        check(None, None, 2, Some(OtaSelection::Default));
        check(Some(1), None, 2, Some(OtaSelection::Slot(0)));
        check(Some(1), Some(2), 2, Some(OtaSelection::Slot(1)));
        check(Some(5), Some(4), 3, Some(OtaSelection::Slot(1)));
        check(Some(1), None, 0, None);
    }

    #[test]
    fn damaged_and_rejected_entries_do_not_count() {
        let mut damaged = image(Some(1), Some(2));
        damaged[0x1000 + 28] ^= 1;
        assert_eq!(ota_selection(&damaged, 2), Some(OtaSelection::Slot(0)));
        let mut aborted = image(Some(1), Some(2));
        aborted[0x1000 + 24..0x1000 + 28].copy_from_slice(&STATE_ABORTED.to_le_bytes());
        assert_eq!(ota_selection(&aborted, 2), Some(OtaSelection::Slot(0)));
        assert_eq!(ota_selection(&damaged[..0x1FFF], 2), None);
    }
}
