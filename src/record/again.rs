//! What the record says of a unit that comes again: whether it passed with this bundle, and whether it may be
//! tried at all. The rules, and their SQL: a unit's own rows, newest first, by their index.
//!
//! - It is good, as far as the record tells, where its last counted job (`tally`) passed with exactly this
//!   bundle, and it is no open unit: a job that counts for nobody may have left it half-worked since.
//! - It failed so often as its counted jobs of the product failed since one of them passed or was written. One
//!   that someone stopped is passed over, so that a stop begins nothing anew.
//! - Leave for one more try is a row, used up by the next job that would be refused without it.
//!
//! Golden boards' jobs are nobody's here.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::row;
use super::tally;
use crate::event::{Code, JobId, LotName, Outcome, Passed, Unit};
use crate::image::unhex;

/// A board that comes, of which its job knows what unit it is.
#[derive(Debug, Clone)]
pub struct Comer {
    pub job: JobId,
    pub unit: Unit,
    pub product: String,
    pub bundle_digest: [u8; 32],
    /// So many failures in a row are as often as it may be tried; `None`: there is no limit.
    pub retest_limit: Option<u32>,
}

/// What the record says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It may be worked on; `passed`: it is good already.
    Free { passed: Option<Passed> },
    /// It failed as often as it may, and nobody gave it leave.
    TooOften,
}

/// A counted job of a unit.
struct Counted {
    outcome: Outcome,
    product: String,
    bundle_digest: [u8; 32],
    passed: Passed,
}

/// Says what there is to say, and uses up leave where that is needed.
pub(super) fn comes(connection: &mut Connection, comer: &Comer) -> rusqlite::Result<Came> {
    let unit = comer.unit.to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut last = None;
    let mut run = Run::default();
    each_counted(&transaction, &comer.unit, |job| {
        if job.product == comer.product {
            run.goes_back(job.outcome);
        }
        let _ = last.get_or_insert(job);
        // the last one is known, and no older one changes whether it is too often
        run.is_over || comer.retest_limit.is_none_or(|limit| run.failures >= limit)
    })?;
    let is_too_often = comer
        .retest_limit
        .is_some_and(|limit| run.failures >= limit);
    if is_too_often {
        let used = transaction
            .prepare_cached(
                "UPDATE retest_leave SET job = (SELECT number FROM job WHERE job = ?2)
                 WHERE number = (SELECT min(number) FROM retest_leave WHERE unit = ?1 AND job IS NULL)",
            )?
            .execute([&unit, &comer.job.to_string()])?;
        transaction.commit()?;
        return Ok(match used {
            0 => Came::TooOften,
            _ => Came::Free { passed: None },
        });
    }
    let is_open = transaction
        .prepare_cached("SELECT 1 FROM open_unit WHERE unit = ?1")?
        .exists([&unit])?;
    let passed = last
        .filter(|job| !is_open && job.outcome == Outcome::Pass)
        .filter(|job| job.bundle_digest == comer.bundle_digest)
        .map(|job| job.passed);
    Ok(Came::Free { passed })
}

/// Gives leave for one more try; `false`: the unit needs none, or has it.
pub(super) fn allow_retest(
    connection: &Connection,
    unit: &Unit,
    retest_limit: u32,
    who: &str,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let name = unit.to_string();
    let has_leave = connection
        .prepare_cached("SELECT 1 FROM retest_leave WHERE unit = ?1 AND job IS NULL")?
        .exists([&name])?;
    let mut runs: HashMap<String, Run> = HashMap::new();
    let mut is_too_often = false;
    each_counted(connection, unit, |job| {
        let run = runs.entry(job.product).or_default();
        run.goes_back(job.outcome);
        is_too_often |= run.failures >= retest_limit;
        is_too_often
    })?;
    if has_leave || !is_too_often {
        return Ok(false);
    }
    connection
        .prepare_cached("INSERT INTO retest_leave (unit, who, at_ms) VALUES (?1, ?2, ?3)")?
        .execute(params![name, who, at.as_millisecond()])?;
    Ok(true)
}

/// Failures in a row, from the newest job backwards.
#[derive(Debug, Default)]
struct Run {
    failures: u32,
    is_over: bool,
}

impl Run {
    fn goes_back(&mut self, outcome: Outcome) {
        match outcome {
            _ if self.is_over => {}
            Outcome::Fail => self.failures += 1,
            Outcome::Pass | Outcome::Written => self.is_over = true,
            Outcome::Error | Outcome::Aborted | Outcome::Skipped => {}
        }
    }
}

