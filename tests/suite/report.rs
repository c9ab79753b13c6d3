//! `flashline report` and `flashline write-off` as commands: words and exit codes.

use std::path::Path;

use assert_cmd::Command;
use flashline::chip::{Chip, FlashId, Identity, Mac, Revision};
use flashline::event::{Code, JobId, SlotId};
use flashline::job::{Retries, Verdict};
use flashline::record::{NewJob, Record};

fn flashline(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("flashline").unwrap();
    command.args(arguments).env("USER", "mei");
    command
}

#[track_caller]
fn check(arguments: &[&str], exit: i32, told: &str) {
    let output = flashline(arguments)
        .assert()
        .code(exit)
        .get_output()
        .clone();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains(told), "{said}");
}

/// A database with one board that was pulled, whose station is still at work.
pub async fn pulled(path: &Path) -> Record {
    let (record, _) = Record::open(path).unwrap();
    let job = JobId::now();
    let started = jiff::Timestamp::now();
    let new = NewJob {
        job,
        station: "bench 1".to_owned(),
        slot: SlotId::new("3"),
        place: "/dev/ttyUSB0".to_owned(),
        product: "thermostat".to_owned(),
        version: "1.4.0".to_owned(),
        bundle_digest: [0xAB; 32],
        serial: None,
        lot: None,
        operator: None,
        manifest_text: "".into(),
        started,
    };
    record.open_job(new).await.unwrap();
    let verdict = Verdict {
        outcome: Code::Unplugged.outcome(),
        code: Some(Code::Unplugged),
        detail: String::new(),
        identity: Some(Identity {
            crystal_mhz: Some(40),
            ..Identity::open(
                Chip::Esp32,
                Revision { major: 3, minor: 1 },
                Mac([0x24, 0x0A, 0xC4, 0, 0, 1]),
                FlashId(0xEF_4016),
            )
        }),
        attempts: 1,
        retries: Retries::default(),
        baud: 921_600,
        bytes_written: 4096,
        bytes_skipped: 0,
        boot: None,
        log: String::new(),
        written_by: None,
        steps: Vec::new(),
        regions: Vec::new(),
    };
    record.close_job(job, verdict, started).await.unwrap();
    record
}

#[tokio::test]
async fn a_pulled_board_is_listed_and_written_off_while_the_station_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.db");
    let database = path.to_str().unwrap();
    let record = pulled(&path).await;

    let mac = "24:0a:c4:00:00:01";
    check(&["report", "--db", database], 0, "UNPLUGGED");
    let csv = [
        "report", "--db", database, "--format", "csv", "--since", "2d",
    ];
    check(&csv, 0, "open_unit,24:0a:c4:00:00:01,UNPLUGGED,slot 3 at ");
    check(
        &["report", "--db", database, "--format", "json"],
        0,
        "\"first_pass_yield\": 0.0",
    );

    let off = ["write-off", mac, "--why", "cracked", "--db", database];
    check(&off, 0, "24:0a:c4:00:00:01 is written off");
    check(&off, 4, "is no open unit");
    assert_eq!(record.standing().await.unwrap().open_units, []);
    let kept: String = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT who || ' ' || why FROM write_off", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(kept, "mei cracked");
    record.close().await;
    check(&["report", "--db", database], 0, "units               1");
}

#[test]
fn what_is_no_database_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.db");
    let database = path.to_str().unwrap();
    let report = ["report", "--db", database];
    let off = ["write-off", "240ac4000001", "--why", "x", "--db", database];
    for asked in [&report[..], &off[..]] {
        check(asked, 4, "line.db does not exist");
        assert!(!path.exists());
    }
    for (content, told) in [
        ("", "is no flashline database (it is empty)"),
        ("[station]\nid = \"bench 1\"\n", "(it is no SQLite file)"),
    ] {
        std::fs::write(&path, content).unwrap();
        for asked in [&report[..], &off[..]] {
            check(asked, 4, told);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }
}

#[test]
fn what_was_not_understood_is_a_usage_error() {
    check(
        &["report", "--since", "yesteryear"],
        4,
        "write today, 2026-11-02",
    );
    check(&["report", "--format", "pdf"], 4, "table, csv, json");
    check(
        &["write-off", "24:0a", "--why", "x"],
        4,
        "twelve hex digits",
    );
    check(&["write-off", "240ac4000001"], 4, "--why");
    check(
        &["write-off", "240ac4000001", "--why", " "],
        4,
        "say it in a word",
    );
}
