//! A station and commands by hand on the same ports: who is first has the board, the other is told, and
//! nothing that meets a held slot becomes a job.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use flashline::port::{Claim, Inputs, Names, Purpose};
use flashline::record::{Jobs, Reader, Since};
use flashline::sim::{Bench, BoardSpec, Pace};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::product;

/// A `flashline` whose JSON lines are heard.
struct Process {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(folder: &Path, args: &[&str]) -> Process {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
            .current_dir(folder)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, told }
    }

    /// The next object that is as wanted.
    #[track_caller]
    fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut heard = Vec::new();
        for line in self.told.by_ref() {
            let object: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if wanted(&object) {
                return object;
            }
            heard.push(object);
        }
        panic!("it ended after {heard:?}");
    }

    #[track_caller]
    fn hear_event(&mut self, event: &str) -> Value {
        self.hear(|object| object["event"] == event)
    }

    fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.told.by_ref().for_each(drop);
        self.child.wait().unwrap().code()
    }
}

struct Rig {
    folder: tempfile::TempDir,
    bench: Bench,
    station: Process,
}

/// A station with one slot, ready for boards.
fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    product::write(folder.path());
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    let place = folder.path().join("bench/a");
    let station = format!(
        "station = \"bench\"\nmanifest = \"manifest.toml\"\ndatabase = \"line.db\"\nsettle_ms = 50\n\n\
         [[slot]]\nname = \"7\"\npath = \"{}\"\n",
        place.display()
    );
    fs::write(folder.path().join("station.toml"), station).unwrap();
    let mut station = Process::start(folder.path(), &["run", "--json"]);
    station.hear_event("station_started");
    Rig {
        folder,
        bench,
        station,
    }
}

impl Rig {
    fn jobs(&self) -> Jobs {
        let reader = Reader::open(&self.folder.path().join("line.db")).unwrap();
        reader.figures(Since::default()).unwrap().period.jobs
    }
}

#[test]
fn a_board_that_comes_to_a_held_slot_waits_and_is_flashed_when_it_is_free() {
    let mut rig = rig();
    let port = Names::of_path(&rig.folder.path().join("bench/a"));
    let claim = Claim::take(&port, "flashline read", Purpose::Work).unwrap();
    let held = rig.station.hear_event("slot_held");
    let by = format!("flashline read (process {})", std::process::id());
    assert_eq!((&held["slot"], &held["by"]), (&"7".into(), &by.into()));
    let board = BoardSpec::esp32(1).pace(Pace::Unpaced);
    let _board = rig.bench.plug("a", board).unwrap();
    drop(claim);
    let next = |object: &Value| object["event"] == "slot_freed" || object["job"] != Value::Null;
    assert_eq!(rig.station.hear(next)["event"], "slot_freed");
    assert_eq!(rig.station.hear_event("job_ended")["outcome"], "PASS");
    assert_eq!(rig.jobs().passed, 1);
    assert_eq!(rig.station.end(Signal::TERM), Some(0));
}

#[test]
fn a_command_holds_its_slot_and_leaves_the_result_on_it() {
    let mut rig = rig();
    let _board = rig.bench.plug("a", BoardSpec::esp32(1)).unwrap();
    assert_eq!(rig.station.hear_event("job_ended")["outcome"], "PASS");
    let args = ["read", "--port", "bench/a", "-o", "all.bin", "--json"];
    let mut hand = Process::start(rig.folder.path(), &args);
    let held = rig.station.hear_event("slot_held");
    let by = format!("flashline read (process {})", hand.child.id());
    assert_eq!(held["by"], by.as_str());
    hand.hear(|object| object["step"] == "read" && object["done_bytes"] != 0);
    assert_eq!(hand.end(Signal::INT), Some(1));
    rig.station.hear_event("slot_freed");
    let passed = Jobs {
        passed: 1,
        ..Jobs::default()
    };
    assert_eq!(rig.jobs(), passed);
    assert_eq!(rig.station.end(Signal::TERM), Some(0));
    assert_eq!(rig.jobs(), passed);
}

#[test]
fn a_slot_at_work_is_not_taken_by_hand() {
    let mut rig = rig();
    let _board = rig.bench.plug("a", BoardSpec::esp32(1)).unwrap();
    rig.station.hear_event("board_identified");
    let station = format!("flashline run, slot 7 (process {})", rig.station.child.id());
    for args in [
        &["info", "--port", "bench/a"][..],
        &["flash", "--port", "bench/a", "--manifest", "manifest.toml"],
    ] {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
            .current_dir(rig.folder.path())
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("PORT_BUSY") && said.contains(&station),
            "{said}"
        );
    }
    assert_eq!(rig.station.hear_event("job_ended")["outcome"], "PASS");
    // no job of the command's own
    let reader = Reader::open(&rig.folder.path().join("flashline.db")).unwrap();
    assert!(reader.jobs(Since::default()).unwrap().is_empty());
    assert_eq!(rig.station.end(Signal::TERM), Some(0));
}

/// Who watches a jig's switch holds the port for as long as the slot is idle, and lets go of it for a
/// command.
#[tokio::test(flavor = "multi_thread")]
async fn a_watched_switch_lets_commands_in_and_starts_the_next_board() {
    let folder = tempfile::tempdir().unwrap();
    product::write(folder.path());
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    let board = BoardSpec::esp32(1).pace(Pace::Unpaced);
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let jig = bench.plug_rfc2217(anywhere, board).unwrap();
    let url = jig.path().display().to_string();
    let station = format!(
        "station = \"bench\"\nmanifest = \"manifest.toml\"\ndatabase = \"line.db\"\nsettle_ms = 50\n\n\
         [[slot]]\nname = \"7\"\npath = \"{url}\"\nstart = \"cts\"\n"
    );
    fs::write(folder.path().join("station.toml"), station).unwrap();
    let mut station = Process::start(folder.path(), &["run", "--json"]);
    station.hear_event("station_started");
    jig.wait_until(|board| board.open).await;
    let names = Names::of_path(&jig.path());
    let claim = Claim::take(&names, "flashline read", Purpose::Work).unwrap();
    station.hear_event("slot_held");
    drop(claim);
    station.hear_event("slot_freed");
    jig.wait_until(|board| board.open).await;
    let args = ["info", "--port", &url, "--json"];
    let mut hand = Process::start(folder.path(), &args);
    assert_eq!(hand.hear_event("result")["ok"], true);
    assert_eq!(hand.child.wait().unwrap().code(), Some(0));
    jig.set_inputs(Inputs {
        cts: true,
        dsr: false,
    });
    assert_eq!(station.hear_event("job_ended")["outcome"], "PASS");
    jig.set_inputs(Inputs::default());
    station.hear_event("board_removed");
    assert_eq!(station.end(Signal::TERM), Some(0));
}
