//! The targets, each with what was measured.

use crate::bench::Bench;
use crate::clients::Client;
use crate::races::{Flash, Race, Row};

/// All that was measured.
#[derive(Default)]
pub struct Results {
    rows: Vec<(Race, Row)>,
    pub bench: Option<Bench>,
}

impl Results {
    pub fn add(&mut self, race: Race, row: Row) {
        self.rows.push((race, row));
    }

    /// At 921600 baud with the usual costs.
    fn row(&self, small: bool, latency_ms: u64, flash: Flash) -> Option<&Row> {
        let usual =
            |race: &Race| race.baud == 921_600 && race.flash_cost == 1.0 && race.md5_cost == 1.0;
        self.rows
            .iter()
            .find(|(race, _)| {
                usual(race)
                    && (race.small, race.latency_ms, race.flash) == (small, latency_ms, flash)
            })
            .map(|(_, row)| row)
    }

    pub fn print(&self) {
        println!(
            "\n{:<74}{:>8}{:>10}",
            "targets (simulated, 921600 baud)", "at most", "measured"
        );
        let blank = self.row(false, 1, Flash::Blank);
        let seconds = |row: Option<&Row>| row?.of(Client::Flashline).map(|run| run.port_seconds);
        let of_limit = seconds(blank)
            .zip(blank)
            .map(|(s, row)| s / row.limit_seconds);
        line("1 MB, 1 ms, blank, of the limit", 1.10, of_limit);
        line(
            "1 MB, 1 ms, blank, of esptool's time",
            0.82,
            of_esptool(blank),
        );
        let without = "  (without the start of esptool's interpreter)";
        line(without, f64::NAN, of_esptool_alone(blank));
        let small = self.row(true, 1, Flash::Blank);
        line(
            "0.6 MB set, 1 ms, blank, of esptool's time",
            0.70,
            of_esptool(small),
        );
        line(without, f64::NAN, of_esptool_alone(small));
        let slow = self.row(false, 16, Flash::Blank);
        line(
            "1 MB, 16 ms, blank, of esptool's time",
            0.70,
            of_esptool(slow),
        );
        line(without, f64::NAN, of_esptool_alone(slow));
        let right = seconds(self.row(false, 1, Flash::Right)).zip(seconds(blank));
        line(
            "a board that is right already, of a full flash",
            0.15,
            right.map(|(a, b)| a / b),
        );
        let Some(bench) = &self.bench else {
            return;
        };
        let many = format!("{} boards at once, median cycle, of one alone", bench.count);
        line(
            &many,
            1.05,
            Some(bench.median_seconds / bench.alone_seconds),
        );
        let share = format!("{} boards at once, % of a core each", bench.count);
        line(&share, 1.0, Some(bench.core_share * 100.0));
        let memory = format!("{} boards at once, MB in all", bench.count);
        line(
            &memory,
            100.0,
            Some(bench.peak_bytes as f64 / f64::from(1 << 20)),
        );
    }
}

/// flashline's port time of esptool's whole process.
fn of_esptool(row: Option<&Row>) -> Option<f64> {
    let row = row?;
    Some(row.of(Client::Flashline)?.port_seconds / row.of(Client::Esptool)?.process.seconds)
}

/// The same of what esptool takes once it is loaded.
fn of_esptool_alone(row: Option<&Row>) -> Option<f64> {
    let row = row?;
    Some(row.of(Client::Flashline)?.port_seconds / row.of(Client::Esptool)?.port_seconds)
}

fn line(what: &str, at_most: f64, measured: Option<f64>) {
    let Some(measured) = measured else {
        return;
    };
    if at_most.is_nan() {
        println!("{what:<74}{:>8}{measured:>10.3}", "");
        return;
    }
    let verdict = if measured <= at_most {
        "met"
    } else {
        "NOT MET"
    };
    println!("{what:<74}{at_most:>8.2}{measured:>10.3}  {verdict}");
}
