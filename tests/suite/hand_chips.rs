//! `flashline info|read|erase|write|verify` on boards that are not an ESP32 on a bridge: other chips,
//! a ROM alone, Secure Download Mode, a serial server; and an erase that is stopped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use flashline::chip::Chip;
use flashline::image::sample;
use flashline::sim::{Access, Bench, BoardHandle, BoardSpec, Contents, Pace};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A board, and where it is.
struct Rig {
    folder: tempfile::TempDir,
    _bench: Bench,
    board: BoardHandle,
    port: String,
}

fn used(chip: Chip) -> BoardSpec {
    let mut spec = BoardSpec::esp32(1).chip(chip).pace(Pace::Unpaced);
    spec.contents = Contents::Used;
    spec
}

fn on(plug: impl FnOnce(&Bench) -> BoardHandle) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    let board = plug(&bench);
    let path = board.path().display().to_string();
    let port = match path.contains("://") {
        true => path,
        false => "bench/a".to_owned(),
    };
    for (name, bytes) in [("two", 5000), ("one", 500)] {
        fs::write(folder.path().join(name), vec![0x5A; bytes]).unwrap();
    }
    Rig {
        folder,
        _bench: bench,
        board,
        port,
    }
}

fn rig(spec: BoardSpec) -> Rig {
    on(|bench| bench.plug("a", spec).unwrap())
}

impl Rig {
    fn command(&self, args: &[&str]) -> Command {
        let (name, rest) = args.split_first().unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("flashline"));
        command.current_dir(self.folder.path());
        command.args([name, "--port", &self.port]).args(rest);
        command
    }

    /// Its exit code, and that it told this.
    #[track_caller]
    fn check(&self, args: &[&str], code: i32, told: &str) {
        let output = self.command(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(told), "{args:?}: {told:?} is not in: {said}");
    }

    fn holds(&self, offset: usize, bytes: usize) -> bool {
        let found = &self.board.flash()[offset..offset + bytes];
        found.iter().all(|byte| *byte == 0x5A)
    }
}

fn check_all(rig: &Rig, title: &str) {
    rig.check(&["info"], 0, title);
    rig.check(&["write", "0x20000", "two"], 0, "written and verified");
    assert!(rig.holds(0x2_0000, 5000));
    rig.check(&["verify", "0x20000", "two"], 0, "verified");
    rig.check(&["verify", "0x30000", "two"], 2, "VERIFY_MISMATCH");
    let args = ["read", "--offset", "0x20000", "--size", "5000", "-o", "out"];
    rig.check(&args, 0, "SHA-256");
    assert_eq!(
        fs::read(rig.folder.path().join("out")).unwrap(),
        [0x5A; 5000]
    );
    let args = ["erase", "--offset", "0x20000", "--size", "0x2000", "--yes"];
    rig.check(&args, 0, "8192 bytes");
    assert_eq!(rig.board.flash()[0x2_0000..0x2_2000], [0xFF; 0x2000]);
}

