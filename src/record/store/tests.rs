use std::time::Duration;

use super::*;
use crate::chip::{Eui64, Feature, Identity, Revision, Security};
use crate::event::{Serial, SlotId, Step};
use crate::job::{BootLog, Measurement, RegionResult, Retries, StepResult, Verdict};
use crate::plan::Method;
use crate::record::change::WriteOff;
use crate::record::testbench::{Bench, at, board, hidden, mac, new_job, verdict};
use crate::record::{Approval, Approved, JobRow, NewJob, OpenUnit};

#[test]
fn a_job_is_a_row_from_its_arrival_on() {
    let mut bench = Bench::new();
    let new = new_job("3", at("08:00:01"));
    bench.change(Change::Open(new.clone())).unwrap();
    let mut expected = JobRow {
        job: new.job,
        station: new.station,
        slot: new.slot,
        place: new.place,
        product: new.product,
        version: new.version,
        bundle_digest: "ab".repeat(32),
        serial: None,
        lot: None,
        operator: None,
        golden: None,
        identity: None,
        outcome: None,
        code: None,
        detail: String::new(),
        attempts: 0,
        retries: Retries::default(),
        written_by: None,
        baud: 0,
        bytes_written: 0,
        bytes_skipped: 0,
        flash_touched: false,
        started: at("08:00:01"),
        ended: None,
    };
    assert_eq!(bench.rows(), [expected.clone()]);

    let locked = Identity {
        revision: Some(Revision { major: 1, minor: 7 }),
        crystal_mhz: None,
        security: Security {
            flash_encryption: true,
            secure_boot: false,
            download_locked: true,
        },
        ..board(1)
    };
    bench
        .change(Change::Identify {
            job: new.job,
            identity: locked.clone(),
            golden: None,
        })
        .unwrap();
    expected.identity = Some(locked.clone());
    assert_eq!(bench.rows(), [expected.clone()]);

    let retries = Retries {
        blocks: 3,
        rates: 1,
        connections: 2,
    };
    let closed = Change::Close {
        job: new.job,
        verdict: Verdict {
            detail: "0x10000: got 00, want ff".to_owned(),
            attempts: 2,
            retries,
            bytes_written: 1 << 20,
            bytes_skipped: 8192,
            written_by: Some(Method::RomDeflate),
            ..verdict(Some(Code::VerifyMismatch), Some(locked))
        },
        ended: at("08:00:14.250"),
    };
    bench.change(closed).unwrap();
    expected.outcome = Some(Outcome::Fail);
    expected.code = Some(Code::VerifyMismatch);
    expected.detail = "0x10000: got 00, want ff".to_owned();
    expected.attempts = 2;
    expected.retries = retries;
    expected.baud = 921_600;
    expected.bytes_written = 1 << 20;
    expected.bytes_skipped = 8192;
    expected.written_by = Some(Method::RomDeflate);
    expected.flash_touched = true;
    expected.ended = Some(at("08:00:14.250"));
    assert_eq!(bench.rows(), [expected]);
}

