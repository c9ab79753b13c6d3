//! `flashline run` as a process, and the commands that talk to it: `dashboard`, `watch`, `status`, `start`,
//! `stop`, `go-on`, `approve`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use flashline::sim::{Bench, BoardSpec, Pace};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::product;
use crate::pty::Terminal;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Daemon {
    child: Child,
    folder: PathBuf,
}

impl Daemon {
    /// With two slots that have no board. Returns when the socket is there.
    fn start(folder: &Path) -> Daemon {
        product::write(folder);
        let slots: String = ["1", "2"]
            .map(|slot| {
                let path = folder.join(format!("port{slot}"));
                format!(
                    "[[slot]]\nname = \"{slot}\"\npath = \"{}\"\n",
                    path.display()
                )
            })
            .concat();
        let station = format!("station = \"bench-1\"\nmanifest = \"manifest.toml\"\n{slots}");
        fs::write(folder.join("station.toml"), station).unwrap();
        let mut child = flashline(folder, &["run", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = told.next().unwrap().unwrap();
        assert!(first.contains("station_started"), "{first}");
        // so that it is never in the daemon's way
        std::thread::spawn(move || told.for_each(drop));
        let daemon = Daemon {
            child,
            folder: folder.to_owned(),
        };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(daemon.socket()).is_err() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        daemon
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("flashline.sock")
    }

    fn end(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // one that has ended is no longer there to be killed
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn flashline(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashline"));
    command.current_dir(folder).args(args);
    command.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
    command
}

fn said(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[track_caller]
fn check(folder: &Path, args: &[&str], code: i32, words: &str) {
    let output = flashline(folder, args).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(words), "{args:?}: {said}");
}

/// A snapshot comes up to 50 ms after what it shows.
#[track_caller]
fn check_status(folder: &Path, words: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = flashline(folder, &["status"]).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        if said.contains(words) {
            return;
        }
        assert!(Instant::now() < deadline, "{words}: {said}");
    }
}

#[test]
fn commands_ask_the_daemon_and_tell_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut daemon = Daemon::start(folder);
    let mode = fs::metadata(daemon.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    check_status(folder, "line     running");
    check(folder, &["stop"], 0, "");
    check_status(folder, "line     stopped by");
    check(folder, &["go-on"], 4, "--why <TEXT>");
    check(folder, &["go-on", "--why", " "], 4, "say it in a word");
    check(folder, &["go-on", "--why", "mended"], 0, "");
    check(
        folder,
        &["go-on", "--why", "mended"],
        3,
        "the line is running",
    );
    check(folder, &["stop", "2"], 0, "");
    check_status(folder, "; 2 stopped by");
    check(folder, &["go-on", "2", "--why", "mended"], 0, "");
    check(folder, &["stop", "7"], 4, "there is no slot 7");
    let unit = "24:0a:c4:00:00:01";
    let mended = ["allow-retest", unit, "--why", "mended"];
    check(folder, &mended, 3, "may be tried without leave");
    check(folder, &["start", "1"], 3, "slot 1 has no board");
    check(folder, &["start", "1", "--serial", " "], 4, "serial number");
    check(
        folder,
        &["approve", "--why", "new"],
        4,
        "no manifest on the disk",
    );
    check(
        folder,
        &["approve", "77d0c2b91e5a", "--why", "new"],
        4,
        "77d0c2b91e5a",
    );
    let socket = daemon.socket();
    let socket = socket.to_str().unwrap();
    check(
        folder,
        &["status", "--json", "--socket", socket],
        0,
        "\"resident_bytes\"",
    );
    check(folder, &["run", "--plain"], 3, "");
    daemon.end();
    assert!(!daemon.socket().exists());
    check(folder, &["status"], 3, "no flashline answers at");
}

/// Another user of the socket's group, who is no supervisor.
#[test]
fn an_operator_may_stop_the_line_and_not_let_it_go_on() {
    if !rustix::process::geteuid().is_root() {
        // without root there is no other user to be
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let daemon = Daemon::start(folder);
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    open(folder, 0o755).unwrap();
    open(&daemon.socket(), 0o666).unwrap();
    let program = folder.join("flashline");
    // written by another process: one that this one forks meanwhile would keep it open for writing
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_flashline"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let run = |words: &[&str]| {
        let mut run = Command::new(&program);
        run.args(words).arg("--socket").arg(daemon.socket());
        run.current_dir("/")
            .uid(65_534)
            .gid(65_534)
            .output()
            .unwrap()
    };
    let stopped = run(&["stop"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", said(&stopped));
    let refused = run(&["go-on", "--why", "mended"]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(
        said(&refused).contains("only a supervisor"),
        "{}",
        said(&refused)
    );
    open(&daemon.socket(), 0o600).unwrap();
    let denied = run(&["status"]);
    assert_eq!(denied.status.code(), Some(3), "{}", said(&denied));
    assert!(said(&denied).contains("may not be used by this user"));
}

#[test]
fn watch_tells_notices_until_the_daemon_or_its_reader_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path());
    let watch = || {
        let mut watch = flashline(folder.path(), &["watch", "--json", "--snapshots"]);
        let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(watch.stdout.take().unwrap()).lines();
        let mut seen = Vec::new();
        while !seen
            .iter()
            .any(|object: &Value| object["snapshot"].is_object())
            || !seen
                .iter()
                .any(|object| object["event"] == "station_started")
        {
            seen.push(serde_json::from_str(&told.next().unwrap().unwrap()).unwrap());
        }
        (watch, told)
    };
    let (mut interrupted, told) = watch();
    kill_process(Pid::from_child(&interrupted), Signal::INT).unwrap();
    assert_eq!(interrupted.wait().unwrap().code(), Some(0));
    drop(told);

    let (mut unread, told) = watch();
    drop(told);
    check(folder.path(), &["stop"], 0, "");
    assert_eq!(unread.wait().unwrap().code(), Some(0));

    let (mut last, told) = watch();
    daemon.end();
    let rest: Vec<String> = told.map(Result::unwrap).collect();
    let stopped = |line: &String| line.contains("\"event\":\"station_stopped\"");
    assert!(rest.iter().any(stopped), "{rest:?}");
    assert_eq!(last.wait().unwrap().code(), Some(0));
}

/// The daemon's figures, and the connection that asked for them.
fn status(socket: &Path) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream
        .write_all(b"{\"id\":1,\"query\":\"status\"}\n")
        .unwrap();
    let answer = BufReader::new(stream).lines().nth(1).unwrap().unwrap();
    serde_json::from_str::<Value>(&answer).unwrap()["status"].take()
}

#[test]
fn fifty_faces_that_come_and_go_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let socket = daemon.socket();
    let figures = || {
        let status = status(&socket);
        ["connections", "tasks", "descriptors"].map(|name| status[name].as_u64().unwrap())
    };
    // when those of the start have gone
    let settled = |wanted: [u64; 3]| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = figures();
            if now == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{now:?} instead of {wanted:?}");
            std::thread::yield_now();
        }
    };
    let alone = || {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = figures();
            if now[0] == 1 {
                return now;
            }
            assert!(Instant::now() < deadline, "{now:?}");
        }
    };
    let before = alone();
    for number in 0..50 {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let follow = b"{\"id\":1,\"follow\":[\"snapshots\",\"notices\"]}\n";
        stream.write_all(follow).unwrap();
        // some leave before they have read, some after
        if number % 2 == 0 {
            let mut lines = BufReader::new(stream).lines();
            lines.find(|line| line.as_ref().unwrap().contains("snapshot"));
        }
    }
    settled(before);
}

