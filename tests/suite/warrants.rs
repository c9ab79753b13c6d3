//! What a supervisor allows: by PIN over the real socket and through the record, over restarts and while the PIN
//! file is replaced; `flashline supervisor`, and `flashline write-off` of a running station.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use flashline::event::{Role, Who};
use flashline::station::{Ask, LineState, NamedPin, Pin, Pins, RequestRefused, Warrant};

use rustix::process::{Pid, Signal, kill_process};

use crate::line::Line;
use crate::product;
use crate::pty::Terminal;

/// Of someone who is a supervisor by login.
pub fn by_login(why: &str) -> Warrant {
    let why = why.into();
    Warrant { why, pin: None }
}

fn by_pin(name: &str, pin: &str) -> Warrant {
    let pin = NamedPin {
        supervisor: name.into(),
        pin: Pin(pin.into()),
    };
    Warrant {
        why: "mended".into(),
        pin: Some(pin),
    }
}

fn pins(folder: &Path) -> Pins {
    Pins::at(&folder.join("supervisors.toml"))
}

/// As someone at the bench, who is an operator whatever login started it.
async fn ask(line: &Line, ask: Ask, warrant: Option<Warrant>) -> Result<(), RequestRefused> {
    let asker = line.station.asker(Who::new("line", Role::Operator));
    asker.ask_with(ask, warrant).await.unwrap().await.unwrap()
}

