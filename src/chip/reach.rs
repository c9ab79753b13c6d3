//! How far into its flash a chip's loaders get.

use super::Chip;

impl Chip {
    /// What a ROM's 24-bit flash addresses reach, bytes: 16 MB, on every chip. Behind that, its erase
    /// and its writing would begin again at 0 (esptool's `check_flash_size` refuses both).
    pub const ROM_REACH_BYTES: u64 = 16 << 20;

    /// What the stub's flash addresses reach, bytes: it has the four-byte commands of large parts
    /// for the chips that can execute from there (esp-stub-lib `SOC_SPI_FLASH_4B_ADDR_SUPPORTED`;
    /// esptool 5.6 `FLASH_32BIT_ADDR_SUPPORTED`). 128 MB is the largest part that a size code names.
    pub const fn stub_reach_bytes(self) -> u64 {
        match self {
            Chip::Esp32S3 | Chip::Esp32P4 | Chip::Esp32C5 | Chip::Esp32C61 => 128 << 20,
            Chip::Esp8266
            | Chip::Esp32
            | Chip::Esp32S2
            | Chip::Esp32C2
            | Chip::Esp32C3
            | Chip::Esp32C6
            | Chip::Esp32H2 => Chip::ROM_REACH_BYTES,
        }
    }
}
