//! Simulated boards in a process of their own: this program once more, as `flashline sim`.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// What the first argument says when this program is to be `flashline` itself.
pub const AS_FLASHLINE: &str = "--as-flashline";

/// What the boards are like.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub count: usize,
    pub contents: Contents,
    pub latency_ms: u64,
    pub flash_cost: f64,
    pub md5_cost: f64,
}

/// What is in their flash.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    Blank,
    Used,
    File(PathBuf),
}

/// Boards that are served until this is dropped.
pub struct Boards {
    child: Child,
    pub ports: Vec<PathBuf>,
}

impl Boards {
    /// With links in `links`, board0 and on.
    pub fn start(spec: &Spec, links: &Path) -> io::Result<Boards> {
        let contents = match &spec.contents {
            Contents::Blank => "blank".into(),
            Contents::Used => "used".into(),
            Contents::File(path) => path.clone().into_os_string(),
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args([AS_FLASHLINE, "sim", "--boards", &spec.count.to_string()])
            .args(["--answer-latency", &spec.latency_ms.to_string()])
            .args(["--flash-cost", &spec.flash_cost.to_string()])
            .args(["--md5-cost", &spec.md5_cost.to_string()])
            .arg("--contents")
            .arg(contents)
            .arg("--link-dir")
            .arg(links)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ports = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines().take(spec.count) {
                let line = line?;
                ports.push(line.split(' ').next().unwrap_or_default().into());
            }
        }
        let boards = Boards { child, ports };
        match boards.ports.len() == spec.count {
            true => Ok(boards),
            false => Err(io::Error::other("the simulator did not start")),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Boards {
    fn drop(&mut self) {
        // gone already, or it goes now
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