#[test]
fn steps_regions_and_the_manifest_are_kept() {
    let mut bench = Bench::new();
    let new = new_job("3", at("08:00:01"));
    let job = new.job;
    let again = new_job("4", at("08:00:02"));
    bench.change(Change::Open(new)).unwrap();
    bench.change(Change::Open(again)).unwrap();
    let step = |step, attempt, code| StepResult {
        step,
        attempt,
        began: Duration::from_micros(1_500),
        took: Duration::from_millis(7),
        code,
    };
    let measured = |name: &str, value, low, high| Measurement {
        name: name.to_owned(),
        value,
        unit: "V".to_owned(),
        low,
        high,
    };
    let closed = Change::Close {
        job,
        verdict: Verdict {
            steps: vec![
                step(Step::Connect, 1, Some(Code::NoSync)),
                step(Step::Connect, 2, None),
            ],
            regions: vec![RegionResult {
                name: "app".to_owned(),
                offset: 0x10000,
                size_bytes: 4096,
                file_sha256: [1; 32],
                written_sha256: [2; 32],
                found_md5: Some([3; 16]),
                found_sha256: Some([4; 32]),
                skipped_bytes: 4096,
            }],
            boot: Some(BootLog {
                text: "rst:0x1\nvbat=3.31\n".to_owned(),
                measurements: vec![
                    measured("vbat", 3.31, Some(3.2), None),
                    measured("temp", f64::NAN, None, Some(85.0)),
                ],
            }),
            ..verdict(None, Some(board(1)))
        },
        ended: at("08:00:14"),
    };
    bench.change(closed).unwrap();

    let text = |sql: &str| -> String {
        let connection = schema::open_reader(&bench.path).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    insta::assert_snapshot!(
        text("SELECT group_concat(concat_ws(' ', job, ordinal, step, attempt, began_us, took_us, code), '; ') FROM step"),
        @"1 0 connect 1 1500 7000 NO_SYNC; 1 1 connect 2 1500 7000"
    );
    insta::assert_snapshot!(
        text("SELECT concat_ws(' ', name, flash_offset, size_bytes, substr(file_sha256, 1, 4), length(written_sha256), substr(found_md5, 1, 4), substr(found_sha256, 1, 4), skipped_bytes) FROM region"),
        @"app 65536 4096 0101 64 0303 0404 4096"
    );
    assert_eq!(
        text("SELECT concat_ws(' ', job, text) FROM boot_log"),
        "1 rst:0x1\nvbat=3.31\n"
    );
    insta::assert_snapshot!(
        text("SELECT group_concat(concat_ws(' ', job, ordinal, name, ifnull(value, 'NULL'), unit, ifnull(low, 'NULL'), ifnull(high, 'NULL')), '; ') FROM measurement"),
        @"1 0 vbat 3.31 V 3.2 NULL; 1 1 temp NULL V NULL 85.0"
    );
    insta::assert_snapshot!(text("SELECT group_concat(manifest_text) FROM bundle"), @r#"product = "thermostat""#);
}

/// All that identify can tell, and next to nothing.
#[test]
fn what_a_board_shows_and_what_it_hides_is_kept() {
    let mut bench = Bench::new();
    let open = Identity {
        eui64: Some(Eui64([0x60, 0x55, 0xF9, 0xFF, 0xFE, 1, 2, 3])),
        features: vec![
            Feature::BluetoothLe,
            Feature::Ieee802154,
            Feature::EmbeddedFlash { kb: Some(4096) },
        ],
        ..board(1)
    };
    let serial = Serial::parse("A17");
    for (identity, serial) in [(open, None), (hidden(), serial.clone()), (hidden(), None)] {
        let new = NewJob {
            serial: serial.clone(),
            ..new_job("3", at("08:00:01"))
        };
        bench.change(Change::Open(new.clone())).unwrap();
        bench
            .change(Change::Identify {
                job: new.job,
                identity: identity.clone(),
                golden: None,
            })
            .unwrap();
        let row = bench.rows().pop().unwrap();
        assert_eq!((row.identity, row.serial), (Some(identity), serial));
    }
    // a station that dies here leaves what it could tell apart as open
    let (mut bench, interrupted) = bench.reopen(at("09:00:00"));
    assert_eq!(interrupted, 3);
    assert!(bench.rows().iter().all(|row| row.flash_touched));
    let open_units = bench.store.standing(at("09:00:00")).open_units;
    let units: Vec<String> = open_units
        .iter()
        .map(|open| open.unit.to_string())
        .collect();
    assert_eq!(units, ["24:0a:c4:00:00:01", "serial:A17"]);
    let reader = crate::record::Reader::open(&bench.path).unwrap();
    for open in &open_units {
        assert_eq!(reader.jobs_of(&open.unit).unwrap().len(), 1);
    }
}

#[test]
fn a_job_is_opened_once_and_closed_once() {
    let mut bench = Bench::new();
    let new = new_job("3", at("08:00:01"));
    let close = |code| Change::Close {
        job: new.job,
        verdict: verdict(code, Some(board(1))),
        ended: at("08:00:09"),
    };
    assert!(!bench.change(close(None)).unwrap(), "nothing is open yet");
    bench.change(Change::Open(new.clone())).unwrap();
    bench.change(Change::Open(new.clone())).unwrap_err();
    assert!(bench.change(close(None)).unwrap());
    assert!(!bench.change(close(Some(Code::NoReply))).unwrap());
    assert!(
        !bench
            .change(Change::Identify {
                job: new.job,
                identity: board(2),
                golden: None
            })
            .unwrap()
    );
    let rows = bench.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].outcome, Some(Outcome::Pass));
    assert_eq!(rows[0].identity, Some(board(1)));
}

