//! What tells one board from another: its MAC or, where the chip keeps that to itself, the serial
//! number that someone typed or scanned.

use std::fmt;
use std::sync::Arc;

use crate::chip::{Identity, Mac, spelled};

/// A serial number from a board's label. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Arc<str>);

impl Serial {
    /// The longest that is taken, in characters.
    pub const MOST_CHARS: usize = 64;

    /// The text without blanks around it; `None` where nothing is left, where it is too long, and where
    /// it holds what no label shows (control characters).
    pub fn parse(text: &str) -> Option<Serial> {
        let text = text.trim();
        let fits = (1..=Serial::MOST_CHARS).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| Serial(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

spelled!(Serial, Serial::parse, "serial number");

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// One board, as long as it lives. Written `24:0a:c4:00:00:01` or `serial:A17`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    Mac(Mac),
    /// Only of a board without a MAC: one that has both is known by its MAC.
    Serial(Serial),
}

impl Unit {
    /// Before the serial, where a unit is written as one word.
    pub const SERIAL: &'static str = "serial:";

    /// Which unit a board is; `None` as long as nothing answered, and without MAC and serial.
    pub fn of(identity: Option<&Identity>, serial: Option<&Serial>) -> Option<Unit> {
        match identity?.mac {
            Some(mac) => Some(Unit::Mac(mac)),
            None => serial.cloned().map(Unit::Serial),
        }
    }

    /// A MAC in any of its spellings, or `serial:` and the serial.
    pub fn parse(text: &str) -> Option<Unit> {
        match text.strip_prefix(Unit::SERIAL) {
            Some(serial) => Serial::parse(serial).map(Unit::Serial),
            None => Mac::parse(text).map(Unit::Mac),
        }
    }

    pub fn mac(&self) -> Option<Mac> {
        match self {
            Unit::Mac(mac) => Some(*mac),
            Unit::Serial(_) => None,
        }
    }
}

impl From<Mac> for Unit {
    fn from(mac: Mac) -> Unit {
        Unit::Mac(mac)
    }
}

spelled!(Unit, Unit::parse, "MAC or serial number");

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Mac(mac) => fmt::Display::fmt(mac, f),
            Unit::Serial(serial) => f.pad(&format!("{}{serial}", Unit::SERIAL)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{Access, Chip, FlashId, Revision};

    fn check(text: &str, shown: Option<&str>) {
        let unit = Unit::parse(text);
        let found = unit.as_ref().map(ToString::to_string);
        assert_eq!(found.as_deref(), shown, "{text}");
        // what is written is read again
        if let Some(shown) = found {
            assert_eq!(Unit::parse(&shown), unit);
        }
    }

    #[test]
    fn units_are_written_and_read() {
        check("240AC4000001", Some("24:0a:c4:00:00:01"));
        check("serial:A 17/ä", Some("serial:A 17/ä"));
        check("serial: A17 ", Some("serial:A17"));
        check("serial:", None);
        check("serial: \t", None);
        check("serial:A\u{7}17", None);
        check("A17", None);
        check(
            &format!("serial:{}", "x".repeat(64)),
            Some(&format!("serial:{}", "x".repeat(64))),
        );
        check(&format!("serial:{}", "x".repeat(65)), None);
    }

    #[test]
    fn a_mac_goes_before_a_serial() {
        let mac = Mac([0x24, 0x0A, 0xC4, 0, 0, 1]);
        let revision = Revision { major: 0, minor: 4 };
        let open = Identity::open(Chip::Esp32C3, revision, mac, FlashId(0xEF_4016));
        let hidden = Identity {
            access: Access::SecureDownload,
            mac: None,
            ..open.clone()
        };
        let serial = Serial::parse("A17").unwrap();
        assert_eq!(Unit::of(Some(&open), Some(&serial)), Some(Unit::Mac(mac)));
        assert_eq!(
            Unit::of(Some(&hidden), Some(&serial)),
            Some(Unit::Serial(serial.clone()))
        );
        assert_eq!(Unit::of(Some(&hidden), None), None);
        assert_eq!(Unit::of(None, Some(&serial)), None);
    }
}
