//! A board's base MAC address.

use std::fmt;

use super::spelled;

/// The base MAC of a board, as the factory burnt it into eFuse. Shown as `24:0a:c4:00:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Whether this can be a board's own address: neither all zero, nor all one, nor a group address.
    pub fn is_plausible(self) -> bool {
        self.0 != [0; 6] && self.0 != [0xFF; 6] && self.0[0] & 1 == 0
    }

    /// The address in `aa:bb:cc:dd:ee:ff`, upper or lower case, `:` or `-` or nothing between.
    pub fn parse(text: &str) -> Option<Mac> {
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-')).collect();
        if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 6];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Mac(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

spelled!(Mac, Mac::parse, "MAC");

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: Option<&str>) {
        assert_eq!(
            Mac::parse(text).map(|mac| mac.to_string()).as_deref(),
            shown,
            "{text}"
        );
    }

    #[test]
    fn parsing() {
        check("24:0a:c4:00:00:01", Some("24:0a:c4:00:00:01"));
        check("24-0A-C4-00-00-01", Some("24:0a:c4:00:00:01"));
        check("240AC4000001", Some("24:0a:c4:00:00:01"));
        check("24:0a:c4:00:00", None);
        check("24:0a:c4:00:00:0g", None);
        check("+1+1+1+1+1+1", None);
        check("", None);
    }

    #[test]
    fn plausible() {
        assert!(Mac([0x24, 0x0A, 0xC4, 0, 0, 1]).is_plausible());
        assert!(!Mac([0; 6]).is_plausible());
        assert!(!Mac([0xFF; 6]).is_plausible());
        assert!(!Mac([0x25, 0x0A, 0xC4, 0, 0, 1]).is_plausible());
    }
}