#[test]
fn what_fails_in_a_shared_commit_does_not_take_the_others_with_it() {
    let mut bench = Bench::new();
    let [one, two] = ["1", "2"].map(|slot| new_job(slot, at("08:00:01")));
    let changes = [one.clone(), one, two].map(Change::Open);
    let results = bench.store.commit(&changes.each_ref());
    let went: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, false, true]);
    assert_eq!(bench.rows().len(), 2);
}

#[test]
fn jobs_left_open_are_closed_as_interrupted_at_the_next_start() {
    let mut bench = Bench::new();
    let [unknown, known, done] = ["1", "2", "3"].map(|slot| new_job(slot, at("08:00:01")));
    for job in [&unknown, &known, &done] {
        bench.change(Change::Open(job.clone())).unwrap();
    }
    bench
        .change(Change::Identify {
            job: known.job,
            identity: board(7),
            golden: None,
        })
        .unwrap();
    let pass = Change::Close {
        job: done.job,
        verdict: verdict(None, Some(board(8))),
        ended: at("08:00:09"),
    };
    bench.change(pass).unwrap();

    let (mut bench, interrupted) = bench.reopen(at("09:30:00"));
    assert_eq!(interrupted, 2);
    let ends: Vec<_> = (bench.rows().into_iter())
        .map(|row| (row.outcome.unwrap(), row.code, row.flash_touched, row.ended))
        .collect();
    let found = Some(at("09:30:00"));
    let code = Some(Code::Interrupted);
    assert_eq!(
        ends,
        [
            (Outcome::Aborted, code, false, found),
            (Outcome::Aborted, code, true, found),
            (Outcome::Pass, None, false, Some(at("08:00:09"))),
        ]
    );
    assert_eq!(
        bench.store.standing(at("09:30:00")).open_units,
        [OpenUnit {
            unit: mac(7).into(),
            slot: SlotId::new("2"),
            since: at("09:30:00"),
            code: Code::Interrupted,
        }]
    );

    let (_, interrupted) = bench.reopen(at("09:31:00"));
    assert_eq!(interrupted, 0);
}

