//! Images in the ESP8266's two old forms, which have a header of 8 bytes and name no chip: "version 1"
//! (0xE9), and "version 2" (0xEA) with a segment that stays in flash before a second header. Its newest
//! SDK builds them in the form of the later chips, with the chip ID left 0; the address where they
//! begin tells them from an ESP32's.
//!
//! Source: esptool documentation, "Firmware Image Format"; ESP8266 Technical Reference, memory map.

use std::ops::Range;

use super::esp::{
    Body, EspImage, FlashHeader, ImageError, MAGIC, SEGMENT_HEADER_BYTES, Segment, parse_extended,
    walk,
};
use crate::chip::Chip;

/// The first byte of the version 2.
pub(super) const MAGIC_2: u8 = 0xEA;
pub(super) const HEADER_BYTES: usize = 8;

/// Instruction RAM, where every image begins; on later chips code begins elsewhere.
const ENTRIES: Range<u32> = 0x4010_0000..0x4011_0000;

/// Whether the file begins as an ESP8266's image does.
pub(super) fn claims(file: &[u8]) -> bool {
    match file.first_chunk::<HEADER_BYTES>() {
        Some(&[MAGIC_2, ..]) => true,
        Some(&[MAGIC, _, _, _, a, b, c, d]) => ENTRIES.contains(&u32::from_le_bytes([a, b, c, d])),
        _ => false,
    }
}

pub(super) fn parse(file: &[u8]) -> Result<EspImage, ImageError> {
    let header: &[u8; HEADER_BYTES] = file.first_chunk().ok_or(ImageError::TooShort(file.len()))?;
    if header[0] == MAGIC_2 {
        return parse_version_2(file, header);
    }
    match walk(file, header[1], HEADER_BYTES) {
        Ok(body) => Ok(image(header, Vec::new(), body)),
        // the newest form names the ESP32, whose ID is 0
        Err(error) => match parse_extended(file) {
            Ok(newest) => Ok(EspImage {
                chip: Chip::Esp8266,
                ..newest
            }),
            Err(_) => Err(error),
        },
    }
}

/// Header, the segment that stays in flash, second header, the other segments, checksum over these,
/// CRC-32 over all of it.
fn parse_version_2(file: &[u8], header: &[u8; HEADER_BYTES]) -> Result<EspImage, ImageError> {
    let second_at = second_header_at(file)?;
    let second: &[u8; HEADER_BYTES] = file
        .get(second_at..)
        .and_then(|rest| rest.first_chunk())
        .ok_or(ImageError::NoChecksum)?;
    if second[0] != MAGIC {
        return Err(ImageError::NoSecondHeader {
            at: second_at,
            found: second[0],
        });
    }
    let mut body = walk(file, second[1], second_at + HEADER_BYTES)?;
    let crc_end = body.checksum_end + 4;
    if let Some(&stored) = file[body.checksum_end..].first_chunk() {
        let (stored, computed) = (u32::from_le_bytes(stored), crc(&file[..body.checksum_end]));
        if stored == computed {
            body.checksum_end = crc_end;
        } else if file.len() == crc_end {
            return Err(ImageError::Crc { stored, computed });
        }
    }
    let flash_end = second_at - HEADER_BYTES - SEGMENT_HEADER_BYTES;
    let stays = Segment {
        address: 0,
        length_bytes: flash_end as u32,
        file_offset: HEADER_BYTES + SEGMENT_HEADER_BYTES,
    };
    Ok(image(header, vec![stays], body))
}

fn second_header_at(file: &[u8]) -> Result<usize, ImageError> {
    let data_at = HEADER_BYTES + SEGMENT_HEADER_BYTES;
    let past_end = |end: u64| ImageError::SegmentPastEnd {
        index: 1,
        count: 1,
        end,
        file_bytes: file.len(),
    };
    let length = file
        .get(HEADER_BYTES + 4..)
        .and_then(|rest| rest.first_chunk())
        .ok_or_else(|| past_end(data_at as u64))?;
    let end = data_at as u64 + u64::from(u32::from_le_bytes(*length));
    usize::try_from(end)
        .ok()
        .filter(|end| *end <= file.len())
        .ok_or_else(|| past_end(end))
}

fn image(header: &[u8; HEADER_BYTES], mut segments: Vec<Segment>, body: Body) -> EspImage {
    segments.extend(body.segments);
    EspImage {
        chip: Chip::Esp8266,
        entry: u32::from_le_bytes([header[4], header[5], header[6], header[7]]),
        flash: FlashHeader {
            mode: header[2],
            frequency: header[3] & 0xF,
            size: header[3] >> 4,
        },
        min_revision: 0,
        max_revision: None,
        segments,
        hash_appended: false,
        length_bytes: body.checksum_end,
        app: None,
    }
}

