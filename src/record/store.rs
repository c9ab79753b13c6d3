//! The database as its one writer holds it, synchronously: committing changes, telling where the line
//! stands after them, and whether more could be written. Leaves out threads and channels (`writer`),
//! each change's SQL (`change`) and the rules of yield (`tally`).

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, TransactionBehavior, params};

use super::again;
use super::change::{self, Applied, Change};
use super::lock::{self, Lock};
use super::lots::Lots;
use super::tally::{ClosedJob, Tally};
use super::worst::Tries;
use super::{
    Came, Comer, History, RecordError, Since, Standing, pace, reader, row, schema, service,
};
use crate::event::{Code, Outcome, SlotId};

/// The database as its one writer holds it.
#[derive(Debug)]
pub struct Store {
    // dropped before the lock
    connection: Connection,
    path: PathBuf,
    file: FileIdentity,
    zone: TimeZone,
    today: Today,
    lots: Lots,
    /// Changes that figures depend on, since it was opened.
    changes: u64,
    _lock: Lock,
}

/// Device and inode: a database that was moved or deleted takes rows that nobody will find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl FileIdentity {
    fn of(path: &Path) -> std::io::Result<FileIdentity> {
        let file = std::fs::metadata(path)?;
        Ok(FileIdentity(file.dev(), file.ino()))
    }
}

/// The running figures of a local day.
#[derive(Debug)]
struct Today {
    from: Timestamp,
    until: Timestamp,
    /// SQLite's `data_version`: another one means that another process wrote.
    data_version: i64,
    tally: Tally,
    tries: Tries,
    /// As of the last refresh.
    standing: Standing,
    /// Jobs have been counted since.
    stale: bool,
}

