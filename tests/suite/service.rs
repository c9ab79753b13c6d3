//! `flashline run` as a service: what a service manager is told, and what ends it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::product;

/// Nothing that is waited for takes so long, and a test that fails ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A station file with one slot whose port is not there.
pub fn station(folder: &Path, more: &str) {
    product::write(folder);
    let text = format!(
        "station = \"bench\"\nmanifest = \"manifest.toml\"\ndatabase = \"line.db\"\n{more}\n\
         [[slot]]\nname = \"7\"\npath = \"{}\"\n",
        folder.join("nothing").display()
    );
    fs::write(folder.join("station.toml"), text).unwrap();
}

/// The service, without a terminal.
pub fn service(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("flashline"));
    command
        .current_dir(folder)
        .arg("run")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .env_remove("FLASHLINE_LOG");
    command
}

pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_service_manager_is_told_how_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    station(folder.path(), "");
    let address = folder.path().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut child = service(folder.path(), &["--json"])
        .env("NOTIFY_SOCKET", &address)
        .env("WATCHDOG_USEC", "200000")
        .spawn()
        .unwrap();
    let hear = || {
        let mut buffer = [0; 1024];
        let bytes = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    };
    let first = hear();
    assert!(
        first.starts_with("READY=1\nSTATUS=running; 0 of 1 slots at work; today 0 passed"),
        "{first}"
    );
    let until = |wanted: &str| {
        loop {
            let message = hear();
            if message == wanted {
                return;
            }
            assert!(
                message.starts_with("STATUS=") || message == "WATCHDOG=1",
                "{message}"
            );
        }
    };
    until("WATCHDOG=1");
    until("WATCHDOG=1");
    signal(&child, Signal::TERM);
    until("STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let folder = tempfile::tempdir().unwrap();
    let program = "/bin/true";
    let output = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
        .args(["install-service", "--program", program, "--root"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let unit = folder.path().join("etc/systemd/system/flashline.service");
    let text = fs::read_to_string(&unit).unwrap();
    assert!(text.contains("\nExecStart=/bin/true run --config /etc/flashline/station.toml\n"));
    // where there is no systemd, nobody can be asked
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&unit)
        .output();
    if let Ok(verified) = verify {
        let told = String::from_utf8_lossy(&verified.stderr).into_owned();
        let ours: Vec<&str> = told
            .lines()
            .filter(|line| line.contains("flashline"))
            .collect();
        assert_eq!(ours, Vec::<&str>::new());
    }
}

#[test]
fn what_would_be_installed_is_printed() {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
        .args([
            "install-service",
            "--print",
            "--program",
            "/usr/bin/flashline",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    for part in [
        "Type=notify\n",
        "WatchdogSec=",
        "u flashline - ",
        "m flashline dialout\n",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_job_is_found_by_how_its_id_begins() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |id: &str| {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
            .current_dir(folder.path())
            .args(["job", id])
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(told).unwrap())
    };
    assert_eq!(ask("0").0, Some(4), "there is no database");
    station(folder.path(), "");
    let port = folder.path().join("nothing");
    let flash = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
        .current_dir(folder.path())
        .args([
            "flash",
            "--manifest",
            "manifest.toml",
            "--db",
            "flashline.db",
            "--port",
        ])
        .arg(&port)
        .output()
        .unwrap();
    assert_eq!(flash.status.code(), Some(3), "{flash:?}");
    let (code, story) = ask("0");
    assert_eq!(code, Some(0), "{story}");
    assert!(story.contains("board    not identified\n"), "{story}");
    assert!(story.contains("\nlog\n"), "{story}");
    assert!(story.contains(" ERROR PORT_ABSENT: "), "{story}");
    let (code, none) = ask("ffff");
    assert_eq!(
        (code, none.contains("no job in flashline.db")),
        (Some(4), true),
        "{none}"
    );
}

/// Waits until a file says something.
fn wait_for(path: &Path, wanted: &str) -> String {
    let started = std::time::Instant::now();
    loop {
        let told = fs::read_to_string(path).unwrap_or_default();
        if told.contains(wanted) {
            return told;
        }
        assert!(started.elapsed() < PATIENCE, "no {wanted} in {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_service_opens_its_log_anew_at_a_hang_up_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    station(
        folder.path(),
        "\n[log]\nfile = \"logs/f.log\"\nformat = \"json\"\n",
    );
    fs::create_dir(folder.path().join("logs")).unwrap();
    let log = folder.path().join("logs/f.log");
    let mut child = service(folder.path(), &["--json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = wait_for(&log, "StationStarted");
    for line in told.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object["timestamp"].is_string(), "{line}");
    }
    fs::rename(&log, folder.path().join("logs/f.old")).unwrap();
    signal(&child, Signal::HUP);
    wait_for(&log, "SIGHUP");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn a_journal_has_the_time_of_each_notice_already() {
    let folder = tempfile::tempdir().unwrap();
    station(folder.path(), "");
    let begins = |journal: &str| {
        let path = folder.path().join("stdout");
        let out = fs::File::create(&path).unwrap();
        let there = out.metadata().unwrap();
        let stream = journal
            .replace("DEVICE", &there.dev().to_string())
            .replace("INODE", &there.ino().to_string());
        let mut child = service(folder.path(), &["--plain"])
            .env("JOURNAL_STREAM", stream)
            .stdout(out)
            .spawn()
            .unwrap();
        let told = wait_for(&path, "station bench flashes");
        signal(&child, Signal::TERM);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        told.split_once("station").unwrap().0.to_owned()
    };
    assert_eq!(begins("DEVICE:INODE"), "-    ");
    assert_eq!(begins("DEVICE:1").len(), "12:34:56  -    ".len());
}

#[test]
fn the_command_line_wins_over_the_station_file() {
    let folder = tempfile::tempdir().unwrap();
    station(
        folder.path(),
        "\n[log]\nfile = \"of-file.log\"\nformat = \"json\"\n",
    );
    let args = ["--log", "of-line.log", "--log-format", "text"];
    let mut child = service(folder.path(), &args).spawn().unwrap();
    let told = wait_for(&folder.path().join("of-line.log"), "StationStarted");
    assert!(told.contains(" INFO "), "{told}");
    assert!(!folder.path().join("of-file.log").exists());
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let refused = service(folder.path(), &["--log", "nowhere/f.log"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(4));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("the log nowhere/f.log cannot be written"),
        "{told}"
    );
}
