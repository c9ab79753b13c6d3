//! The racers: what each is run as, and how it tells what it took.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Usage};
use crate::racer::AS_RACER;

/// Who flashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Flashline,
    Esptool,
    Espflash,
}

impl Client {
    pub fn name(self) -> &'static str {
        match self {
            Client::Flashline => "flashline",
            Client::Esptool => "esptool 5.6",
            Client::Espflash => "espflash 4.7",
        }
    }
}

/// What is flashed, as each racer wants it.
pub struct Set {
    pub title: String,
    pub folder: PathBuf,
    pub files: Vec<(u32, PathBuf)>,
    pub bytes: usize,
    pub ratio: f64,
}

impl Set {
    /// Writes the files and the manifest.
    pub fn new(folder: PathBuf, ratio: f64, files: &[(&str, u32, Vec<u8>)]) -> io::Result<Set> {
        fs::create_dir_all(&folder)?;
        let mut written = Vec::new();
        let mut images = String::new();
        for (name, offset, bytes) in files {
            let path = folder.join(format!("{name}.bin"));
            fs::write(&path, bytes)?;
            images += &format!(
                "[[image]]\nname = \"{name}\"\npath = \"{name}.bin\"\noffset = {offset:#x}\n"
            );
            written.push((*offset, path));
        }
        let bytes = files.iter().map(|(_, _, bytes)| bytes.len()).sum();
        fs::write(folder.join("images.toml"), images)?;
        Ok(Set {
            title: format!("{:.1} MB", bytes as f64 / f64::from(1 << 20)),
            folder,
            files: written,
            bytes,
            ratio,
        })
    }

    /// The manifest for one rate.
    pub fn manifest(&self, baud: u32) -> io::Result<PathBuf> {
        let path = self.folder.join(format!("manifest-{baud}.toml"));
        let images = fs::read_to_string(self.folder.join("images.toml"))?;
        let head =
            format!("product = \"race\"\nversion = \"1\"\nchip = \"esp32\"\nbauds = [{baud}]\n");
        fs::write(&path, head + &images)?;
        Ok(path)
    }

    /// What the flash holds when it is right.
    pub fn flash(&self) -> io::Result<Vec<u8>> {
        let mut flash = vec![0xFF; 4 << 20];
        for (offset, path) in &self.files {
            let bytes = fs::read(path)?;
            flash[*offset as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
        Ok(flash)
    }
}

/// Where the others are.
pub struct Others {
    pub python: Option<PathBuf>,
    pub espflash: Option<PathBuf>,
}

/// One race of one client.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The whole process.
    pub process: Usage,
    /// From opening the port to the verdict.
    pub port_seconds: f64,
    /// flashline's alone: what its image frames have in bytes, and its steps.
    pub wire_bytes: u64,
    pub steps: String,
}

/// esptool's own main, timed without the interpreter's start and its imports.
const TIMED_ESPTOOL: &str = "import sys, time, esptool
began = time.monotonic()
esptool.main(sys.argv[1:])
print('took', time.monotonic() - began)";

/// Has one client flash one board.
pub fn race(client: Client, others: &Others, set: &Set, port: &Path, baud: u32) -> io::Result<Run> {
    let missing = || io::Error::other(format!("{} is not there", client.name()));
    let mut command = match client {
        Client::Flashline => {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(AS_RACER).arg(port).arg(set.manifest(baud)?);
            command
        }
        Client::Esptool => {
            let mut command = Command::new(others.python.as_ref().ok_or_else(missing)?);
            command.args(["-c", TIMED_ESPTOOL, "--chip", "esp32", "--port"]);
            command.arg(port).args(["--baud", &baud.to_string()]);
            command.args(["--before", "no-reset", "--after", "no-reset", "write-flash"]);
            command
        }
        Client::Espflash => {
            let mut command = Command::new(others.espflash.as_ref().ok_or_else(missing)?);
            command.arg("--port").arg(port).args(["--chip", "esp32"]);
            command.args(["--baud", &baud.to_string()]);
            command
        }
    };
    if client != Client::Flashline {
        for (offset, path) in &set.files {
            command.arg(format!("{offset:#x}")).arg(path);
        }
    }
    let ran = process::run(&mut command)?;
    let mut run = Run {
        process: ran.usage,
        ..Run::default()
    };
    let last = ran.output.lines().last().unwrap_or_default();
    let mut words = last.split(' ');
    let seconds = match client {
        Client::Flashline => words.next(),
        Client::Esptool => words.nth(1),
        Client::Espflash => words.nth(2),
    };
    match seconds.and_then(|seconds| seconds.parse().ok()) {
        Some(seconds) if ran.success => run.port_seconds = seconds,
        _ => {
            return Err(io::Error::other(format!(
                "{}: {}",
                client.name(),
                ran.output
            )));
        }
    }
    if client == Client::Flashline {
        run.wire_bytes = words
            .next()
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(0);
        run.steps = words.collect::<Vec<_>>().join(" ");
    }
    Ok(run)
}
