//! What is out of service: who or what stopped a slot or the line, when, and who set it free; and what a
//! station has to know of its past when it starts. Leaves out the rules of stopping (`station/failures`).

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params, params};

use super::warrants::{self, WrongPins};
use super::{lots, row};
use crate::event::{Code, Golden, LotName, Outcome, Role, SlotId, Unit, Who};

/// A slot or the line that takes no boards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfService {
    /// `None`: the line.
    pub slot: Option<SlotId>,
    pub cause: StopCause,
    pub since: Timestamp,
}

/// What took it out of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopCause {
    /// Someone. Of those read from the record the role is the least: whoever stops needs none.
    Asked { by: Who },
    /// So many failures in a row, the last one with this code.
    Failures { count: u32, code: Code },
}

/// A change of what is in service on a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceChange {
    Out(OutOfService),
    /// All that keeps this slot (`None`: the line) out of service is over.
    Free {
        slot: Option<SlotId>,
        by: Who,
        at: Timestamp,
    },
}

/// A job that has ended, as a station looks at it that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    pub slot: SlotId,
    pub unit: Option<Unit>,
    pub golden: Option<Golden>,
    pub outcome: Outcome,
    pub code: Option<Code>,
    pub bundle_digest: [u8; 32],
    pub ended: Timestamp,
}

/// What a station has to know of its past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// By their beginning.
    pub out: Vec<OutOfService>,
    /// When each slot (`None`: the line) was last set free.
    pub freed: Vec<(Option<SlotId>, Timestamp)>,
    /// The latest jobs, by their end: those among the record's last `JOBS_LOOKED_AT`.
    pub jobs: Vec<EndedJob>,
    /// Of supervisors whose last PIN was a wrong one.
    pub wrong_pins: Vec<WrongPins>,
    /// Lots that have ended.
    pub ended_lots: Vec<LotName>,
}

/// How far back runs of failures, and boards that their slots are through with, are looked for: some hours of a busy bench of 64 slots.
pub const JOBS_LOOKED_AT: i64 = 2_000;

/// Writes a change down.
pub fn change(
    connection: &Connection,
    station: &str,
    change: &ServiceChange,
) -> rusqlite::Result<()> {
    match change {
        ServiceChange::Out(out) => {
            let (who, count, code) = match &out.cause {
                StopCause::Asked { by } => (Some(&*by.name), None, None),
                StopCause::Failures { count, code } => (None, Some(*count), Some(code.word())),
            };
            connection
                .prepare_cached(
                    "INSERT INTO out_of_service (station, slot, since_ms, who, failures, code)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    station,
                    out.slot.as_ref().map(SlotId::as_str),
                    out.since.as_millisecond(),
                    who,
                    count,
                    code,
                ])?;
        }
        ServiceChange::Free { slot, by, at } => {
            connection
                .prepare_cached(
                    "UPDATE out_of_service SET freed_by = :by, freed_ms = max(:at, since_ms)
                     WHERE station = :station AND slot IS :slot AND freed_ms IS NULL",
                )?
                .execute(named_params! {
                    ":by": &*by.name,
                    ":at": at.as_millisecond(),
                    ":station": station,
                    ":slot": slot.as_ref().map(SlotId::as_str),
                })?;
        }
    }
    Ok(())
}

