//! `flashline run` as a service: what a service manager is told, and what ends it.

use std::fs;
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
