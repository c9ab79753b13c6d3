use std::time::Duration;

use super::*;
use crate::chip::Identity;
use crate::event::{Code, Golden, Serial};
use crate::job::Verdict;
use crate::record::NewJob;
use crate::record::change::{Change, WriteOff};
use crate::record::testbench::{Bench, at, board, hidden, mac, new_job, verdict};

#[test]
fn a_period_looks_at_the_jobs_that_started_in_it() {
    let mut bench = Bench::new();
    bench.job("08:00:00", Some(Code::NoReply), 1, 4096);
    bench.job("09:00:00", None, 1, 4096);
    bench.job("09:30:00", None, 2, 4096);
    let running = new_job("7", at("09:59:00"));
    bench.change(Change::Open(running)).unwrap();

    let reader = Reader::open(&bench.path).unwrap();
    let figures = |since: Since| {
        let figures = reader.figures(since).unwrap();
        let period = figures.period;
        (
            period.units,
            period.first_pass,
            period.passed,
            figures.running,
        )
    };
    assert_eq!(figures(Since(None)), (2, 1, 2, 1));
    assert_eq!(figures(Since(Some(at("08:30:00")))), (2, 2, 2, 1));
    assert_eq!(figures(Since(Some(at("09:30:00")))), (1, 1, 1, 1));
    assert_eq!(figures(Since(Some(at("10:00:00")))), (0, 0, 0, 0));

    let arrivals =
        |rows: Vec<JobRow>| -> Vec<_> { (rows.into_iter()).map(|row| row.started).collect() };
    assert_eq!(
        arrivals(reader.jobs(Since(Some(at("09:30:00")))).unwrap()),
        [at("09:30:00"), at("09:59:00")]
    );
    assert_eq!(
        arrivals(reader.jobs_of(&mac(1).into()).unwrap()),
        [at("08:00:00"), at("09:00:00")]
    );
}

#[test]
fn a_value_that_flashline_does_not_write_is_named() {
    let mut bench = Bench::new();
    bench.job("08:00:00", None, 1, 4096);
    let other = rusqlite::Connection::open(&bench.path).unwrap();
    other
        .execute("UPDATE job SET mac = 'my board'", [])
        .unwrap();
    let reader = Reader::open(&bench.path).unwrap();
    let told = reader.figures(Since::default()).unwrap_err().to_string();
    assert!(told.contains("column mac"), "{told}");
}

/// A linear congruential generator (Knuth's MMIX constants): the same history every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = (self.0)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A serial that every other board shows beside its MAC, and the rest instead of it.
fn serial(last: u8) -> Serial {
    Serial::parse(&format!("A{last}")).unwrap()
}

/// Every third board is in Secure Download Mode.
fn board_or_hidden(last: u8) -> Identity {
    if last.is_multiple_of(3) {
        hidden()
    } else {
        board(last)
    }
}

/// A few are golden.
fn golden(last: u8) -> Option<Golden> {
    match last % 16 {
        1 => Some(Golden::Good),
        2 => Some(Golden::Bad),
        _ => None,
    }
}

/// Jobs of 80 boards on three slots, every code among them, some MACs never learnt, some units written off.
fn random_history(bench: &mut Bench, dice: &mut Dice, jobs: u64) {
    random_history_from(bench, dice, jobs, at("08:00:00"), 1);
}

/// The same from a moment on, a job each so many seconds.
fn random_history_from(bench: &mut Bench, dice: &mut Dice, jobs: u64, from: Timestamp, each: u64) {
    let mut changes = Vec::new();
    for index in 0..jobs {
        let started = from + Duration::from_secs(index * each);
        let last = dice.below(80) as u8;
        let code = match dice.below(4) {
            0 => None,
            // as often as all other codes together: few would be the last of their unit
            1 => Some(Code::NotVerified),
            _ => Some(Code::ALL[dice.below(Code::ALL.len() as u64) as usize]),
        };
        let known = code.is_none() || dice.below(4) > 0;
        let new = NewJob {
            serial: Some(serial(last)),
            ..new_job(["3", "7", "12"][dice.below(3) as usize], started)
        };
        let job = new.job;
        changes.push(Change::Open(new));
        let identity = known.then(|| board_or_hidden(last));
        if let Some(identity) = identity.clone().filter(|board| board.mac.is_some()) {
            changes.push(Change::Identify {
                job,
                identity,
                golden: golden(last),
            });
        }
        if index % 97 != 0 {
            changes.push(Change::Close {
                job,
                verdict: Verdict {
                    attempts: 1 + dice.below(2) as u32,
                    bytes_written: dice.below(2) * 4096,
                    bytes_skipped: 0,
                    boot: None,
                    ..verdict(code, identity)
                },
                ended: started + Duration::from_millis(dice.below(30_000)),
            });
        }
        if dice.below(10) == 0 {
            changes.push(Change::WriteOff(WriteOff {
                unit: match dice.below(80) as u8 {
                    last if last.is_multiple_of(3) => Unit::Serial(serial(last)),
                    last => mac(last).into(),
                },
                who: "Mei".to_owned(),
                why: "scrapped".to_owned(),
                at: started,
            }));
        }
    }
    for batch in changes.chunks(500) {
        for result in bench.store.commit(&batch.iter().collect::<Vec<_>>()) {
            result.unwrap();
        }
    }
}