fn rows(folder: &Path, sql: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(folder.join("line.db")).unwrap();
    let mut select = database.prepare(sql).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

const WARRANTS: &str = "SELECT concat_ws(' ', who, how, terminal, what, subject, why, refused)
    FROM warrant ORDER BY number";

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_lets_the_line_go_on_while_the_file_is_replaced_and_a_lock_outlives_a_restart() {
    let mut line = Line::new(1).await;
    let folder = line.folder.path().to_owned();
    assert_eq!(ask(&line, Ask::StopLine, None).await, Ok(()));
    let told = ask(&line, Ask::FreeLine, Some(by_pin("anna", "1234"))).await;
    assert_eq!(told, Err(RequestRefused::NoPin("anna".into())));

    pins(&folder).set("anna", &Pin("1234".into())).unwrap();
    line.wait(|snapshot| snapshot.at_hand.supervisors == ["anna".into()])
        .await;
    let wrong = ask(&line, Ask::FreeLine, Some(by_pin("anna", "4321"))).await;
    let name = "anna".into();
    assert_eq!(wrong, Err(RequestRefused::WrongPin { name, left: 4 }));
    assert_eq!(
        ask(&line, Ask::FreeLine, Some(by_pin("anna", "1234"))).await,
        Ok(())
    );
    line.wait(|snapshot| snapshot.line == LineState::Running)
        .await;
    assert_eq!(rows(&folder, WARRANTS), ["anna pin line free_line mended"]);
    assert!(rows(&folder, "SELECT who FROM wrong_pin").is_empty());

    pins(&folder).set("anna", &Pin("5555".into())).unwrap();
    assert_eq!(ask(&line, Ask::StopLine, None).await, Ok(()));
    let old = ask(&line, Ask::FreeLine, Some(by_pin("anna", "1234"))).await;
    assert!(
        matches!(old, Err(RequestRefused::WrongPin { left: 4, .. })),
        "{old:?}"
    );
    fs::write(folder.join("supervisors.toml"), "anna = 5555\n").unwrap();
    let faulty = ask(&line, Ask::FreeLine, Some(by_pin("anna", "5555"))).await;
    let Err(RequestRefused::PinsUnreadable(why)) = faulty else {
        panic!("{faulty:?}")
    };
    assert!(
        why.ends_with("supervisors.toml:1:1: unknown key `anna`"),
        "{why}"
    );
    fs::remove_file(folder.join("supervisors.toml")).unwrap();
    pins(&folder).set("anna", &Pin("5555".into())).unwrap();
    for _ in 0..4 {
        let refused = ask(&line, Ask::FreeLine, Some(by_pin("anna", "0000"))).await;
        assert!(refused.is_err());
    }

    let line = Line::at(line.leave().await, 1, "").await;
    let locked = ask(&line, Ask::FreeLine, Some(by_pin("anna", "5555"))).await;
    assert!(
        matches!(locked, Err(RequestRefused::LockedOut { .. })),
        "{locked:?}"
    );
    line.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_overrides_at_once_are_both_on_record_and_what_was_not_done_says_so() {
    let line = Line::new(1).await;
    let folder = line.folder.path().to_owned();
    for name in ["anna", "mei"] {
        pins(&folder).set(name, &Pin("1234".into())).unwrap();
    }
    assert_eq!(ask(&line, Ask::StopLine, None).await, Ok(()));
    let (one, two) = tokio::join!(
        ask(&line, Ask::FreeLine, Some(by_pin("anna", "1234"))),
        ask(&line, Ask::FreeLine, Some(by_pin("mei", "1234"))),
    );
    let told = [one, two];
    assert!(
        told.contains(&Ok(())) && told.contains(&Err(RequestRefused::LineRuns)),
        "{told:?}"
    );
    let folder = line.leave().await;
    // the later one may have been found to be too late before it was allowed
    let rows = rows(
        folder.path(),
        "SELECT ifnull(refused, 'done') FROM warrant ORDER BY number",
    );
    assert!(
        rows == ["done", "line_runs"] || rows == ["done"],
        "{rows:?}"
    );
}

fn flashline(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashline"));
    command.current_dir(folder).args(args);
    command.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
    command
}

fn typed(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut command = flashline(folder, args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // one that has no use for it may have ended
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn check(folder: &Path, args: &[&str], input: &str, code: i32, words: &str) {
    let output = typed(folder, args, input);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(words), "{args:?}: {said}");
    let pin = input.trim();
    assert!(pin.is_empty() || !said.contains(pin), "{args:?}: {said}");
}

fn bench(folder: &Path) {
    product::write(folder);
    let station =
        "station = \"bench-1\"\nmanifest = \"manifest.toml\"\n\n[access]\npins = \"pins.toml\"\n";
    fs::write(folder.join("station.toml"), station).unwrap();
}

#[test]
fn pins_are_set_and_taken_away_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    bench(folder);
    let set = ["supervisor", "set", "anna"];
    check(folder, &["supervisor", "list"], "", 0, "");
    check(folder, &set, "471\n", 4, "4 to 32 digits");
    check(folder, &set, "", 4, "4 to 32 digits");
    check(folder, &set, "47a1\n", 4, "nothing else");
    check(folder, &set, "4711\n", 0, "anna has a PIN");
    check(
        folder,
        &["supervisor", "set", " "],
        "4711\n",
        4,
        "1 to 64 characters",
    );
    check(folder, &["supervisor", "list"], "", 0, "anna\n");
    let path = folder.join("pins.toml");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!fs::read_to_string(&path).unwrap().contains("4711"));
    check(
        folder,
        &["supervisor", "remove", "li"],
        "",
        4,
        "li has no PIN",
    );
    check(
        folder,
        &["supervisor", "remove", "anna"],
        "",
        0,
        "no PIN any more",
    );
    check(folder, &["supervisor", "list"], "", 0, "");

    fs::write(&path, "[[supervisor]]\nname = \"anna\"\npin = \"4711\"\n").unwrap();
    let told = "pins.toml:3:7";
    for asked in [
        &set[..],
        &["supervisor", "list"],
        &["supervisor", "remove", "anna"],
        &["check", "--station", "station.toml"],
        &["run", "--plain"],
    ] {
        check(folder, asked, "4711\n", 4, told);
    }
    pins_of(&path);
}

/// A file that others may read is taken, and told.
fn pins_of(path: &Path) {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let folder = path.parent().unwrap();
    check(
        folder,
        &["check", "--station", "station.toml"],
        "",
        0,
        "chmod 600",
    );
}

#[test]
fn at_a_terminal_it_is_asked_twice_and_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    bench(folder);
    let file = folder.join("station.toml");
    let mut set = flashline(folder, &["supervisor", "set", "anna", "--config"]);
    set.arg(&file);
    for (first, second, code) in [
        ("4711\r", "4712\r", 4),
        ("4711\r", "\u{3}", 4),
        ("47\u{7f}711\r", "4711\r", 0),
    ] {
        let mut terminal = Terminal::start(&set, 80, 24);
        terminal.wait_for("new PIN of anna:");
        terminal.press(first);
        terminal.wait_for("the same again:");
        terminal.press(second);
        let (status, screen) = terminal.end();
        let shown = screen.contents();
        assert_eq!(status.code(), Some(code), "{shown}");
        assert!(!shown.contains("47"), "{shown}");
    }
    let pins = Pins::at(&folder.join("pins.toml"));
    let right = flashline::station::Tried::Right;
    assert_eq!(pins.try_one("anna", &Pin("4711".into())), right);
}

