//! The CSV: one figure a line, so that a spreadsheet and `grep` both find their way. RFC 4180; no cell
//! begins with what a spreadsheet takes for a formula.

use std::io::{self, Write};

use super::{Report, share, state};
use crate::record::LotStanding;

/// A name that a spreadsheet takes for no formula.
fn cell(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{name}")
    } else {
        name.to_owned()
    }
}

pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut rows = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    let mut row = |figure: &str, key: &str, value: String, note: String| {
        rows.write_record([figure, key, &value, &note])
    };
    let period = &report.figures.period;
    let jobs = period.jobs;
    let percent = |part| {
        share(part, period.units).map_or_else(String::new, |share| format!("{:.2}", share * 100.0))
    };
    let none = String::new;

    row("figure", "key", "value".to_owned(), "note".to_owned())?;
    let since = report.since.0.map(|since| since.to_string());
    row("since", "", since.unwrap_or_default(), none())?;
    if let Some(lot) = &report.lot {
        let LotStanding {
            product,
            version,
            bundle,
            ..
        } = lot;
        row("lot", "", cell(lot.lot.as_str()), state(lot).to_owned())?;
        let product = cell(&format!("{product} {version}"));
        row("lot_product", "", product, format!("bundle {bundle}"))?;
        let order = lot.order.as_deref().map_or_else(none, cell);
        row("lot_order", "", order, none())?;
        row("lot_target", "", lot.target.to_string(), none())?;
        row("lot_done", "", lot.figures.passed.to_string(), none())?;
        let speed = lot.units_per_hour;
        let speed = speed.map_or_else(none, |speed| format!("{speed:.1}"));
        row("lot_units_per_hour", "", speed, none())?;
        let to_go = lot.to_go;
        let to_go = to_go.map_or_else(none, |to_go| to_go.as_secs().to_string());
        row("lot_to_go_seconds", "", to_go, none())?;
    }
    row("units", "", period.units.to_string(), none())?;
    row(
        "first_pass_units",
        "",
        period.first_pass.to_string(),
        none(),
    )?;
    row(
        "first_pass_yield_percent",
        "",
        percent(period.first_pass),
        none(),
    )?;
    row("final_units", "", period.passed.to_string(), none())?;
    row("final_yield_percent", "", percent(period.passed), none())?;
    row("written_units", "", period.written.to_string(), none())?;
    let cycle = period.median_cycle;
    row(
        "median_cycle_seconds",
        "",
        cycle.map_or_else(none, |cycle| format!("{:.3}", cycle.as_secs_f64())),
        none(),
    )?;
    for (outcome, count) in [
        ("PASS", jobs.passed),
        ("WRITTEN", jobs.written),
        ("FAIL", jobs.failed),
        ("ERROR", jobs.errors),
        ("ABORTED", jobs.aborted),
        ("SKIPPED", jobs.skipped),
        ("golden", jobs.golden),
        ("running", report.figures.running),
    ] {
        row("jobs", outcome, count.to_string(), none())?;
    }
    row("no_contact_jobs", "", jobs.no_contact.to_string(), none())?;
    for (code, count) in &period.failures {
        let outcome = code.outcome().name().to_owned();
        row("failures", code.word(), count.to_string(), outcome)?;
    }
    for slow in &report.figures.slow_slots {
        let note = format!(
            "neighbours at {} baud; {} bytes/s against {}",
            slow.neighbours_baud, slow.bytes_per_second, slow.neighbours_bytes_per_second
        );
        row(
            "slow_slot",
            &cell(slow.slot.as_str()),
            slow.baud.to_string(),
            note,
        )?;
    }
    for unit in &report.figures.open_units {
        let note = format!("slot {} at {}", unit.slot, unit.since);
        row(
            "open_unit",
            &unit.unit.to_string(),
            unit.code.to_string(),
            note,
        )?;
    }
    rows.flush()
}
