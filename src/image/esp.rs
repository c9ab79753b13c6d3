//! The image that a ROM or a second-stage bootloader starts: header, extended header, segments,
//! checksum, appended SHA-256. The form of the ESP32 and all that came after it; the ESP8266's own
//! forms are in `esp8266`.
//!
//! Source: esptool documentation, "Firmware Image Format"; ESP-IDF, `esp_app_format.h`.

use crate::chip::Chip;

use super::digest::sha256;
use super::esp8266;

pub(super) const MAGIC: u8 = 0xE9;
pub(super) const HEADER_BYTES: usize = 24;
pub(super) const SEGMENT_HEADER_BYTES: usize = 8;
/// ESP-IDF's bootloader takes no more (`ESP_IMAGE_MAX_SEGMENTS`).
const MAX_SEGMENTS: u8 = 16;
pub(super) const CHECKSUM_SEED: u8 = 0xEF;
pub(super) const APP_DESCRIPTION_MAGIC: u32 = 0xABCD_5432;
/// In the extended header: whether a SHA-256 follows the checksum.
pub(super) const HASH_APPENDED_AT: usize = 23;

/// Flash mode, frequency and size as the header tells them to the ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashHeader {
    /// Byte 2.
    pub mode: u8,
    /// The low nibble of byte 3.
    pub frequency: u8,
    /// The high nibble of byte 3.
    pub size: u8,
}

impl FlashHeader {
    /// From the first bytes of an image, the rest unseen.
    pub fn of_image(first_bytes: &[u8]) -> Option<FlashHeader> {
        let header: &[u8; 8] = first_bytes.first_chunk()?;
        (header[0] == MAGIC && (1..=MAX_SEGMENTS).contains(&header[1])).then_some(FlashHeader {
            mode: header[2],
            frequency: header[3] & 0xF,
            size: header[3] >> 4,
        })
    }
}

/// Where a segment is loaded or mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub address: u32,
    pub length_bytes: u32,
    /// Of its first data byte, in the file.
    pub file_offset: usize,
}

/// What an application says of itself (ESP-IDF, `esp_app_desc_t`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppDescription {
    pub project: String,
    pub version: String,
    pub idf_version: String,
    pub built: String,
}

impl AppDescription {
    /// From the first 0x100 bytes of an app's image, the rest unseen.
    pub fn of_image(first_bytes: &[u8]) -> Option<AppDescription> {
        FlashHeader::of_image(first_bytes)?;
        app_description(first_bytes.get(HEADER_BYTES + SEGMENT_HEADER_BYTES..)?)
    }
}

/// An image whose structure, checksum and appended hash hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EspImage {
    pub chip: Chip,
    pub entry: u32,
    pub flash: FlashHeader,
    /// The least chip revision that it runs on, as `major * 100 + minor`.
    pub min_revision: u16,
    /// The greatest, where it sets one.
    pub max_revision: Option<u16>,
    pub segments: Vec<Segment>,
    pub hash_appended: bool,
    /// Up to the end of the checksum or of the appended hash. The file may go on after it: padding,
    /// a signature.
    pub length_bytes: usize,
    /// `None` in a bootloader and in apps that were built without ESP-IDF.
    pub app: Option<AppDescription>,
}

