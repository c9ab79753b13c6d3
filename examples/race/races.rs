//! Which races there are, and one race: each client on a board of the same kind, in turn, so that a
//! machine that is busy for a while is busy for all.

use std::io;
use std::path::Path;

use crate::boards::{Boards, Contents, Spec};
use crate::clients::{self, Client, Others, Run, Set};

/// One race's conditions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Race {
    /// The set of three files; else one app of a megabyte.
    pub small: bool,
    pub baud: u32,
    pub latency_ms: u64,
    pub flash: Flash,
    pub flash_cost: f64,
    pub md5_cost: f64,
}

/// What the board's flash holds at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flash {
    Blank,
    Dirty,
    /// What is to be flashed is there already.
    Right,
}

/// The medians of one race.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub limit_seconds: f64,
    pub runs: Vec<(Client, Run)>,
}

const BASE: Race = Race {
    small: false,
    baud: 921_600,
    latency_ms: 1,
    flash: Flash::Blank,
    flash_cost: 1.0,
    md5_cost: 1.0,
};

/// What the first target is about.
pub fn quick() -> Vec<Race> {
    vec![BASE]
}

/// All that a target is about, and one race for each thing that may matter.
pub fn default() -> Vec<Race> {
    let dirty = Race {
        flash: Flash::Dirty,
        ..BASE
    };
    vec![
        BASE,
        Race {
            small: true,
            ..BASE
        },
        Race {
            latency_ms: 16,
            ..BASE
        },
        Race {
            flash: Flash::Right,
            ..BASE
        },
        dirty,
        Race {
            baud: 460_800,
            ..BASE
        },
        Race {
            baud: 2_000_000,
            ..BASE
        },
        Race {
            baud: 2_000_000,
            ..dirty
        },
        Race {
            flash_cost: 2.0,
            ..BASE
        },
        Race {
            md5_cost: 2.0,
            ..BASE
        },
    ]
}

/// Everything with everything, costs one at a time.
pub fn all() -> Vec<Race> {
    let mut races = default();
    for flash in [Flash::Blank, Flash::Dirty] {
        for baud in [460_800, 921_600, 2_000_000] {
            for latency_ms in [1, 16] {
                for (flash_cost, md5_cost) in
                    [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.5), (1.0, 2.0)]
                {
                    let race = Race {
                        baud,
                        latency_ms,
                        flash,
                        flash_cost,
                        md5_cost,
                        ..BASE
                    };
                    if !races.contains(&race) {
                        races.push(race);
                    }
                }
            }
        }
    }
    races
}

pub fn print_head() {
    println!(
        "\n{:<52}{:<14}{:>8}{:>8}{:>8}{:>11}{:>8}{:>9}",
        "set, rate, answer latency, flash, costs (flash, MD5)",
        "client",
        "s",
        "limit",
        "× limit",
        "process s",
        "CPU s",
        "MB peak"
    );
}

impl Race {
    /// Each client `repeat` times; prints and gives the medians by wall time.
    pub fn run(
        self,
        set: &Set,
        clients: &[Client],
        others: &Others,
        repeat: usize,
        folder: &Path,
    ) -> io::Result<Row> {
        let contents = match self.flash {
            Flash::Blank => Contents::Blank,
            Flash::Dirty => Contents::Used,
            Flash::Right => {
                let path = folder.join("right.bin");
                std::fs::write(&path, set.flash()?)?;
                Contents::File(path)
            }
        };
        let spec = Spec {
            count: 1,
            contents,
            latency_ms: self.latency_ms,
            flash_cost: self.flash_cost,
            md5_cost: self.md5_cost,
        };
        let mut runs: Vec<(Client, Vec<Run>)> =
            clients.iter().map(|client| (*client, Vec::new())).collect();
        for _ in 0..repeat.max(1) {
            for (client, runs) in &mut runs {
                let boards = Boards::start(&spec, &folder.join("links"))?;
                runs.push(clients::race(
                    *client,
                    others,
                    set,
                    &boards.ports[0],
                    self.baud,
                )?);
            }
        }
        let medians: Vec<(Client, Run)> = runs
            .into_iter()
            .map(|(client, runs)| (client, median(runs, |run| run.port_seconds)))
            .collect();
        let wire_bytes = medians.iter().map(|(_, run)| run.wire_bytes).max();
        let row = Row {
            limit_seconds: self.limit_seconds(set, wire_bytes.unwrap_or(0)),
            runs: medians,
        };
        self.print(set, &row);
        Ok(row)
    }

    /// The larger of what the frames take on the wire and what the part takes to be erased and
    /// programmed, by the simulator's figures (`sim/cost.rs`).
    fn limit_seconds(self, set: &Set, wire_bytes: u64) -> f64 {
        const PAGE_SECONDS: f64 = 0.0007;
        const BLOCK_ERASE_SECONDS: f64 = 0.150;
        let wire = wire_bytes as f64 * 10.0 / f64::from(self.baud);
        let mut flash = set.bytes as f64 / 256.0 * PAGE_SECONDS;
        if self.flash == Flash::Dirty {
            flash += set.bytes as f64 / 65_536.0 * BLOCK_ERASE_SECONDS;
        }
        wire.max(flash * self.flash_cost)
    }

    fn title(self, set: &Set) -> String {
        let flash = match self.flash {
            Flash::Blank => "blank",
            Flash::Dirty => "dirty",
            Flash::Right => "right already",
        };
        format!(
            "{}, {} baud, {} ms, {flash}, {} {}",
            set.title, self.baud, self.latency_ms, self.flash_cost, self.md5_cost
        )
    }

    fn print(self, set: &Set, row: &Row) {
        for (client, run) in &row.runs {
            println!(
                "{:<52}{:<14}{:>8.3}{:>8.3}{:>8.3}{:>11.3}{:>8.2}{:>9.1}",
                self.title(set),
                client.name(),
                run.port_seconds,
                row.limit_seconds,
                run.port_seconds / row.limit_seconds,
                run.process.seconds,
                run.process.cpu_seconds,
                run.process.peak_bytes as f64 / f64::from(1 << 20)
            );
            if !run.steps.is_empty() {
                println!("    steps in ms: {}", run.steps);
            }
        }
    }
}

impl Row {
    pub fn of(&self, client: Client) -> Option<&Run> {
        self.runs
            .iter()
            .find(|(other, _)| *other == client)
            .map(|(_, run)| run)
    }
}

/// The middle one; the lower of the two middle ones.
pub fn median<T: Clone + Default>(mut all: Vec<T>, by: impl Fn(&T) -> f64) -> T {
    all.sort_by(|one, other| by(one).total_cmp(&by(other)));
    let middle = all.len().saturating_sub(1) / 2;
    all.get(middle).cloned().unwrap_or_default()
}
