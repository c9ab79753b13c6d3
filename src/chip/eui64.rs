//! The EUI-64 of chips with an IEEE 802.15.4 radio.

use std::fmt;

use super::{Mac, spelled};

/// A board's 64-bit address, of chips that have an IEEE 802.15.4 radio. Shown as
/// `60:55:f9:ff:fe:00:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Eui64(pub [u8; 8]);

impl Eui64 {
    /// The base MAC with the eFuse field MAC_EXT between its halves (ESP-IDF,
    /// `esp_read_mac(ESP_MAC_IEEE802154)`).
    pub fn new(mac: Mac, extension: [u8; 2]) -> Eui64 {
        let [a, b, c, d, e, f] = mac.0;
        let [x, y] = extension;
        Eui64([a, b, c, x, y, d, e, f])
    }
}

impl Eui64 {
    /// As it is shown.
    pub fn parse(text: &str) -> Option<Eui64> {
        let mut bytes = [0; 8];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let digits = parts.next().filter(|digits| digits.len() == 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        parts.next().is_none().then_some(Eui64(bytes))
    }
}

impl fmt::Display for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.map(|byte| format!("{byte:02x}"));
        f.pad(&bytes.join(":"))
    }
}

spelled!(Eui64, Eui64::parse, "EUI-64");

impl fmt::Debug for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_stands_in_the_middle() {
        let eui = Eui64::new(Mac([0x60, 0x55, 0xF9, 1, 2, 3]), [0xFF, 0xFE]);
        assert_eq!(eui.to_string(), "60:55:f9:ff:fe:01:02:03");
        assert_eq!(Eui64::parse("60:55:f9:ff:fe:01:02:03"), Some(eui));
        assert_eq!(Eui64::parse("60:55:f9:ff:fe:01:02"), None);
        assert_eq!(Eui64::parse("60:55:f9:ff:fe:01:02:03:04"), None);
    }
}
