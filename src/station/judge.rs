//! The Gate's rules, pure: does this board agree with its manifest? Leaves out who else is on the bench,
//! the record and the plan (`admission`).

use crate::chip::{Identity, Revision, Security};
use crate::event::{Code, Serial};
use crate::manifest::{Bundle, Manifest, SecureDownload};

/// A reason not to write to a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    pub code: Code,
    /// One sentence with what was found and what was wanted.
    pub detail: String,
}

/// Compares a board with what its manifest asks for. The first objection counts; the order is that of
/// `Code`: a wrong chip makes every further comparison meaningless.
pub fn judge(
    bundle: &Bundle,
    identity: &Identity,
    serial: Option<&Serial>,
) -> Result<(), Objection> {
    let manifest = &bundle.manifest;
    let object = |code, detail| Err(Objection { code, detail });
    if identity.chip != manifest.chip {
        let detail = format!(
            "found {}, the manifest is for {}",
            identity.chip, manifest.chip
        );
        return object(Code::WrongChip, detail);
    }
    let (Some(revision), Some(mac), Some(flash_id)) =
        (identity.revision, identity.mac, identity.flash_id)
    else {
        return judge_hidden(manifest, identity.security, serial);
    };
    if let Some(detail) = revision_objection(manifest, revision) {
        return object(Code::ChipRevision, detail);
    }
    if !mac.is_plausible() {
        return object(Code::MacInvalid, format!("{mac} is no board's address"));
    }
    if !identity.mac_crc_holds {
        let detail = format!("the CRC beside {mac} in eFuse does not hold");
        return object(Code::MacInvalid, detail);
    }
    if flash_id.is_silent() {
        return object(
            Code::FlashNoAnswer,
            format!("the flash ID reads {flash_id}"),
        );
    }
    if !manifest.flash_ids.is_empty() && !manifest.flash_ids.contains(&flash_id) {
        let allowed: Vec<String> = manifest.flash_ids.iter().map(ToString::to_string).collect();
        let detail = format!("found {flash_id}, allowed: {}", allowed.join(", "));
        return object(Code::FlashId, detail);
    }
    match identity.flash_bytes() {
        Some(size_bytes) if size_bytes < bundle.needed_flash_bytes => {
            let needed_kb = bundle.needed_flash_bytes.div_ceil(1024);
            let detail = format!("found {} KB, needed {needed_kb} KB", size_bytes / 1024);
            return object(Code::FlashTooSmall, detail);
        }
        Some(_) => {}
        None => {
            let detail = format!("the size of flash part {flash_id} is not known");
            return object(Code::FlashId, detail);
        }
    }
    if !identity.security.is_open() {
        return object(Code::SecurityState, format!("found: {}", identity.security));
    }
    Ok(())
}

/// A board in Secure Download Mode, of which no more can be told than its chip and its security state.
fn judge_hidden(
    manifest: &Manifest,
    security: Security,
    serial: Option<&Serial>,
) -> Result<(), Objection> {
    const HIDES: &str = "Secure Download Mode hides the MAC and the flash part";
    // the mode itself is what restricts the download
    let otherwise = Security {
        download_locked: false,
        ..security
    };
    let detail = match (manifest.secure_download, serial) {
        (SecureDownload::Refuse, _) => {
            format!("{HIDES}: to write such boards set secure_download = \"allow\" in the manifest")
        }
        (SecureDownload::Allow, _) if !otherwise.is_open() => {
            format!("Secure Download Mode, and found: {otherwise}")
        }
        (SecureDownload::Allow, None) => {
            format!("{HIDES}: type or scan the board's serial number (flash --serial)")
        }
        (SecureDownload::Allow, Some(_)) => return Ok(()),
    };
    Err(Objection {
        code: Code::SecurityState,
        detail,
    })
}

