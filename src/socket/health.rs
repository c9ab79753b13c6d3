//! How the daemon's process is: what would grow if something leaked.

use std::fs;
use std::time::Instant;

use serde::Serialize;

/// The answer to `status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    pub flashline: &'static str,
    pub protocol: u32,
    /// Since the socket was opened.
    pub uptime_seconds: u64,
    pub process: u32,
    /// Alive on the runtime.
    pub tasks: usize,
    /// Open in the process.
    pub descriptors: usize,
    /// Of the process, in memory; 0 where the kernel does not tell.
    pub resident_bytes: u64,
    /// To the socket, this one included.
    pub connections: usize,
}

/// Looks. Blocks, for moments; `tasks` must be asked of the runtime.
pub fn look(began: Instant, tasks: usize, connections: usize) -> Status {
    Status {
        flashline: env!("CARGO_PKG_VERSION"),
        protocol: super::PROTOCOL,
        uptime_seconds: began.elapsed().as_secs(),
        process: std::process::id(),
        tasks,
        descriptors: descriptors(),
        resident_bytes: resident_bytes().unwrap_or(0),
        connections,
    }
}

/// The one that looks is not counted.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1))
}

/// `VmRSS` of proc(5), which is in kB.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_is_counted() {
        let before = descriptors();
        let files: Vec<_> = (0..50)
            .map(|_| fs::File::open("/dev/null").unwrap())
            .collect();
        // other tests open and close some at the same time
        assert!(descriptors() > before + 10, "{before}");
        drop(files);
        assert!(resident_bytes().unwrap() > 1 << 20);
    }
}
