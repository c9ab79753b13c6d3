//! What is out of service: who or what stopped a slot or the line, when, and who set it free; and what a
//! station has to know of its past when it starts. Leaves out the rules of stopping (`station/failures`).

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params, params};

use super::row;
use crate::event::{Code, Outcome, Role, SlotId, Unit, Who};

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

/// A job that has ended, as the rules of stopping look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    pub slot: SlotId,
    pub unit: Option<Unit>,
    pub outcome: Outcome,
    pub code: Option<Code>,
    pub ended: Timestamp,
}

/// What a station has to know of its past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// By their beginning.
    pub out: Vec<OutOfService>,
    /// When each slot (`None`: the line) was last set free.
    pub freed: Vec<(Option<SlotId>, Timestamp)>,
    /// The latest jobs, by their end: those among the record's last [`JOBS_LOOKED_AT`].
    pub jobs: Vec<EndedJob>,
}

/// How far back runs of failures are looked for: some hours of a busy bench of 64 slots.
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
            "SELECT slot, ended_ms, {} FROM job
             WHERE number > (SELECT max(number) FROM job) - ?1 AND station = ?2
                 AND ended_ms IS NOT NULL
             ORDER BY ended_ms, number",
            row::CLOSED_JOB
        ))?
        .query_map(params![JOBS_LOOKED_AT, station], |row| {
            let job = row::closed_job(row)?;
            Ok(EndedJob {
                slot: SlotId(row.get("slot")?),
                unit: job.unit,
                outcome: job.outcome,
                code: job.code,
                ended: row::time(row, "ended_ms")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(History { out, freed, jobs })
}
