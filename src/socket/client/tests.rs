//! What is written is read again, and the page is held to it.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::dashboard::fixture;
use crate::event::{Code, Golden, JobId, LotState, Outcome, ScanKind, Serial, SlotId, Step, Unit};
use crate::job::{BootLog, Measurement, RegionResult, Retries, StepResult};
use crate::plan::Method;
use crate::record::{Day, Hour, JobFilter, JobRow, SlotDay, Story};
use crate::socket::wire::{self, Answer, ByeWord, Query, SocketWord, Told};
use crate::station::enquiry::{Found, NotFound};
use crate::station::{
    Again, Ask, BundleView, Halt, LineState, NewLot, OnDisk, RequestRefused, SlotOut, SlotState,
    SlotView,
};
use crate::station::{NamedPin, Pin};

const PAGE: &str = include_str!("../../../docs/socket.md");

fn line(value: &impl serde::Serialize) -> String {
    let mut line = Vec::new();
    push_line(&mut line, value);
    let text = String::from_utf8(line).unwrap();
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    text.trim_end().to_owned()
}

/// Every part of a snapshot in every state.
fn snapshots() -> Vec<Snapshot> {
    let mut odd = fixture::many(64);
    odd.bundles = [
        OnDisk::Same,
        OnDisk::Changed {
            product: "thermostat".into(),
            version: "1.4.3".into(),
            bundle: "77d0c2b91e5a".into(),
        },
        OnDisk::Invalid {
            fault: "thermostat.toml:12:1: no".into(),
        },
    ]
    .map(|on_disk| BundleView {
        manifest: "/etc/flashline/thermostat.toml".into(),
        product: "thermostat".into(),
        version: "1.4.2".into(),
        bundle: "3f2a91c07be4".into(),
        on_disk,
    })
    .into();
    let code = Code::DiskFull;
    let outs = [
        SlotOut::Quarantined { boards: 3, code },
        SlotOut::Stopped { by: fixture::li() },
    ];
    let states = [SlotState::Blocked { code }, SlotState::Settling];
    for ((slot, out), state) in odd.slots.iter_mut().zip(outs).zip(states) {
        *slot = Arc::new(SlotView {
            out: Some(out),
            state,
            seat: Some(crate::settings::Seat { row: 1, column: 2 }),
            product: Some("other 2.0".into()),
            ..(**slot).clone()
        });
    }
    let mut all = vec![fixture::bench(), fixture::bench_of_the_rest(), odd];
    for line in [
        LineState::Stopped {
            code,
            detail: "12 MB free".to_owned(),
        },
        LineState::Halted(Halt::Failures { slots: 3, code }),
        LineState::Halted(Halt::Asked { by: fixture::li() }),
        LineState::Ending,
    ] {
        all.push(Snapshot {
            line,
            ..fixture::bench()
        });
    }
    all
}

/// The notices go beside a snapshot.
fn check_same(read: &Snapshot, told: &Snapshot) {
    let plain = |snapshot: &Snapshot| {
        let notices = Arc::new([]);
        format!(
            "{:#?}",
            Snapshot {
                notices,
                ..snapshot.clone()
            }
        )
    };
    similar(&plain(read), &plain(told));
}

fn similar(read: &str, told: &str) {
    let other = read.lines().zip(told.lines()).find(|(a, b)| a != b);
    assert!(read == told, "{other:?}");
}

#[test]
fn every_snapshot_is_read_back() {
    for told in snapshots() {
        let Event::Snapshot(read) = event(&line(&Told::Snapshot(&told))).unwrap() else {
            panic!("no snapshot");
        };
        check_same(&read, &told);
    }
}

#[test]
fn changes_lead_from_each_snapshot_to_each_other() {
    for before in snapshots() {
        for now in snapshots() {
            let Some(changes) = Changes::between(&before, &now) else {
                assert_ne!(before.slots.len(), now.slots.len());
                continue;
            };
            let Event::Changes(changes) = event(&line(&Told::Changes(&changes))).unwrap() else {
                panic!("no changes");
            };
            let mut read = before.clone();
            changes.apply(&mut read);
            check_same(&read, &now);
        }
    }
    let one = fixture::bench();
    assert!(Changes::between(&one, &one.clone()).unwrap().is_empty());
}