#[test]
fn the_figures_of_a_random_history_are_those_of_plain_sql() {
    let mut bench = Bench::new();
    let mut dice = Dice(20_261_102);
    random_history(&mut bench, &mut dice, 3000);
    let reader = Reader::open(&bench.path).unwrap();
    for since in [None, Some(at("08:10:00")), Some(at("08:45:00"))] {
        let figures = reader.figures(Since(since)).unwrap();
        let sql = |sql: &str| -> Vec<i64> {
            let start_ms = since.map_or(i64::MIN, |since| since.as_millisecond());
            let sql = format!(
                "WITH everything AS (
                     SELECT *, ended_ms - started_ms AS took,
                         CASE WHEN mac IS NOT NULL THEN mac WHEN chip IS NOT NULL THEN serial END AS unit
                     FROM job),
                 closed AS (
                     SELECT * FROM everything
                     WHERE started_ms >= {start_ms} AND outcome IS NOT NULL AND golden IS NULL),
                 counted AS (
                     SELECT * FROM closed WHERE unit IS NOT NULL
                     AND (outcome IN ('PASS', 'WRITTEN') OR outcome = 'FAIL' AND code <> 'RETEST_LIMIT' OR outcome = 'ABORTED' AND flash_touched)),
                 ends AS (
                     SELECT min(number) AS first, max(number) AS last FROM counted GROUP BY unit)
                 {sql}"
            );
            (reader.connection)
                .query_row(&sql, [], |row| {
                    (0..row.as_ref().column_count())
                        .map(|column| row.get(column))
                        .collect()
                })
                .unwrap()
        };
        let period = &figures.period;
        let units = sql("SELECT count(*),
            sum(one.outcome = 'PASS' AND one.attempts = 1), sum(two.outcome = 'PASS'),
            sum(two.outcome = 'WRITTEN')
            FROM ends JOIN job one ON one.number = first JOIN job two ON two.number = last");
        let found = [
            period.units,
            period.first_pass,
            period.passed,
            period.written,
        ];
        assert_eq!(units, found.map(u64::cast_signed));

        let jobs = sql(
            "SELECT sum(outcome = 'PASS'), sum(outcome = 'WRITTEN'), sum(outcome = 'FAIL'),
            sum(outcome = 'FAIL' AND unit IS NULL), sum(outcome = 'ERROR'),
            sum(outcome = 'ABORTED'), sum(outcome = 'SKIPPED'),
            (SELECT count(*) FROM everything WHERE golden IS NOT NULL AND outcome IS NOT NULL
                AND started_ms >= (SELECT min(started_ms) FROM closed))
            FROM closed",
        );
        let found = period.jobs;
        let found = [
            found.passed,
            found.written,
            found.failed,
            found.no_contact,
            found.errors,
            found.aborted,
            found.skipped,
            found.golden,
        ];
        assert_eq!(jobs, found.map(u64::cast_signed));
        assert!(found.iter().all(|&jobs| jobs > 0), "a case is missing");

        let cycle = sql("SELECT CAST(avg(took) AS INTEGER) FROM (
            SELECT took, row_number() OVER (ORDER BY took) AS place, count(*) OVER () AS jobs
            FROM closed WHERE outcome = 'PASS')
            WHERE place IN ((jobs + 1) / 2, (jobs + 2) / 2)");
        let found = period.median_cycle.unwrap().as_millis();
        assert_eq!(cycle, [found as i64]);

        let mut most = u64::MAX;
        for &(code, jobs) in &period.failures {
            assert!(jobs <= most, "not sorted: {:?}", period.failures);
            most = jobs;
            let counted = sql(&format!(
                "SELECT count(*) FROM closed WHERE code = '{code}'"
            ));
            assert_eq!(counted, [jobs.cast_signed()], "{code}");
        }
        assert_eq!(
            sql(
                "SELECT count(DISTINCT code) FROM closed WHERE outcome NOT IN ('WRITTEN', 'SKIPPED')"
            ),
            [period.failures.len() as i64]
        );

        let open = sql("SELECT count(*) FROM (
            SELECT unit, max(number) AS cut FROM everything
            WHERE unit IS NOT NULL AND golden IS NULL AND (code IN ('UNPLUGGED', 'BOARD_SWAPPED')
                OR outcome IN ('ERROR', 'ABORTED') AND flash_touched)
            GROUP BY unit) AS left_open
            WHERE cut NOT IN (SELECT job FROM write_off)
            AND NOT EXISTS (SELECT 1 FROM everything
                WHERE unit = left_open.unit AND number > cut AND outcome IN ('PASS', 'WRITTEN'))");
        assert_eq!(open, [figures.open_units.len() as i64]);
        let hidden = |unit: &OpenUnit| matches!(unit.unit, Unit::Serial(_));
        assert!(figures.open_units.iter().any(hidden));
        assert!(!figures.open_units.iter().all(hidden));
    }
}

