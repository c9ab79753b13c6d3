//! Questions, on a read-only connection of their own: usable while the daemon writes, from any process.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, Transaction};

use super::store::day_of;
use super::tally::{ClosedJob, Tally};
use super::{
    Day, JobFilter, JobRow, LotStanding, OpenUnit, RecordError, Since, SlowSlot, Story, Yield,
    find, lots, pace, row, schema, story,
};
use crate::event::{JobId, LotName, Unit};

/// A database opened for questions.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
}

/// What a report tells, all of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub period: Yield,
    /// Jobs that started in the period and have not ended.
    pub running: u64,
    /// All of them, whenever they were left; of a lot, its own.
    pub open_units: Vec<OpenUnit>,
    /// Of the period, by name.
    pub slow_slots: Vec<SlowSlot>,
}

impl Reader {
    /// Opens an existing database.
    pub fn open(path: &Path) -> Result<Reader, RecordError> {
        Ok(Reader {
            path: path.to_owned(),
            connection: schema::open_reader(path)?,
        })
    }

    /// The figures of the jobs that the question is about.
    pub fn figures(&self, since: Since) -> Result<Figures, RecordError> {
        self.read(|snapshot| {
            Ok(Figures {
                period: tally(snapshot, since)?.figures(),
                running: snapshot
                    .query_row::<i64, _, _>(
                        "SELECT count(*) FROM job WHERE ended_ms IS NULL AND started_ms >= ?1",
                        [start_ms(since)],
                        |row| row.get(0),
                    )?
                    .unsigned_abs(),
                open_units: open_units(snapshot)?,
                slow_slots: pace::slow_slots(snapshot, since)?,
            })
        })
    }

    /// Every lot that there ever was: running ones first, then by their name.
    pub fn lots(&self) -> Result<Vec<LotStanding>, RecordError> {
        self.read(lots::all)
    }

    /// A lot and what a report tells of it; `None`: there never was one of this name.
    pub fn lot_figures(
        &self,
        lot: &LotName,
    ) -> Result<Option<(LotStanding, Figures)>, RecordError> {
        self.read(|snapshot| {
            let Some(standing) = lots::one(snapshot, lot)? else {
                return Ok(None);
            };
            let running: i64 = snapshot.query_row(
                "SELECT count(*) FROM job WHERE lot = ?1 AND ended_ms IS NULL",
                [lot.as_str()],
                |row| row.get(0),
            )?;
            let open_units = snapshot
                .prepare(
                    "SELECT open_unit.unit, job.slot, job.ended_ms, job.code
                     FROM open_unit JOIN job ON job.number = open_unit.job
                     WHERE job.lot = ?1 ORDER BY open_unit.unit",
                )?
                .query_map([lot.as_str()], row::open_unit)?
                .collect::<rusqlite::Result<_>>()?;
            let figures = Figures {
                period: standing.figures.clone(),
                running: running.unsigned_abs(),
                open_units,
                // slots are compared by what they did in a period, whatever it was for
                slow_slots: Vec::new(),
            };
            Ok(Some((standing, figures)))
        })
    }

    /// Every job of a period, by arrival.
    pub fn jobs(&self, since: Since) -> Result<Vec<JobRow>, RecordError> {
        self.read(|snapshot| {
            snapshot
                .prepare("SELECT * FROM job WHERE started_ms >= ?1 ORDER BY number")?
                .query_map([start_ms(since)], row::job_row)?
                .collect()
        })
    }

    /// Every job of one unit, by arrival.
    pub fn jobs_of(&self, unit: &Unit) -> Result<Vec<JobRow>, RecordError> {
        self.read(|snapshot| {
            snapshot
                .prepare(match unit {
                    Unit::Mac(_) => "SELECT * FROM job WHERE mac = ?1 ORDER BY number",
                    Unit::Serial(_) => {
                        "SELECT * FROM job WHERE serial = ?1 AND mac IS NULL AND chip IS NOT NULL
                         ORDER BY number"
                    }
                })?
                .query_map(
                    [match unit {
                        Unit::Mac(mac) => mac.to_string(),
                        Unit::Serial(serial) => serial.to_string(),
                    }],
                    row::job_row,
                )?
                .collect()
        })
    }

    /// The jobs that fit, newest first; see `find`.
    pub fn newest(&self, filter: &JobFilter) -> Result<Vec<JobRow>, RecordError> {
        self.read(|snapshot| find::newest(snapshot, filter))
    }

    /// The day around a moment, by the clocks of a zone.
    pub fn day(&self, now: Timestamp, zone: &TimeZone) -> Result<Day, RecordError> {
        let (from, until) = day_of(now, zone);
        self.read(|snapshot| {
            let jobs = closed_jobs(snapshot, Since(Some(from)))?.into_iter();
            let mut tally = Tally::default();
            for job in jobs.filter(|job| job.started < until) {
                tally.add(&job);
            }
            Ok(tally.day(zone))
        })
    }

    /// The jobs whose id begins like this, oldest first, at most ten.
    pub fn jobs_like(&self, prefix: &str) -> Result<Vec<JobRow>, RecordError> {
        self.read(|snapshot| story::jobs_like(snapshot, prefix))
    }

    /// All that is known of a job; `None`: there is none with this id.
    pub fn story(&self, job: JobId) -> Result<Option<Story>, RecordError> {
        self.read(|snapshot| story::story(snapshot, &job.to_string()))
    }

    /// One transaction, so that all parts of an answer are of one moment.
    fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, RecordError> {
        let answer = || {
            let snapshot: Transaction<'_> = self.connection.unchecked_transaction()?;
            ask(&snapshot)
        };
        answer().map_err(|error| RecordError::reading(&self.path, error))
    }
}

/// The figures of a period's closed jobs.
pub fn tally(connection: &Connection, since: Since) -> rusqlite::Result<Tally> {
    let mut tally = Tally::default();
    each_closed(connection, since, |job| {
        tally.add(&job);
    })?;
    Ok(tally)
}

/// A period's closed jobs, in the order in which they ended.
pub fn closed_jobs(connection: &Connection, since: Since) -> rusqlite::Result<Vec<ClosedJob>> {
    let mut jobs = Vec::new();
    each_closed(connection, since, |job| jobs.push(job))?;
    jobs.sort_by_key(|job| (job.ended, job.number));
    Ok(jobs)
}

fn each_closed(
    connection: &Connection,
    since: Since,
    mut take: impl FnMut(ClosedJob),
) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT {} FROM job WHERE started_ms >= ?1 AND ended_ms IS NOT NULL",
        row::CLOSED_JOB
    );
    let mut statement = connection.prepare_cached(&sql)?;
    for job in statement.query_map([start_ms(since)], row::closed_job)? {
        take(job?);
    }
    Ok(())
}

/// By unit.
pub fn open_units(connection: &Connection) -> rusqlite::Result<Vec<OpenUnit>> {
    connection
        .prepare_cached(
            "SELECT open_unit.unit, job.slot, job.ended_ms, job.code
             FROM open_unit JOIN job ON job.number = open_unit.job ORDER BY open_unit.unit",
        )?
        .query_map([], row::open_unit)?
        .collect()
}

/// The first millisecond that the question is about.
pub fn start_ms(since: Since) -> i64 {
    since.0.map_or(i64::MIN, jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests;
