//! The record against `kill -9`: a process of its own streams jobs and tells what it was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use flashline::chip::{Chip, FlashId, Identity, Mac, Revision};
use flashline::event::{Code, JobId, Outcome, SlotId};
use flashline::job::{Retries, Verdict};
use flashline::record::{NewJob, Reader, Record, RecordError, Since};

/// Names the database to the child.
const DATABASE: &str = "FLASHLINE_CRASH_DATABASE";
const SLOTS: u8 = 8;

#[test]
fn a_killed_process_leaves_one_row_a_job_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.db");
    let (mut opened, mut closed) = (BTreeSet::new(), BTreeMap::new());
    let mut interrupted_in_all = 0;
    // each time at another point of the stream
    for answers in [1, 2, 37, 90, 151, 304] {
        let mut child = stream(&path);
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut hear = |line: String| {
            // the test harness speaks too
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["opened", job] => assert!(opened.insert(job.to_owned()), "{job} opened twice"),
                ["closed", job, outcome] => {
                    let twice = closed.insert(job.to_owned(), outcome.to_owned());
                    assert_eq!(twice, None, "{job} closed twice");
                }
                _ => return false,
            }
            true
        };
        let mut heard = 0;
        while heard < answers {
            let line = told.next().expect("the child ended by itself").unwrap();
            heard += usize::from(hear(line));
        }
        let refused = Record::open(&path).unwrap_err();
        let RecordError::Locked { holder, .. } = &refused else {
            panic!("{refused}")
        };
        let pid = format!("(pid {})", child.id());
        assert!(holder.ends_with(&pid), "{holder}");

        child.kill().unwrap();
        child.wait().unwrap();
        // what was answered before the kill and not yet read; a line is one write, so none is torn
        told.map_while(Result::ok).for_each(|line| {
            hear(line);
        });
        interrupted_in_all += examine(&path, &opened, &closed);
    }
    assert!(interrupted_in_all > 0, "no kill met a job that was open");
}

/// Opens after a kill and holds the rows to what was answered; returns the jobs found interrupted.
fn examine(path: &Path, opened: &BTreeSet<String>, closed: &BTreeMap<String, String>) -> usize {
    let (record, interrupted) = Record::open(path).unwrap();
    let rows = Reader::open(path).unwrap().jobs(Since::default()).unwrap();
    let mut seen = BTreeMap::new();
    for row in rows {
        let twice = seen.insert(row.job.to_string(), (row.outcome, row.code));
        assert_eq!(twice, None, "two rows of {}", row.job);
        assert!(row.outcome.is_some() && row.ended.is_some(), "{row:?}");
    }
    for job in opened {
        assert!(seen.contains_key(job), "{job} was answered and has no row");
    }
    for (job, outcome) in closed {
        let (found, code) = seen[job];
        assert_eq!(
            found.map(Outcome::name),
            Some(&**outcome),
            "{job}: {code:?}"
        );
    }
    let unanswered = seen.iter().filter(|(job, _)| !closed.contains_key(*job));
    for (job, (_, code)) in unanswered {
        // its commit may have been done and its answer not yet told
        let possible = [None, Some(Code::Unplugged), Some(Code::Interrupted)];
        assert!(possible.contains(code), "{job}: {code:?}");
    }
    let sqlite = rusqlite::Connection::open(path).unwrap();
    let whole: String = sqlite
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    runtime().block_on(record.close());
    interrupted
}

fn stream(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "crash::stream_of_jobs",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the child of a_killed_process_leaves_one_row_a_job_and_no_lock"]
fn stream_of_jobs() {
    let Some(path) = std::env::var_os(DATABASE) else {
        return;
    };
    let (record, _) = Record::open(Path::new(&path)).unwrap();
    runtime().block_on(async {
        let slots: Vec<_> = (0..SLOTS)
            .map(|slot| tokio::spawn(work(record.clone(), slot)))
            .collect();
        for slot in slots {
            slot.await.unwrap();
        }
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

/// A slot whose boards never end: every third is pulled.
async fn work(record: Record, slot: u8) {
    for number in 0_u32.. {
        let job = JobId::now();
        let now = jiff::Timestamp::now();
        let new = NewJob {
            job,
            station: "bench 1".to_owned(),
            slot: SlotId::new(&slot.to_string()),
            place: "/dev/ttyUSB0".to_owned(),
            product: "thermostat".to_owned(),
            version: "1.4.0".to_owned(),
            bundle_digest: [0xAB; 32],
            serial: None,
            lot: None,
            operator: None,
            manifest_text: "product = \"thermostat\"".into(),
            started: now,
        };
        record.open_job(new).await.unwrap();
        tell(&format!("opened {job}"));

        let [_, a, b, c] = number.to_be_bytes();
        let identity = Identity {
            crystal_mhz: Some(40),
            ..Identity::open(
                Chip::Esp32,
                Revision { major: 3, minor: 1 },
                Mac([0x24, 0x0A, slot, a, b, c]),
                FlashId(0xEF_4016),
            )
        };
        record.identify(job, identity.clone(), None).await.unwrap();

        let code = number.is_multiple_of(3).then_some(Code::Unplugged);
        let outcome = code.map_or(Outcome::Pass, Code::outcome);
        let verdict = Verdict {
            outcome,
            code,
            detail: String::new(),
            identity: Some(identity),
            attempts: 1,
            retries: Retries::default(),
            baud: 921_600,
            bytes_written: 1 << 20,
            bytes_skipped: 0,
            boot: None,
            log: String::new(),
            written_by: None,
            steps: Vec::new(),
            regions: Vec::new(),
        };
        record.close_job(job, verdict, now).await.unwrap();
        tell(&format!("closed {job} {outcome}"));
    }
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
