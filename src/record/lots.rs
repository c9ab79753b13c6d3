//! Lots in the record: entered, started, paused and ended there, and how far each is. The figures of lots that
//! have not ended are kept as jobs close. Leaves out what may be done with a lot when (`station/lots`).

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::change::keep_bundle;
use super::speed::to_go;
use super::tally::{ClosedJob, Tally};
use super::{LotStanding, Yield, row};
use crate::event::{FirstArticle, LotName, LotState, Outcome, Role, Who};
use crate::image::hex;

/// Something that is done with a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotChange {
    pub lot: LotName,
    pub step: LotStep,
    pub by: Who,
    pub at: Timestamp,
}

/// What is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LotStep {
    Enter(NewLotRow),
    Start,
    Pause,
    ApproveFirstArticle,
    End,
}

/// A lot as it is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLotRow {
    pub product: String,
    pub version: String,
    pub bundle_digest: [u8; 32],
    /// The manifest's text: kept once per bundle.
    pub manifest_text: Arc<str>,
    /// The customer's.
    pub order: Option<String>,
    /// From 1 on.
    pub target: u64,
    pub first_article: FirstArticle,
}

impl LotStep {
    /// The word in the record.
    const fn name(&self) -> &'static str {
        match self {
            LotStep::Enter(_) => "approved",
            LotStep::Start => "started",
            LotStep::Pause => "paused",
            LotStep::ApproveFirstArticle => "first_article_approved",
            LotStep::End => "ended",
        }
    }
}

/// `false`: there is a lot of this name already, units of it are open, or it is not what this can be done with.
pub fn change(connection: &Connection, change: &LotChange) -> rusqlite::Result<bool> {
    let lot = change.lot.as_str();
    let by = (&*change.by.name, change.by.role.name());
    let rows = match &change.step {
        LotStep::Enter(new) => enter(connection, lot, new, change.at)?,
        LotStep::Start => connection
            .prepare_cached(
                "UPDATE lot SET state = 'running', paused_by = NULL, paused_role = NULL
                 WHERE lot = ?1 AND state IN ('approved', 'paused') AND bundle_digest NOT IN
                     (SELECT bundle_digest FROM lot WHERE state = 'running')",
            )?
            .execute([lot])?,
        LotStep::Pause => connection
            .prepare_cached(
                "UPDATE lot SET state = 'paused', paused_by = ?2, paused_role = ?3
                 WHERE lot = ?1 AND state = 'running'",
            )?
            .execute((lot, by.0, by.1))?,
        LotStep::ApproveFirstArticle => connection
            .prepare_cached(
                "UPDATE lot SET first_article = 'approved'
                 WHERE lot = ?1 AND first_article = 'held' AND state != 'ended'",
            )?
            .execute([lot])?,
        LotStep::End => connection
            .prepare_cached(
                "UPDATE lot SET state = 'ended', paused_by = NULL, paused_role = NULL
                 WHERE lot = ?1 AND state != 'ended' AND NOT EXISTS
                     (SELECT 1 FROM open_unit JOIN job ON job.number = open_unit.job
                      WHERE job.lot = ?1)",
            )?
            .execute([lot])?,
    };
    if rows == 0 {
        return Ok(false);
    }
    connection
        .prepare_cached("INSERT INTO lot_event (lot, what, who, at_ms) VALUES (?1, ?2, ?3, ?4)")?
        .execute((lot, change.step.name(), by.0, change.at.as_millisecond()))?;
    Ok(true)
}