#[test]
fn every_notice_is_read_back() {
    for told in fixture::every_happening() {
        match event(&line(&Told::Notice(&told))).unwrap() {
            Event::Notice(read) => assert_eq!(read, told),
            other => panic!("{other:?}"),
        }
    }
    let missed = line(&Told::Missed(Missed::new(3)));
    assert_eq!(missed, r#"{"notice":{"event":"missed","notices":3}}"#);
    assert!(matches!(event(&missed).unwrap(), Event::Missed(3)));
}

fn unit() -> Unit {
    Unit::parse("24:0a:c4:00:00:03").unwrap()
}

fn every_ask() -> Vec<Ask> {
    let lot = fixture::lot;
    let slot = || SlotId::new("3");
    let all = vec![
        Ask::Start {
            slot: slot(),
            serial: crate::event::Serial::parse("A17"),
        },
        Ask::Scan {
            text: "A17".to_owned(),
            slot: Some(slot()),
        },
        Ask::StopJob { slot: slot() },
        Ask::StopSlot { slot: slot() },
        Ask::FreeSlot { slot: slot() },
        Ask::StopLine,
        Ask::FreeLine,
        Ask::TakeBundle {
            bundle: "77d0c2b91e5a".to_owned(),
        },
        Ask::ApproveLot(NewLot {
            lot: lot(),
            target: 500,
            order: Some("PO-77".to_owned()),
            bundle: None,
            hold_first_article: true,
        }),
        Ask::StartLot { lot: lot() },
        Ask::PauseLot { lot: lot() },
        Ask::ApproveFirstArticle { lot: lot() },
        Ask::EndLot { lot: lot() },
        Ask::Decide {
            slot: slot(),
            again: Again::Skip,
        },
        Ask::AllowRetest { unit: unit() },
        Ask::WriteOff { unit: unit() },
        Ask::Shutdown,
    ];
    // one that is new belongs above and on the page
    for ask in &all {
        match ask {
            Ask::Start { .. } | Ask::Scan { .. } | Ask::StopJob { .. } | Ask::StopSlot { .. } => {}
            Ask::FreeSlot { .. } | Ask::StopLine | Ask::FreeLine => {}
            Ask::ApproveLot(_) | Ask::StartLot { .. } | Ask::PauseLot { .. } => {}
            Ask::ApproveFirstArticle { .. } | Ask::EndLot { .. } => {}
            Ask::Decide { .. } | Ask::AllowRetest { .. } | Ask::WriteOff { .. } => {}
            Ask::TakeBundle { .. } | Ask::Shutdown => {}
        }
    }
    all
}

#[test]
fn every_ask_is_on_the_page_as_it_is_written() {
    for ask in every_ask() {
        let written = serde_json::to_string(&ask).unwrap();
        assert!(PAGE.contains(&format!("| `{written}` |")), "{written}");
        let request = Request {
            id: 7,
            what: What::Ask(ask),
            warrant: None,
            role: None,
        };
        assert_eq!(wire::parse(line(&request).as_bytes()), Ok(request));
    }
}

#[test]
fn what_may_be_left_out_is_filled_in() {
    let check = |text: &str, what: What| {
        let request = wire::parse(text.as_bytes()).unwrap();
        let warrant = None;
        assert_eq!(
            request,
            Request {
                id: 1,
                what,
                warrant,
                role: None,
            }
        );
    };
    check(
        r#"{"id":1,"query":{"jobs":{}}}"#,
        What::Query(Query::Jobs(JobFilter::default())),
    );
    check(
        r#"{"id":1,"query":{"jobs":{"newest":2,"slot":"3","outcome":"FAIL"}}}"#,
        What::Query(Query::Jobs(JobFilter {
            newest: 2,
            slot: Some(SlotId::new("3")),
            outcome: Some(Outcome::Fail),
            ..JobFilter::default()
        })),
    );
    check(r#"{"id":1,"query":"day"}"#, What::Query(Query::Day));
    check(
        r#"{"more":0,"id":1,"ask":{"start":{"slot":"3"}}}"#,
        What::Ask(Ask::Start {
            slot: SlotId::new("3"),
            serial: None,
        }),
    );
    let both = What::Follow(vec![Stream::Snapshots, Stream::Notices]);
    check(r#"{"id":1,"follow":["snapshots","notices"]}"#, both);
}

#[test]
fn what_is_no_request_keeps_its_number() {
    let check = |text: &str, id: Option<u64>| {
        let told = wire::parse(text.as_bytes()).unwrap_err();
        assert_eq!(told.0, id, "{}", told.1);
    };
    check("", None);
    check("[]", None);
    check(r#"{"ask":"stop_line"}"#, None);
    check(r#"{"id":-1,"ask":"stop_line"}"#, None);
    check(r#"{"id":1}"#, Some(1));
    check(r#"{"id":1,"ask":"explode"}"#, Some(1));
    check(r#"{"id":1,"query":{"job":{"job":"7"}}}"#, Some(1));
    check(r#"{"id":1,"query":{"jobs":{"slott":"3"}}}"#, Some(1));
    check(r#"{"id":1,"query":{"jobs":{"newest":-1}}}"#, Some(1));
    check(r#"{"id":1,"follow":"snapshots"}"#, Some(1));
    check(
        r#"{"id":1,"ask":{"start":{"slot":"3","serail":"A17"}}}"#,
        Some(1),
    );
    check(
        r#"{"id":1,"ask":{"approve_lot":{"lot":"L-1","target":5,"ordr":"x"}}}"#,
        Some(1),
    );
    check(
        r#"{"id":1,"ask":"stop_line","follow":["notices"]}"#,
        Some(1),
    );
    check(
        r#"{"id":1,"query":{"job":{"job":"01930000-0000-7000-8000-000000000007","log":true}}}"#,
        Some(1),
    );
}

#[test]
fn a_warrant_is_whole_or_none_and_a_mistake_in_it_tells_no_pin() {
    let parse = |warrant: &str| {
        let text = format!("{{\"id\":1,\"ask\":\"free_line\",\"warrant\":{warrant}}}");
        wire::parse(text.as_bytes())
    };
    let pin = NamedPin {
        supervisor: "anna".into(),
        pin: Pin("4711".into()),
    };
    for (text, pin) in [
        (r#"{"why":"new pins"}"#, None),
        (
            r#"{"why":"new pins","supervisor":"anna","pin":"4711"}"#,
            Some(pin),
        ),
    ] {
        let request = parse(text).unwrap();
        let why = "new pins".into();
        assert_eq!(request.warrant, Some(Warrant { why, pin }));
        assert!(!format!("{request:?}").contains("4711"), "{request:?}");
        assert_eq!(wire::parse(line(&request).as_bytes()), Ok(request));
    }
    assert_eq!(parse("null").unwrap().warrant, None);
    for text in [
        r#"{"why":"x","supervisor":"anna","pin":4711}"#,
        r#"{"why":"x","supervisor":"anna","pin":["4711"]}"#,
        r#"{"why":"x","supervisor":"anna"}"#,
        r#"{"why":"x","pin":"4711"}"#,
        r#"{"why":"x","Pin":"4711"}"#,
        r#"{"why":"x","4711":"4711"}"#,
        r#"{"supervisor":"anna","pin":"4711"}"#,
        r#""4711""#,
        "4711",
    ] {
        let (id, told) = parse(text).unwrap_err();
        assert_eq!(id, Some(1));
        assert!(!told.contains("4711"), "{told}");
    }
}

proptest! {
    #[test]
    fn no_line_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = wire::parse(&bytes);
        let _ = event(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_request_is_too_odd(
        key in "(id|ask|query|follow)",
        inner in "(start|scan|jobs|job|status|stop_line)",
        value in r#"(null|7|-1|1e400|"x"|\[\]|\{\}|\{"slot":7\}|\{"newest":-1\})"#,
    ) {
        let _ = wire::parse(format!(r#"{{"id":1,"{key}":{{"{inner}":{value}}}}}"#).as_bytes());
        let _ = wire::parse(format!(r#"{{"id":{value},"{key}":"{inner}"}}"#).as_bytes());
        let _ = event(&format!(r#"{{"snapshot":{{"{inner}":{value}}},"{key}":{value}}}"#));
    }
}

fn every_refusal() -> Vec<RequestRefused> {
    let lot = fixture::lot;
    let slot = || SlotId::new("3");
    let text = || "x".to_owned();
    let all = vec![
        RequestRefused::NoSuchSlot(slot()),
        RequestRefused::NoBoard(slot()),
        RequestRefused::NotRemoved(slot()),
        RequestRefused::AtWork(slot()),
        RequestRefused::Held {
            slot: slot(),
            by: "picocom (process 7)".into(),
        },
        RequestRefused::Idle(slot()),
        RequestRefused::SlotOut(slot()),
        RequestRefused::NotApproved {
            slot: slot(),
            manifest: "m.toml".into(),
        },
        RequestRefused::SlotRuns(slot()),
        RequestRefused::LineStopped(text()),
        RequestRefused::LineRuns,
        RequestRefused::WhichSlot,
        RequestRefused::NotASerial(text()),
        RequestRefused::UnknownScan {
            text: text(),
            expected: vec![ScanKind::Operator, ScanKind::Lot, ScanKind::Serial],
        },
        RequestRefused::SerialInUse {
            serial: Serial::parse("A17").unwrap(),
            slot: slot(),
        },
        RequestRefused::NoSuchBundle(text()),
        RequestRefused::NotALot(text()),
        RequestRefused::NoSuchLot(lot()),
        RequestRefused::LotExists(lot()),
        RequestRefused::LotIs {
            lot: lot(),
            state: LotState::Paused { by: fixture::li() },
        },
        RequestRefused::LotRuns { running: lot() },
        RequestRefused::LotOfOtherBundle {
            lot: lot(),
            bundle: text(),
        },
        RequestRefused::LotUnitsOpen {
            lot: lot(),
            units: 2,
        },
        RequestRefused::LotAtWork(lot()),
        RequestRefused::NoFirstArticle(lot()),
        RequestRefused::NothingAsked(slot()),
        RequestRefused::NotOpen(unit()),
        RequestRefused::RetestFree(unit()),
        RequestRefused::WhyMissing,
        RequestRefused::NotRecorded(text()),
        RequestRefused::NoPin("anna".into()),
        RequestRefused::WrongPin {
            name: "anna".into(),
            left: 2,
        },
        RequestRefused::LockedOut {
            name: "anna".into(),
            seconds: 300,
        },
        RequestRefused::PinsUnreadable(text()),
        RequestRefused::SupervisorOnly { by: fixture::li() },
    ];
    // one that is new belongs above and on the page
    for refused in &all {
        match refused {
            RequestRefused::NoSuchSlot(_) | RequestRefused::NoBoard(_) => {}
            RequestRefused::NotRemoved(_) | RequestRefused::AtWork(_) => {}
            RequestRefused::Held { .. } | RequestRefused::Idle(_) => {}
            RequestRefused::SlotOut(_) | RequestRefused::SlotRuns(_) => {}
            RequestRefused::NotApproved { .. } => {}
            RequestRefused::LineStopped(_) | RequestRefused::LineRuns => {}
            RequestRefused::WhichSlot | RequestRefused::UnknownScan { .. } => {}
            RequestRefused::SerialInUse { .. } => {}
            RequestRefused::NotASerial(_) | RequestRefused::NoSuchBundle(_) => {}
            RequestRefused::NotALot(_) => {}
            RequestRefused::NoSuchLot(_) | RequestRefused::LotExists(_) => {}
            RequestRefused::LotIs { .. } | RequestRefused::LotRuns { .. } => {}
            RequestRefused::LotOfOtherBundle { .. } | RequestRefused::LotUnitsOpen { .. } => {}
            RequestRefused::LotAtWork(_) | RequestRefused::NoFirstArticle(_) => {}
            RequestRefused::NothingAsked(_) | RequestRefused::NotOpen(_) => {}
            RequestRefused::RetestFree(_) | RequestRefused::WhyMissing => {}
            RequestRefused::NotRecorded(_) | RequestRefused::NoPin(_) => {}
            RequestRefused::WrongPin { .. } | RequestRefused::LockedOut { .. } => {}
            RequestRefused::PinsUnreadable(_) | RequestRefused::SupervisorOnly { .. } => {}
        }
    }
    all
}

#[test]
fn every_refusal_is_read_back_and_on_the_page() {
    let own = SocketWord::ALL.map(|word| Refused::Socket(word, "why".to_owned()));
    let rules = every_refusal().into_iter().map(Refused::Station);
    for told in rules.chain(own) {
        let text = line(&Answer {
            id: Some(7),
            ok: false,
            what: told.clone(),
        });
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["text"], told.to_string(), "{text}");
        let word = value["word"].as_str().unwrap();
        assert!(PAGE.contains(&format!("| `{word}` |")), "{word}");
        match event(&text).unwrap() {
            Event::Answer {
                id: 7,
                answer: Err(read),
            } => assert_eq!(read, told),
            other => panic!("{other:?}"),
        }
    }
}

fn every_finding() -> [Found; 3] {
    let started = jiff::Timestamp::from_millisecond(1_761_984_000_123).unwrap();
    let row = JobRow {
        job: JobId::now(),
        station: "bench-1".to_owned(),
        slot: SlotId::new("3"),
        place: "/dev/ttyUSB0".to_owned(),
        product: "thermostat".to_owned(),
        version: "1.4.0".to_owned(),
        bundle_digest: "77d0c2b91e5a".to_owned(),
        serial: Serial::parse("A17"),
        lot: Some(fixture::lot()),
        operator: Some("Mei".to_owned()),
        golden: Some(Golden::Bad),
        identity: Some(fixture::identity(3)),
        outcome: Some(Outcome::Fail),
        code: Some(Code::VerifyMismatch),
        detail: "0x10000".to_owned(),
        attempts: 2,
        retries: Retries {
            blocks: 1,
            rates: 2,
            connections: 3,
        },
        written_by: Some(Method::RomDeflate),
        baud: 921_600,
        bytes_written: 1 << 40,
        bytes_skipped: 4096,
        flash_touched: true,
        started,
        ended: Some(started),
    };
    let running = JobRow {
        outcome: None,
        code: None,
        ended: None,
        identity: None,
        written_by: None,
        ..row.clone()
    };
    let story = Story {
        row: row.clone(),
        steps: vec![StepResult {
            step: Step::Verify,
            attempt: 1,
            began: Duration::from_micros(1_234_567),
            took: Duration::from_micros(89),
            code: None,
        }],
        regions: vec![RegionResult {
            name: "app".to_owned(),
            offset: 0x1_0000,
            size_bytes: 4096,
            file_sha256: [0xAB; 32],
            written_sha256: [1; 32],
            found_md5: Some([0x0F; 16]),
            found_sha256: None,
            skipped_bytes: 0,
        }],
        log: Some("0.000 connect: begins\n".to_owned()),
        boot: Some(BootLog {
            text: "ready\n".to_owned(),
            measurements: vec![Measurement {
                name: "battery".to_owned(),
                value: 3.3,
                unit: "V".to_owned(),
                low: None,
                high: Some(4.2),
            }],
        }),
    };
    let day = Day {
        hours: vec![Hour {
            from: started,
            units: 3,
            first_pass: 1,
            passed: 2,
        }],
        failures: vec![(Code::NoSync, 4)],
        slots: vec![SlotDay {
            slot: SlotId::new("3"),
            units: 3,
            first_pass: 1,
            no_contact: 4,
        }],
    };
    [
        Found::Jobs(vec![row, running]),
        Found::Job(Some(Box::new(story))),
        Found::Day(day),
    ]
}

#[test]
fn what_was_found_is_read_back_as_it_was() {
    for found in every_finding() {
        let text = line(&Answer {
            id: Some(7),
            ok: true,
            what: found.clone(),
        });
        match event(&text).unwrap() {
            Event::Answer { id: 7, answer } => assert_eq!(wire::found(answer), Ok(found), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_without_a_finding_says_why() {
    let refused = |word| Err(Refused::Socket(word, "why".to_owned()));
    assert_eq!(
        wire::found(refused(SocketWord::NoSuchJob)),
        Ok(Found::Job(None))
    );
    let unreadable = Err(NotFound::Unreadable("why".to_owned()));
    assert_eq!(
        wire::found(refused(SocketWord::RecordUnreadable)),
        unreadable
    );
    assert_eq!(wire::found(refused(SocketWord::Malformed)), unreadable);
    assert_eq!(wire::found(refused(SocketWord::Busy)), Err(NotFound::Busy));
    for odd in [r#"{"id":7,"ok":true}"#, r#"{"id":7,"ok":true,"day":7}"#] {
        let found = wire::found(Ok(odd.to_owned()));
        assert!(matches!(found, Err(NotFound::Unreadable(_))), "{found:?}");
    }
}

/// Every key of an object, and of those in it.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                found.push(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_is_on_the_page() {
    let hello = Hello {
        protocol: PROTOCOL,
        flashline: "0.1.0".to_owned(),
        station: "bench-1".to_owned(),
        you: "anna".to_owned(),
        role: Role::Supervisor,
    };
    let mut lines = vec![line(&Told::Hello(&hello))];
    assert_eq!(PAGE.lines().filter(|at| **at == lines[0]).count(), 1);
    for word in [ByeWord::Ended, ByeWord::TooMany, ByeWord::TooLong] {
        let text = String::new();
        let bye = line(&Told::Bye(&Bye { word, text }));
        let value: Value = serde_json::from_str(&bye).unwrap();
        let word = value["bye"]["word"].as_str().unwrap();
        assert!(PAGE.contains(&format!("| `{word}` |")), "{word}");
        lines.push(bye);
    }
    lines.extend(snapshots().iter().map(|it| line(&Told::Snapshot(it))));
    let status = crate::socket::health::look(std::time::Instant::now(), 1, 1);
    lines.push(line(&status));
    lines.extend(every_finding().iter().map(line));
    let filter = serde_json::to_value(JobFilter::default()).unwrap();
    lines.push(filter.to_string());
    let mut found = Vec::new();
    for line in lines {
        keys(&serde_json::from_str(&line).unwrap(), &mut found);
    }
    // those of an identity are json.md's
    let other = include_str!("../../../docs/json.md");
    for key in found {
        let (plain, quoted) = (format!("`{key}`"), format!("\"{key}\""));
        let said = PAGE.contains(&plain) || PAGE.contains(&quoted) || other.contains(&plain);
        assert!(said, "{key}");
    }
}

#[test]
fn another_version_is_refused_with_words() {
    let text = r#"{"hello":{"protocol":2,"flashline":"0.9.0","new":true}}"#;
    let told = hello(text).unwrap_err().to_string();
    assert!(
        told.contains("flashline 0.9.0") && told.contains("version 2"),
        "{told}"
    );
    let told = hello(r#"{"bye":{"word":"too_many","text":"64 are open"}}"#).unwrap_err();
    assert!(matches!(told, ClientError::TurnedAway { .. }), "{told}");
    assert!(matches!(hello("{}"), Err(ClientError::Garbled(_))));
}

/// What it costs to show 64 slots, told by `--nocapture`; the bounds are what docs and bounds rest on.
#[test]
fn a_snapshot_of_64_slots_is_small() {
    let mut bench = fixture::many(64);
    for (number, slot) in (0u8..).zip(&mut bench.slots) {
        *slot = fixture::slot(&format!("{number}"), fixture::working(number));
    }
    let whole = line(&Told::Snapshot(&bench)).len();
    let mut next = bench.clone();
    next.slots[5] = fixture::slot("5", fixture::working(6));
    let one = line(&Told::Changes(&Changes::between(&bench, &next).unwrap())).len();
    for (number, slot) in (0u8..).zip(&mut next.slots) {
        *slot = fixture::slot(&format!("{number}"), fixture::working(number));
    }
    let all = line(&Told::Changes(&Changes::between(&bench, &next).unwrap())).len();
    println!("64 slots at work: snapshot {whole} bytes, one slot {one}, all slots {all}");
    assert!(whole < 64 << 10 && one < 1 << 10 && all < 64 << 10);
}