/// A unit's counted jobs, the newest first, until `is_enough`.
fn each_counted(
    connection: &Connection,
    unit: &Unit,
    mut is_enough: impl FnMut(Counted) -> bool,
) -> rusqlite::Result<()> {
    const COLUMNS: &str =
        "SELECT outcome, code, flash_touched, product, bundle_digest, lot, ended_ms";
    const CLOSED: &str = "golden IS NULL AND ended_ms IS NOT NULL ORDER BY number DESC";
    let (sql, name) = match unit {
        Unit::Mac(mac) => (
            format!("{COLUMNS} FROM job WHERE mac = ?1 AND {CLOSED}"),
            mac.to_string(),
        ),
        Unit::Serial(serial) => (
            format!(
                "{COLUMNS} FROM job WHERE serial = ?1 AND mac IS NULL AND chip IS NOT NULL AND {CLOSED}"
            ),
            serial.to_string(),
        ),
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([name])?;
    while let Some(row) = rows.next()? {
        let outcome = row::required(row, "outcome", Outcome::from_name)?;
        let code = row::word(row, "code", Code::from_word)?;
        if !tally::counts(outcome, code, row.get("flash_touched")?) {
            continue;
        }
        let job = Counted {
            outcome,
            product: row.get("product")?,
            bundle_digest: row::required(row, "bundle_digest", unhex)?,
            passed: Passed {
                at: row::time(row, "ended_ms")?,
                lot: row::word(row, "lot", LotName::parse)?,
            },
        };
        if is_enough(job) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Golden, Serial};
    use crate::job::Verdict;
    use crate::record::NewJob;
    use crate::record::change::Change;
    use crate::record::testbench::{Bench, at, board, hidden, mac, new_job, verdict};

    fn comer(unit: impl Into<Unit>, retest_limit: Option<u32>) -> Comer {
        Comer {
            job: JobId::now(),
            unit: unit.into(),
            product: "thermostat".to_owned(),
            bundle_digest: [0xAB; 32],
            retest_limit,
        }
    }

    fn passed(bench: &mut Bench, unit: impl Into<Unit>) -> Option<Timestamp> {
        match bench.store.comes(&comer(unit, None)).unwrap() {
            Came::Free { passed } => passed.map(|passed| passed.at),
            Came::TooOften => panic!("there is no limit"),
        }
    }

    fn too_often(bench: &mut Bench, limit: u32) -> Option<u32> {
        match bench.store.comes(&comer(mac(1), Some(limit))).unwrap() {
            Came::Free { .. } => None,
            Came::TooOften => Some(limit),
        }
    }

    /// A closed job that is not as others are.
    fn job(bench: &mut Bench, new: NewJob, code: Option<Code>, golden: Option<Golden>) {
        let (job, identity) = (new.job, board(1));
        bench.change(Change::Open(new)).unwrap();
        bench
            .change(Change::Identify {
                job,
                identity: identity.clone(),
                golden,
            })
            .unwrap();
        let closed = Change::Close {
            job,
            verdict: verdict(code, Some(identity)),
            ended: at("18:00:00"),
        };
        bench.change(closed).unwrap();
    }

    #[test]
    fn good_is_what_passed_last_with_this_bundle() {
        let mut bench = Bench::new();
        assert_eq!(passed(&mut bench, mac(1)), None);
        bench.job("08:00:00", Some(Code::VerifyMismatch), 1, 4096);
        assert_eq!(passed(&mut bench, mac(1)), None);
        bench.job("09:00:00", None, 1, 4096);
        let since = Some(at("09:00:12"));
        assert_eq!(passed(&mut bench, mac(1)), since);
        assert_eq!(passed(&mut bench, mac(2)), None);
        // what counts for nobody changes nothing of that
        for code in [Code::AlreadyDone, Code::PortError, Code::Stopped] {
            bench.job("10:00:00", Some(code), 1, 0);
            assert_eq!(passed(&mut bench, mac(1)), since, "{code}");
        }
        job(
            &mut bench,
            new_job("3", at("10:30:00")),
            Some(Code::NoReply),
            Some(Golden::Bad),
        );
        assert_eq!(passed(&mut bench, mac(1)), since);
        // a hub that fell over in mid-write left it half-worked
        bench.job("11:00:00", Some(Code::HubPower), 1, 4096);
        assert_eq!(passed(&mut bench, mac(1)), None);
        bench.job("12:00:00", None, 1, 4096);
        assert_eq!(passed(&mut bench, mac(1)), Some(at("12:00:12")));
        for code in [Code::NotVerified, Code::Unplugged] {
            bench.job("13:00:00", Some(code), 1, 0);
            assert_eq!(passed(&mut bench, mac(1)), None, "{code}");
        }
        bench.job("14:00:00", None, 1, 4096);
        let other = NewJob {
            bundle_digest: [7; 32],
            ..new_job("3", at("15:00:00"))
        };
        job(&mut bench, other, None, None);
        assert_eq!(passed(&mut bench, mac(1)), None, "another bundle since");
    }

    #[test]
    fn a_board_that_hides_its_mac_is_known_by_its_serial() {
        let mut bench = Bench::new();
        let serial = Serial::parse("A17").unwrap();
        let new = NewJob {
            serial: Some(serial.clone()),
            ..new_job("3", at("08:00:00"))
        };
        let job = new.job;
        bench.change(Change::Open(new)).unwrap();
        let closed = Change::Close {
            job,
            verdict: verdict(None, Some(hidden())),
            ended: at("08:00:09"),
        };
        bench.change(closed).unwrap();
        let unit = Unit::Serial(serial);
        assert_eq!(passed(&mut bench, unit), Some(at("08:00:09")));
        let other = Unit::Serial(Serial::parse("A18").unwrap());
        assert_eq!(passed(&mut bench, other), None);
    }

    #[test]
    fn too_often_is_a_run_of_failures_of_one_product() {
        let mut bench = Bench::new();
        let failed = Some(Code::VerifyMismatch);
        bench.job("08:00:00", failed, 1, 4096);
        bench.job("08:01:00", failed, 1, 4096);
        assert_eq!(
            (too_often(&mut bench, 3), too_often(&mut bench, 2)),
            (None, Some(2))
        );
        // a refused try, one that someone stopped, the bench's errors: neither more nor a new beginning
        for code in [Code::RetestLimit, Code::Stopped, Code::PortError] {
            bench.job("08:02:00", Some(code), 1, 4096);
            assert_eq!(too_often(&mut bench, 3), None, "{code}");
            assert_eq!(too_often(&mut bench, 2), Some(2), "{code}");
        }
        let other = NewJob {
            product: "lamp".to_owned(),
            ..new_job("3", at("08:03:00"))
        };
        job(&mut bench, other, failed, None);
        let golden = new_job("3", at("08:04:00"));
        job(&mut bench, golden, failed, Some(Golden::Good));
        assert_eq!(too_often(&mut bench, 3), None);
        bench.job("08:05:00", failed, 1, 4096);
        assert_eq!(too_often(&mut bench, 3), Some(3));
        bench.job("08:06:00", None, 1, 4096);
        assert_eq!(too_often(&mut bench, 1), None);
        bench.job("08:07:00", failed, 1, 4096);
        assert_eq!(
            (too_often(&mut bench, 1), too_often(&mut bench, 2)),
            (Some(1), None)
        );
    }

    #[test]
    fn leave_is_for_one_try_and_outlives_its_process() {
        let mut bench = Bench::new();
        let allow = |bench: &mut Bench| {
            let (unit, who) = (mac(1).into(), "anna".to_owned());
            let at = at("09:00:00");
            let retest_limit = 2;
            let change = Change::AllowRetest {
                unit,
                retest_limit,
                who,
                at,
            };
            bench.change(change).unwrap()
        };
        bench.job("08:00:00", Some(Code::NoReply), 1, 4096);
        assert!(!allow(&mut bench), "it needs none");
        bench.job("08:01:00", Some(Code::NoReply), 1, 4096);
        assert_eq!(too_often(&mut bench, 2), Some(2));
        assert!(allow(&mut bench));
        assert!(!allow(&mut bench), "it has it");
        let (mut bench, _) = bench.reopen(at("10:00:00"));
        let new = new_job("3", at("10:01:00"));
        let tried = Comer {
            job: new.job,
            ..comer(mac(1), Some(2))
        };
        let close = Change::Close {
            job: new.job,
            verdict: Verdict {
                bytes_written: 4096,
                ..verdict(Some(Code::NoReply), Some(board(1)))
            },
            ended: at("10:01:09"),
        };
        bench.change(Change::Open(new)).unwrap();
        let came = bench.store.comes(&tried).unwrap();
        assert_eq!(came, Came::Free { passed: None });
        assert_eq!(too_often(&mut bench, 2), Some(2), "it is used up");
        bench.change(close).unwrap();
        assert_eq!(too_often(&mut bench, 2), Some(2));
        let kept: String = rusqlite::Connection::open(&bench.path)
            .unwrap()
            .query_row(
                "SELECT concat_ws(' ', retest_leave.unit, who, job.code)
                 FROM retest_leave JOIN job ON job.number = retest_leave.job",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(kept, "24:0a:c4:00:00:01 anna NO_REPLY");
        assert!(allow(&mut bench), "and once more");
    }

    #[test]
    fn a_golden_board_is_no_open_unit() {
        let mut bench = Bench::new();
        let golden = new_job("3", at("08:00:00"));
        job(
            &mut bench,
            golden,
            Some(Code::Unplugged),
            Some(Golden::Good),
        );
        assert_eq!(bench.open_units(), []);
        let golden = new_job("3", at("08:01:00"));
        let identified = Change::Identify {
            job: golden.job,
            identity: board(1),
            golden: Some(Golden::Bad),
        };
        bench.change(Change::Open(golden)).unwrap();
        bench.change(identified).unwrap();
        let (mut bench, interrupted) = bench.reopen(at("09:00:00"));
        assert_eq!(interrupted, 1);
        assert_eq!(bench.open_units(), []);
        let jobs = bench.store.standing(at("09:00:00")).today.jobs;
        assert_eq!((jobs.golden, jobs.total()), (2, 2));
    }
}