fn enter(
    connection: &Connection,
    lot: &str,
    new: &NewLotRow,
    at: Timestamp,
) -> rusqlite::Result<usize> {
    let digest = hex(&new.bundle_digest);
    keep_bundle(connection, &digest, &new.manifest_text, at)?;
    connection
        .prepare_cached(
            "INSERT INTO lot (lot, product, version, bundle_digest, customer_order, target, state,
                 first_article, entered_ms)
             VALUES (:lot, :product, :version, :digest, :order, :target, 'approved', :first, :at)
             ON CONFLICT (lot) DO NOTHING",
        )?
        .execute(named_params! {
            ":lot": lot,
            ":product": new.product,
            ":version": new.version,
            ":digest": digest,
            ":order": new.order,
            ":target": new.target.cast_signed(),
            ":first": new.first_article.name(),
            ":at": at.as_millisecond(),
        })
}

/// A job of a lot was closed: where it is the first good one and a supervisor is to see it, the lot waits for
/// that from here on.
pub fn job_closed(connection: &Connection, job: &ClosedJob) -> rusqlite::Result<()> {
    if let Some(lot) = &job.lot
        && is_good(job)
    {
        connection
            .prepare_cached(
                "UPDATE lot SET first_article = 'held' WHERE lot = ?1 AND first_article = 'due'",
            )?
            .execute([lot.as_str()])?;
    }
    Ok(())
}

fn is_good(job: &ClosedJob) -> bool {
    job.outcome == Outcome::Pass && job.golden.is_none()
}

/// The lots that have not ended, with their running figures.
#[derive(Debug)]
pub struct Lots {
    lots: Vec<Lot>,
    /// A row is another than at the last look.
    rows_changed: bool,
}

#[derive(Debug)]
struct Lot {
    standing: LotStanding,
    tally: Tally,
    /// Jobs were counted since the figures were drawn up.
    stale: bool,
}

impl Lots {
    pub fn load(connection: &Connection) -> rusqlite::Result<Lots> {
        let mut lots = Lots {
            lots: Vec::new(),
            rows_changed: true,
        };
        lots.look(connection)?;
        Ok(lots)
    }

    /// Counts a job in.
    pub fn take_in(&mut self, job: &ClosedJob) {
        let Some(name) = &job.lot else {
            return;
        };
        if let Some(lot) = (self.lots.iter_mut()).find(|lot| lot.standing.lot == *name) {
            lot.tally.add(job);
            lot.stale = true;
            if is_good(job) && lot.standing.first_article == FirstArticle::Due {
                lot.standing.first_article = FirstArticle::Held;
            }
        }
    }

    /// Something was done with a lot.
    pub fn changed(&mut self) {
        self.rows_changed = true;
    }

    /// Running ones first, then by their name.
    pub fn standing(&mut self, connection: &Connection) -> rusqlite::Result<Vec<LotStanding>> {
        if self.rows_changed {
            self.look(connection)?;
        }
        let open = open_units(connection)?;
        for lot in &mut self.lots {
            if std::mem::take(&mut lot.stale) {
                draw_up(&mut lot.standing, &lot.tally);
            }
            lot.standing.open_units = open_of(&open, &lot.standing.lot);
        }
        Ok(self.lots.iter().map(|lot| lot.standing.clone()).collect())
    }

    fn look(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let rows = rows(connection, "state != 'ended'")?;
        let mut before = std::mem::take(&mut self.lots);
        for standing in rows {
            let known = before
                .iter()
                .position(|lot| lot.standing.lot == standing.lot);
            let tally = match known {
                Some(index) => before.swap_remove(index).tally,
                None => tally(connection, &standing.lot)?,
            };
            let stale = true;
            self.lots.push(Lot {
                standing,
                tally,
                stale,
            });
        }
        self.rows_changed = false;
        Ok(())
    }
}

/// Every lot that there ever was: running ones first, then by their name.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<LotStanding>> {
    let mut lots = rows(connection, "true")?;
    let open = open_units(connection)?;
    for standing in &mut lots {
        draw_up(standing, &tally(connection, &standing.lot)?);
        standing.open_units = open_of(&open, &standing.lot);
    }
    Ok(lots)
}