#[test]
fn an_attached_dashboard_leaves_and_the_daemon_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path());
    let socket = daemon.socket();
    let socket = socket.to_str().unwrap();
    let dashboard = flashline(folder.path(), &["dashboard", "--socket", socket]);
    let mut terminal = Terminal::start(&dashboard, 80, 24);
    terminal.wait_for("thermostat 1.2.0");
    let other = Terminal::start(&dashboard, 100, 30);
    other.wait_for("thermostat 1.2.0");
    // what one asks, the other shows
    check(folder.path(), &["stop"], 0, "");
    terminal.wait_for("LINE STOPPED");
    other.wait_for("LINE STOPPED");
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    assert!(!screen.alternate_screen());

    // the other one sees the daemon go and come back
    daemon.end();
    other.wait_for("DAEMON LOST");
    let _daemon = Daemon::start(folder.path());
    other.wait("the daemon's return", |screen| {
        let contents = screen.contents();
        !contents.contains("DAEMON LOST") && contents.contains("thermostat 1.2.0")
    });
    // and gives its terminal back whatever ends it
    other.signal(Signal::TERM);
    let (status, screen) = other.end();
    assert!(status.success() && !screen.alternate_screen());
}

/// One dashboard is stopped in its tracks, one is killed: boards pass as if nobody looked.
#[test]
fn a_dashboard_that_is_frozen_slows_no_board() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let socket = daemon.socket();
    let socket = socket.to_str().unwrap();
    let dashboard = flashline(folder.path(), &["dashboard", "--socket", socket]);
    let [frozen, killed] = [(); 2].map(|()| {
        let terminal = Terminal::start(&dashboard, 80, 24);
        terminal.wait_for("thermostat 1.2.0");
        terminal
    });
    frozen.signal(Signal::STOP);
    killed.signal(Signal::KILL);
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream
        .write_all(b"{\"id\":1,\"follow\":[\"notices\"]}\n")
        .unwrap();
    let mut told = BufReader::new(stream).lines().map(Result::unwrap);
    let bench = Bench::new(folder.path()).unwrap();
    for round in 0..3 {
        let boards = ["1", "2"].map(|slot| {
            let spec = BoardSpec::esp32(round * 2 + slot.parse::<u32>().unwrap());
            let place = format!("port{slot}");
            bench.plug(&place, spec.pace(Pace::Unpaced)).unwrap()
        });
        let mut count = |event: &str| {
            let is = |line: &String| line.contains(event);
            assert_eq!(told.by_ref().filter(is).take(2).count(), 2, "{event}");
        };
        count("\"outcome\":\"PASS\"");
        for board in boards {
            board.pull();
        }
        count("board_removed");
    }
    frozen.signal(Signal::CONT);
    frozen.wait("the last results", |screen| {
        screen.contents().matches("✔ PASS").count() >= 2
    });
}

