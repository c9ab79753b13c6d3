//! The daemon's socket: real ones in temporary folders, a station on boards in memory behind them, or none
//! where what is told is made up.

mod enquiries;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flashline::event::{Code, Happening, JobId, Notice, Role, SlotId, Who};
use flashline::manifest::Bundle;
use flashline::record::{JobFilter, Record, Standing};
use flashline::settings::{AccessSettings, Place, Settings, SlotSettings, SocketSettings};
use flashline::sim::{BoardSpec, Pace, SimPorts};
use flashline::socket::{self, ListenError, MOST_CONNECTIONS, Server, WhenLost, listen};
use flashline::station::enquiry::{Enquirer, Enquiry, Found, NotFound, Question};
use flashline::station::{
    Access, Ask, Asker, LineState, Pin, Pins, RequestRefused, Snapshot, Station,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::product;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program at the other end.
struct Program {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Program {
    async fn connect(path: &Path) -> Program {
        let (reader, writer) = UnixStream::connect(path).await.unwrap().into_split();
        Program {
            lines: BufReader::new(reader).lines(),
            writer,
        }
    }

    /// With the hello heard.
    async fn greeted(path: &Path) -> Program {
        let mut program = Program::connect(path).await;
        assert_eq!(program.hear().await["hello"]["protocol"], 1);
        program
    }

    async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.writer.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next object; `None`: the connection is closed.
    async fn next(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line());
        // who is cut off may find the connection reset
        let line = line.await.expect("something is told").ok().flatten()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    async fn hear(&mut self) -> Value {
        self.next().await.expect("the connection is open")
    }

    async fn hear_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let told = self.hear().await;
            if wanted(&told) {
                return told;
            }
        }
    }

    async fn answer(&mut self, request: Value) -> Value {
        self.say(&request.to_string()).await;
        self.hear_until(|told| told["id"] == request["id"]).await
    }
}

