//! The Gate: may this board be written, and with what? The rules are pure (`judge`); around them the
//! `Gatekeeper` knows which units are on the bench, commits the identity and hands out the plan.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::chip::{Identity, Revision, Security};
use crate::event::{Code, JobId, Serial, SlotId, Unit};
use crate::job::{Admission, Gate, Grant};
use crate::manifest::{Bundle, Manifest, SecureDownload};
use crate::plan::{Method, Planner};
use crate::port::Pending;
use crate::record::{Record, RecordError};

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

/// A job's question was answered: the board is known.
#[derive(Debug)]
pub struct Identified {
    pub job: JobId,
    pub slot: SlotId,
    pub identity: Identity,
}

/// Implements the Gate for one bundle.
pub struct Gatekeeper {
    bundle: Arc<Bundle>,
    planner: Arc<Planner>,
    /// `None`: nothing is recorded (`flash --no-record`).
    record: Option<Record>,
    /// Where each unit is. Locked for a lookup, never across an await.
    on_bench: Mutex<HashMap<Unit, SlotId>>,
    identified: Option<mpsc::Sender<Identified>>,
    baud_ceilings: HashMap<SlotId, u32>,
    baud_ceiling: Option<u32>,
}

impl Gatekeeper {
    /// `baud_ceiling` holds for every slot; `identified` is told of each board.
    pub fn new(
        bundle: Arc<Bundle>,
        record: Option<Record>,
        baud_ceiling: Option<u32>,
        identified: Option<mpsc::Sender<Identified>>,
    ) -> Gatekeeper {
        Gatekeeper {
            planner: Arc::new(Planner::new(bundle.clone())),
            bundle,
            record,
            on_bench: Mutex::default(),
            identified,
            baud_ceilings: HashMap::new(),
            baud_ceiling,
        }
    }

    /// Slots that have a lower ceiling of their own.
    #[must_use]
    pub fn with_slot_ceilings(mut self, ceilings: HashMap<SlotId, u32>) -> Gatekeeper {
        self.baud_ceilings = ceilings;
        self
    }

    /// Builds what every board shares, so that the first one does not wait for it. Costs CPU: call it
    /// off the workers.
    pub fn prepare(&self, method: Method) {
        self.planner.prepare(method);
    }

    /// The board of this slot has left, or its next job begins.
    pub fn release(&self, slot: &SlotId) {
        self.bench().retain(|_, holder| holder != slot);
    }

    fn bench(&self) -> std::sync::MutexGuard<'_, HashMap<Unit, SlotId>> {
        // the map is whole after every operation, so a panic elsewhere leaves nothing half-done
        self.on_bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the unit for the slot, or tells which other slot has it.
    fn claim(&self, unit: Unit, slot: &SlotId) -> Result<(), Objection> {
        let mut bench = self.bench();
        match bench.get(&unit) {
            Some(holder) if holder != slot => Err(Objection {
                code: Code::MacDuplicate,
                detail: format!("{unit} is on slot {holder} as well"),
            }),
            _ => {
                bench.insert(unit, slot.clone());
                Ok(())
            }
        }
    }

    fn ceiling(&self, slot: &SlotId) -> Option<u32> {
        match (self.baud_ceilings.get(slot).copied(), self.baud_ceiling) {
            (Some(own), Some(common)) => Some(own.min(common)),
            (own, common) => own.or(common),
        }
    }

    /// No faster than the ceilings, nor than what the slot is known to do.
    async fn start_rate(&self, slot: &SlotId) -> Option<u32> {
        let ceiling = self.ceiling(slot);
        let best = match &self.record {
            Some(record) => match record.best_rate(slot, self.bundle.digest).await {
                Ok(best) => best,
                Err(error) => {
                    // a job is not lost over how fast it begins
                    tracing::warn!(%slot, %error, "the slot's best rate is not known");
                    None
                }
            },
            None => None,
        };
        match (ceiling, best) {
            (Some(ceiling), Some(best)) => Some(ceiling.min(best)),
            (ceiling, best) => ceiling.or(best),
        }
    }