/// Sets the flash fields: in a version 2 in both headers, and its CRC anew.
pub(super) fn patch(file: &mut [u8], image: &EspImage, flash: FlashHeader) {
    let fields = [flash.mode, flash.size << 4 | flash.frequency & 0xF];
    file[2..4].copy_from_slice(&fields);
    if file[0] != MAGIC_2 {
        return;
    }
    if let Some(stays) = image.segments.first() {
        let second = stays.file_offset + stays.length_bytes as usize;
        file[second + 2..second + 4].copy_from_slice(&fields);
    }
    // the checksum ends at a multiple of 16, the CRC after it
    if image.length_bytes % 16 == 4 {
        let (body, after) = file.split_at_mut(image.length_bytes - 4);
        after[..4].copy_from_slice(&crc(body).to_le_bytes());
    }
}

/// The SDK's CRC-32 (esptool, `esp8266_crc32`; Espressif's `gen_appbin.py`): the usual one, made
/// positive as a signed number is, and one more where it was already.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let sum = crc.sum();
    if sum & 0x8000_0000 == 0 {
        sum + 1
    } else {
        !sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::{patch_flash_header, sample};

    fn version_2() -> Vec<u8> {
        sample::esp8266_version_2(40_000, 1)
    }

    #[test]
    fn both_old_forms() {
        let one = EspImage::parse(&sample::bootloader(Chip::Esp8266)).unwrap();
        assert_eq!((one.chip, one.segments.len()), (Chip::Esp8266, 3));
        assert_eq!(one.length_bytes, sample::bootloader(Chip::Esp8266).len());

        let file = version_2();
        let two = EspImage::parse(&file).unwrap();
        assert_eq!((two.chip, two.length_bytes), (Chip::Esp8266, file.len()));
        assert_eq!(two.segments[0].address, 0);
        // some tools leave the CRC out
        let bare = &file[..file.len() - 4];
        assert_eq!(EspImage::parse(bare).unwrap().length_bytes, bare.len());
    }

    #[test]
    fn the_newest_form_is_told_from_an_esp32s_by_its_entry() {
        let mut file = sample::app(Chip::Esp32, 20_000, 1);
        file[4..8].copy_from_slice(&0x4010_0004_u32.to_le_bytes());
        let length = file.len();
        let (body, hash) = file.split_at_mut(length - 32);
        hash.copy_from_slice(&crate::image::sha256(body));
        let image = EspImage::parse(&file).unwrap();
        assert_eq!((image.chip, image.hash_appended), (Chip::Esp8266, true));
        file[0x200] ^= 1;
        EspImage::parse(&file).unwrap_err();
    }

    #[test]
    fn damage_has_its_name() {
        let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut file = version_2();
            change(&mut file);
            EspImage::parse(&file).unwrap_err()
        };
        let last = version_2().len() - 1;
        use ImageError::*;
        assert!(matches!(damaged(&|f| f.truncate(7)), TooShort(7)));
        assert!(matches!(
            damaged(&|f| f.truncate(1000)),
            SegmentPastEnd { .. }
        ));
        assert!(matches!(damaged(&|f| f[13] ^= 0x10), NoSecondHeader { .. }));
        assert!(matches!(damaged(&|f| f.truncate(last - 5)), NoChecksum));
        assert!(matches!(damaged(&|f| f[last] ^= 1), Crc { .. }));
        // the checksum does not cover what stays in flash; the CRC does
        assert!(matches!(damaged(&|f| f[0x40] ^= 1), Crc { .. }));
        let mut first = sample::bootloader(Chip::Esp8266);
        first[0x40] ^= 1;
        assert!(matches!(EspImage::parse(&first), Err(Checksum { .. })));
    }

    #[test]
    fn patching_keeps_them_in_order() {
        let flash = FlashHeader {
            mode: 3,
            frequency: 0xF,
            size: 6,
        };
        for mut file in [sample::bootloader(Chip::Esp8266), version_2()] {
            let before = file.clone();
            patch_flash_header(&mut file, flash).unwrap();
            let image = EspImage::parse(&file).unwrap();
            assert_eq!((image.flash, image.length_bytes), (flash, file.len()));
            let changed = before.iter().zip(&file).filter(|(a, b)| a != b).count();
            assert!(changed <= 2 + 2 + 4, "{changed} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..300), second: bool, length in 0u8..64) {
            if bytes.len() > 16 {
                bytes[0] = if second { MAGIC_2 } else { MAGIC };
                bytes[1] &= 3;
                bytes[7] = 0x40;
                bytes[6] = 0x10;
                bytes[5] = 0;
                bytes[12..16].copy_from_slice(&u32::from(length).to_le_bytes());
                let at = 16 + usize::from(length);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = MAGIC;
                }
            }
            let _ = EspImage::parse(&bytes);
        }
    }
}
