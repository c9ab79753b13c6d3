//! How fast slots are: the rate at which a slot's next job is best begun, and the slots that are slower
//! than their neighbours. The rules, and their SQL.
//!
//! - The best rate of a slot: the highest at which at least as many of its recent good jobs ended as had
//!   to go below it. Recent are its last [`RECENT_JOBS`] that ended PASS or WRITTEN, wrote something,
//!   were of the same bundle and no older than [`RECENT`]. So a slot with a bad cable stops trying what
//!   its bridge cannot do after a few boards, and tries again with the next shift.
//! - A slot's usual rate is that at which most of its good jobs of a period ended (of several the
//!   lowest), its pace the median of what these wrote in a second. Its neighbours are the other slots
//!   with [`LEAST_JOBS`] such jobs or more.
//! - A slot is slow when its usual rate is below the median of its neighbours', or at the same rate its
//!   pace is less than [`SLOW_PERCENT`] of their median.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::Since;
use super::reader::start_ms;
use crate::event::SlotId;
use crate::image::hex;

pub const RECENT_JOBS: usize = 8;
pub const RECENT: Duration = Duration::from_secs(12 * 3600);
pub const LEAST_JOBS: usize = 5;
pub const SLOW_PERCENT: u64 = 80;

/// Less than this tells nothing of a slot's pace.
const LEAST_BYTES: i64 = 64 << 10;

/// A slot that is slower than its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowSlot {
    pub slot: SlotId,
    /// Good jobs of the period that wrote enough to tell.
    pub jobs: u64,
    pub baud: u32,
    pub neighbours_baud: u32,
    /// Flash bytes a second, while writing.
    pub bytes_per_second: u64,
    pub neighbours_bytes_per_second: u64,
}

/// How a good job ended.
#[derive(Debug, Clone, Copy)]
struct Ended {
    baud: u32,
    rate_retries: u32,
}

fn best(recent: &[Ended]) -> Option<u32> {
    let is_trusted = |rate: u32| {
        let ended_there = recent.iter().filter(|job| job.baud == rate).count();
        let went_below = recent
            .iter()
            .filter(|job| job.baud < rate && job.rate_retries > 0)
            .count();
        ended_there >= went_below
    };
    let rates = recent.iter().map(|job| job.baud);
    rates.filter(|rate| is_trusted(*rate)).max()
}

