use super::*;
use crate::event::{JobId, Outcome};
use crate::job::Verdict;
use crate::record::change::Change;
use crate::record::testbench::{Bench, at, board, new_job, verdict};
use crate::record::{Reader, schema};

fn told() -> Verdict {
    Verdict {
        log: "   0.000 connect: begins\n".repeat(40),
        boot: Some(BootLog {
            text: "boot: ok\n".to_owned(),
            measurements: vec![Measurement {
                name: "battery".to_owned(),
                value: 3.3,
                unit: "V".to_owned(),
                low: Some(3.0),
                high: None,
            }],
        }),
        steps: vec![StepResult {
            step: Step::Write,
            attempt: 2,
            began: Duration::from_micros(1500),
            took: Duration::from_millis(7),
            code: Some(Code::VerifyMismatch),
        }],
        regions: vec![RegionResult {
            name: "app".to_owned(),
            offset: 0x1_0000,
            size_bytes: 8192,
            file_sha256: [0xAB; 32],
            written_sha256: [0x0F; 32],
            found_md5: Some([7; 16]),
            found_sha256: None,
            skipped_bytes: 4096,
        }],
        ..verdict(Some(Code::VerifyMismatch), Some(board(1)))
    }
}

/// A job from arrival to verdict.
fn keep(bench: &mut Bench, verdict: Verdict) -> JobId {
    let new = new_job("3", at("09:00:00"));
    let job = new.job;
    assert!(bench.change(Change::Open(new)).unwrap());
    let ended = at("09:00:12");
    assert!(
        bench
            .change(Change::Close {
                job,
                verdict,
                ended
            })
            .unwrap()
    );
    job
}

#[test]
fn a_job_is_told_as_it_was_closed() {
    let mut bench = Bench::new();
    let job = keep(&mut bench, told());
    keep(&mut bench, verdict(None, None));
    let reader = Reader::open(&bench.path).unwrap();
    let story = reader.story(job).unwrap().unwrap();
    let said = told();
    assert_eq!(story.row.outcome, Some(Outcome::Fail));
    assert_eq!(story.log.as_ref(), Some(&said.log));
    assert_eq!(story.boot, said.boot);
    assert_eq!((story.steps, story.regions), (said.steps, said.regions));
    assert_eq!(reader.story(JobId::now()).unwrap(), None);
}

#[test]
fn a_log_is_stored_as_the_shell_reads_it() {
    let mut bench = Bench::new();
    let check = |bench: &mut Bench, log: &str, expected: Option<&str>| {
        let job = keep(
            bench,
            Verdict {
                log: log.to_owned(),
                ..verdict(None, None)
            },
        );
        let connection = schema::open_reader(&bench.path).unwrap();
        let stored: Option<Vec<u8>> = connection
            .query_row(
                "SELECT deflated FROM job JOIN job_log ON job_log.job = number WHERE job.job = ?1",
                [job.to_string()],
                |row| row.get(0),
            )
            .optional()
            .unwrap();
        let form = stored.map(|stored| match stored.first() {
            _ if stored == log.as_bytes() => "plain",
            Some(0x78) => "zlib",
            _ => "?",
        });
        assert_eq!(form, expected, "{log}");
        let story = Reader::open(&bench.path)
            .unwrap()
            .story(job)
            .unwrap()
            .unwrap();
        assert_eq!(story.log.unwrap_or_default(), log);
    };
    check(&mut bench, "", None);
    check(&mut bench, "short", Some("plain"));
    check(&mut bench, &"connect: begins\n".repeat(50), Some("zlib"));
}

#[test]
fn a_job_is_found_by_the_beginning_of_its_id() {
    let mut bench = Bench::new();
    let job = keep(&mut bench, told()).to_string();
    let reader = Reader::open(&bench.path).unwrap();
    let count = |prefix: &str| reader.jobs_like(prefix).unwrap().len();
    for length in [1, 8, 9, 20, job.len()] {
        assert_eq!(count(&job[..length]), 1, "{length}");
    }
    assert_eq!(count(&job[..8].to_uppercase()), 1);
    for none in ["", "%", "_", "f", "g", "'", &format!("{job}0")] {
        assert_eq!(count(none), 0, "{none}");
    }
    for _ in 0..20 {
        keep(&mut bench, verdict(None, None));
    }
    assert_eq!(count("0"), 10);
}

#[test]
fn an_interrupted_job_tells_what_was_committed() {
    let mut bench = Bench::new();
    let new = new_job("3", at("09:00:00"));
    let job = new.job;
    bench.change(Change::Open(new)).unwrap();
    bench
        .change(Change::Identify {
            job,
            identity: board(1),
            golden: None,
        })
        .unwrap();
    let (bench, interrupted) = bench.reopen(at("09:05:00"));
    assert_eq!(interrupted, 1);
    let story = Reader::open(&bench.path)
        .unwrap()
        .story(job)
        .unwrap()
        .unwrap();
    assert_eq!(story.row.code, Some(Code::Interrupted));
    assert_eq!(story.row.identity, Some(board(1)));
    assert_eq!((story.log, story.boot), (None, None));
}