/// Why a file is no image, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    #[error("the file has {0} bytes, which is less than an image's header")]
    TooShort(usize),
    #[error("the file begins with {0:#04x} and not with an ESP image's 0xe9")]
    NoMagic(u8),
    #[error("the image has {0} segments, and 1 to 16 are possible")]
    SegmentCount(u8),
    #[error("the image is for a chip with the ID {0}, which is not known")]
    UnknownChip(u16),
    #[error(
        "segment {index} of {count} reaches to byte {end} of the file, which has {file_bytes}: it is cut short"
    )]
    SegmentPastEnd {
        index: usize,
        count: u8,
        end: u64,
        file_bytes: usize,
    },
    #[error("the file ends before the image's checksum: it is cut short")]
    NoChecksum,
    #[error(
        "the image's checksum is {computed:#04x} and the file says {stored:#04x}: it is damaged"
    )]
    Checksum { stored: u8, computed: u8 },
    #[error(
        "byte {at} of the file is {found:#04x}, where an ESP8266's image has its second header (0xe9): it is damaged"
    )]
    NoSecondHeader { at: usize, found: u8 },
    #[error(
        "the CRC-32 at the image's end is {stored:08x}, and {computed:08x} was computed: the image is damaged"
    )]
    Crc { stored: u32, computed: u32 },
    #[error("the file ends before the appended SHA-256: it is cut short")]
    NoHash,
    #[error("the appended SHA-256 does not hold: the image is damaged or was changed by hand")]
    Hash {
        stored: [u8; 32],
        computed: [u8; 32],
    },
}

impl EspImage {
    pub fn parse(file: &[u8]) -> Result<EspImage, ImageError> {
        if esp8266::claims(file) {
            esp8266::parse(file)
        } else {
            parse_extended(file)
        }
    }
}

pub(super) fn parse_extended(file: &[u8]) -> Result<EspImage, ImageError> {
    let header: &[u8; HEADER_BYTES] = file.first_chunk().ok_or(ImageError::TooShort(file.len()))?;
    if header[0] != MAGIC {
        return Err(ImageError::NoMagic(header[0]));
    }
    let chip_id = u16::from_le_bytes([header[12], header[13]]);
    let chip = Chip::from_image_chip_id(chip_id).ok_or(ImageError::UnknownChip(chip_id))?;
    let Body {
        segments,
        checksum_end,
    } = walk(file, header[1], HEADER_BYTES)?;
    let hash_appended = header[HASH_APPENDED_AT] == 1;
    let length_bytes = if hash_appended {
        let stored: [u8; 32] = *file[checksum_end..]
            .first_chunk()
            .ok_or(ImageError::NoHash)?;
        let computed = sha256(&file[..checksum_end]);
        if stored != computed {
            return Err(ImageError::Hash { stored, computed });
        }
        checksum_end + 32
    } else {
        checksum_end
    };
    // images from before ESP-IDF 4.4.3 set this byte alone: the major revision, on the C3 the minor
    let unit = if chip == Chip::Esp32C3 { 1 } else { 100 };
    let [min_byte, min_full, max_full] = [
        u16::from(header[14]) * unit,
        u16::from_le_bytes([header[15], header[16]]),
        u16::from_le_bytes([header[17], header[18]]),
    ];
    // 0 and 0xFFFF both mean 'not set' (ESP-IDF, `bootloader_common_check_chip_validity`)
    let set = |full: u16| (full != 0 && full != 0xFFFF).then_some(full);
    Ok(EspImage {
        chip,
        entry: u32::from_le_bytes([header[4], header[5], header[6], header[7]]),
        flash: FlashHeader {
            mode: header[2],
            frequency: header[3] & 0xF,
            size: header[3] >> 4,
        },
        min_revision: set(min_full).unwrap_or(min_byte),
        max_revision: set(max_full),
        app: segments
            .first()
            .and_then(|first| app_description(&file[first.file_offset..])),
        segments,
        hash_appended,
        length_bytes,
    })
}

pub(super) struct Body {
    pub(super) segments: Vec<Segment>,
    /// Where the checksum ends and the appended hash, if there is one, begins.
    pub(super) checksum_end: usize,
}