/// The best rate of a slot; `None` where no recent job tells.
pub fn best_rate(
    connection: &Connection,
    slot: &SlotId,
    bundle_digest: &[u8; 32],
    now: jiff::Timestamp,
) -> rusqlite::Result<Option<u32>> {
    let oldest = now.checked_sub(RECENT).unwrap_or(jiff::Timestamp::MIN);
    let recent: Vec<Ended> = connection
        .prepare_cached(
            "SELECT baud, rate_retries FROM job
             WHERE slot = ?1 AND bundle_digest = ?2 AND started_ms >= ?3
                 AND outcome IN ('PASS', 'WRITTEN') AND bytes_written > 0 AND baud > 0
                 AND golden IS NULL
             ORDER BY number DESC LIMIT ?4",
        )?
        .query_map(
            params![
                slot.as_str(),
                hex(bundle_digest),
                oldest.as_millisecond(),
                RECENT_JOBS as i64
            ],
            |row| {
                Ok(Ended {
                    baud: row.get(0)?,
                    rate_retries: row.get(1)?,
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    Ok(best(&recent))
}

/// What is known of a slot's good jobs.
#[derive(Debug, Default, Clone)]
struct Pace {
    bauds: Vec<u32>,
    bytes_per_second: Vec<u64>,
}

impl Pace {
    fn usual_baud(&self) -> u32 {
        let mut counted: BTreeMap<u32, usize> = BTreeMap::new();
        for baud in &self.bauds {
            *counted.entry(*baud).or_default() += 1;
        }
        let most = counted.values().max().copied();
        let usual = counted.into_iter().find(|(_, jobs)| Some(*jobs) == most);
        usual.map_or(0, |(baud, _)| baud)
    }
}

/// The middle one, of an even number the lower: it is one that was measured.
fn middle<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    values.get(last / 2).copied()
}

fn slow(paces: &BTreeMap<SlotId, Pace>) -> Vec<SlowSlot> {
    let told: Vec<(&SlotId, usize, u32, u64)> = paces
        .iter()
        .filter(|(_, pace)| pace.bauds.len() >= LEAST_JOBS)
        .filter_map(|(slot, pace)| {
            let bytes_per_second = middle(pace.bytes_per_second.clone())?;
            Some((slot, pace.bauds.len(), pace.usual_baud(), bytes_per_second))
        })
        .collect();
    let slow = told
        .iter()
        .filter_map(|&(slot, jobs, baud, bytes_per_second)| {
            let others = || told.iter().filter(|(other, ..)| *other != slot);
            let neighbours_baud = middle(others().map(|(_, _, baud, _)| *baud).collect())?;
            let neighbours = middle(others().map(|(_, _, _, pace)| *pace).collect())?;
            let is_slow = baud < neighbours_baud
                || baud == neighbours_baud && bytes_per_second * 100 < neighbours * SLOW_PERCENT;
            is_slow.then(|| SlowSlot {
                slot: slot.clone(),
                jobs: jobs as u64,
                baud,
                neighbours_baud,
                bytes_per_second,
                neighbours_bytes_per_second: neighbours,
            })
        });
    slow.collect()
}

/// The slots that were slower than their neighbours in a period, by name.
pub fn slow_slots(connection: &Connection, since: Since) -> rusqlite::Result<Vec<SlowSlot>> {
    let mut paces: BTreeMap<SlotId, Pace> = BTreeMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT slot, baud, bytes_written * 1000000 / sum(took_us) AS pace
         FROM job JOIN step ON step.job = job.number AND step.step = 'write'
         WHERE started_ms >= ?1 AND outcome IN ('PASS', 'WRITTEN') AND bytes_written >= ?2
             AND golden IS NULL
         GROUP BY number HAVING sum(took_us) > 0",
    )?;
    let jobs = statement.query_map(params![start_ms(since), LEAST_BYTES], |row| {
        let pace: i64 = row.get("pace")?;
        Ok((
            SlotId(row.get("slot")?),
            row.get::<_, u32>("baud")?,
            pace.unsigned_abs(),
        ))
    })?;
    for job in jobs {
        let (slot, baud, bytes_per_second) = job?;
        let pace = paces.entry(slot).or_default();
        pace.bauds.push(baud);
        pace.bytes_per_second.push(bytes_per_second);
    }
    Ok(slow(&paces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Code, Step};
    use crate::job::{Retries, StepResult, Verdict};
    use crate::record::change::Change;
    use crate::record::testbench::{Bench, at, board, new_job, verdict};
    use crate::record::{NewJob, Reader};

    #[test]
    fn the_best_rate_of_recent_jobs() {
        const HIGH: u32 = 921_600;
        const LOW: u32 = 460_800;
        let check = |jobs: &[(u32, u32)], expected: Option<u32>| {
            let jobs: Vec<Ended> = (jobs.iter())
                .map(|&(baud, rate_retries)| Ended { baud, rate_retries })
                .collect();
            assert_eq!(best(&jobs), expected, "{jobs:?}");
        };
        check(&[], None);
        check(&[(HIGH, 0)], Some(HIGH));
        // it never came up: there is nothing to try again
        check(&[(LOW, 1), (LOW, 1)], Some(LOW));
        // noise on one board is no reason to slow down
        check(&[(LOW, 1), (HIGH, 0), (HIGH, 0)], Some(HIGH));
        check(&[(LOW, 1), (LOW, 1), (HIGH, 0), (HIGH, 0)], Some(HIGH));
        check(
            &[(LOW, 1), (LOW, 1), (LOW, 1), (HIGH, 0), (HIGH, 0)],
            Some(LOW),
        );
        // started low, and told nothing of the higher rate
        check(&[(LOW, 0), (LOW, 0), (LOW, 0), (HIGH, 0)], Some(HIGH));
        check(
            &[(115_200, 2), (115_200, 2), (LOW, 1), (HIGH, 0)],
            Some(115_200),
        );
    }

    fn paces(slots: &[(&str, &[(u32, u64)])]) -> BTreeMap<SlotId, Pace> {
        let pace = |jobs: &[(u32, u64)]| Pace {
            bauds: jobs.iter().map(|(baud, _)| *baud).collect(),
            bytes_per_second: jobs.iter().map(|(_, pace)| *pace).collect(),
        };
        (slots.iter())
            .map(|(name, jobs)| (SlotId::new(name), pace(jobs)))
            .collect()
    }

    #[test]
    fn slots_that_are_slower_than_their_neighbours() {
        let good: &[(u32, u64)] = &[(921_600, 90_000); 5];
        let low: &[(u32, u64)] = &[(460_800, 45_000); 5];
        let dull: &[(u32, u64)] = &[(921_600, 71_000); 5];
        let few: &[(u32, u64)] = &[(460_800, 45_000); 4];
        let check = |slots: &[(&str, &[(u32, u64)])], expected: &[&str]| {
            let slow = slow(&paces(slots));
            let found: Vec<&str> = slow.iter().map(|slow| slow.slot.as_str()).collect();
            assert_eq!(found, expected, "{slots:?}");
        };
        check(&[("1", low)], &[]);
        check(&[("1", good), ("2", good), ("3", good)], &[]);
        check(&[("1", good), ("2", low), ("3", good)], &["2"]);
        check(&[("1", good), ("2", few), ("3", good)], &[]);
        check(&[("1", good), ("2", dull), ("3", good)], &["2"]);
        check(&[("1", low), ("2", low), ("3", good)], &[]);
        // a usual rate is that of most jobs
        let mixed: &[(u32, u64)] = &[
            (921_600, 90_000),
            (921_600, 90_000),
            (921_600, 90_000),
            (460_800, 45_000),
            (460_800, 45_000),
        ];
        check(&[("1", good), ("2", mixed), ("3", good)], &[]);
    }

    /// A good job of `seconds` of writing.
    fn job(bench: &mut Bench, slot: &str, started: jiff::Timestamp, baud: u32, code: Option<Code>) {
        let new = NewJob {
            ..new_job(slot, started)
        };
        let job = new.job;
        bench.change(Change::Open(new)).unwrap();
        let write = StepResult {
            step: Step::Write,
            attempt: 1,
            began: Duration::from_secs(1),
            took: Duration::from_secs(u64::from(9_216_000 / baud)),
            code: None,
        };
        let retries = Retries {
            rates: u32::from(baud < 921_600),
            ..Retries::default()
        };
        let verdict = Verdict {
            baud,
            retries,
            bytes_written: 1 << 20,
            steps: vec![write],
            ..verdict(code, Some(board(1)))
        };
        let ended = started + Duration::from_secs(12);
        let closed = Change::Close {
            job,
            verdict,
            ended,
        };
        assert!(bench.change(closed).unwrap());
    }

    #[test]
    fn the_record_tells_both() {
        let mut bench = Bench::new();
        for index in 0..6 {
            let started = at("08:00:00") + Duration::from_secs(60 * index);
            for slot in ["1", "2", "4"] {
                job(&mut bench, slot, started, 921_600, None);
            }
            job(&mut bench, "3", started, 460_800, Some(Code::NotVerified));
            job(
                &mut bench,
                "5",
                started,
                115_200,
                Some(Code::VerifyMismatch),
            );
        }
        let best = |slot: &str, digest: u8, now: &str| {
            let connection = crate::record::schema::open_reader(&bench.path).unwrap();
            best_rate(&connection, &SlotId::new(slot), &[digest; 32], at(now)).unwrap()
        };
        assert_eq!(best("1", 0xAB, "09:00:00"), Some(921_600));
        assert_eq!(best("3", 0xAB, "09:00:00"), Some(460_800));
        assert_eq!(
            best("5", 0xAB, "09:00:00"),
            None,
            "what failed tells nothing"
        );
        assert_eq!(best("1", 0xCD, "09:00:00"), None, "another bundle");
        assert_eq!(best("1", 0xAB, "20:30:00"), None, "the next shift");

        let reader = Reader::open(&bench.path).unwrap();
        let slow = reader.figures(Since::default()).unwrap().slow_slots;
        assert_eq!(
            slow,
            [SlowSlot {
                slot: SlotId::new("3"),
                jobs: 6,
                baud: 460_800,
                neighbours_baud: 921_600,
                bytes_per_second: (1 << 20) / 20,
                neighbours_bytes_per_second: (1 << 20) / 10,
            }]
        );
    }
}