/// A station on boards in memory, served.
struct Line {
    ports: SimPorts,
    record: Record,
    stop: CancellationToken,
    station: Station,
    server: Server,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Line {
    async fn new(slots: usize) -> Line {
        let folder = tempfile::tempdir().unwrap();
        let bundle = Bundle::load(&product::write(folder.path())).unwrap();
        let database = folder.path().join("line.db");
        let manifest = folder.path().join("manifest.toml");
        let slot = |number: usize| {
            let place = Place::Path(format!("/sim/{number}").into());
            SlotSettings::at(&number.to_string(), place)
        };
        let settings = Settings {
            slots: (1..=slots).map(slot).collect(),
            settle: Duration::ZERO,
            grace: Duration::from_millis(50),
            disk_reserve_bytes: 0,
            ..Settings::of("test", manifest, database.clone())
        };
        let listening = listen(&settings.socket).unwrap();
        let socket = settings.socket.path.clone();
        let (record, interrupted) = Record::open(&database).unwrap();
        let ports = SimPorts::new();
        let stop = CancellationToken::new();
        let station = Station::start(
            settings,
            Arc::new(bundle),
            Arc::new(ports.clone()),
            record.clone(),
            interrupted,
            stop.clone(),
        )
        .await
        .unwrap();
        let snapshots = station.snapshots.clone();
        let asker = station.asker(Who::new("nobody", Role::Operator));
        let enquirer = station.enquirer();
        let server = socket::serve(listening, snapshots, asker, access(), enquirer).unwrap();
        Line {
            ports,
            record,
            stop,
            station,
            server,
            socket,
            _folder: folder,
        }
    }

    fn plug(&self, slot: usize) {
        let board = BoardSpec::esp32(slot as u32).pace(Pace::Unpaced);
        self.ports.plug(&slot.to_string(), board);
    }

    async fn end(self) {
        self.stop.cancel();
        self.station.ended().await;
        self.server.ended().await;
        self.record.close().await;
        assert!(!self.socket.exists());
    }
}

fn access() -> Access {
    Access::new(AccessSettings::default())
}

fn passed(told: &Value) -> bool {
    told["notice"]["event"] == "job_ended" && told["notice"]["outcome"] == "PASS"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_passes_and_is_told_in_every_way() {
    let line = Line::new(2).await;
    let mut program = Program::connect(&line.socket).await;
    let hello = program.hear().await["hello"].take();
    assert_eq!(
        (&hello["protocol"], &hello["station"]),
        (&json!(1), &json!("test"))
    );
    assert_eq!(
        hello["role"], "supervisor",
        "the daemon's own user: {hello}"
    );
    let both = json!({"id": 1, "follow": ["snapshots", "notices"]});
    assert_eq!(program.answer(both).await, json!({"id": 1, "ok": true}));
    let first = program.hear().await["snapshot"].take();
    assert_eq!(first["slots"][1]["state"], "empty");
    line.plug(2);
    let ended = program.hear_until(passed).await["notice"].take();
    assert_eq!(ended["slot"], "2");
    let refused = program
        .answer(json!({"id": 2, "ask": {"start": {"slot": "9"}}}))
        .await;
    assert_eq!(
        refused,
        json!({"id": 2, "ok": false, "word": "no_such_slot", "of": "9", "text": "there is no slot 9"})
    );
    let jobs = json!({"id": 3, "query": {"jobs": {"slot": "2", "outcome": "PASS"}}});
    let jobs = program.answer(jobs).await["jobs"].take();
    assert_eq!(jobs.as_array().unwrap().len(), 1);
    assert_eq!(jobs[0]["job"], ended["job"]);
    assert_eq!(jobs[0]["identity"]["mac"], ended["mac"]);
    let none = json!({"id": 4, "query": {"jobs": {"slot": "1"}}});
    assert_eq!(program.answer(none).await["jobs"], json!([]));
    let whole = json!({"id": 5, "query": {"job": {"job": ended["job"]}}});
    let whole = program.answer(whole).await["job"].take();
    assert_eq!(whole["regions"].as_array().unwrap().len(), 3);
    let steps = whole["steps"].as_array().unwrap();
    assert!(
        steps.iter().any(|step| step["step"] == "verify"),
        "{steps:?}"
    );
    let log = whole["log"].as_str().unwrap();
    assert!(log.contains(" is open"), "{log}");
    let other = json!({"id": 6, "query": {"job": {"job": "01930000-0000-7000-8000-000000000007"}}});
    assert_eq!(program.answer(other).await["word"], "no_such_job");
    let standing = program.answer(json!({"id": 7, "query": "standing"})).await;
    assert_eq!(standing["standing"]["today"]["first_pass"], 1);
    let status = program.answer(json!({"id": 8, "query": "status"})).await;
    assert_eq!(status["status"]["process"], std::process::id());
    assert_eq!(status["status"]["connections"], 1);
    let shutdown = program.answer(json!({"id": 9, "ask": "shutdown"})).await;
    assert_eq!(shutdown["word"], "owner_only");
    // in either order
    program
        .say(&json!({"id": 10, "ask": "stop_line"}).to_string())
        .await;
    let (mut stopped, mut halted) = (false, false);
    while !(stopped && halted) {
        let told = program.hear().await;
        stopped |= told == json!({"id": 10, "ok": true});
        halted |= !told["changes"]["line"]["halted"]["asked"].is_null();
    }
    let unsaid = program.answer(json!({"id": 11, "ask": "free_line"})).await;
    assert_eq!(unsaid["word"], "why_missing");
    let on = json!({"id": 12, "ask": "free_line", "warrant": {"why": "mended"}});
    assert_eq!(program.answer(on).await["ok"], true);
    line.end().await;
    let bye = program.hear_until(|told| !told["bye"].is_null()).await;
    assert_eq!(bye["bye"]["word"], "ended");
    assert_eq!(program.next().await, None);
}

/// `flashline stop && flashline status` in a script must not be told what was before.
#[tokio::test(flavor = "multi_thread")]
async fn who_hears_that_it_is_done_and_looks_finds_it_done() {
    let line = Line::new(1).await;
    let mut program = Program::greeted(&line.socket).await;
    let asked = program.answer(json!({"id": 1, "ask": "stop_line"})).await;
    assert_eq!(asked["ok"], true);
    let mut another = Program::greeted(&line.socket).await;
    another.say("{\"id\":1,\"follow\":[\"snapshots\"]}").await;
    let told = another
        .hear_until(|told| told["snapshot"].is_object())
        .await;
    let by = &told["snapshot"]["line"]["halted"]["asked"]["by"];
    assert!(by.is_string(), "the line as it is: {by}");
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_and_the_connection_stays() {
    let line = Line::new(1).await;
    let mut program = Program::greeted(&line.socket).await;
    for (said, id) in [
        ("hello?", Value::Null),
        ("{\"id\":", Value::Null),
        ("[1,2]", Value::Null),
        ("{\"ask\":\"stop_line\"}", Value::Null),
        ("{\"id\":5,\"ask\":\"explode\"}", json!(5)),
        ("{\"id\":6}", json!(6)),
        ("\u{fffd}\u{0}", Value::Null),
    ] {
        program.say(said).await;
        let told = program.hear().await;
        assert_eq!(
            (&told["id"], &told["ok"], &told["word"]),
            (&id, &json!(false), &json!("malformed")),
            "{said}: {told}"
        );
    }
    // an empty line is nothing; a whole one in pieces is one
    program.say("\r").await;
    program.writer.write_all(b"{\"id\":7,\"qu").await.unwrap();
    program.say("ery\":\"status\"}").await;
    assert_eq!(program.hear().await["id"], 7);
    // what has no end is not kept
    program.writer.write_all(&[b'x'; 20_000]).await.unwrap();
    assert_eq!(program.hear().await["bye"]["word"], "too_long");
    assert_eq!(program.next().await, None);
    line.end().await;
}

/// What was asked before the sending side was closed is answered (`echo … | nc -U`).
#[tokio::test(flavor = "multi_thread")]
async fn who_has_said_all_hears_the_answers() {
    let line = Line::new(1).await;
    let mut program = Program::greeted(&line.socket).await;
    program.say("{\"id\":1,\"query\":{\"jobs\":{}}}").await;
    program.say("{\"id\":2,\"ask\":\"stop_line\"}").await;
    program.writer.shutdown().await.unwrap();
    let mut told = [program.hear().await, program.hear().await];
    told.sort_by_key(|told| told["id"].as_u64());
    assert_eq!(
        (&told[0]["jobs"], &told[1]["ok"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(program.next().await, None);
    line.end().await;
}

/// Neither one that never reads what it follows, nor one that asks and asks and reads nothing.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stand_still_delay_no_board() {
    const BOARDS: usize = 8;
    let line = Line::new(BOARDS).await;
    let mut deaf = Program::greeted(&line.socket).await;
    deaf.say("{\"id\":1,\"follow\":[\"snapshots\",\"notices\"]}")
        .await;
    let mut pushy = Program::greeted(&line.socket).await;
    let pushing = tokio::spawn(async move {
        let question = b"{\"id\":1,\"query\":{\"jobs\":{}}}\n{\"id\":2,\"ask\":{\"start\":{\"slot\":\"9\"}}}\n";
        let mut written = 0;
        // it is read no further at some point, and then cut off
        while let Ok(bytes) = pushy.writer.write(question).await {
            written += bytes;
            assert!(written < 16 << 20, "it is read on and on");
        }
    });
    let mut program = Program::greeted(&line.socket).await;
    program.say("{\"id\":1,\"follow\":[\"notices\"]}").await;
    for slot in 1..=BOARDS {
        line.plug(slot);
    }
    for _ in 0..BOARDS {
        program.hear_until(passed).await;
    }
    line.end().await;
    pushing.await.unwrap();
}

/// A station whose snapshots a test makes up.
struct MadeUp {
    snapshots: watch::Sender<Arc<Snapshot>>,
    asked: mpsc::Receiver<flashline::station::Request>,
    enquiries: mpsc::Receiver<Enquiry>,
    server: Server,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl MadeUp {
    fn new() -> MadeUp {
        let folder = tempfile::tempdir().unwrap();
        MadeUp::at(folder)
    }

    fn at(folder: tempfile::TempDir) -> MadeUp {
        let database = folder.path().join("line.db");
        let settings = SocketSettings::beside(&database);
        let listening = listen(&settings).unwrap();
        let (snapshots, receiver) = watch::channel(Arc::new(snapshot(0, 0)));
        let (sender, asked) = mpsc::channel(4);
        let asker = Asker::new(Who::new("nobody", Role::Operator), sender);
        let (enquirer, enquiries) = Enquirer::new();
        let server = socket::serve(listening, receiver, asker, access(), enquirer).unwrap();
        MadeUp {
            snapshots,
            asked,
            enquiries,
            server,
            socket: settings.path,
            _folder: folder,
        }
    }

    async fn end(self) -> tempfile::TempDir {
        drop(self.snapshots);
        self.server.ended().await;
        self._folder
    }
}

/// With one notice of this number and size; 0: with none.
fn snapshot(number: u64, detail_bytes: usize) -> Snapshot {
    let notice = Notice {
        number,
        at: jiff::Timestamp::UNIX_EPOCH,
        slot: None,
        job: None,
        what: Happening::LineStopped {
            code: Code::DiskFull,
            detail: "x".repeat(detail_bytes),
        },
    };
    Snapshot {
        at: jiff::Timestamp::UNIX_EPOCH,
        station: "bench-1".into(),
        product: "thermostat".into(),
        version: "1.4.2".into(),
        bundle: "3f2a91c07be4".into(),
        bundles: Arc::new([]),
        line: LineState::Running,
        slots: Vec::new(),
        unassigned: Arc::new([]),
        standing: Arc::new(Standing::default()),
        at_hand: Arc::default(),
        notices: (number > 0).then(|| Arc::new(notice)).into_iter().collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_late_is_told_what_is_gone() {
    const NOTICES: u64 = 60;
    let station = MadeUp::new();
    let mut program = Program::greeted(&station.socket).await;
    station.snapshots.send_replace(Arc::new(snapshot(1, 10)));
    program.say("{\"id\":1,\"follow\":[\"notices\"]}").await;
    program
        .hear_until(|told| told["notice"]["number"] == 1)
        .await;
    // far more than the kernel holds for a socket
    for number in 2..=NOTICES {
        station
            .snapshots
            .send_replace(Arc::new(snapshot(number, 64 << 10)));
        tokio::task::yield_now().await;
    }
    let (mut last, mut missed) = (1, 0);
    while last < NOTICES {
        let told = program.hear().await["notice"].take();
        if told["event"] == "missed" {
            let gap = told["notices"].as_u64().unwrap();
            missed += gap;
            last += gap;
        } else {
            assert_eq!(told["number"], last + 1);
            last += 1;
        }
    }
    assert!(missed > 0);
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_told() {
    let station = MadeUp::new();
    let mut program = Program::greeted(&station.socket).await;
    let mut now = snapshot(0, 0);
    program.say("{\"id\":1,\"follow\":[\"snapshots\"]}").await;
    program.hear().await;
    assert!(program.hear().await["snapshot"].is_object());
    // nothing but the time
    now.at = "2026-11-05T10:03:44Z".parse().unwrap();
    now.unassigned = station.snapshots.borrow().unassigned.clone();
    now.bundles = station.snapshots.borrow().bundles.clone();
    now.standing = station.snapshots.borrow().standing.clone();
    now.at_hand = station.snapshots.borrow().at_hand.clone();
    station.snapshots.send_replace(Arc::new(now.clone()));
    let status = program.answer(json!({"id": 2, "query": "standing"})).await;
    assert_eq!(status["ok"], true, "and not a line before it");
    now.line = LineState::Ending;
    station.snapshots.send_replace(Arc::new(now));
    let told = program.hear().await;
    let expected = json!({"changes": {"at": "2026-11-05T10:03:44.000Z", "line": "ending"}});
    assert_eq!(told, expected);
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_bound_to_connections() {
    let station = MadeUp::new();
    let mut all = Vec::new();
    for _ in 0..MOST_CONNECTIONS {
        all.push(Program::greeted(&station.socket).await);
    }
    let mut late = Program::connect(&station.socket).await;
    assert_eq!(late.hear().await["bye"]["word"], "too_many");
    assert_eq!(late.next().await, None);
    all.pop();
    // the place is free when the daemon has seen that its client went
    let mut next = loop {
        let mut next = Program::connect(&station.socket).await;
        if next.hear().await["hello"].is_object() {
            break next;
        }
    };
    let status = next.answer(json!({"id": 1, "query": "status"})).await;
    assert_eq!(status["status"]["connections"], MOST_CONNECTIONS);
    drop(all);
    station.end().await;
}

/// Whoever types it: root's own connection too is an operator's where it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_over_the_socket_holds_or_not() {
    let line = Line::new(1).await;
    let pins = Pins::at(&line.socket.with_file_name("supervisors.toml"));
    pins.set("anna", &Pin("4711".into())).unwrap();
    let mut program = Program::greeted(&line.socket).await;
    assert_eq!(
        program.answer(json!({"id": 1, "ask": "stop_line"})).await["ok"],
        true
    );
    let free = |id: u64, role: &str, warrant: Value| json!({"id": id, "ask": "free_line", "role": role, "warrant": warrant});
    let by_anna = |pin: &str| json!({"why": "new pins", "supervisor": "anna", "pin": pin});
    let by_login = free(2, "operator", json!({"why": "new pins"}));
    assert_eq!(program.answer(by_login).await["word"], "supervisor_only");
    let wrong = program.answer(free(3, "operator", by_anna("4712"))).await;
    assert_eq!(
        wrong,
        json!({"id": 3, "ok": false, "word": "wrong_pin", "of": {"name": "anna", "left": 4},
            "text": "the PIN is wrong; 4 more wrong ones lock anna out"})
    );
    let unknown = json!({"why": "x", "supervisor": "li", "pin": "4711"});
    assert_eq!(
        program.answer(free(4, "operator", unknown)).await["word"],
        "no_pin"
    );
    let right = program.answer(free(5, "operator", by_anna("4711"))).await;
    assert_eq!(right, json!({"id": 5, "ok": true}));
    // a role is never more than the login's
    let again = program
        .answer(free(6, "supervisor", json!({"why": "x"})))
        .await;
    assert_eq!(again["word"], "line_runs");
    let text = json!({"id": 7, "ask": "free_line", "warrant": {"why": "x", "supervisor": "a", "pin": 4711}});
    let malformed = program.answer(text).await;
    assert_eq!(malformed["word"], "malformed");
    assert!(!malformed.to_string().contains("4711"), "{malformed}");
    line.end().await;
}

/// A face that is attached sees what the station shows, and hears its answers.
#[tokio::test(flavor = "multi_thread")]
async fn an_attached_face_is_as_one_at_home() {
    let mut station = MadeUp::new();
    let mut attached = socket::attach(&station.socket, WhenLost::Look)
        .await
        .unwrap();
    assert_eq!(attached.snapshots.borrow().station.as_ref(), "bench-1");
    station.snapshots.send_replace(Arc::new(snapshot(7, 10)));
    let seen = attached.snapshots.wait_for(|seen| {
        seen.notices
            .first()
            .is_some_and(|notice| notice.number == 7)
    });
    drop(tokio::time::timeout(PATIENCE, seen).await.unwrap().unwrap());
    let answer = attached.asker.ask(Ask::FreeLine).await.unwrap();
    let asked = station.asked.recv().await.unwrap();
    assert_eq!(
        (asked.ask, &*asked.by.name),
        (Ask::FreeLine, &*attached.asker.by().name)
    );
    asked.answer.send(Err(RequestRefused::LineRuns)).unwrap();
    assert_eq!(answer.await.unwrap(), Err(RequestRefused::LineRuns));

    let folder = station.end().await;
    let lost = attached
        .contact
        .wait_for(|contact| *contact == socket::Contact::Lost);
    drop(tokio::time::timeout(PATIENCE, lost).await.unwrap().unwrap());
    let station = MadeUp::at(folder);
    station.snapshots.send_replace(Arc::new(snapshot(1, 20)));
    let back = attached
        .contact
        .wait_for(|contact| *contact == socket::Contact::There);
    drop(tokio::time::timeout(PATIENCE, back).await.unwrap().unwrap());
    let seen = attached.snapshots.wait_for(|seen| {
        seen.notices
            .first()
            .is_some_and(|notice| notice.number == 1)
    });
    drop(tokio::time::timeout(PATIENCE, seen).await.unwrap().unwrap());
    // a face that is through ends itself and nothing else
    drop(attached.asker.ask(Ask::Shutdown).await);
    attached.ended().await.unwrap();
    assert!(UnixStream::connect(&station.socket).await.is_ok());
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_of_another_protocol_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let daemon = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let hello = b"{\"hello\":{\"protocol\":99,\"flashline\":\"7.0.0\"}}\n";
        stream.write_all(hello).await.unwrap();
        let mut rest = Vec::new();
        // until the client has left
        let _ = stream.read_to_end(&mut rest).await;
    };
    let (met, ()) = tokio::join!(socket::attach(&path, WhenLost::Look), daemon);
    let told = met.unwrap_err().to_string();
    assert!(told.contains("7.0.0") && told.contains("99"), "{told}");
    let absent = socket::attach(&folder.path().join("o"), WhenLost::Look).await;
    let told = absent.unwrap_err().to_string();
    assert!(told.contains("flashline run"), "{told}");
}

#[tokio::test]
async fn two_daemons_do_not_share_a_socket() {
    let station = MadeUp::new();
    let settings = SocketSettings {
        path: station.socket.clone(),
        group: None,
        said_group: None,
    };
    let told = listen(&settings).unwrap_err();
    assert!(matches!(told, ListenError::Live { .. }), "{told}");
    station.end().await;
    drop(listen(&settings));
}
