//! For the record's tests: boards, jobs, and a database with its writer.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::change::Change;
use super::store::Store;
use super::{JobRow, NewJob, Reader, RecordError, Since};
use crate::chip::{Access, Chip, FlashId, Identity, Mac, Revision, Security};
use crate::event::{Code, JobId, Outcome, SlotId};
use crate::job::{Retries, Verdict};

pub fn at(text: &str) -> Timestamp {
    format!("2026-11-02T{text}Z").parse().unwrap()
}

pub fn mac(last: u8) -> Mac {
    Mac([0x24, 0x0A, 0xC4, 0, 0, last])
}

pub fn board(last: u8) -> Identity {
    Identity {
        crystal_mhz: Some(40),
        ..Identity::open(
            Chip::Esp32,
            Revision { major: 3, minor: 1 },
            mac(last),
            FlashId(0xEF_4016),
        )
    }
}

/// A board in Secure Download Mode: each looks like the other.
pub fn hidden() -> Identity {
    Identity {
        chip: Chip::Esp32S3,
        access: Access::SecureDownload,
        revision: None,
        mac: None,
        flash_id: None,
        crystal_mhz: None,
        security: Security {
            secure_boot: true,
            flash_encryption: false,
            download_locked: false,
        },
        ..board(0)
    }
}

pub fn new_job(slot: &str, started: Timestamp) -> NewJob {
    NewJob {
        job: JobId::now(),
        station: "bench 1".to_owned(),
        slot: SlotId::new(slot),
        place: "pci-0000:00:14.0-usb-1.8.2:1.0".to_owned(),
        product: "thermostat".to_owned(),
        version: "1.4.0".to_owned(),
        bundle_digest: [0xAB; 32],
        serial: None,
        lot: None,
        operator: None,
        manifest_text: "product = \"thermostat\"".into(),
        started,
    }
}

pub fn verdict(code: Option<Code>, identity: Option<Identity>) -> Verdict {
    Verdict {
        outcome: code.map_or(Outcome::Pass, Code::outcome),
        code,
        detail: String::new(),
        identity,
        attempts: 1,
        retries: Retries::default(),
        baud: 921_600,
        bytes_written: 0,
        bytes_skipped: 0,
        boot: None,
        log: String::new(),
        written_by: None,
        steps: Vec::new(),
        regions: Vec::new(),
    }
}

/// A database in a folder of its own, with its writer; days are UTC's.
pub struct Bench {
    pub store: Store,
    pub path: std::path::PathBuf,
    pub _folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sqlite");
        let (store, interrupted) = Store::open(&path, TimeZone::UTC, at("08:00:00")).unwrap();
        assert_eq!(interrupted, 0);
        Bench {
            store,
            path,
            _folder: folder,
        }
    }

    pub fn change(&mut self, change: Change) -> Result<bool, RecordError> {
        self.store.commit(&[&change]).remove(0)
    }

    /// A job from arrival to verdict.
    pub fn job(
        &mut self,
        started: &str,
        code: Option<Code>,
        last: u8,
        bytes_written: u64,
    ) -> JobId {
        let new = new_job("3", at(started));
        let job = new.job;
        assert!(self.change(Change::Open(new)).unwrap());
        let closed = Change::Close {
            job,
            verdict: Verdict {
                bytes_written,
                ..verdict(code, Some(board(last)))
            },
            ended: at(started) + Duration::from_secs(12),
        };
        assert!(self.change(closed).unwrap());
        job
    }

    pub fn rows(&self) -> Vec<JobRow> {
        let reader = Reader::open(&self.path).unwrap();
        reader.jobs(Since::default()).unwrap()
    }

    pub fn open_units(&mut self) -> Vec<Mac> {
        let standing = self.store.standing(at("20:00:00"));
        standing
            .open_units
            .iter()
            .filter_map(|unit| unit.unit.mac())
            .collect()
    }

    /// Ends this process's hold and opens again.
    pub fn reopen(self, now: Timestamp) -> (Bench, usize) {
        let Bench {
            store,
            path,
            _folder,
        } = self;
        drop(store);
        let (store, interrupted) = Store::open(&path, TimeZone::UTC, now).unwrap();
        let bench = Bench {
            store,
            path,
            _folder,
        };
        (bench, interrupted)
    }
}
