//! What identify learns of a board before anything is written to it.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::{Chip, Eui64, Feature, FlashId, Mac, spelled};

/// A chip revision: `v3.1` is major 3, minor 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision {
    pub major: u8,
    pub minor: u8,
}

impl Revision {
    /// The form of image headers and of ESP-IDF's Kconfig: `major * 100 + minor`.
    pub const fn as_number(self) -> u16 {
        self.major as u16 * 100 + self.minor as u16
    }

    /// As it is shown: `v3.1`.
    pub fn parse(text: &str) -> Option<Revision> {
        let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
        Some(Revision {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

spelled!(Revision, Revision::parse, "chip revision");

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("v{}.{}", self.major, self.minor))
    }
}

/// The security eFuses that decide whether a line may write to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Security {
    /// Flash contents are encrypted (an odd number of bits set in the counter).
    pub flash_encryption: bool,
    /// The bootloader must be signed.
    pub secure_boot: bool,
    /// UART download is disabled or restricted.
    pub download_locked: bool,
}

impl Security {
    /// Whether every one of them is off, as on a board fresh from the module's factory.
    pub fn is_open(self) -> bool {
        self == Security::default()
    }

    /// As it is shown.
    pub fn parse(text: &str) -> Option<Security> {
        let states = (0..8u8).map(|bits| Security {
            flash_encryption: bits & 1 != 0,
            secure_boot: bits & 2 != 0,
            download_locked: bits & 4 != 0,
        });
        states
            .into_iter()
            .find(|security| security.to_string() == text)
    }
}

spelled!(Security, Security::parse, "state of the security eFuses");

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = [
            (self.flash_encryption, "flash encryption"),
            (self.secure_boot, "secure boot"),
            (self.download_locked, "download locked"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect();
        f.pad(&if names.is_empty() {
            "open".to_owned()
        } else {
            names.join(", ")
        })
    }
}

/// How much of a board its loader lets be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Full,
    /// Secure Download Mode: no registers, so neither MAC nor revision nor flash ID, and no digests.
    SecureDownload,
}

/// A board as identify found it. Everything that is read from a register is `None` or empty in
/// Secure Download Mode.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    pub chip: Chip,
    pub access: Access,
    pub revision: Option<Revision>,
    pub mac: Option<Mac>,
    /// Whether the CRC beside the MAC in eFuse holds (ESP32; `true` where the chip has none).
    pub mac_crc_holds: bool,
    /// Of chips that have one.
    pub eui64: Option<Eui64>,
    pub features: Vec<Feature>,
    /// Crystal, where it can be told.
    pub crystal_mhz: Option<u32>,
    pub flash_id: Option<FlashId>,
    pub security: Security,
}

impl Identity {
    /// A board that hides nothing: no security eFuse burnt, nothing told of crystal and features.
    pub fn open(chip: Chip, revision: Revision, mac: Mac, flash_id: FlashId) -> Identity {
        Identity {
            chip,
            access: Access::Full,
            revision: Some(revision),
            mac: Some(mac),
            mac_crc_holds: true,
            eui64: None,
            features: Vec::new(),
            crystal_mhz: None,
            flash_id: Some(flash_id),
            security: Security::default(),
        }
    }

    /// For a log: what tells this board from others.
    pub fn in_a_line(&self) -> String {
        let mut words = vec![self.chip.to_string()];
        words.extend(self.revision.map(|revision| format!("revision {revision}")));
        words.extend(self.mac.map(|mac| format!("MAC {mac}")));
        words.extend(self.flash_id.map(|id| match id.size_bytes() {
            Some(bytes) if bytes < 1 << 20 => format!("flash {id} ({} KB)", bytes >> 10),
            Some(bytes) => format!("flash {id} ({} MB)", bytes >> 20),
            None => format!("flash {id}"),
        }));
        if self.access == Access::SecureDownload {
            words.push("Secure Download Mode".to_owned());
        }
        words.join(", ")
    }

    /// The flash part's size as its ID tells it.
    pub fn flash_bytes(&self) -> Option<u64> {
        self.flash_id.and_then(FlashId::size_bytes)
    }
}

/// As programs are told it: with the size that its flash ID means.
impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told<'a> {
            chip: Chip,
            access: Access,
            revision: Option<Revision>,
            mac: Option<Mac>,
            mac_crc_holds: bool,
            eui64: Option<Eui64>,
            features: &'a [Feature],
            crystal_mhz: Option<u32>,
            flash_id: Option<FlashId>,
            flash_bytes: Option<u64>,
            security: Security,
        }
        Told {
            chip: self.chip,
            access: self.access,
            revision: self.revision,
            mac: self.mac,
            mac_crc_holds: self.mac_crc_holds,
            eui64: self.eui64,
            features: &self.features,
            crystal_mhz: self.crystal_mhz,
            flash_id: self.flash_id,
            flash_bytes: self.flash_bytes(),
            security: self.security,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_in_a_line() {
        let mac = Mac([0x24, 0x0A, 0xC4, 0, 0, 1]);
        let board = |flash_id| {
            let revision = Revision { major: 3, minor: 1 };
            Identity::open(Chip::Esp32, revision, mac, FlashId(flash_id))
        };
        let check = |board: Identity, expected: &str| assert_eq!(board.in_a_line(), expected);
        let front = "esp32, revision v3.1, MAC 24:0a:c4:00:00:01, flash";
        check(board(0xEF_4016), &format!("{front} ef4016 (4 MB)"));
        check(board(0xEF_4013), &format!("{front} ef4013 (512 KB)"));
        let hidden = Identity {
            access: Access::SecureDownload,
            revision: None,
            mac: None,
            flash_id: None,
            ..board(0)
        };
        check(hidden, "esp32, Secure Download Mode");
    }
}
