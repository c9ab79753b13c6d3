//! Firmware that is in order and does nothing: bootloader, app and partition table with valid
//! headers, checksums and hashes, the same for the same arguments. For the demo, the simulator and
//! tests; its code bytes are drawn from a generator, so that they compress to about 58 % as real
//! firmware does.

use super::digest::sha256;
use super::esp::{APP_DESCRIPTION_MAGIC, CHECKSUM_SEED, HASH_APPENDED_AT, HEADER_BYTES};
use super::esp8266;
use super::partitions::{Partition, PartitionTable};
use crate::chip::Chip;

/// DIO, 40 MHz, 4 MB: what ESP-IDF sets unless told otherwise.
const FLASH_FIELDS: [u8; 2] = [0x02, 0x20];

/// A second-stage bootloader of about 26 KB (20 KB where it starts as late as on the P4), as it is to be
/// written at the chip's bootloader offset.
pub fn bootloader(chip: Chip) -> Vec<u8> {
    // load addresses of ESP-IDF's ESP32 bootloader; the ROM of another chip is not modelled
    let mut code = Code::new(0xB007);
    // the partition table at 0x8000 is the end
    let loader = match chip.facts().bootloader_offset {
        0x2000.. => 10_000,
        _ => 16_000,
    };
    build(
        chip,
        entry(chip, 0x4008_0640),
        &[
            (0x3FFF_0030, code.take(6_000)),
            (0x4007_8000, code.take(loader)),
            (0x4008_0400, code.take(4_000)),
        ],
    )
}

/// An application of exactly `size_bytes` (rounded up to 16, and at least 4 KB), with a description.
/// Another seed is another firmware.
pub fn app(chip: Chip, size_bytes: usize, seed: u64) -> Vec<u8> {
    let mut code = Code::new(seed);
    app_from(chip, size_bytes, |length| code.take(length))
}

/// The same with code from elsewhere: `code` is asked for so many bytes, some times over.
pub fn app_from(chip: Chip, size_bytes: usize, mut code: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    const SEGMENT_HEADERS: usize = 4 * 8;
    // the checksum takes the last byte of 16, and the hash 32
    let data = size_bytes.next_multiple_of(16).max(0x1000)
        - (header_bytes(chip) + SEGMENT_HEADERS + 1).next_multiple_of(16)
        - if chip == Chip::Esp8266 { 0 } else { 32 };
    // whole words to each segment; the last takes what is left
    let [constants, variables, iram] = [data / 5, data / 20, data / 8].map(|bytes| bytes & !3);
    let mut rodata = description("flashline-sample", "1.0.0");
    rodata.extend(code(constants.saturating_sub(rodata.len())));
    let rest = data - rodata.len() - variables - iram;
    build(
        chip,
        entry(chip, 0x4008_1234),
        &[
            (0x3F40_0020, rodata),
            (0x3FFB_0000, code(variables)),
            (0x4008_0000, code(iram)),
            (0x400D_0020, code(rest)),
        ],
    )
}

/// An ESP8266's app of the "version 2" for its SDK's bootloader: most of it stays in flash.
pub fn esp8266_version_2(flash_bytes: usize, seed: u64) -> Vec<u8> {
    let mut code = Code::new(seed);
    let stays = code.take(flash_bytes.next_multiple_of(16));
    let mut file = vec![esp8266::MAGIC_2, 4];
    file.extend(FLASH_FIELDS);
    file.extend(ESP8266_ENTRY.to_le_bytes());
    file.extend(0u32.to_le_bytes());
    file.extend((stays.len() as u32).to_le_bytes());
    file.extend(stays);
    // both headers and all segments are whole words: the second image ends as it would alone
    file.extend(build(
        Chip::Esp8266,
        ESP8266_ENTRY,
        &[
            (0x3FFE_8000, code.take(2_000)),
            (0x4010_0000, code.take(8_000)),
        ],
    ));
    file.extend(esp8266::crc(&file).to_le_bytes());
    file
}

/// A table of rows (name, kind, subtype, offset, size in bytes).
pub fn partition_table(rows: &[(&str, u8, u8, u32, u32)]) -> PartitionTable {
    let rows = rows
        .iter()
        .map(|&(name, kind, subtype, offset, size_bytes)| Partition {
            name: name.to_owned(),
            kind,
            subtype,
            offset,
            size_bytes,
            flags: 0,
        })
        .collect();
    PartitionTable { rows }
}

/// ESP-IDF's 'single factory app' layout: nvs, phy_init, and `factory` at 0x10000 of 1 MB.
pub fn single_app_table() -> PartitionTable {
    partition_table(&[
        ("nvs", 1, 2, 0x9000, 0x6000),
        ("phy_init", 1, 1, 0xF000, 0x1000),
        ("factory", 0, 0, 0x1_0000, 0x10_0000),
    ])
}

/// ESP-IDF's 'two OTA apps' layout without a factory app: nvs, otadata, phy_init, `ota_0` at 0x10000
/// and `ota_1` behind it, 1 MB each.
pub fn two_ota_table() -> PartitionTable {
    partition_table(&[
        ("nvs", 1, 2, 0x9000, 0x4000),
        ("otadata", 1, 0, 0xD000, 0x2000),
        ("phy_init", 1, 1, 0xF000, 0x1000),
        ("ota_0", 0, 0x10, 0x1_0000, 0x10_0000),
        ("ota_1", 0, 0x11, 0x11_0000, 0x10_0000),
    ])
}

