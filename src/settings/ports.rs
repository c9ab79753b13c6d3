//! `[ports]`: which ports of the machine may become slots by themselves, and how long one that another
//! program has open is waited for. Leaves out which bridges are known: that is `port`'s.

use std::fmt;
use std::time::Duration;

use toml::de::DeValue;

use super::{Fields, Misfit, text, whole};
use crate::event::UsbPath;

/// `[ports]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRules {
    /// Never a slot by themselves. A `[[slot]]` that names a place has it all the same: it says more.
    pub ignore: Vec<PortPattern>,
    /// Where there are any, only these become slots by themselves, known bridges or not.
    pub only: Vec<PortPattern>,
    /// How long a new board's port may be open elsewhere before that is an error.
    pub busy: Duration,
}

impl Default for PortRules {
    fn default() -> PortRules {
        PortRules {
            ignore: Vec::new(),
            only: Vec::new(),
            busy: BUSY,
        }
    }
}

/// Ports, by what they are or by where they are. Written `10c4:ea60`, `303a:*`, `0403:6010:1.0` (one
/// interface of each), or as a USB path or the front of one that ends where a part of it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortPattern {
    Id {
        vendor: u16,
        /// `None`: all of the vendor's.
        product: Option<u16>,
        /// Configuration and interface: `1.0`.
        interface: Option<String>,
    },
    Place(String),
}

impl PortPattern {
    /// `None` where it is neither an id nor a place.
    pub fn parse(written: &str) -> Option<PortPattern> {
        if ["pci-", "platform-", "acpi-"]
            .iter()
            .any(|front| written.starts_with(front))
        {
            let is_odd = |c: char| c == '/' || c == '*' || c.is_whitespace();
            let place = UsbPath::from_by_path(written).0;
            return (!place.contains(is_odd)).then_some(PortPattern::Place(place));
        }
        let mut parts = written.split(':');
        let vendor = id(parts.next()?)?;
        let product = match parts.next()? {
            "*" => None,
            product => Some(id(product)?),
        };
        let interface = match parts.next() {
            None => None,
            Some(interface) => {
                let (configuration, number) = interface.split_once('.')?;
                let is_number =
                    |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                (is_number(configuration) && is_number(number)).then_some(())?;
                Some(interface.to_owned())
            }
        };
        parts.next().is_none().then_some(PortPattern::Id {
            vendor,
            product,
            interface,
        })
    }

    /// Whether a port of this id, at this place, is meant.
    pub fn fits(&self, id: Option<(u16, u16)>, place: Option<&UsbPath>) -> bool {
        match self {
            PortPattern::Id {
                vendor,
                product,
                interface,
            } => {
                let is_interface = |wanted: &String| {
                    place.is_some_and(|place| place.interface() == Some(wanted.as_str()))
                };
                id.is_some_and(|(v, p)| v == *vendor && product.is_none_or(|product| product == p))
                    && interface.as_ref().is_none_or(is_interface)
            }
            PortPattern::Place(front) => place.is_some_and(|place| {
                let rest = place.0.strip_prefix(front.as_str());
                // port 1 of a hub is not port 12
                rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
            }),
        }
    }
}

impl fmt::Display for PortPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortPattern::Id {
                vendor,
                product,
                interface,
            } => {
                write!(f, "{vendor:04x}:")?;
                match product {
                    Some(product) => write!(f, "{product:04x}")?,
                    None => f.write_str("*")?,
                }
                match interface {
                    Some(interface) => write!(f, ":{interface}"),
                    None => Ok(()),
                }
            }
            PortPattern::Place(front) => f.write_str(front),
        }
    }
}