#[test]
fn a_c3() {
    check_all(&rig(used(Chip::Esp32C3)), "ESP32-C3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_behind_a_serial_server() {
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    let rig = on(|bench| bench.plug_rfc2217(address, used(Chip::Esp32)).unwrap());
    assert!(rig.port.starts_with("rfc2217://"), "{}", rig.port);
    tokio::task::spawn_blocking(move || check_all(&rig, "ESP32"))
        .await
        .unwrap();
}

#[test]
fn an_esp8266_by_its_rom() {
    let rig = rig(used(Chip::Esp8266));
    let before = rig.board.flash();
    let no_reading = "this board's ROM reads no flash: it takes a stub";
    rig.check(&["info"], 0, "ESP8266");
    rig.check(&["info"], 0, no_reading);
    rig.check(&["read", "-o", "out"], 2, no_reading);
    assert!(!rig.folder.path().join("out").exists());
    let blind = "nothing can be compared: the ROM of the esp8266 computes no digests";
    rig.check(&["verify", "0x20000", "two"], 5, blind);
    assert_eq!(rig.board.flash(), before);
    let written = "all written; verified: none; not verified: two";
    rig.check(&["write", "0x20000", "two"], 5, written);
    assert!(rig.holds(0x2_0000, 5000));
    assert_eq!(rig.board.flash()[0x2_2000..], before[0x2_2000..]);
    let args = ["erase", "--offset", "0x20000", "--size", "0x2000", "--yes"];
    rig.check(&args, 0, "8192 bytes");
    assert_eq!(rig.board.flash()[0x2_2000..], before[0x2_2000..]);
    assert_eq!(rig.board.flash()[0x2_0000..0x2_2000], [0xFF; 0x2000]);
}

/// It erases the one behind too: only who says so loses that.
#[test]
fn an_esp8266s_rom_and_a_single_sector() {
    let rig = rig(used(Chip::Esp8266));
    let before = rig.board.flash();
    let takes = "is one sector, and this board's ROM erases the next with it, at 0x21000";
    rig.check(&["write", "0x20000", "one"], 2, takes);
    let args = ["erase", "--offset", "0x20000", "--size", "0x1000", "--yes"];
    rig.check(&args, 2, takes);
    assert_eq!(rig.board.flash(), before);
    // what is behind it is written after it
    let args = ["write", "0x20000", "one", "0x21000", "two"];
    rig.check(&args, 5, "not verified: one, two");
    assert!(rig.holds(0x2_0000, 500) && rig.holds(0x2_1000, 5000));
    rig.check(
        &["write", "--force", "0x30000", "one"],
        5,
        "not verified: one",
    );
    assert_eq!(rig.board.flash()[0x3_1000..0x3_2000], [0xFF; 0x1000]);
}

#[test]
fn a_board_in_secure_download_mode() {
    let rig = rig(used(Chip::Esp32C3).access(Access::SecureDownload));
    let hidden = "a chip in Secure Download Mode lets nobody read its flash";
    rig.check(&["info"], 0, "Secure Download Mode");
    rig.check(&["info"], 0, hidden);
    rig.check(&["read", "-o", "out"], 2, hidden);
    let args = ["read", "--offset", "0", "--size", "16", "-o", "out"];
    rig.check(&args, 2, hidden);
    assert!(!rig.folder.path().join("out").exists());
    let blind = "nothing can be compared: Secure Download Mode answers no digests";
    rig.check(&["verify", "0x20000", "two"], 5, blind);
    rig.check(&["write", "0x20000", "two"], 2, "SECURITY_STATE");
    let args = ["write", "--force", "0x20000", "two"];
    rig.check(&args, 5, "not verified: two");
    assert!(rig.holds(0x2_0000, 5000));
}

#[test]
fn an_erase_of_everything_that_is_stopped_is_told_to_be_unfinished() {
    let flash = sample::app(Chip::Esp32, 4 << 20, 1)[..4 << 20].to_vec();
    let mut spec = BoardSpec::esp32(1).pace(Pace::Real);
    spec.contents = Contents::Holds(flash.into());
    let rig = rig(spec);
    let mut flashline = rig
        .command(&["erase", "--all", "--yes", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(flashline.stdout.take().unwrap()).lines();
    let mut told = told.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let erases = |object: &Value| object["step"] == "erase" && object["done_bytes"] != 0;
    told.by_ref().find(erases).unwrap();
    kill_process(Pid::from_child(&flashline), Signal::INT).unwrap();
    let last = told.last().unwrap();
    assert_eq!(last["code"], "ERASE_UNFINISHED", "{last}");
    let detail = last["detail"].as_str().unwrap();
    assert!(detail.contains("of 0x400000 bytes were erased"), "{detail}");
    assert_eq!(flashline.wait().unwrap().code(), Some(1));
}