#[test]
fn a_board_cut_short_is_open_until_it_passes_or_is_written_off() {
    let mut bench = Bench::new();
    let cases = [
        // (code, bytes written, left open)
        (Some(Code::Unplugged), 4096, true),
        (Some(Code::Unplugged), 0, true),
        (Some(Code::BoardSwapped), 0, true),
        (Some(Code::Stopped), 4096, true),
        (Some(Code::Stopped), 0, false),
        (Some(Code::PortError), 4096, true),
        (Some(Code::PortError), 0, false),
        (Some(Code::RecordFailed), 4096, true),
        (Some(Code::NotVerified), 4096, false),
        (Some(Code::VerifyMismatch), 4096, false),
        (Some(Code::WrongChip), 0, false),
        (None, 4096, false),
    ];
    for (last, (code, bytes, open)) in (1..).zip(cases) {
        bench.job("08:00:01", code, last, bytes);
        let listed = bench.open_units().contains(&mac(last));
        assert_eq!(listed, open, "{code:?} after {bytes} bytes");
    }
    assert_eq!(bench.open_units().len(), 6);

    bench.job("09:00:00", Some(Code::VerifyMismatch), 1, 4096);
    assert!(bench.open_units().contains(&mac(1)), "red is not done");
    bench.job("09:01:00", None, 1, 4096);
    assert!(!bench.open_units().contains(&mac(1)));

    let write_off = |last| {
        Change::WriteOff(WriteOff {
            unit: mac(last).into(),
            who: "Mei".to_owned(),
            why: "scrapped".to_owned(),
            at: at("10:00:00"),
        })
    };
    assert!(bench.change(write_off(2)).unwrap());
    assert!(!bench.change(write_off(2)).unwrap(), "once");
    assert!(!bench.change(write_off(9)).unwrap(), "was never open");
    assert!(!bench.open_units().contains(&mac(2)));

    let connection = schema::open_reader(&bench.path).unwrap();
    let kept: String = connection
        .query_row(
            "SELECT group_concat(concat_ws(' ', write_off.unit, job.code, who, why, at_ms))
             FROM write_off JOIN job ON job.number = write_off.job",
            [],
            |row| row.get(0),
        )
        .unwrap();
    insta::assert_snapshot!(kept, @"24:0a:c4:00:00:02 UNPLUGGED Mei scrapped 1793613600000");
}

#[test]
fn an_erase_that_had_begun_counts_as_touching_the_flash() {
    let mut bench = Bench::new();
    let new = new_job("3", at("08:00:01"));
    let job = new.job;
    bench.change(Change::Open(new)).unwrap();
    let closed = Change::Close {
        job,
        verdict: Verdict {
            steps: vec![StepResult {
                step: Step::Erase,
                attempt: 1,
                began: Duration::from_secs(1),
                took: Duration::from_secs(4),
                code: Some(Code::Stopped),
            }],
            ..verdict(Some(Code::Stopped), Some(board(1)))
        },
        ended: at("08:00:06"),
    };
    bench.change(closed).unwrap();
    assert_eq!(bench.open_units(), [mac(1)]);
}

#[test]
fn today_begins_at_local_midnight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.sqlite");
    let shanghai = TimeZone::fixed(jiff::tz::offset(8));
    let (store, _) = Store::open(&path, shanghai, at("12:00:00")).unwrap();
    let mut bench = Bench {
        store,
        path,
        _folder: folder,
    };
    let units = |bench: &mut Bench, now| bench.store.standing(at(now)).today.units;
    bench.job("15:59:59", None, 1, 4096);
    assert_eq!(units(&mut bench, "15:59:59.999"), 1);
    assert_eq!(units(&mut bench, "16:00:00"), 0, "midnight in Shanghai");
    bench.job("16:00:00", None, 2, 4096);
    bench.job("16:00:01", None, 3, 4096);
    assert_eq!(units(&mut bench, "16:00:02"), 2);
    // arrived yesterday, ended today: yesterday's
    bench.job("15:59:58", None, 4, 4096);
    assert_eq!(units(&mut bench, "16:00:03"), 2);
    let next_day = at("16:00:00") + Duration::from_secs(24 * 3600);
    assert_eq!(bench.store.standing(next_day).today.units, 0);
}

#[test]
fn running_figures_are_those_of_a_fresh_start() {
    let mut bench = Bench::new();
    for (index, code) in (0_u8..).zip([None, Some(Code::NoReply), None, Some(Code::Stopped)]) {
        bench.job("08:00:01", code, index % 3, 4096);
    }
    let running = Standing {
        changes: 0,
        ..bench.store.standing(at("12:00:00"))
    };
    assert_eq!(running.today.units, 3);
    let (mut bench, _) = bench.reopen(at("12:00:00"));
    assert_eq!(bench.store.standing(at("12:00:00")), running);
}