fn revision_objection(manifest: &Manifest, revision: Revision) -> Option<String> {
    let found = revision.as_number();
    let shown = |number: u16| format!("v{}.{}", number / 100, number % 100);
    if let Some(least) = manifest.min_revision.filter(|least| found < *least) {
        return Some(format!(
            "found {revision}, at least {} needed",
            shown(least)
        ));
    }
    let most = manifest.max_revision.filter(|most| found > *most)?;
    Some(format!("found {revision}, at most {} allowed", shown(most)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{Access, Chip, FlashId, Mac};
    use crate::manifest::fixture;

    fn bundle() -> Bundle {
        let mut bundle = fixture::bundle();
        bundle.manifest.min_revision = Some(100);
        bundle.manifest.max_revision = Some(301);
        bundle.manifest.flash_ids = vec![FlashId(0xEF4016), FlashId(0xEF4014), FlashId(0xEF4099)];
        bundle.needed_flash_bytes = 2 << 20;
        bundle
    }

    fn board() -> Identity {
        Identity {
            crystal_mhz: Some(40),
            ..Identity::open(
                Chip::Esp32,
                Revision { major: 3, minor: 1 },
                Mac([0x24, 0x0A, 0xC4, 0, 0, 1]),
                FlashId(0xEF4016),
            )
        }
    }

    fn check(change: impl FnOnce(&mut Identity), expected: Option<(Code, &str)>) {
        let mut identity = board();
        change(&mut identity);
        let found = judge(&bundle(), &identity, None).err();
        let found = found
            .as_ref()
            .map(|objection| (objection.code, objection.detail.as_str()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_board_that_fits_is_admitted() {
        check(|_| {}, None);
    }

    #[test]
    fn each_rule_objects_with_its_code_and_figures() {
        check(
            |board| board.chip = Chip::Esp32C3,
            Some((Code::WrongChip, "found esp32c3, the manifest is for esp32")),
        );
        check(
            |board| board.revision = Some(Revision { major: 0, minor: 0 }),
            Some((Code::ChipRevision, "found v0.0, at least v1.0 needed")),
        );
        check(
            |board| board.revision = Some(Revision { major: 4, minor: 0 }),
            Some((Code::ChipRevision, "found v4.0, at most v3.1 allowed")),
        );
        check(
            |board| board.mac = Some(Mac([0; 6])),
            Some((Code::MacInvalid, "00:00:00:00:00:00 is no board's address")),
        );
        check(
            |board| board.mac_crc_holds = false,
            Some((
                Code::MacInvalid,
                "the CRC beside 24:0a:c4:00:00:01 in eFuse does not hold",
            )),
        );
        check(
            |board| board.flash_id = Some(FlashId(0xFF_FFFF)),
            Some((Code::FlashNoAnswer, "the flash ID reads ffffff")),
        );
        check(
            |board| board.flash_id = Some(FlashId(0)),
            Some((Code::FlashNoAnswer, "the flash ID reads 000000")),
        );
        check(
            |board| board.flash_id = Some(FlashId(0x20_4016)),
            Some((
                Code::FlashId,
                "found 204016, allowed: ef4016, ef4014, ef4099",
            )),
        );
        check(
            |board| board.flash_id = Some(FlashId(0xEF_4014)),
            Some((Code::FlashTooSmall, "found 1024 KB, needed 2048 KB")),
        );
        check(
            |board| board.flash_id = Some(FlashId(0xEF_4099)),
            Some((Code::FlashId, "the size of flash part ef4099 is not known")),
        );
        check(
            |board| board.security.secure_boot = true,
            Some((Code::SecurityState, "found: secure boot")),
        );
        check(
            |board| {
                board.security = Security {
                    flash_encryption: true,
                    secure_boot: false,
                    download_locked: true,
                }
            },
            Some((
                Code::SecurityState,
                "found: flash encryption, download locked",
            )),
        );
    }

    #[test]
    fn a_board_that_hides_itself_needs_leave_and_a_serial() {
        let check = |policy, serial: Option<&str>, security: Security, expected: Option<&str>| {
            let mut bundle = bundle();
            bundle.manifest.secure_download = policy;
            let board = Identity {
                access: Access::SecureDownload,
                revision: None,
                mac: None,
                flash_id: None,
                security,
                ..board()
            };
            let serial = serial.and_then(Serial::parse);
            let objection = judge(&bundle, &board, serial.as_ref()).err();
            let found = objection
                .as_ref()
                .map(|objection| objection.detail.as_str());
            assert_eq!(found, expected);
            assert!(objection.is_none_or(|o| o.code == Code::SecurityState));
        };
        let mode = Security {
            download_locked: true,
            ..Security::default()
        };
        let refused = "Secure Download Mode hides the MAC and the flash part: to write such boards \
                       set secure_download = \"allow\" in the manifest";
        check(SecureDownload::Refuse, None, mode, Some(refused));
        check(SecureDownload::Refuse, Some("A17"), mode, Some(refused));
        check(
            SecureDownload::Allow,
            None,
            mode,
            Some(
                "Secure Download Mode hides the MAC and the flash part: type or scan the board's \
                 serial number (flash --serial)",
            ),
        );
        check(SecureDownload::Allow, Some("A17"), mode, None);
        let encrypted = Security {
            flash_encryption: true,
            ..mode
        };
        check(
            SecureDownload::Allow,
            Some("A17"),
            encrypted,
            Some("Secure Download Mode, and found: flash encryption"),
        );
    }

    #[test]
    fn the_wrong_chip_is_named_before_anything_that_follows_from_it() {
        check(
            |board| {
                board.chip = Chip::Esp8266;
                board.flash_id = Some(FlashId(0));
                board.mac_crc_holds = false;
            },
            Some((Code::WrongChip, "found esp8266, the manifest is for esp32")),
        );
    }
}
