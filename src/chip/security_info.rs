//! The answer to GET_SECURITY_INFO, which every ROM from the S2 on gives (Espressif's serial
//! protocol, "Security Info"; the meaning of the flags is the same for all of them).

use super::{Chip, Security};

/// Flags, little-endian, and what follows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityInfo {
    flags: u32,
    /// FLASH_CRYPT_CNT (SPI_BOOT_CRYPT_CNT from the S2 on).
    flash_crypt_count: u8,
    /// `None` in the S2's answer, which ends before it.
    pub chip_id: Option<u32>,
}

const SECURE_BOOT_EN: u32 = 1 << 0;
const SECURE_DOWNLOAD_ENABLE: u32 = 1 << 2;

impl SecurityInfo {
    /// An answer's payload: 12 bytes from the S2, 20 and perhaps more from those that came after it.
    /// Anything else is no such answer.
    pub fn parse(payload: &[u8]) -> Option<SecurityInfo> {
        if payload.len() != 12 && payload.len() < 20 {
            return None;
        }
        let word = |at: usize| {
            let bytes = payload.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        Some(SecurityInfo {
            flags: word(0)?,
            flash_crypt_count: *payload.get(4)?,
            chip_id: word(12),
        })
    }

    /// The chip that answers so: by its ID, or the S2, whose answer alone has none.
    pub fn chip(self) -> Option<Chip> {
        match self.chip_id {
            Some(id) => Chip::from_security_info_id(id),
            None => Some(Chip::Esp32S2),
        }
    }

    /// Secure Download Mode: no registers, no digests, no stub.
    pub fn is_secure_download(self) -> bool {
        self.flags & SECURE_DOWNLOAD_ENABLE != 0
    }

    /// The security state; encryption is on where the count has an odd number of bits.
    pub fn security(self) -> Security {
        Security {
            flash_encryption: self.flash_crypt_count.count_ones() % 2 == 1,
            secure_boot: self.flags & SECURE_BOOT_EN != 0,
            download_locked: self.is_secure_download(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the ROM of an unburnt C3 answers (`tests/fixtures/wire/esp32c3.txt`).
    const C3: [u8; 20] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0C, 5, 0, 0, 0, 3, 0, 0, 0,
    ];

    fn check(change: impl FnOnce(&mut [u8; 20]), shown: &str) {
        let mut bytes = C3;
        change(&mut bytes);
        let info = SecurityInfo::parse(&bytes).unwrap();
        assert_eq!(info.security().to_string(), shown);
    }

    #[test]
    fn chips_by_their_answer() {
        let chip = |bytes: &[u8]| SecurityInfo::parse(bytes).map(SecurityInfo::chip);
        assert_eq!(chip(&C3), Some(Some(Chip::Esp32C3)));
        assert_eq!(chip(&C3[..12]), Some(Some(Chip::Esp32S2)));
        let mut unknown = C3;
        unknown[12] = 99;
        assert_eq!(chip(&unknown), Some(None));
        for cut in [0, 4, 11, 13, 16, 19] {
            assert_eq!(chip(&C3[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn security_states() {
        check(|_| {}, "open");
        check(|info| info[0] = 0b1, "secure boot");
        check(|info| info[0] = 0b100, "download locked");
        // SOFT_DIS_JTAG, HARD_DIS_JTAG and DIS_USB lock no download
        check(|info| (info[0], info[1]) = (0b1100_0000, 1), "open");
        check(|info| info[4] = 0b001, "flash encryption");
        check(|info| info[4] = 0b011, "open");
        check(
            |info| (info[0], info[4]) = (0b101, 0b111),
            "flash encryption, secure boot, download locked",
        );
    }
}
