//! The table: what a supervisor reads in a terminal of 80 columns.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Report, share, state};
use crate::event::Outcome;
use crate::lang::{Language, advice};
use crate::record::LotStanding;

/// Open units that a table lists.
const OPEN_UNITS: usize = 20;

pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // a String takes everything
    let _ = put(report, &mut text);
    text
}

fn put(report: &Report, out: &mut String) -> std::fmt::Result {
    let period = &report.figures.period;
    let jobs = period.jobs;
    if let Some(lot) = &report.lot {
        put_lot(lot, &report.database, out)?;
    }
    match report.since.0 {
        _ if report.lot.is_some() => {}
        Some(since) => writeln!(
            out,
            "{}, jobs since {}\n",
            report.database,
            local(since, &report.zone, "%Y-%m-%d %H:%M %:z")
        )?,
        None => writeln!(out, "{}, all jobs\n", report.database)?,
    }
    if jobs.total() + report.figures.running == 0 {
        writeln!(out, "no jobs")?;
    } else {
        let percent = |part| {
            share(part, period.units)
                .map_or_else(String::new, |share| format!("{:.1} %", share * 100.0))
        };
        writeln!(out, "units         {:>7}", period.units)?;
        writeln!(
            out,
            "  first-pass  {:>7} {:>8}   passed in the first job, at its first attempt",
            period.first_pass,
            percent(period.first_pass)
        )?;
        writeln!(
            out,
            "  final       {:>7} {:>8}   passed in the last job",
            period.passed,
            percent(period.passed)
        )?;
        if period.written > 0 {
            writeln!(
                out,
                "  unverified  {:>7} {:>8}   WRITTEN in the last job: not all verified",
                period.written,
                percent(period.written)
            )?;
        }
        if let Some(cycle) = period.median_cycle {
            writeln!(
                out,
                "median cycle  {:>7.1} s          of passed jobs, arrival to verdict",
                cycle.as_secs_f64()
            )?;
        }
        writeln!(
            out,
            "jobs          {:>7}",
            jobs.total() + report.figures.running
        )?;
        for (name, count, note) in [
            (Outcome::Pass.name(), jobs.passed, ""),
            (
                Outcome::Written.name(),
                jobs.written,
                "not all of it verified",
            ),
            (Outcome::Fail.name(), jobs.failed, "the board"),
            (Outcome::Error.name(), jobs.errors, "the bench"),
            (Outcome::Aborted.name(), jobs.aborted, "stopped"),
            (
                Outcome::Skipped.name(),
                jobs.skipped,
                "good already, not counted twice",
            ),
            ("golden", jobs.golden, "golden boards, not counted"),
            ("running", report.figures.running, ""),
        ] {
            let mut line = format!("  {name:<10}  {count:>7}            {note}");
            if name == Outcome::Fail.name() && jobs.no_contact > 0 {
                write!(line, ", {} without contact, so no units", jobs.no_contact)?;
            }
            if count > 0 {
                writeln!(out, "{}", line.trim_end())?;
            }
        }
    }
    if !period.failures.is_empty() {
        writeln!(out, "\nfailures")?;
        for &(code, count) in &period.failures {
            writeln!(
                out,
                "  {code:<16} {count:>6}  {:<7}  {}",
                code.outcome(),
                advice(code, Language::English).happened
            )?;
        }
    }
    put_slow_slots(report, out)?;
    put_open_units(report, out)
}

/// What the lot is and how far.
fn put_lot(lot: &LotStanding, database: &str, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{database}, lot {}\n", lot.lot)?;
    let LotStanding {
        product,
        version,
        bundle,
        ..
    } = lot;
    writeln!(out, "product       {product} {version} (bundle {bundle})")?;
    if let Some(order) = &lot.order {
        writeln!(out, "order         {order}")?;
    }
    writeln!(out, "state         {}", state(lot))?;
    writeln!(
        out,
        "done          {:>7}            of {}",
        lot.figures.passed, lot.target
    )?;
    if let Some(speed) = lot.units_per_hour {
        writeln!(
            out,
            "an hour       {speed:>7.0}            of the last hour of work"
        )?;
    }
    if let Some(to_go) = lot.to_go
        && lot.figures.passed < lot.target
    {
        let minutes = to_go.as_secs().div_ceil(60);
        writeln!(out, "to go         {minutes:>7} min        at that rate")?;
    }
    writeln!(out)
}

fn put_slow_slots(report: &Report, out: &mut String) -> std::fmt::Result {
    let slots = &report.figures.slow_slots;
    if slots.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nslow slots: look at their cable, hub and adapter")?;
    for slot in slots {
        if slot.baud < slot.neighbours_baud {
            writeln!(
                out,
                "  slot {} works at {}, its neighbours at {}",
                slot.slot, slot.baud, slot.neighbours_baud
            )?;
        } else {
            writeln!(
                out,
                "  slot {} writes {} KB/s, its neighbours {} KB/s",
                slot.slot,
                slot.bytes_per_second / 1024,
                slot.neighbours_bytes_per_second / 1024
            )?;
        }
    }
    Ok(())
}

fn put_open_units(report: &Report, out: &mut String) -> std::fmt::Result {
    let units = &report.figures.open_units;
    if units.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nopen units: cut short, neither finished nor written off since"
    )?;
    for unit in units.iter().take(OPEN_UNITS) {
        writeln!(
            out,
            "  {}  {:<13}  {}  slot {}",
            unit.unit,
            unit.code,
            local(unit.since, &report.zone, "%Y-%m-%d %H:%M"),
            unit.slot
        )?;
    }
    if units.len() > OPEN_UNITS {
        let more = units.len() - OPEN_UNITS;
        writeln!(out, "  and {more} more: --format csv lists them all")?;
    }
    Ok(())
}

fn local(time: Timestamp, zone: &TimeZone, format: &str) -> String {
    time.to_zoned(zone.clone()).strftime(format).to_string()
}
