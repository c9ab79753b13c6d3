use std::time::Duration;

use super::*;
use crate::chip::{Chip, FlashId, Identity, Mac, Revision};
use crate::event::{Code, JobId, Outcome, SlotId, Step};
use crate::job::{BootLog, Measurement, RegionResult, Retries, StepResult};
use crate::plan::Method;

fn story() -> Story {
    let started: Timestamp = "2026-11-02T09:00:00Z".parse().unwrap();
    Story {
        row: JobRow {
            job: JobId("019a3c00-0000-7000-8000-000000000007".parse().unwrap()),
            station: "bench-1".to_owned(),
            slot: SlotId::new("3"),
            place: "pci-0000:00:14.0-usb-1.8.2:1.0".to_owned(),
            product: "thermostat".to_owned(),
            version: "1.4.0".to_owned(),
            bundle_digest: "3f2a91c07be4ffff".to_owned(),
            serial: None,
            lot: None,
            operator: None,
            golden: None,
            identity: Some(Identity::open(
                Chip::Esp32,
                Revision { major: 3, minor: 1 },
                Mac([0x24, 0x0A, 0xC4, 0, 0, 1]),
                FlashId(0xEF_4016),
            )),
            outcome: Some(Outcome::Fail),
            code: Some(Code::VerifyMismatch),
            detail: "app at 0x10000: MD5 9a0364b9 instead of c157a790".to_owned(),
            attempts: 2,
            retries: Retries {
                blocks: 3,
                rates: 1,
                connections: 1,
            },
            written_by: Some(Method::StubDeflate),
            baud: 460_800,
            bytes_written: 560_000,
            bytes_skipped: 4096,
            flash_touched: true,
            started,
            ended: Some(started + Duration::from_millis(12_340)),
        },
        steps: vec![StepResult {
            step: Step::Verify,
            attempt: 2,
            began: Duration::from_micros(11_900_000),
            took: Duration::from_millis(400),
            code: Some(Code::VerifyMismatch),
        }],
        regions: vec![RegionResult {
            name: "app".to_owned(),
            offset: 0x1_0000,
            size_bytes: 280_000,
            file_sha256: [1; 32],
            written_sha256: [1; 32],
            found_md5: Some([7; 16]),
            found_sha256: None,
            skipped_bytes: 4096,
        }],
        log: Some("   0.000 connect: begins\n  12.300 FAIL VERIFY_MISMATCH\n".to_owned()),
        boot: Some(BootLog {
            text: "rst:0x1\napp \u{1b}[2Jup\n".to_owned(),
            measurements: vec![Measurement {
                name: "battery".to_owned(),
                value: 2.9,
                unit: "V".to_owned(),
                low: Some(3.0),
                high: None,
            }],
        }),
    }
}

#[test]
fn a_job_with_everything() {
    insta::assert_snapshot!(told(&story(), &TimeZone::UTC));
}

#[test]
fn a_job_of_which_little_is_known() {
    let mut story = story();
    story.row.identity = None;
    story.row.outcome = Some(Outcome::Aborted);
    story.row.code = Some(Code::Interrupted);
    story.row.written_by = None;
    story.steps.clear();
    story.regions.clear();
    (story.log, story.boot) = (None, None);
    insta::assert_snapshot!(told(&story, &TimeZone::UTC));
    story.row.outcome = None;
    story.row.ended = None;
    let running = told(&story, &TimeZone::UTC);
    assert!(running.contains("09:00:00 running") && running.contains("when the job ends"));
}
