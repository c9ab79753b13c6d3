//! What a station that starts takes from its record.

use super::*;
use crate::record::EndedJob;

fn ended(slot: &str, code: Option<Code>, board: u8, second: i64) -> EndedJob {
    EndedJob {
        slot: id(slot),
        unit: Some(Unit::Mac(mac(board))),
        golden: None,
        outcome: code.map_or(crate::event::Outcome::Pass, Code::outcome),
        code,
        bundle_digest: [0; 32],
        ended: jiff::Timestamp::from_second(second).unwrap(),
    }
}

#[test]
fn what_was_out_of_service_is_so_after_a_restart() {
    let stopped = |slot: Option<&str>| OutOfService {
        slot: slot.map(SlotId::new),
        cause: StopCause::Asked {
            by: Who::new("li", Role::Operator),
        },
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    let ServiceChange::Out(quarantined) = failures(Some("2"), 3, Code::NoSync) else {
        panic!("out")
    };
    let history = History {
        // what failures did is shown before what someone asked besides
        out: vec![
            stopped(None),
            stopped(Some("1")),
            quarantined,
            stopped(Some("2")),
        ],
        ..History::default()
    };
    let mut bench = bench_with(3, &history);
    assert!(matches!(
        line(&mut bench),
        LineState::Halted(Halt::Asked { .. })
    ));
    assert!(matches!(
        out(&mut bench, "1"),
        Some(SlotOut::Stopped { .. })
    ));
    assert!(matches!(
        out(&mut bench, "2"),
        Some(SlotOut::Quarantined { boards: 3, .. })
    ));
    assert!(kept(&mut bench).is_empty(), "the record knows");
    let told = said(&mut bench);
    assert!(
        matches!(
            told[1..],
            [
                Happening::SlotStopped { .. },
                Happening::SlotQuarantined { .. },
                Happening::LineStoppedBy { .. }
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn runs_of_failures_go_on_after_a_restart() {
    let history = History {
        jobs: vec![
            ended("1", Some(Code::NoSync), 1, 10),
            ended("1", Some(Code::FlashWrite), 2, 20),
            ended("2", Some(Code::FlashWrite), 3, 30),
        ],
        ..History::default()
    };
    let mut bench = bench_with(3, &history);
    assert_eq!(line(&mut bench), LineState::Running);
    work(&mut bench, "1", Some(Code::FlashWrite), 4);
    assert!(out(&mut bench, "1").is_some());
    work(&mut bench, "3", Some(Code::FlashWrite), 5);
    assert!(matches!(line(&mut bench), LineState::Halted(_)));
}

/// Killed between the third failure's row and that of the quarantine.
#[test]
fn what_a_killed_process_had_no_time_for_follows_at_the_start() {
    let jobs = vec![
        ended("1", Some(Code::NoSync), 1, 10),
        ended("1", Some(Code::FlashWrite), 2, 20),
        ended("1", Some(Code::FlashWrite), 3, 30),
        ended("2", Some(Code::FlashWrite), 4, 40),
        ended("3", Some(Code::FlashWrite), 5, 50),
    ];
    let check = |freed: &[(Option<&str>, i64)], quarantined: bool, halted: bool| {
        let freed = freed.iter().map(|(slot, second)| {
            let at = jiff::Timestamp::from_second(*second).unwrap();
            (slot.map(SlotId::new), at)
        });
        let history = History {
            jobs: jobs.clone(),
            freed: freed.collect(),
            ..History::default()
        };
        let mut bench = bench_with(3, &history);
        assert_eq!(out(&mut bench, "1").is_some(), quarantined);
        assert_eq!(line(&mut bench) != LineState::Running, halted);
        let owed = usize::from(quarantined || halted);
        assert_eq!(kept(&mut bench).len(), owed, "one at a time");
    };
    check(&[], true, true);
    // a supervisor has seen to it since
    check(&[(Some("1"), 30)], false, true);
    check(&[(Some("1"), 29)], false, true);
    check(&[(None, 50)], true, false);
    check(&[(Some("2"), 60)], true, true);
}

#[test]
fn a_slot_that_the_file_names_no_more_is_not_taken_out_for_its_past() {
    let failed = |board| ended("old", Some(Code::NoSync), board, board.into());
    let history = History {
        jobs: vec![failed(1), failed(2), failed(3)],
        ..History::default()
    };
    let mut bench = bench_with(1, &history);
    assert!(kept(&mut bench).is_empty());
    assert_eq!(said(&mut bench).len(), 1);
}