/// Where an ESP8266's code begins, which is how its images are known.
const ESP8266_ENTRY: u32 = 0x4010_0004;

fn entry(chip: Chip, other: u32) -> u32 {
    match chip {
        Chip::Esp8266 => ESP8266_ENTRY,
        _ => other,
    }
}

fn build(chip: Chip, entry: u32, segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0; header_bytes(chip)];
    file[0] = 0xE9;
    file[1] = segments.len() as u8;
    file[2..4].copy_from_slice(&FLASH_FIELDS);
    file[4..8].copy_from_slice(&entry.to_le_bytes());
    if chip != Chip::Esp8266 {
        extended_header(chip, &mut file);
    }
    let mut checksum = CHECKSUM_SEED;
    for (address, data) in segments {
        file.extend(address.to_le_bytes());
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
    }
    file.resize((file.len() + 1).next_multiple_of(16), 0);
    if let Some(last) = file.last_mut() {
        *last = checksum;
    }
    if chip != Chip::Esp8266 {
        file.extend(sha256(&file));
    }
    file
}

fn extended_header(chip: Chip, file: &mut [u8]) {
    file[8] = 0xEE; // the write-protect pin is left as the eFuse says
    let chip_id = chip.facts().image_chip_id.unwrap_or(0);
    file[12..14].copy_from_slice(&chip_id.to_le_bytes());
    file[17..19].copy_from_slice(&u16::MAX.to_le_bytes()); // no greatest revision
    file[HASH_APPENDED_AT] = 1;
}

/// The ESP8266's old images have neither the extended header nor a hash.
fn header_bytes(chip: Chip) -> usize {
    match chip {
        Chip::Esp8266 => esp8266::HEADER_BYTES,
        _ => HEADER_BYTES,
    }
}

/// ESP-IDF's `esp_app_desc_t`, 256 bytes.
fn description(project: &str, version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    bytes[..4].copy_from_slice(&APP_DESCRIPTION_MAGIC.to_le_bytes());
    for (at, text) in [
        (0x10, version),
        (0x30, project),
        (0x50, "12:00:00"),
        (0x60, "Jan  1 2026"),
        (0x70, "v5.5"),
    ] {
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    bytes
}

/// Bytes like those of compiled code: literal runs, and repeats of what came shortly before.
struct Code {
    /// xorshift64*
    state: u64,
    recent: Vec<u8>,
}

impl Code {
    fn new(seed: u64) -> Code {
        Code {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            recent: Vec::new(),
        }
    }

    fn next(&mut self, below: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let word = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D);
        (word >> 33) as usize % below
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        const WINDOW: usize = 16 << 10;
        let mut out = Vec::with_capacity(length + 16);
        while out.len() < length {
            if self.recent.len() > 64 && self.next(100) < 57 {
                let from = self.next(self.recent.len() - 16);
                let run = 4 + self.next(8);
                let run = self.recent[from..from + run].to_vec();
                out.extend(&run);
                self.recent.extend(run);
            } else {
                for _ in 0..2 + self.next(8) {
                    let byte = self.next(256) as u8;
                    out.push(byte);
                    self.recent.push(byte);
                }
            }
            if self.recent.len() > 2 * WINDOW {
                self.recent.drain(..WINDOW);
            }
        }
        out.truncate(length);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::EspImage;

    #[test]
    fn the_app_has_the_size_asked_for() {
        for size in [4096, 5008, 100_000, 1_048_576] {
            let file = app(Chip::Esp32, size, 7);
            assert_eq!(file.len(), size);
            EspImage::parse(&file).unwrap();
            let file = app(Chip::Esp8266, size, 7);
            assert_eq!(file.len(), size);
            assert_eq!(EspImage::parse(&file).unwrap().chip, Chip::Esp8266);
        }
        assert_eq!(app(Chip::Esp32, 5_001, 7).len(), 5008);
        assert_eq!(app(Chip::Esp32, 0, 7).len(), 4096);
    }

    #[test]
    fn the_same_arguments_give_the_same_firmware() {
        assert_eq!(app(Chip::Esp32, 9_000, 3), app(Chip::Esp32, 9_000, 3));
        assert_ne!(app(Chip::Esp32, 9_000, 3), app(Chip::Esp32, 9_000, 4));
        assert_eq!(
            EspImage::parse(&bootloader(Chip::Esp32C3)).unwrap().chip,
            Chip::Esp32C3
        );
    }

    #[test]
    fn it_compresses_like_firmware() {
        let file = app(Chip::Esp32, 600_000, 1);
        let mut compressor =
            libdeflater::Compressor::new(libdeflater::CompressionLvl::new(9).unwrap());
        let mut out = vec![0; compressor.zlib_compress_bound(file.len())];
        let size = compressor.zlib_compress(&file, &mut out).unwrap();
        let percent = size * 100 / file.len();
        assert!((56..=60).contains(&percent), "{percent} %");
    }

    #[test]
    fn the_tables_are_in_order() {
        for table in [single_app_table(), two_ota_table()] {
            assert_eq!(table.faults(0x8000, Some(4 << 20)), []);
        }
    }
}