/// What this station has to know.
pub fn history(connection: &Connection, station: &str) -> rusqlite::Result<History> {
    let slot = |row: &Row<'_>| row.get::<_, Option<_>>("slot").map(|slot| slot.map(SlotId));
    let out = connection
        .prepare(
            "SELECT * FROM out_of_service WHERE station = ?1 AND freed_ms IS NULL ORDER BY number",
        )?
        .query_map([station], |row| {
            let cause = match row.get::<_, Option<String>>("who")? {
                Some(name) => StopCause::Asked {
                    by: Who::new(&name, Role::Operator),
                },
                None => StopCause::Failures {
                    count: row.get("failures")?,
                    code: row::required(row, "code", Code::from_word)?,
                },
            };
            Ok(OutOfService {
                slot: slot(row)?,
                cause,
                since: row::time(row, "since_ms")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let freed = connection
        .prepare(
            "SELECT slot, max(freed_ms) AS at_ms FROM out_of_service
             WHERE station = ?1 AND freed_ms IS NOT NULL GROUP BY slot",
        )?
        .query_map([station], |row| Ok((slot(row)?, row::time(row, "at_ms")?)))?
        .collect::<rusqlite::Result<_>>()?;
    let jobs = connection
        .prepare(&format!(
            "SELECT bundle_digest, {} FROM job
             WHERE number > (SELECT max(number) FROM job) - ?1 AND station = ?2
                 AND ended_ms IS NOT NULL
             ORDER BY ended_ms, number",
            row::CLOSED_JOB
        ))?
        .query_map(params![JOBS_LOOKED_AT, station], |row| {
            let job = row::closed_job(row)?;
            Ok(EndedJob {
                slot: job.slot,
                unit: job.unit,
                golden: job.golden,
                outcome: job.outcome,
                code: job.code,
                bundle_digest: row::required(row, "bundle_digest", crate::image::unhex)?,
                ended: job.ended,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(History {
        out,
        freed,
        jobs,
        wrong_pins: warrants::wrong_pins(connection, station)?,
        ended_lots: lots::ended(connection)?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::change::Change;
    use crate::record::testbench::{Bench, at, mac};

    const STATION: &str = "bench 1";

    fn keep(bench: &mut Bench, station: &str, change: ServiceChange) {
        let station = station.to_owned();
        let kept = bench.change(Change::Service { station, change });
        assert!(kept.unwrap());
    }

    fn out(slot: Option<&str>, cause: StopCause, since: &str) -> OutOfService {
        OutOfService {
            slot: slot.map(SlotId::new),
            cause,
            since: at(since),
        }
    }

    fn asked() -> StopCause {
        StopCause::Asked {
            by: Who::new("li", Role::Operator),
        }
    }

    fn free(slot: Option<&str>, time: &str) -> ServiceChange {
        ServiceChange::Free {
            slot: slot.map(SlotId::new),
            by: Who::new("anna", Role::Supervisor),
            at: at(time),
        }
    }

    #[test]
    fn what_is_out_stays_out_over_a_restart_until_it_is_freed() {
        let mut bench = Bench::new();
        let failed = StopCause::Failures {
            count: 3,
            code: Code::NoSync,
        };
        let all = [
            out(Some("1"), asked(), "08:01:00"),
            out(Some("1"), failed.clone(), "08:02:00"),
            out(Some("2"), failed.clone(), "08:03:00"),
            out(None, failed, "08:04:00"),
        ];
        for change in &all {
            keep(&mut bench, STATION, ServiceChange::Out(change.clone()));
        }
        // another station's are its own
        let others = ServiceChange::Out(out(Some("1"), asked(), "08:05:00"));
        keep(&mut bench, "bench 2", others);
        let (mut bench, _) = bench.reopen(at("09:00:00"));
        let history = bench.store.history(STATION).unwrap();
        assert_eq!((&history.out[..], &history.freed[..]), (&all[..], &[][..]));

        // both of slot 1's at once
        keep(&mut bench, STATION, free(Some("1"), "09:01:00"));
        keep(&mut bench, STATION, free(None, "09:02:00"));
        let (bench, _) = bench.reopen(at("10:00:00"));
        let history = bench.store.history(STATION).unwrap();
        assert_eq!(history.out, all[2..3]);
        assert_eq!(
            history.freed,
            [
                (None, at("09:02:00")),
                (Some(SlotId::new("1")), at("09:01:00"))
            ]
        );
        assert_eq!(bench.store.history("bench 2").unwrap().out.len(), 1);
    }

    #[test]
    fn the_last_jobs_come_by_their_end() {
        let mut bench = Bench::new();
        bench.job("08:00:30", Some(Code::NoSync), 2, 0);
        bench.job("08:00:10", None, 1, 100);
        let history = bench.store.history(STATION).unwrap();
        let ended = |time: &str, board, outcome, code| EndedJob {
            slot: SlotId::new("3"),
            unit: Some(mac(board).into()),
            golden: None,
            outcome,
            code,
            bundle_digest: [0xAB; 32],
            ended: at(time) + Duration::from_secs(12),
        };
        assert_eq!(
            history.jobs,
            [
                ended("08:00:10", 1, Outcome::Pass, None),
                ended("08:00:30", 2, Outcome::Fail, Some(Code::NoSync)),
            ]
        );
        assert_eq!(bench.store.history("bench 2").unwrap(), History::default());
    }
}
