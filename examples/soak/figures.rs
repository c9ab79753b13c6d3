//! What the kernel and tokio say of a process. Leaves out what is expected of it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// This process at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub resident_kb: u64,
    pub descriptors: usize,
    pub threads: usize,
    pub tasks: usize,
}

impl Figures {
    /// Call it within the runtime.
    pub fn now() -> io::Result<Figures> {
        let status = fs::read_to_string("/proc/self/status")?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':')
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        };
        Ok(Figures {
            resident_kb: number("VmRSS").unwrap_or_default(),
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            threads: number("Threads").unwrap_or_default() as usize,
            tasks: tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
        })
    }
}

/// Processor time that a process has used so far, in user mode and in the kernel.
pub fn processor_time(process: Option<u32>) -> io::Result<Duration> {
    let folder = process.map_or("self".to_owned(), |process| process.to_string());
    let stat = fs::read_to_string(Path::new("/proc").join(folder).join("stat"))?;
    // proc_pid_stat(5): the name may hold anything, so count from behind its parenthesis
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<u64> = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    // 100 ticks a second on every Linux that flashline runs on (USER_HZ)
    Ok(Duration::from_millis(fields.iter().sum::<u64>() * 10))
}