#[test]
fn plain_lines_end_with_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path());
    let mut plain = flashline(folder.path(), &["dashboard", "--plain"]);
    let mut plain = plain.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(plain.stdout.take().unwrap()).lines();
    let first = told.next().unwrap().unwrap();
    assert!(first.contains("bench-1"), "{first}");
    daemon.end();
    let rest: Vec<String> = told.map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line.contains("empty")), "{rest:?}");
    assert_eq!(plain.wait().unwrap().code(), Some(0));
}

#[test]
fn lots_are_entered_started_and_listed_by_commands_and_outlive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(folder, &["lot", "list"], 4, "station.toml");
    let mut daemon = Daemon::start(folder);
    check(folder, &["lot", "list"], 0, "no lots");
    let new = ["lot", "new", "L 7", "--target", "50", "--order", "PO-1"];
    check(folder, &new, 4, "--why <TEXT>");
    check(folder, &[&new[..], &["--why", "ordered"]].concat(), 0, "");
    let again = [&new[..], &["--why", "ordered"]].concat();
    check(folder, &again, 4, "there is a lot L 7 already");
    let nothing = ["lot", "new", "L 8", "--target", "0", "--why", "ordered"];
    check(folder, &nothing, 4, "1 to 10000000 boards, not 0");
    check(folder, &["lot", "list"], 0, "not started, 0 of 50\n");
    check(folder, &["lot", "start", "L 9"], 4, "there is no lot L 9");
    check(folder, &["lot", "start", "L 7"], 0, "");
    check(folder, &["lot", "start", "L 7"], 3, "lot L 7 is running");
    check_status(folder, "lots     L 7: running, 0 of 50\n");
    check(folder, &["lot", "pause", "L 7"], 0, "");
    // whoever started the daemon is a supervisor
    check(folder, &["lot", "start", "L 7"], 4, "say why");
    let why = ["--why", "go on"];
    check(
        folder,
        &[&["lot", "start", "L 7"], &why[..]].concat(),
        0,
        "",
    );
    let first = [&["lot", "approve-first", "L 7"], &why[..]].concat();
    check(folder, &first, 3, "no first article of lot L 7");
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    // nobody answers: the database tells
    check(folder, &["lot", "list"], 0, "running, 0 of 50\n");
    check(folder, &["lot", "list"], 0, ", order PO-1\n");
    check(folder, &["report", "--lot", "L 7"], 0, "of 50\n");
    check(folder, &["report", "--lot", "L"], 4, "has no such lot");
    let daemon = Daemon::start(folder);
    check_status(folder, "lots     L 7: running, 0 of 50\n");
    check(folder, &[&["lot", "end", "L 7"], &why[..]].concat(), 0, "");
    check(folder, &["lot", "start", "L 7"], 3, "lot L 7 has ended");
    check(folder, &["lot", "list"], 0, "no lots");
    let ended = ["lot", "list", "--db", "flashline.db"];
    check(folder, &ended, 0, "ended, 0 of 50\n");
    drop(daemon);
}
