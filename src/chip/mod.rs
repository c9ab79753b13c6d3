//! What is known of each chip of the family: names, facts with their sources, and the small values
//! that identify a board (MAC, flash ID, revision). Leaves out how a chip is talked to (`protocol`)
//! and what is written to it (`plan`).

mod crystal;
mod eui64;
mod facts;
mod family;
mod feature;
mod flash;
mod identity;
mod mac;
mod reach;
mod security_info;
mod spelling;
mod stub;
mod watchdog;

pub use crystal::{Belief, Crystal, Divider, RomClock};
pub use eui64::Eui64;
pub use facts::{
    Detection, Facts, MAGIC_ADDRESS, Readout, RegisterWrite, Rom, Silicon, SpiRegisters,
    flash_mode_code,
};
pub use family::esp32_mac_crc8;
pub use feature::Feature;
pub use flash::FlashId;
pub use identity::{Access, Identity, Revision, Security};
pub use mac::Mac;
pub use security_info::SecurityInfo;
pub(crate) use spelling::spelled;
pub use stub::{Load, Stub, StubFault, Stubs};
pub use watchdog::{BootStrap, SuperWatchdog, Watchdog, WatchdogReset};

/// A chip family, as the manifest and the record name it (`esp32`, `esp32c3`, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chip {
    Esp8266,
    Esp32,
    Esp32S2,
    Esp32S3,
    Esp32C2,
    Esp32C3,
    Esp32C5,
    Esp32C6,
    Esp32C61,
    Esp32H2,
    Esp32P4,
}

impl Chip {
    /// Every chip, in the order in which they came to the market's families.
    pub const ALL: [Chip; 11] = [
        Chip::Esp8266,
        Chip::Esp32,
        Chip::Esp32S2,
        Chip::Esp32S3,
        Chip::Esp32C2,
        Chip::Esp32C3,
        Chip::Esp32C5,
        Chip::Esp32C6,
        Chip::Esp32C61,
        Chip::Esp32H2,
        Chip::Esp32P4,
    ];

    /// The name in manifests, records and reports: lower case, no hyphen.
    pub const fn name(self) -> &'static str {
        match self {
            Chip::Esp8266 => "esp8266",
            Chip::Esp32 => "esp32",
            Chip::Esp32S2 => "esp32s2",
            Chip::Esp32S3 => "esp32s3",
            Chip::Esp32C2 => "esp32c2",
            Chip::Esp32C3 => "esp32c3",
            Chip::Esp32C5 => "esp32c5",
            Chip::Esp32C6 => "esp32c6",
            Chip::Esp32C61 => "esp32c61",
            Chip::Esp32H2 => "esp32h2",
            Chip::Esp32P4 => "esp32p4",
        }
    }

    /// What is known of the family.
    pub const fn facts(self) -> &'static Facts {
        family::facts(self)
    }

    /// The chip whose magic word this is (see [`MAGIC_ADDRESS`]).
    pub fn from_magic(magic: u32) -> Option<Chip> {
        Chip::ALL
            .into_iter()
            .find(|chip| chip.facts().detection.magic == Some(magic))
    }

    /// The chip that names itself so in GET_SECURITY_INFO's answer.
    pub fn from_security_info_id(id: u32) -> Option<Chip> {
        Chip::ALL
            .into_iter()
            .find(|chip| chip.facts().detection.security_info_id == Some(id))
    }

    /// The chip that an image with this `chip_id` in its extended header is for.
    pub fn from_image_chip_id(id: u16) -> Option<Chip> {
        Chip::ALL
            .into_iter()
            .find(|chip| chip.facts().image_chip_id == Some(id))
    }

    /// The chip with this name, hyphens and case ignored (`ESP32-C3` is taken as well).
    pub fn from_name(name: &str) -> Option<Chip> {
        let plain: String = name
            .chars()
            .filter(|c| *c != '-')
            .flat_map(char::to_lowercase)
            .collect();
        Chip::ALL.into_iter().find(|chip| chip.name() == plain)
    }
}

impl std::fmt::Display for Chip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

spelled!(Chip, Chip::from_name, "chip");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chip_is_found_by_what_it_says() {
        for chip in Chip::ALL {
            let facts = chip.facts();
            assert_eq!(facts.chip, chip);
            assert_eq!(Chip::from_name(facts.title), Some(chip));
            assert!(
                facts.detection.magic.is_some() || facts.detection.security_info_id.is_some(),
                "{chip}"
            );
            if let Some(magic) = facts.detection.magic {
                assert_eq!(Chip::from_magic(magic), Some(chip));
            }
            if let Some(id) = facts.detection.security_info_id {
                assert_eq!(Chip::from_security_info_id(id), Some(chip));
            }
            if let Some(id) = facts.image_chip_id {
                assert_eq!(Chip::from_image_chip_id(id), Some(chip));
            }
        }
        assert_eq!(Chip::from_image_chip_id(0xFFFF), None);
    }
}