/// By the clock of a zone with a whole offset, so that plain SQL can tell its hours and days.
#[test]
fn the_day_of_a_random_history_is_that_of_plain_sql() {
    let mut bench = Bench::new();
    let mut dice = Dice(7);
    // a job each 25 seconds: two days and more
    for hours in 0..20 {
        random_history_from(
            &mut bench,
            &mut dice,
            360,
            at("02:10:00") + Duration::from_secs(hours * 9000),
            25,
        );
    }
    let reader = Reader::open(&bench.path).unwrap();
    let zone = TimeZone::fixed(jiff::tz::offset(3));
    // before the first, in the middle of the first and the second day, after the last
    for (now, empty) in [
        ("2026-11-01T12:00:00Z", true),
        ("2026-11-02T20:59:59Z", false),
        ("2026-11-02T21:00:00Z", false),
        ("2026-11-09T12:00:00Z", true),
    ] {
        let now: Timestamp = now.parse().unwrap();
        let day = reader.day(now, &zone).unwrap();
        let local = |column: &str| format!("({column} + 3 * 3600000)");
        let today = now.as_millisecond() + 3 * 3_600_000;
        let rows = |select: &str| -> Vec<Vec<i64>> {
            let sql = format!(
                "WITH closed AS (
                     SELECT *, CASE WHEN mac IS NOT NULL THEN mac WHEN chip IS NOT NULL THEN serial END AS unit
                     FROM job WHERE outcome IS NOT NULL AND golden IS NULL
                         AND {} / 86400000 = {today} / 86400000),
                 counted AS (
                     SELECT * FROM closed WHERE unit IS NOT NULL
                     AND (outcome IN ('PASS', 'WRITTEN') OR outcome = 'FAIL' AND code <> 'RETEST_LIMIT' OR outcome = 'ABORTED' AND flash_touched)),
                 units AS (
                     SELECT one.slot, {} / 3600000 AS hour,
                         one.outcome = 'PASS' AND one.attempts = 1 AS first_pass, two.outcome = 'PASS' AS passed
                     FROM (SELECT min(number) AS first, max(number) AS last FROM counted GROUP BY unit)
                     JOIN job one ON one.number = first JOIN job two ON two.number = last)
                 {select}",
                local("started_ms"),
                local("one.started_ms"),
            );
            let mut statement = reader.connection.prepare(&sql).unwrap();
            let columns = statement.column_count();
            let row =
                |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
            let rows = statement.query_map([], row).unwrap();
            rows.map(Result::unwrap).collect()
        };
        assert_eq!(day == Day::default(), empty, "{now}");

        let hours: Vec<_> = (day.hours.iter())
            .filter(|hour| hour.units > 0)
            .map(|hour| {
                let hour_number = (hour.from.as_millisecond() + 3 * 3_600_000) / 3_600_000;
                [
                    hour_number,
                    hour.units as i64,
                    hour.first_pass as i64,
                    hour.passed as i64,
                ]
                .to_vec()
            })
            .collect();
        let expected = "SELECT hour, count(*), sum(first_pass), sum(passed) FROM units GROUP BY hour ORDER BY hour";
        assert_eq!(hours, rows(expected));
        for pair in day.hours.windows(2) {
            assert_eq!(pair[1].from.duration_since(pair[0].from).as_secs(), 3600);
        }

        let slots: Vec<_> = (day.slots.iter())
            .map(|day| {
                let slot: i64 = day.slot.as_str().parse().unwrap();
                [
                    slot,
                    day.units as i64,
                    day.first_pass as i64,
                    day.no_contact as i64,
                ]
                .to_vec()
            })
            .collect();
        let expected = "
            SELECT CAST(closed.slot AS INTEGER),
                (SELECT count(*) FROM units WHERE units.slot = closed.slot),
                (SELECT ifnull(sum(first_pass), 0) FROM units WHERE units.slot = closed.slot),
                sum(closed.outcome = 'FAIL' AND closed.unit IS NULL)
            FROM closed GROUP BY closed.slot ORDER BY closed.slot";
        assert_eq!(slots, rows(expected));
        let failures: Vec<Vec<i64>> = (day.failures.iter())
            .map(|(_, jobs)| vec![*jobs as i64])
            .collect();
        let expected = "SELECT count(*) AS jobs FROM closed
            WHERE code IS NOT NULL AND outcome NOT IN ('WRITTEN', 'SKIPPED') GROUP BY code ORDER BY jobs DESC";
        assert_eq!(failures, rows(expected));
    }
}
