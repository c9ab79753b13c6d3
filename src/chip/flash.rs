//! The JEDEC ID of a SPI flash part.

use std::fmt;

use super::spelled;

/// What the part answers to command 0x9F, manufacturer first: `0xEF4016` is a Winbond part of 4 MB.
/// Shown as six hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlashId(pub u32);

impl FlashId {
    /// The ID as the SPI controller's W0 register holds it: first byte lowest.
    pub const fn from_w0(word: u32) -> FlashId {
        FlashId(word.swap_bytes() >> 8)
    }

    /// No part answered: the data line stayed low or high throughout.
    pub fn is_silent(self) -> bool {
        matches!(self.0 & 0xFF_FFFF, 0 | 0xFF_FFFF)
    }

    /// The JEDEC manufacturer byte.
    pub fn manufacturer(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// The maker's name, where the manufacturer byte is one maker's (flashrom, `flashchips.h`).
    pub fn vendor(self) -> Option<&'static str> {
        match self.manufacturer() {
            0x0B => Some("XTX"),
            0x1C => Some("EON"),
            0x1F => Some("Adesto"),
            // ST's, Micron's and XMC's parts share this byte
            0x20 => Some("XMC or Micron"),
            0x5E => Some("Zbit"),
            0x68 => Some("Boya"),
            0x85 => Some("Puya"),
            0x9D => Some("ISSI"),
            0xA1 => Some("Fudan"),
            0xC2 => Some("Macronix"),
            0xC8 => Some("GigaDevice"),
            0xEF => Some("Winbond"),
            _ => None,
        }
    }

    /// The size that the ID's last byte encodes as a power of two, where it is a size between
    /// 256 KB and 256 MB (the codes of esptool's `DETECTED_FLASH_SIZES`).
    pub fn size_bytes(self) -> Option<u64> {
        // Adesto tells the density in the middle byte's low five bits (esptool,
        // `DETECTED_FLASH_SIZES_ADESTO`)
        if self.manufacturer() == 0x1F {
            let density = self.0 >> 8 & 0x1F;
            return (4..=9).contains(&density).then(|| 1 << (density + 15));
        }
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

spelled!(
    FlashId,
    |text| u32::from_str_radix(text, 16).ok().map(FlashId),
    "flash ID of six hex digits"
);

impl fmt::Debug for FlashId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn check(id: u32, bytes: Option<u64>) {
        assert_eq!(FlashId(id).size_bytes(), bytes, "{id:06x}");
    }

    #[test]
    fn sizes() {
        check(0xEF4016, Some(4 * MB));
        check(0xC84018, Some(16 * MB));
        check(0xEF4020, Some(64 * MB));
        check(0x206018, Some(16 * MB));
        check(0xC86537, Some(8 * MB));
        check(0x1F8601, Some(2 * MB));
        check(0x1F4700, Some(4 * MB));
        check(0x1F0016, None);
        check(0xEF4000, None);
        check(0xEF401D, None);
        check(0, None);
    }

    #[test]
    fn as_the_controller_holds_it() {
        assert_eq!(FlashId::from_w0(0x0016_40EF), FlashId(0xEF4016));
        assert!(FlashId::from_w0(0xFFFF_FFFF).is_silent());
    }
}