    async fn decide(
        &self,
        job: JobId,
        slot: &SlotId,
        serial: Option<&Serial>,
        identity: &Identity,
    ) -> Admission {
        if let Some(sender) = &self.identified {
            let told = Identified {
                job,
                slot: slot.clone(),
                identity: identity.clone(),
            };
            // a full channel costs a line on the screen, never the job
            let _ = sender.try_send(told);
        }
        // what is known of the board goes on record first: a refusal names its MAC too
        if let Some(record) = &self.record
            && let Err(error) = record.identify(job, identity.clone()).await
        {
            return Admission::Refuse {
                code: record_code(&error),
                detail: error.to_string(),
            };
        }
        let verdict = judge(&self.bundle, identity, serial).and_then(|()| {
            Unit::of(Some(identity), serial).map_or(Ok(()), |unit| self.claim(unit, slot))
        });
        if let Err(Objection { code, detail }) = verdict {
            return Admission::Refuse { code, detail };
        }
        let planner = self.planner.clone();
        let (identity, ceiling) = (identity.clone(), self.start_rate(slot).await);
        match tokio::task::spawn_blocking(move || planner.plan(&identity, ceiling)).await {
            Ok(plan) => Admission::Grant(Grant {
                plan: Arc::new(plan),
            }),
            Err(error) => Admission::Refuse {
                code: Code::Stopped,
                detail: format!("no plan could be made: {error}"),
            },
        }
    }
}

/// The failure word for a record that cannot be used.
pub fn record_code(error: &RecordError) -> Code {
    error.code()
}

impl Gate for Gatekeeper {
    fn admit<'a>(
        &'a self,
        job: JobId,
        slot: &'a SlotId,
        serial: Option<&'a Serial>,
        identity: &'a Identity,
    ) -> Pending<'a, Admission> {
        Box::pin(self.decide(job, slot, serial, identity))
    }

    fn likely_baud<'a>(&'a self, slot: &'a SlotId) -> Pending<'a, Option<u32>> {
        Box::pin(async move {
            let ceiling = self.start_rate(slot).await;
            self.planner.bauds(ceiling).first().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{Access, Chip, FlashId, Mac, Revision, Security};
    use crate::manifest::{
        ErasePolicy, FlashParameter, FlashSettings, SecureDownload, VerifyPolicy, WritePolicy,
    };

    fn bundle() -> Bundle {
        Bundle {
            manifest: Manifest {
                product: "thermostat".into(),
                version: "1.0".into(),
                chip: Chip::Esp32,
                min_revision: Some(100),
                max_revision: Some(301),
                flash_ids: vec![FlashId(0xEF4016), FlashId(0xEF4014), FlashId(0xEF4099)],
                bauds: vec![921_600],
                partition_table_offset: 0x8000,
                flash: FlashSettings {
                    mode: FlashParameter::Keep,
                    frequency: FlashParameter::Keep,
                    size: FlashParameter::Keep,
                },
                write: WritePolicy::Changed,
                erase: ErasePolicy::Touched,
                verify: VerifyPolicy::Md5,
                secure_download: SecureDownload::Refuse,
                boot: None,
            },
            text: "".into(),
            images: Vec::new(),
            leftovers: Vec::new(),
            needed_flash_bytes: 2 << 20,
            digest: [0; 32],
            warnings: Vec::new(),
        }
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

    #[test]
    fn a_unit_is_on_one_slot_until_its_board_leaves() {
        let on_bench = Mutex::default();
        let keeper = Gatekeeper {
            planner: Arc::new(Planner::new(Arc::new(bundle()))),
            bundle: Arc::new(bundle()),
            record: None,
            on_bench,
            identified: None,
            baud_ceilings: HashMap::new(),
            baud_ceiling: None,
        };
        let (one, two) = (SlotId::new("1"), SlotId::new("2"));
        let serial = Unit::Serial(Serial::parse("A17").unwrap());
        for unit in [Unit::Mac(board().mac.unwrap()), serial] {
            assert_eq!(keeper.claim(unit.clone(), &one), Ok(()));
            assert_eq!(keeper.claim(unit.clone(), &one), Ok(()));
            let objection = keeper.claim(unit.clone(), &two).unwrap_err();
            assert_eq!(objection.code, Code::MacDuplicate);
            assert_eq!(objection.detail, format!("{unit} is on slot 1 as well"));
            keeper.release(&one);
            assert_eq!(keeper.claim(unit.clone(), &two), Ok(()));
            keeper.release(&two);
        }
    }
}
