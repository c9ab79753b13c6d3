//! The JSON: one object; a name is never taken away or given another meaning.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, share, state};
use crate::event::{FirstArticle, LotName, Unit};

#[derive(Serialize)]
struct Document<'a> {
    database: &'a str,
    /// RFC 3339, UTC; null: everything.
    since: Option<String>,
    /// null: of no lot in particular.
    lot: Option<Lot<'a>>,
    units: u64,
    first_pass_units: u64,
    /// 0 to 1; null without units.
    first_pass_yield: Option<f64>,
    final_units: u64,
    final_yield: Option<f64>,
    /// Neither passed nor failed: written, and not all of it verified.
    written_units: u64,
    median_cycle_seconds: Option<f64>,
    jobs: Jobs,
    failures: Vec<Failure>,
    open_units: Vec<OpenUnit<'a>>,
    slow_slots: Vec<SlowSlot<'a>>,
}

#[derive(Serialize)]
struct Lot<'a> {
    lot: &'a LotName,
    product: &'a str,
    version: &'a str,
    /// The first 12 hex digits of its digest.
    bundle: &'a str,
    order: Option<&'a str>,
    state: &'static str,
    first_article: FirstArticle,
    target: u64,
    /// Good units: `final_units`.
    done: u64,
    units_per_hour: Option<f64>,
    to_go_seconds: Option<f64>,
}

#[derive(Serialize)]
struct SlowSlot<'a> {
    slot: &'a str,
    jobs: u64,
    baud: u32,
    neighbours_baud: u32,
    bytes_per_second: u64,
    neighbours_bytes_per_second: u64,
}

#[derive(Serialize)]
struct Jobs {
    pass: u64,
    written: u64,
    fail: u64,
    error: u64,
    aborted: u64,
    skipped: u64,
    golden: u64,
    running: u64,
    no_contact: u64,
}

#[derive(Serialize)]
struct Failure {
    code: &'static str,
    outcome: &'static str,
    jobs: u64,
}

#[derive(Serialize)]
struct OpenUnit<'a> {
    mac: Option<String>,
    /// Of a board that hides its MAC.
    serial: Option<&'a str>,
    code: &'static str,
    slot: &'a str,
    since: String,
}

pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let period = &report.figures.period;
    let document = Document {
        database: &report.database,
        since: report.since.0.map(|since| since.to_string()),
        lot: report.lot.as_ref().map(|lot| Lot {
            lot: &lot.lot,
            product: &lot.product,
            version: &lot.version,
            bundle: &lot.bundle,
            order: lot.order.as_deref(),
            state: state(lot),
            first_article: lot.first_article,
            target: lot.target,
            done: lot.figures.passed,
            units_per_hour: lot.units_per_hour,
            to_go_seconds: lot.to_go.map(|to_go| to_go.as_secs_f64()),
        }),
        units: period.units,
        first_pass_units: period.first_pass,
        first_pass_yield: share(period.first_pass, period.units),
        final_units: period.passed,
        final_yield: share(period.passed, period.units),
        written_units: period.written,
        median_cycle_seconds: period.median_cycle.map(|cycle| cycle.as_secs_f64()),
        jobs: Jobs {
            pass: period.jobs.passed,
            written: period.jobs.written,
            fail: period.jobs.failed,
            error: period.jobs.errors,
            aborted: period.jobs.aborted,
            skipped: period.jobs.skipped,
            golden: period.jobs.golden,
            running: report.figures.running,
            no_contact: period.jobs.no_contact,
        },
        failures: (period.failures.iter())
            .map(|&(code, jobs)| Failure {
                code: code.word(),
                outcome: code.outcome().name(),
                jobs,
            })
            .collect(),
        open_units: (report.figures.open_units.iter())
            .map(|unit| OpenUnit {
                mac: unit.unit.mac().map(|mac| mac.to_string()),
                serial: match &unit.unit {
                    Unit::Serial(serial) => Some(serial.as_str()),
                    Unit::Mac(_) => None,
                },
                code: unit.code.word(),
                slot: unit.slot.as_str(),
                since: unit.since.to_string(),
            })
            .collect(),
        slow_slots: (report.figures.slow_slots.iter())
            .map(|slow| SlowSlot {
                slot: slow.slot.as_str(),
                jobs: slow.jobs,
                baud: slow.baud,
                neighbours_baud: slow.neighbours_baud,
                bytes_per_second: slow.bytes_per_second,
                neighbours_bytes_per_second: slow.neighbours_bytes_per_second,
            })
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