/// A PIN that nothing else holds by chance.
const SECRET: &str = "8675309024681357";

/// A running station with a log of everything, and an open unit.
async fn daemon(folder: &Path) -> Child {
    bench(folder);
    let station = fs::read_to_string(folder.join("station.toml")).unwrap();
    let slot = format!(
        "[[slot]]\nname = \"1\"\npath = \"{}\"\n",
        folder.join("port").display()
    );
    let database = "database = \"line.db\"\n";
    fs::write(
        folder.join("station.toml"),
        format!("{database}{station}{slot}"),
    )
    .unwrap();
    let record = crate::report::pulled(&folder.join("line.db")).await;
    record.close().await;
    let child = flashline(folder, &["run", "--json", "--log", "log.txt"])
        .env("FLASHLINE_LOG", "trace")
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("out.txt")).unwrap())
        .stderr(fs::File::create(folder.join("err.txt")).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while UnixStream::connect(folder.join("flashline.sock")).is_err() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    child
}

/// A connection to the daemon, past its hello.
fn connected(folder: &Path) -> BufReader<UnixStream> {
    let mut stream = BufReader::new(UnixStream::connect(folder.join("flashline.sock")).unwrap());
    let mut hello = String::new();
    stream.read_line(&mut hello).unwrap();
    stream
}

/// One line to the daemon; its answer.
fn say(stream: &mut BufReader<UnixStream>, line: &str) -> String {
    let mut answer = String::new();
    writeln!(stream.get_mut(), "{line}").unwrap();
    stream.read_line(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_running_station_writes_off_and_tells_a_pin_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut child = daemon(folder).await;
    let unit = "24:0a:c4:00:00:01";
    let off = ["write-off", unit, "--why", "cracked"];
    check(
        folder,
        &[&off[..], &["--who", "mei"]].concat(),
        "",
        4,
        "leave --who out",
    );
    check(folder, &off, "", 0, "is written off");
    check(folder, &off, "", 4, "is no open unit");

    let set = ["supervisor", "set", "anna"];
    check(folder, &set, &format!("{SECRET}\n"), 0, "anna has a PIN");
    let mut stream = connected(folder);
    assert!(say(&mut stream, r#"{"id":1,"ask":"stop_line"}"#).contains("true"));
    let asked = |pin: &str| {
        format!(
            "{{\"id\":2,\"ask\":\"free_line\",\"role\":\"operator\",\
             \"warrant\":{{\"why\":\"new pins\",\"supervisor\":\"anna\",\"pin\":{pin}}}}}"
        )
    };
    let answers = [
        (SECRET.to_owned(), "malformed"),
        (format!("\"{SECRET}0\""), "wrong_pin"),
        (format!("\"{SECRET}\""), "\"ok\":true"),
    ];
    for (pin, expected) in answers {
        let told = say(&mut stream, &asked(&pin));
        assert!(told.contains(expected) && !told.contains(SECRET), "{told}");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let rows = rows(folder, WARRANTS);
    let ends = [
        format!("write_off {unit} cracked"),
        format!("write_off {unit} cracked not_open"),
        "free_line new pins".to_owned(),
    ];
    assert_eq!(rows.len(), ends.len(), "{rows:?}");
    let told = rows.iter().zip(&ends);
    assert!(
        told.into_iter().all(|(row, end)| row.ends_with(end)),
        "{rows:?}"
    );
    assert!(rows[2].starts_with("anna pin "), "{rows:?}");
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let told = bytes
            .windows(SECRET.len())
            .any(|bytes| bytes == SECRET.as_bytes());
        assert!(!told, "{}", path.display());
        files += 1;
    }
    // the log and what was said are among them, and say something
    assert!(files > 6, "{files}");
    assert!(
        fs::read_to_string(folder.join("out.txt"))
            .unwrap()
            .contains("pin_wrong")
    );
    assert!(fs::metadata(folder.join("log.txt")).unwrap().len() > 0);
}
