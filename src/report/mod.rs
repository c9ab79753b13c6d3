//! Reports as text: table, CSV, JSON, and the words in which a period is asked for. Figures come from
//! `record`; leaves out where they are printed.

mod csv;
mod json;
mod period;
mod table;

use std::io::{self, Write};

use jiff::tz::TimeZone;

use crate::event::LotState;
use crate::record::{Figures, LotStanding, Since};

pub use period::{SinceError, since};

/// A report's content.
#[derive(Debug, Clone)]
pub struct Report {
    /// The database, as it was named.
    pub database: String,
    pub since: Since,
    /// The lot whose jobs alone it is about.
    pub lot: Option<LotStanding>,
    /// For the times that people read.
    pub zone: TimeZone,
    pub figures: Figures,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people, at most 80 columns
    #[default]
    Table,
    /// For spreadsheets: figure, key, value, note
    Csv,
    /// For programs: one object
    Json,
}

/// Writes a report.
pub fn write(report: &Report, format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(table::render(report).as_bytes()),
        Format::Csv => csv::write(report, out),
        Format::Json => json::write(report, out),
    }
}

/// A part of a whole, 0 to 1; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The word for where a lot is.
fn state(lot: &LotStanding) -> &'static str {
    match lot.state {
        LotState::Approved => "approved",
        LotState::Running => "running",
        LotState::Paused { .. } => "paused",
        LotState::Ended => "ended",
    }
}

#[cfg(test)]
mod tests;