/// Walks so many segments from `at` on and checks the checksum.
pub(super) fn walk(file: &[u8], count: u8, mut at: usize) -> Result<Body, ImageError> {
    if !(1..=MAX_SEGMENTS).contains(&count) {
        return Err(ImageError::SegmentCount(count));
    }
    let mut segments = Vec::with_capacity(count.into());
    let mut checksum = CHECKSUM_SEED;
    for index in 0..usize::from(count) {
        let past_end = |end: u64| ImageError::SegmentPastEnd {
            index: index + 1,
            count,
            end,
            file_bytes: file.len(),
        };
        let file_offset = at + SEGMENT_HEADER_BYTES;
        let Some(&[a0, a1, a2, a3, l0, l1, l2, l3]) =
            file.get(at..).and_then(|rest| rest.first_chunk())
        else {
            return Err(past_end(file_offset as u64));
        };
        let length_bytes = u32::from_le_bytes([l0, l1, l2, l3]);
        let end = file_offset as u64 + u64::from(length_bytes);
        let data = usize::try_from(end)
            .ok()
            .and_then(|end| file.get(file_offset..end))
            .ok_or_else(|| past_end(end))?;
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
        segments.push(Segment {
            address: u32::from_le_bytes([a0, a1, a2, a3]),
            length_bytes,
            file_offset,
        });
        at = file_offset + data.len();
    }
    // the checksum is the last byte of the 16 that the image's end falls into
    let checksum_end = (at + 1).next_multiple_of(16);
    let stored = *file.get(checksum_end - 1).ok_or(ImageError::NoChecksum)?;
    if stored != checksum {
        return Err(ImageError::Checksum {
            stored,
            computed: checksum,
        });
    }
    Ok(Body {
        segments,
        checksum_end,
    })
}