fn id(digits: &str) -> Option<u16> {
    let are_four = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    are_four.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Reads the `[ports]` table, if there is one.
pub(super) fn table(root: &mut Fields<'_>) -> PortRules {
    let Some(mut table) = root.table("ports", "[ports]") else {
        return PortRules::default();
    };
    let mut patterns = |key| {
        let found = table.list(key, pattern).map(|found| found.value);
        let found = found.into_iter().flatten();
        found.map(|found| found.value).collect()
    };
    let (ignore, only) = (patterns("ignore"), patterns("only"));
    let busy = table.optional("busy_ms", whole(0..=120_000, "milliseconds"));
    table.finish();
    PortRules {
        ignore,
        only,
        busy: busy.map_or(BUSY, |found| Duration::from_millis(found.value.into())),
    }
}

fn pattern(value: &DeValue<'_>) -> Result<PortPattern, Misfit> {
    let written = text(200)(value)?;
    PortPattern::parse(&written).ok_or_else(|| {
        Misfit::new(
            format!("is \"{written}\", neither a USB id nor a place on USB"),
            "write an id in hex (\"10c4:ea60\", \"303a:*\", \"0403:6010:1.0\" for one interface), or a \
             place as `flashline ports` shows it, or its front (\"pci-0000:00:14.0-usb-0:1.4\")",
        )
    })
}

/// ModemManager asks a new port for some seconds whether it is a modem.
const BUSY: Duration = Duration::from_secs(15);

/// Someone is there who can close what holds the port.
pub const BUSY_BY_HAND: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::{Fault, Paint, Settings};

    const PLACE: &str = "pci-0000:00:14.0-usb-0:1.2:1.1";

    #[track_caller]
    fn check(pattern: &str, id: (u16, u16), place: &str, expected: bool) {
        let parsed = PortPattern::parse(pattern).unwrap();
        assert_eq!(parsed.to_string(), pattern.to_lowercase());
        let place = UsbPath(place.to_owned());
        assert_eq!(parsed.fits(Some(id), Some(&place)), expected, "{pattern}");
        assert!(!parsed.fits(None, None));
    }

    #[test]
    fn what_a_pattern_means() {
        check("10c4:ea60", (0x10C4, 0xEA60), PLACE, true);
        check("10C4:EA60", (0x10C4, 0xEA60), PLACE, true);
        check("10c4:ea60", (0x10C4, 0xEA61), PLACE, false);
        check("303a:*", (0x303A, 0x8123), PLACE, true);
        check("303a:*", (0x10C4, 0xEA60), PLACE, false);
        check("0403:6010:1.1", (0x0403, 0x6010), PLACE, true);
        check("0403:6010:1.0", (0x0403, 0x6010), PLACE, false);
        let second_line = format!("{PLACE}-port1");
        check("0403:6010:1.1", (0x0403, 0x6010), &second_line, true);
        check(PLACE, (0, 0), PLACE, true);
        check(PLACE, (0, 0), &second_line, true);
        check("pci-0000:00:14.0", (0, 0), PLACE, true);
        check("pci-0000:00:14.0-usb-0:1", (0, 0), PLACE, true);
        check("pci-0000:00:14.0-usb-0:1.2", (0, 0), PLACE, true);
        check("pci-0000:00:14.0-usb-0:1.2.3", (0, 0), PLACE, false);
        check(
            "pci-0000:00:14.0-usb-0:1",
            (0, 0),
            "pci-0000:00:14.0-usb-0:12:1.0",
            false,
        );
    }

    #[test]
    fn what_is_no_pattern() {
        for odd in [
            "",
            "10c4",
            "10c4:",
            "10c4:ea6",
            "10c4:ea60:",
            "10c4:ea60:1",
            "10c4:ea60:1.0:2",
            "*:ea60",
            "+0c4:ea60",
            "/dev/ttyUSB0",
            "pci-0000:00:14.0-usb-0:1.*",
            "pci-0000 ",
            "1.2",
        ] {
            assert_eq!(PortPattern::parse(odd), None, "{odd:?}");
        }
        // as newer udev names it, and with the first port's number
        let newer = PortPattern::parse("pci-0000:00:14.0-usbv2-0:1.2:1.1-port0").unwrap();
        assert_eq!(newer, PortPattern::Place(PLACE.to_owned()));
    }

    #[test]
    fn the_table() {
        let head = "station = \"b\"\nmanifest = \"m.toml\"\n[ports]\n";
        let parse = |keys: &str| Settings::parse(Path::new("s.toml"), &format!("{head}{keys}"));
        let rules = parse("ignore = [\"1a86:7523\"]\nonly = [\"303a:*\"]\nbusy_ms = 0\n").unwrap();
        assert_eq!(
            rules.ports,
            PortRules {
                ignore: vec![PortPattern::parse("1a86:7523").unwrap()],
                only: vec![PortPattern::parse("303a:*").unwrap()],
                busy: Duration::ZERO,
            }
        );
        assert_eq!(parse("").unwrap().ports, PortRules::default());
        let faults = parse("ignore = [\"1a86:7523\", \"ttyUSB0\"]\nignored = []\n").unwrap_err();
        insta::assert_snapshot!(Fault::render_all(&faults, Paint::Plain));
    }
}
