//! Many boards at once against one alone: `flashline run` in a process of its own, its record on disk,
//! boards that appear on its bench, and what that process used.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::boards::{AS_FLASHLINE, Boards, Contents, Spec};
use crate::clients::Set;
use crate::process;
use crate::races::median;

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bench {
    pub count: usize,
    /// One board alone.
    pub alone_seconds: f64,
    /// The median of the boards.
    pub median_seconds: f64,
    pub slowest_seconds: f64,
    /// Of the station's processor time, a board's share of its own cycle.
    pub core_share: f64,
    pub peak_bytes: u64,
    /// The simulator's processor time, of both cores for the run's length.
    pub simulator_share: f64,
}

/// Both runs, `repeat` times; the medians by the boards' cycle.
pub fn race(set: &Set, count: usize, repeat: usize, folder: &Path) -> io::Result<Bench> {
    let mut benches = Vec::new();
    for _ in 0..repeat.max(1) {
        let alone = run(set, 1, folder)?;
        let many = run(set, count, folder)?;
        benches.push(Bench {
            alone_seconds: alone.median_seconds,
            ..many
        });
    }
    let bench = median(benches, |bench| bench.median_seconds / bench.alone_seconds);
    println!(
        "\n{count} boards at once, {}, 921600 baud, 1 ms, blank, `flashline run` with its record: a board's cycle {:.3} s (median, the slowest {:.3}); alone {:.3} s\n    the station: {:.2} % of a core for each board, {:.1} MB peak; the simulator: {:.0} % of one core",
        set.title,
        bench.median_seconds,
        bench.slowest_seconds,
        bench.alone_seconds,
        bench.core_share * 100.0,
        bench.peak_bytes as f64 / f64::from(1 << 20),
        bench.simulator_share * 100.0
    );
    Ok(bench)
}

fn run(set: &Set, count: usize, folder: &Path) -> io::Result<Bench> {
    let folder = folder.join(format!("bench-{count}"));
    let links = folder.join("links");
    std::fs::create_dir_all(&links)?;
    let config = folder.join("station.toml");
    std::fs::write(&config, station(set, count, &folder, &links)?)?;
    let mut station = Command::new(std::env::current_exe()?)
        .args([AS_FLASHLINE, "run", "--json", "--config"])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let result = watch(&mut station, &links, count);
    // gone already, or it goes now
    let _ = kill_process(Pid::from_child(&station), Signal::TERM);
    station.wait()?;
    std::fs::remove_dir_all(&folder)?;
    result
}

/// Plugs the boards in once the station looks, and waits for their verdicts.
fn watch(station: &mut Child, links: &Path, count: usize) -> io::Result<Bench> {
    let ended = || io::Error::other("the station ended");
    let mut notices = BufReader::new(station.stdout.take().ok_or_else(ended)?).lines();
    notices.next().ok_or_else(ended)??;
    // what it compresses at its start is done once, and not part of a cycle
    std::thread::sleep(std::time::Duration::from_secs(2));
    let before = process::cpu_seconds(station.id())?;
    let spec = Spec {
        count,
        contents: Contents::Blank,
        latency_ms: 1,
        flash_cost: 1.0,
        md5_cost: 1.0,
    };
    let boards = Boards::start(&spec, links)?;
    let mut cycles: Vec<f64> = Vec::new();
    while cycles.len() < count {
        let notice: serde_json::Value = serde_json::from_str(&notices.next().ok_or_else(ended)??)?;
        if notice["event"] == "job_ended" {
            if notice["outcome"] != "PASS" {
                return Err(io::Error::other(notice.to_string()));
            }
            cycles.push(notice["seconds"].as_f64().unwrap_or(0.0));
        }
    }
    let used = process::cpu_seconds(station.id())? - before;
    let slowest = cycles.iter().copied().fold(0.0, f64::max);
    let middle = median(cycles, |cycle| *cycle);
    Ok(Bench {
        count,
        alone_seconds: 0.0,
        median_seconds: middle,
        slowest_seconds: slowest,
        core_share: used / count as f64 / middle,
        peak_bytes: process::peak_bytes(station.id()).unwrap_or(0),
        simulator_share: process::cpu_seconds(boards.pid())? / slowest,
    })
}

fn station(set: &Set, count: usize, folder: &Path, links: &Path) -> io::Result<String> {
    let manifest = set.manifest(921_600)?;
    let mut text = format!(
        "station = \"race\"\nmanifest = {:?}\ndatabase = {:?}\nsettle_ms = 0\n",
        manifest,
        folder.join("race.db")
    );
    for number in 0..count {
        let path = links.join(format!("board{number}"));
        text += &format!("[[slot]]\nname = \"{number}\"\npath = {path:?}\nreset = \"none\"\n");
    }
    Ok(text)
}