#[test]
fn a_write_off_from_another_process_is_seen() {
    let mut bench = Bench::new();
    bench.job("08:00:01", Some(Code::Unplugged), 1, 4096);
    assert_eq!(bench.open_units(), [mac(1)]);
    let off =
        || crate::record::Record::write_off_beside(&bench.path, &mac(1).into(), "Mei", "scrapped");
    assert!(off().unwrap());
    assert!(!off().unwrap());
    assert_eq!(bench.open_units(), []);
}

#[test]
fn a_full_disk_is_told_apart_and_nothing_is_half_kept() {
    let mut bench = Bench::new();
    let pages: i64 = (bench.store.connection)
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    let limit = |bench: &Bench, pages: i64| {
        (bench.store.connection)
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    };
    limit(&bench, pages);
    let new = NewJob {
        manifest_text: "x".repeat(100_000).into(),
        ..new_job("3", at("08:00:01"))
    };
    let refused = bench.change(Change::Open(new.clone())).unwrap_err();
    assert!(matches!(refused, RecordError::Full { .. }), "{refused}");
    assert_eq!(refused.code(), Code::DiskFull);
    assert_eq!(bench.rows(), []);

    limit(&bench, 1 << 20);
    bench.change(Change::Open(new)).unwrap();
    assert_eq!(bench.rows().len(), 1);
}

#[test]
fn check_tells_what_would_stop_a_job() {
    let mut bench = Bench::new();
    let now = at("08:00:01");
    bench.store.check(1, now).unwrap();

    let short = bench.store.check(u64::MAX, now).unwrap_err();
    assert!(matches!(short, RecordError::DiskFull { .. }), "{short}");
    assert_eq!(short.code(), Code::DiskFull);

    let read_only = |bench: &Bench, on: bool| {
        (bench.store.connection)
            .pragma_update(None, "query_only", on)
            .unwrap();
    };
    read_only(&bench, true);
    let refused = bench.store.check(1, now).unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");
    assert_eq!(refused.code(), Code::RecordFailed);
    read_only(&bench, false);
    bench.store.check(1, now).unwrap();

    let away = bench.path.with_extension("moved");
    std::fs::rename(&bench.path, &away).unwrap();
    for refused in [
        bench.store.check(1, now).unwrap_err(),
        bench.change(Change::Open(new_job("3", now))).unwrap_err(),
    ] {
        assert!(refused.to_string().contains("moved, deleted"), "{refused}");
    }
    std::fs::rename(&away, &bench.path).unwrap();
    bench.store.check(1, now).unwrap();
}

#[test]
fn the_last_approval_of_a_manifest_counts_and_all_are_kept() {
    let mut bench = Bench::new();
    let approval = |manifest: &str, digest: u8, how| Approval {
        manifest: manifest.to_owned(),
        product: "thermostat".to_owned(),
        version: "1.4.0".to_owned(),
        bundle_digest: [digest; 32],
        manifest_text: "text".into(),
        who: "mei".to_owned(),
        how,
        at: at("08:00:01"),
    };
    assert_eq!(bench.store.approved("/m.toml").unwrap(), None);
    for (manifest, digest, how) in [
        ("/m.toml", 1, Approved::First),
        ("/m.toml", 2, Approved::Asked),
        ("/m.toml", 1, Approved::Start),
        ("/other.toml", 3, Approved::First),
    ] {
        let change = Change::Approve(approval(manifest, digest, how));
        bench.change(change).unwrap();
    }
    let last = bench.store.approved("/m.toml").unwrap();
    assert_eq!(last, Some("01".repeat(32)));
    let rows: String = (bench.store.connection)
        .query_row(
            "SELECT group_concat(substr(bundle_digest, 1, 2) || who || how || at_ms || manifest_text, ' ')
             FROM approval JOIN bundle ON bundle.digest = bundle_digest WHERE manifest = '/m.toml'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        rows,
        "01meifirst1793606401000text 02meiasked1793606401000text 01meistart1793606401000text"
    );
}