/// The description at the start of an app's first segment.
fn app_description(data: &[u8]) -> Option<AppDescription> {
    let data: &[u8; 0x90] = data.first_chunk()?;
    if data[..4] != APP_DESCRIPTION_MAGIC.to_le_bytes() {
        return None;
    }
    let text = |from: usize, length: usize| {
        let field = &data[from..from + length];
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(length);
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    Some(AppDescription {
        version: text(0x10, 32),
        project: text(0x30, 32),
        built: format!("{} {}", text(0x60, 16), text(0x50, 16)),
        idf_version: text(0x70, 32),
    })
}

/// Sets the flash fields of an image's header and renews its appended SHA-256; the checksum covers
/// the segments only and stays.
///
/// # Errors
/// Whatever keeps the file from being read as an image; it is left as it was.
pub fn patch_flash_header(file: &mut [u8], flash: FlashHeader) -> Result<(), ImageError> {
    let image = EspImage::parse(file)?;
    if image.chip == Chip::Esp8266 && !image.hash_appended {
        esp8266::patch(file, &image, flash);
        return Ok(());
    }
    file[2] = flash.mode;
    file[3] = flash.size << 4 | flash.frequency & 0xF;
    if image.hash_appended {
        let (body, hash) = file[..image.length_bytes].split_at_mut(image.length_bytes - 32);
        hash.copy_from_slice(&sha256(body));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::sample;

    fn damaged(file: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> ImageError {
        let mut file = file.to_vec();
        change(&mut file);
        EspImage::parse(&file).unwrap_err()
    }

    #[test]
    fn a_bootloader() {
        let image = EspImage::parse(&sample::bootloader(Chip::Esp32)).unwrap();
        assert_eq!(image.chip, Chip::Esp32);
        assert_eq!(image.segments.len(), 3);
        assert!(image.hash_appended);
        assert_eq!(
            image.flash,
            FlashHeader {
                mode: 2,
                frequency: 0,
                size: 2
            }
        );
        assert_eq!((image.min_revision, image.max_revision), (0, None));
        assert_eq!(image.app, None);
    }

    #[test]
    fn least_revisions_of_old_images_are_major_ones_but_on_the_c3() {
        let least = |chip, byte, full: u16| {
            let mut file = sample::bootloader(chip);
            file[14] = byte;
            file[15..17].copy_from_slice(&full.to_le_bytes());
            let body = file.len() - 32;
            let hash = sha256(&file[..body]);
            file[body..].copy_from_slice(&hash);
            EspImage::parse(&file).unwrap().min_revision
        };
        assert_eq!(least(Chip::Esp32, 3, 0), 300);
        assert_eq!(least(Chip::Esp32C3, 3, 0), 3);
        assert_eq!(least(Chip::Esp32C3, 3, 101), 101);
    }

    #[test]
    fn an_app_says_what_it_is() {
        let file = sample::app(Chip::Esp32, 100_000, 1);
        let image = EspImage::parse(&file).unwrap();
        assert_eq!(image.length_bytes, file.len());
        let app = image.app.unwrap();
        assert_eq!(app.project, "flashline-sample");
        assert_eq!(app.version, "1.0.0");
    }

    #[test]
    fn what_follows_the_image_is_not_part_of_it() {
        let mut file = sample::app(Chip::Esp32, 50_000, 1);
        let length = file.len();
        file.extend([0xFF; 4096]);
        assert_eq!(EspImage::parse(&file).unwrap().length_bytes, length);
    }

    #[test]
    fn every_damage_has_its_name() {
        let file = sample::app(Chip::Esp32, 50_000, 1);
        let last = file.len() - 1;
        use ImageError::*;
        assert!(matches!(damaged(&file, |f| f.truncate(23)), TooShort(23)));
        assert!(matches!(damaged(&file, |f| f.clear()), TooShort(0)));
        assert!(matches!(damaged(&file, |f| f[0] = 0x7F), NoMagic(0x7F)));
        assert!(matches!(damaged(&file, |f| f[1] = 0), SegmentCount(0)));
        assert!(matches!(damaged(&file, |f| f[1] = 17), SegmentCount(17)));
        assert!(matches!(
            damaged(&file, |f| f[12] = 0x77),
            UnknownChip(0x77)
        ));
        assert!(matches!(
            damaged(&file, |f| f.truncate(1000)),
            SegmentPastEnd { .. }
        ));
        assert!(matches!(
            damaged(&file, |f| f[31] = 0xFF),
            SegmentPastEnd { .. }
        ));
        assert!(matches!(
            damaged(&file, |f| f.truncate(last - 32)),
            NoChecksum
        ));
        assert!(matches!(damaged(&file, |f| f.truncate(last)), NoHash));
        assert!(matches!(damaged(&file, |f| f[0x200] ^= 1), Checksum { .. }));
        assert!(matches!(damaged(&file, |f| f[last] ^= 1), Hash { .. }));
        // the header is covered by the hash alone
        assert!(matches!(damaged(&file, |f| f[2] ^= 1), Hash { .. }));
    }

    #[test]
    fn patching_renews_the_hash_and_nothing_else() {
        let before = sample::bootloader(Chip::Esp32);
        let mut after = before.clone();
        let flash = FlashHeader {
            mode: 0,
            frequency: 0xF,
            size: 4,
        };
        patch_flash_header(&mut after, flash).unwrap();
        let image = EspImage::parse(&after).unwrap();
        assert_eq!(image.flash, flash);
        let hash = image.length_bytes - 32..image.length_bytes;
        for (at, (old, new)) in before.iter().zip(&after).enumerate() {
            assert!(
                old == new || matches!(at, 2 | 3) || hash.contains(&at),
                "byte {at} changed"
            );
        }
    }

    #[test]
    fn patching_refuses_what_is_no_image() {
        let mut file = vec![0; 100];
        let flash = FlashHeader {
            mode: 0,
            frequency: 0,
            size: 0,
        };
        assert!(patch_flash_header(&mut file, flash).is_err());
        assert_eq!(file, vec![0; 100]);
    }

    proptest! {
        #[test]
        fn no_input_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..400), magic: bool) {
            if magic && bytes.len() > 14 {
                bytes[0] = MAGIC;
                bytes[1] &= 3;
                bytes[12] = 0;
                bytes[13] = 0;
            }
            let _ = EspImage::parse(&bytes);
        }

        #[test]
        fn no_changed_byte_of_an_image_goes_unnoticed(at in 0usize..20_000, bit in 0u8..8) {
            let mut file = sample::app(Chip::Esp32, 20_000, 1);
            // with this bit gone the image says that it has no hash, and the hash is a trailer
            prop_assume!(at < file.len() && at != HASH_APPENDED_AT);
            file[at] ^= 1 << bit;
            prop_assert!(EspImage::parse(&file).is_err());
        }
    }
}
