//! Which ports have or become slots: those at a place that the station file names; where it names none,
//! known bridges by themselves, less what `[ports]` rules out.

use super::PortInfo;
use crate::settings::{Place, PortPattern, Settings};

/// Why a port is no slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftAlone {
    #[error("`ignore` under [ports] has \"{0}\"")]
    Ignored(PortPattern),
    #[error("no slot in the station file has this place")]
    NoSlotHere,
    #[error("`only` under [ports] does not have it")]
    NotAmongOnly,
    #[error("not a known ESP bridge")]
    UnknownBridge,
    /// No sysfs, as in some containers, or a line that is not on USB.
    #[error("not known to be on USB: name it in a [[slot]] by its path")]
    UnknownKind,
}

impl PortInfo {
    /// Whether this port is where a slot is.
    pub fn is_at(&self, place: &Place) -> bool {
        match place {
            Place::Path(path) => *path == self.path,
            Place::Usb(usb_path) => self.usb_path.as_ref() == Some(usb_path),
        }
    }

    /// Whether this port, which is at no place that the station file names, becomes a slot by itself.
    ///
    /// # Errors
    /// It does not, and why.
    pub fn is_slot_by_itself(&self, settings: &Settings) -> Result<(), LeftAlone> {
        let id = self.usb_id.map(|id| (id.vendor, id.product));
        let fits = |pattern: &&PortPattern| pattern.fits(id, self.usb_path.as_ref());
        let rules = &settings.ports;
        if let Some(pattern) = rules.ignore.iter().find(fits) {
            return Err(LeftAlone::Ignored(pattern.clone()));
        }
        if !settings.slots.is_empty() {
            return Err(LeftAlone::NoSlotHere);
        }
        // who names a bridge knows better what hangs on it than the table does
        if !rules.only.is_empty() {
            let named = rules.only.iter().any(|pattern| fits(&pattern));
            return if named {
                Ok(())
            } else {
                Err(LeftAlone::NotAmongOnly)
            };
        }
        match self.usb_id {
            Some(id) if id.known_bridge().is_some() => Ok(()),
            Some(_) => Err(LeftAlone::UnknownBridge),
            None => Err(LeftAlone::UnknownKind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::UsbPath;
    use crate::port::UsbId;
    use crate::settings::{PortRules, SlotSettings};

    #[track_caller]
    fn check(ignore: &[&str], only: &[&str], id: Option<(u16, u16)>, expected: &str) {
        let patterns = |written: &[&str]| {
            let parse = |one: &&str| PortPattern::parse(one).unwrap();
            written.iter().map(parse).collect()
        };
        let rules = PortRules {
            ignore: patterns(ignore),
            only: patterns(only),
            ..PortRules::default()
        };
        let mut settings = Settings {
            ports: rules,
            ..Settings::of("b", "m.toml".into(), "b.db".into())
        };
        let port = PortInfo {
            usb_id: id.map(|(vendor, product)| UsbId { vendor, product }),
            usb_path: id.map(|_| UsbPath("pci-0000:00:14.0-usb-0:1.2:1.0".to_owned())),
            ..PortInfo::at("/dev/ttyUSB0")
        };
        let told = match port.is_slot_by_itself(&settings) {
            Ok(()) => "a slot".to_owned(),
            Err(why) => why.to_string(),
        };
        assert_eq!(told, expected);
        // slots in the file leave no other
        let elsewhere = Place::Path("/dev/ttyS0".into());
        assert!(!port.is_at(&elsewhere));
        settings.slots = vec![SlotSettings::at("1", elsewhere)];
        let told = port.is_slot_by_itself(&settings).unwrap_err();
        let ignored = expected.starts_with("`ignore`");
        assert_eq!(told != LeftAlone::NoSlotHere, ignored, "{told}");
    }

    #[test]
    fn who_becomes_a_slot() {
        let (cp2102, arduino) = (Some((0x10C4, 0xEA60)), Some((0x2341, 0x0043)));
        check(&[], &[], cp2102, "a slot");
        check(&[], &[], arduino, "not a known ESP bridge");
        let unknown = "not known to be on USB: name it in a [[slot]] by its path";
        check(&[], &[], None, unknown);
        let ignored = "`ignore` under [ports] has \"10c4:*\"";
        check(&["303a:*", "10c4:*"], &[], cp2102, ignored);
        check(&["10c4:*"], &["10c4:ea60"], cp2102, ignored);
        check(&["303a:*"], &[], cp2102, "a slot");
        let not_only = "`only` under [ports] does not have it";
        check(&[], &["303a:*"], cp2102, not_only);
        check(&[], &["303a:*"], None, not_only);
        // named, and so no matter what it is
        check(&[], &["2341:0043"], arduino, "a slot");
        check(&[], &["pci-0000:00:14.0-usb-0:1"], arduino, "a slot");
    }
}