/// The names of lots that have ended.
pub fn ended(connection: &Connection) -> rusqlite::Result<Vec<LotName>> {
    connection
        .prepare("SELECT lot FROM lot WHERE state = 'ended'")?
        .query_map([], |row| row::required(row, "lot", LotName::parse))?
        .collect()
}

/// One lot; `None`: there never was one of this name.
pub fn one(connection: &Connection, lot: &LotName) -> rusqlite::Result<Option<LotStanding>> {
    let found = connection
        .prepare_cached("SELECT * FROM lot WHERE lot = ?1")?
        .query_row([lot.as_str()], lot_row)
        .optional()?;
    let Some(mut standing) = found else {
        return Ok(None);
    };
    draw_up(&mut standing, &tally(connection, lot)?);
    standing.open_units = open_of(&open_units(connection)?, lot);
    Ok(Some(standing))
}

fn draw_up(standing: &mut LotStanding, tally: &Tally) {
    standing.figures = tally.figures();
    standing.units_per_hour = tally.units_per_hour();
    let missing = standing.target.saturating_sub(standing.figures.passed);
    standing.to_go = to_go(missing, standing.units_per_hour);
}

fn rows(connection: &Connection, which: &str) -> rusqlite::Result<Vec<LotStanding>> {
    let sql = format!("SELECT * FROM lot WHERE {which} ORDER BY state != 'running', lot");
    connection
        .prepare_cached(&sql)?
        .query_map([], lot_row)?
        .collect()
}

/// Which jobs are a lot's: found by the index `job_lot`.
const CLOSED_OF_LOT: &str = "lot = ?1 AND ended_ms IS NOT NULL";

/// The closed jobs of a lot.
fn tally(connection: &Connection, lot: &LotName) -> rusqlite::Result<Tally> {
    let sql = format!("SELECT {} FROM job WHERE {CLOSED_OF_LOT}", row::CLOSED_JOB);
    let mut tally = Tally::default();
    for job in connection
        .prepare_cached(&sql)?
        .query_map([lot.as_str()], row::closed_job)?
    {
        tally.add(&job?);
    }
    Ok(tally)
}

/// Of each lot that has some.
fn open_units(connection: &Connection) -> rusqlite::Result<Vec<(LotName, u64)>> {
    connection
        .prepare_cached(
            "SELECT job.lot, count(*) AS units FROM open_unit JOIN job ON job.number = open_unit.job
             WHERE job.lot IS NOT NULL GROUP BY job.lot",
        )?
        .query_map([], |row| {
            let units: i64 = row.get("units")?;
            Ok((row::required(row, "lot", LotName::parse)?, units.unsigned_abs()))
        })?
        .collect()
}

fn open_of(open: &[(LotName, u64)], lot: &LotName) -> u64 {
    let found = open.iter().find(|(name, _)| name == lot);
    found.map_or(0, |(_, units)| *units)
}

/// A lot without its figures.
fn lot_row(row: &Row<'_>) -> rusqlite::Result<LotStanding> {
    let state: String = row.get("state")?;
    let digest: String = row.get("bundle_digest")?;
    Ok(LotStanding {
        lot: row::required(row, "lot", LotName::parse)?,
        product: row.get("product")?,
        version: row.get("version")?,
        bundle: digest.get(..12).unwrap_or(&digest).to_owned(),
        order: row.get("customer_order")?,
        target: row.get::<_, i64>("target")?.unsigned_abs(),
        state: match &*state {
            "approved" => LotState::Approved,
            "running" => LotState::Running,
            "paused" => LotState::Paused {
                by: Who {
                    name: row.get::<_, String>("paused_by")?.into(),
                    role: row::required(row, "paused_role", Role::from_name)?,
                },
            },
            "ended" => LotState::Ended,
            _ => return Err(row::bad(row, "state")),
        },
        first_article: row::required(row, "first_article", FirstArticle::from_name)?,
        figures: Yield::default(),
        open_units: 0,
        units_per_hour: None,
        to_go: None,
    })
}

#[cfg(test)]
mod tests;
