use super::*;
use crate::dashboard::fixture;
use crate::event::{Code, FirstArticle, Outcome};
use crate::record::{LotStanding, Yield};

fn settings(command: &[&str]) -> AlarmSettings {
    AlarmSettings {
        command: command.iter().map(ToString::to_string).collect(),
        command_on: vec![Alarm::Fail, Alarm::LotDone],
        ..AlarmSettings::default()
    }
}

fn failed(number: u64) -> Arc<Notice> {
    let what = Happening::JobEnded {
        outcome: Outcome::Fail,
        code: Some(Code::NoSync),
        detail: String::new(),
        unit: Some(crate::chip::Mac([0x24, 0x0A, 0xC4, 0, 0x10, 3]).into()),
        attempts: 2,
        retries: 0,
        took: Duration::from_secs(3),
    };
    fixture::notice(number, Some("3"), what)
}

fn with_lot(mut snapshot: Snapshot) -> Snapshot {
    let lot = LotStanding {
        lot: fixture::lot(),
        product: "thermostat".to_owned(),
        version: "1.4.2".to_owned(),
        bundle: snapshot.bundle.to_string(),
        order: None,
        target: 500,
        state: LotState::Running,
        first_article: FirstArticle::Free,
        figures: Yield::default(),
        open_units: 0,
        units_per_hour: None,
        to_go: None,
    };
    let mut standing = (*snapshot.standing).clone();
    standing.lots = vec![lot];
    snapshot.standing = Arc::new(standing);
    snapshot
}

#[test]
fn what_the_command_is_told() {
    let snapshot = with_lot(fixture::bench());
    let check = |notice: &Notice, expected: &[(&str, &str)]| {
        let said = said(&settings(&["x"]), Language::English, notice, &snapshot).unwrap();
        for (name, value) in expected {
            let found = said.iter().find(|(said, _)| said == name);
            assert_eq!(found.map(|(_, value)| &**value), Some(*value), "{name}");
        }
    };
    check(
        &failed(1),
        &[
            ("FLASHLINE_EVENT", "fail"),
            ("FLASHLINE_STATION", "bench-1"),
            ("FLASHLINE_SLOT", "3"),
            ("FLASHLINE_CODE", "NO_SYNC"),
            ("FLASHLINE_UNIT", "24:0a:c4:00:10:03"),
            ("FLASHLINE_LOT", "L-2031"),
        ],
    );
    let done = Happening::LotDone {
        lot: fixture::lot(),
        passed: 500,
    };
    check(
        &fixture::notice(2, None, done),
        &[
            ("FLASHLINE_EVENT", "lot_done"),
            ("FLASHLINE_SLOT", ""),
            ("FLASHLINE_LOT", "L-2031"),
        ],
    );
    let quarantined = Happening::SlotQuarantined {
        boards: 3,
        code: Code::NoSync,
    };
    let notice = fixture::notice(3, Some("1"), quarantined);
    assert_eq!(
        said(&settings(&["x"]), Language::English, &notice, &snapshot),
        None,
        "it is not for a stop"
    );
}

/// A command that ends well, one that does not, none, and one that never ends: with the station at work,
/// and after its end.
#[test]
fn one_that_does_not_end_is_killed() {
    let (ended, station) = std::io::pipe().unwrap();
    let soon = Duration::from_millis(20);
    let long = Duration::from_secs(600);
    let sh = |script: &str| ["sh", "-c", script].map(str::to_owned);
    let check = |script: &str, longest, after, expected: Result<(), &str>| {
        let told = run(&sh(script), Vec::new(), &ended, longest, after);
        assert_eq!(told, expected.map_err(str::to_owned), "{script}");
    };
    check("exit 0", long, long, Ok(()));
    check("exit 3", long, long, Err("sh: exit status: 3"));
    let killed = Err("sh: killed, its time was up");
    // with what it has started
    check("sleep 600 & wait", soon, soon, killed);
    drop(station);
    check("sleep 600", long, soon, killed);
    check("exit 0", long, long, Ok(()));
    let nothing = run(&["/nowhere/x".to_owned()], Vec::new(), &ended, long, long);
    assert_eq!(
        nothing,
        Err("/nowhere/x: No such file or directory (os error 2)".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_failure_runs_it_once_and_it_ends_with_the_station() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let script = format!(
        "echo \"$FLASHLINE_EVENT $FLASHLINE_SLOT $FLASHLINE_CODE\" >> '{}'",
        told.display()
    );
    let mut snapshot = fixture::bench();
    snapshot.notices = [fixture::removed(1), failed(2)].into();
    let (publisher, snapshots) = watch::channel(Arc::new(snapshot.clone()));
    let task = follow(
        settings(&["sh", "-c", &script]),
        Language::English,
        snapshots,
    )
    .unwrap();
    let all = vec![fixture::removed(1), failed(2), failed(3)];
    snapshot.notices = all.into();
    publisher.send_replace(Arc::new(snapshot));
    drop(publisher);
    task.await.unwrap();
    // the task has begun them all; the last one's line tells that they are through
    let lines = || std::fs::read_to_string(&told).unwrap_or_default();
    let all = async {
        while lines().lines().count() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all)
        .await
        .unwrap();
    assert_eq!(lines(), "fail 3 NO_SYNC\nfail 3 NO_SYNC\n");
    assert!(
        follow(
            settings(&[]),
            Language::English,
            watch::channel(Arc::new(fixture::bench())).1
        )
        .is_none()
    );
}