impl Store {
    /// Takes the lock, creates or migrates, and closes what an earlier process left open; tells how
    /// many jobs those were. Days are those of `zone`.
    pub fn open(
        path: &Path,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<(Store, usize), RecordError> {
        let path = lock::resolve(path)?;
        let lock = Lock::take(&path)?;
        let mut connection = schema::open_writer(&path)?;
        let interrupted = close_interrupted(&mut connection, now)
            .map_err(|error| RecordError::writing(&path, error))?;
        let file = FileIdentity::of(&path).map_err(|error| RecordError::Open {
            path: path.clone(),
            why: error.to_string(),
        })?;
        let reading = |error| RecordError::reading(&path, error);
        let mut lots = Lots::load(&connection).map_err(reading)?;
        let today = Today::load(&connection, &mut lots, &zone, now).map_err(reading)?;
        let store = Store {
            connection,
            path,
            file,
            zone,
            today,
            lots,
            changes: 0,
            _lock: lock,
        };
        Ok((store, interrupted))
    }

    /// Makes the changes in one transaction; where that fails, each in one of its own. An answer says
    /// whether the change found what it is about. All is on the disk when this returns.
    pub fn commit(&mut self, changes: &[&Change]) -> Vec<Result<bool, RecordError>> {
        if let Err(gone) = self.still_there() {
            return changes.iter().map(|_| Err(gone.clone())).collect();
        }
        match change::commit(&mut self.connection, changes) {
            Ok(applied) => applied
                .into_iter()
                .map(|applied| Ok(self.take_in(applied)))
                .collect(),
            Err(error) if changes.len() == 1 => {
                vec![Err(RecordError::writing(&self.path, error))]
            }
            Err(_) => changes
                .iter()
                .flat_map(|change| self.commit(&[change]))
                .collect(),
        }
    }

    /// Where the line stands at `now`.
    pub fn standing(&mut self, now: Timestamp) -> Standing {
        let refreshed = data_version(&self.connection).and_then(|version| {
            if version != self.today.data_version || !self.today.covers(now) {
                self.today = Today::load(&self.connection, &mut self.lots, &self.zone, now)?;
            } else if self.today.stale {
                self.today.refresh(&self.connection, &mut self.lots)?;
            }
            Ok(())
        });
        if let Err(error) = refreshed {
            tracing::error!(path = %self.path.display(), %error, "the figures are those of before");
        }
        Standing {
            changes: self.changes,
            ..self.today.standing.clone()
        }
    }

    /// Counts what was committed; hands on whether it changed anything.
    fn take_in(&mut self, applied: Applied) -> bool {
        if let Some(job) = &applied.closed {
            self.changes += 1;
            self.today.take_in(job);
            self.lots.take_in(job);
        }
        if applied.lots_changed {
            self.changes += 1;
            self.lots.changed();
        }
        self.today.stale = true;
        applied.changed
    }

    /// The rate at which the slot's next job with this bundle is best begun; see `pace`.
    pub fn best_rate(
        &self,
        slot: &SlotId,
        bundle_digest: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<u32>, RecordError> {
        pace::best_rate(&self.connection, slot, bundle_digest, now)
            .map_err(|error| RecordError::reading(&self.path, error))
    }

    /// What there is to say of a board that comes; see `again`.
    pub fn comes(&mut self, comer: &Comer) -> Result<Came, RecordError> {
        self.still_there()?;
        again::comes(&mut self.connection, comer)
            .map_err(|error| RecordError::writing(&self.path, error))
    }

    /// What this station has to know of its past.
    pub fn history(&self, station: &str) -> Result<History, RecordError> {
        service::history(&self.connection, station)
            .map_err(|error| RecordError::reading(&self.path, error))
    }

    /// The digest, in hex, of the bundle that was approved last for a manifest.
    pub fn approved(&self, manifest: &str) -> Result<Option<String>, RecordError> {
        change::approved(&self.connection, manifest)
            .map_err(|error| RecordError::reading(&self.path, error))
    }

    /// Writes a row of its own, and looks at the disk.
    pub fn check(&mut self, reserve_bytes: u64, now: Timestamp) -> Result<(), RecordError> {
        self.still_there()?;
        let free_bytes = free_bytes(&self.path)?;
        if free_bytes < reserve_bytes {
            return Err(RecordError::DiskFull {
                path: self.path.clone(),
                free_bytes,
                reserve_bytes,
            });
        }
        note_write(&self.connection, now).map_err(|error| RecordError::writing(&self.path, error))
    }

    fn still_there(&self) -> Result<(), RecordError> {
        match FileIdentity::of(&self.path) {
            Ok(file) if file == self.file => Ok(()),
            _ => Err(RecordError::Write {
                path: self.path.clone(),
                why: "it was moved, deleted or replaced while in use: start flashline again"
                    .to_owned(),
            }),
        }
    }
}

impl Today {
    fn load(
        connection: &Connection,
        lots: &mut Lots,
        zone: &TimeZone,
        now: Timestamp,
    ) -> rusqlite::Result<Today> {
        let (from, until) = day_of(now, zone);
        let data_version = data_version(connection)?;
        let mut today = Today {
            from,
            until,
            data_version,
            tally: Tally::default(),
            tries: Tries::default(),
            standing: Standing::default(),
            stale: true,
        };
        for job in reader::closed_jobs(connection, Since(Some(from)))? {
            today.take_in(&job);
        }
        today.refresh(connection, lots)?;
        Ok(today)
    }

    fn covers(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    fn refresh(&mut self, connection: &Connection, lots: &mut Lots) -> rusqlite::Result<()> {
        self.standing = Standing {
            today: self.tally.figures(),
            units_per_hour: self.tally.units_per_hour(),
            worst_slot: self.tries.worst(),
            open_units: reader::open_units(connection)?,
            lots: lots.standing(connection)?,
            ..Standing::default()
        };
        self.stale = false;
        Ok(())
    }

    /// Counts a job in, where it is of this day.
    fn take_in(&mut self, job: &ClosedJob) {
        if self.from <= job.started {
            let counted = self.tally.add(job);
            self.tries.add(job, counted);
        }
    }
}

/// The local day around a moment: its first, and the next one's first.
pub fn day_of(now: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let midnight = now.to_zoned(zone.clone()).start_of_day();
    let next = midnight.and_then(|midnight| midnight.tomorrow()?.start_of_day());
    match (now.to_zoned(zone.clone()).start_of_day(), next) {
        (Ok(from), Ok(until)) => (from.timestamp(), until.timestamp()),
        // at the ends of time (the years -9999 and 9999) every day is this one
        _ => (Timestamp::MIN, Timestamp::MAX),
    }
}

/// Closes what an earlier process left open. Nobody can tell whether a board that was identified had
/// been written to, so it counts as touched.
fn close_interrupted(connection: &mut Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    note_write(&transaction, now)?;
    transaction.execute(
        &format!(
            "INSERT OR REPLACE INTO open_unit SELECT {0}, number FROM job
             WHERE ended_ms IS NULL AND golden IS NULL AND {0} IS NOT NULL ORDER BY number",
            row::UNIT
        ),
        [],
    )?;
    let jobs = transaction.execute(
        "UPDATE job SET ended_ms = max(?1, started_ms), outcome = ?2, code = ?3,
             detail = 'flashline ended before the job did', flash_touched = chip IS NOT NULL
         WHERE ended_ms IS NULL",
        params![
            now.as_millisecond(),
            Outcome::Aborted.name(),
            Code::Interrupted.word()
        ],
    )?;
    transaction.commit()?;
    Ok(jobs)
}

fn note_write(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO write_check VALUES (1, ?1)")?
        .execute([now.as_millisecond()])?;
    Ok(())
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

fn free_bytes(path: &Path) -> Result<u64, RecordError> {
    let disk = rustix::fs::statvfs(path).map_err(|error| RecordError::Read {
        path: path.to_owned(),
        why: format!("its disk's free space: {error}"),
    })?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests;
