//! Processes that are raced: how long they took, the processor's time they used, the most memory they
//! had. From /proc, since a child's usage is asked of the kernel by no safe call.

use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Ticks of /proc/PID/stat in a second: the same on every Linux that matters.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often the memory is looked at.
const LOOK_EACH: Duration = Duration::from_millis(20);

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_bytes: u64,
}

/// A process that ran to its end.
pub struct Ran {
    pub usage: Usage,
    pub success: bool,
    pub output: String,
}

/// Runs a command that says no more than a pipe holds.
pub fn run(command: &mut Command) -> io::Result<Ran> {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut usage = Usage::default();
    while !has_ended(&child)? {
        usage.peak_bytes = peak_bytes(child.id()).unwrap_or(usage.peak_bytes);
        sleep(LOOK_EACH.min(Duration::from_millis(2)));
    }
    usage.seconds = began.elapsed().as_secs_f64();
    usage.cpu_seconds = cpu_seconds(child.id())?;
    let mut output = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut output)?;
    }
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut output)?;
    }
    let success = child.wait()?.success();
    Ok(Ran {
        usage,
        success,
        output,
    })
}

/// Ended, and not yet reaped: its times can still be read.
fn has_ended(child: &Child) -> io::Result<bool> {
    let pid = Pid::from_child(child);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

/// Of all threads, so far.
pub fn cpu_seconds(pid: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // the name, in brackets, may hold anything: fields are counted behind it (utime and stime are 14, 15)
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks / TICKS_PER_SECOND)
}

/// The most that was in memory so far; `None` once the process has ended.
pub fn peak_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}
