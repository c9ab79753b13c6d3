//! The JEDEC ID of a SPI flash part.

use std::fmt;

/// What the part answers to command 0x9F, manufacturer first: `0xEF4016` is a Winbond part of 4 MB.
/// Shown as six hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlashId(pub u32);

impl FlashId {
    /// No part answered: the data line stayed low or high throughout.
    pub fn is_silent(self) -> bool {
        matches!(self.0 & 0xFF_FFFF, 0 | 0xFF_FFFF)
    }

    /// The JEDEC manufacturer byte.
    pub fn manufacturer(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// The size that the ID's last byte encodes as a power of two, where it is a size between
    /// 256 KB and 256 MB (the codes of esptool's `DETECTED_FLASH_SIZES`).
    pub fn size_bytes(self) -> Option<u64> {
        match self.0 & 0xFF {
            code @ 0x12..=0x1C => Some(1 << code),
            // parts of 512 Mbit and more whose makers continue the count at 0x20
            code @ 0x20..=0x22 => Some(1 << (code - 0x20 + 26)),
            0x32..=0x3A => Some(1 << ((self.0 & 0xFF) - 0x20)),
            _ => None,
        }
    }
}

impl fmt::Display for FlashId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:06x}", self.0 & 0xFF_FFFF))
    }
}

impl fmt::Debug for FlashId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
