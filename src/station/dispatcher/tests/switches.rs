//! Jigs that start when a switch on CTS or DSR closes.

use super::super::super::switch::{Contact, SwitchInput, SwitchTold, WatchEnd};
use super::super::switches::{WATCH_AGAIN, WATCH_SELDOM};
use super::*;
use Contact::{Closed, Open};

/// A bench with one such jig, its adapter there.
fn jig() -> Bench {
    let mut bench = Bench::new(vec![slot("1", Start::Cts)]);
    bench.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
    bench
}

/// The watch that is under way; it is asked for with the slot's port and input.
fn watch(bench: &Bench) -> Option<u64> {
    bench.wanted.iter().rev().find_map(|effect| match effect {
        Effect::WatchSwitch {
            watch, path, input, ..
        } => {
            assert_eq!(path.to_str(), Some("/bench/1"));
            assert_eq!(*input, SwitchInput::Cts);
            Some(Some(*watch))
        }
        Effect::LeaveSwitch { .. } => Some(None),
        _ => None,
    })?
}

#[track_caller]
fn tell(bench: &mut Bench, told: SwitchTold) {
    bench.tell(Input::Switch {
        slot: SlotId::new("1"),
        watch: watch(bench).expect("it is watched"),
        told,
    });
}

#[track_caller]
fn reads(bench: &mut Bench, contact: Contact) {
    tell(bench, SwitchTold::Reads(contact));
}

/// A board is put in and its job runs.
fn close(bench: &mut Bench) -> JobId {
    reads(bench, Closed);
    bench.pass(300);
    bench.commit_row()
}

fn pass(bench: &mut Bench, job: JobId) {
    bench.finish(job, None);
    bench.record(job, Ok(Standing::default()));
}

fn present(bench: &mut Bench) -> bool {
    match bench.state("1") {
        SlotState::Done(result) => result.present,
        other => panic!("{other:?}"),
    }
}

#[test]
fn closing_starts_a_job_and_opening_after_it_means_that_the_board_was_taken_out() {
    let mut bench = jig();
    reads(&mut bench, Open);
    assert_eq!(bench.state("1"), SlotState::Empty);
    reads(&mut bench, Closed);
    assert_eq!(bench.state("1"), SlotState::Settling);
    bench.pass(299);
    assert!(bench.opened().is_empty());
    bench.pass(1);
    // the port is the job's
    assert_eq!(watch(&bench), None);
    let job = bench.commit_row();
    assert!(bench.wants(|effect| matches!(
        effect,
        Effect::Spawn {
            silence: Silence::BadBoard,
            through_with: None,
            ..
        }
    )));
    pass(&mut bench, job);
    reads(&mut bench, Closed);
    bench.pass(10_000);
    assert!(bench.opened().is_empty(), "it is in still");
    assert!(present(&mut bench));
    reads(&mut bench, Open);
    bench.pass(299);
    assert!(present(&mut bench));
    bench.pass(1);
    assert!(!present(&mut bench));
    let next = close(&mut bench);
    assert_ne!(next, job);
}

#[test]
fn a_contact_that_bounces_starts_nothing_and_takes_no_board_out() {
    let mut bench = jig();
    reads(&mut bench, Open);
    for _ in 0..5 {
        reads(&mut bench, Closed);
        bench.pass(200);
        reads(&mut bench, Open);
        bench.pass(200);
    }
    assert!(bench.opened().is_empty());
    assert_eq!(bench.state("1"), SlotState::Empty);
    let job = close(&mut bench);
    pass(&mut bench, job);
    for _ in 0..5 {
        reads(&mut bench, Open);
        bench.pass(200);
        reads(&mut bench, Closed);
        bench.pass(200);
    }
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    assert!(present(&mut bench));
}

#[test]
fn a_switch_that_is_closed_at_the_start_waits_for_its_next_board() {
    let mut bench = jig();
    reads(&mut bench, Closed);
    bench.pass(10_000);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::SwitchClosed));
    assert!(bench.opened().is_empty());
    reads(&mut bench, Open);
    bench.pass(300);
    assert_eq!(bench.state("1"), SlotState::Empty);
    close(&mut bench);
}

#[test]
fn a_board_that_was_there_at_the_start_may_be_asked_for() {
    let mut bench = jig();
    reads(&mut bench, Closed);
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    bench.commit_row();
}

#[test]
fn what_an_earlier_watch_told_is_stale() {
    let mut bench = jig();
    reads(&mut bench, Open);
    let earlier = watch(&bench).unwrap();
    let job = close(&mut bench);
    pass(&mut bench, job);
    bench.tell(Input::Switch {
        slot: SlotId::new("1"),
        watch: earlier,
        told: SwitchTold::Reads(Open),
    });
    bench.pass(300);
    assert!(present(&mut bench));
}

#[test]
fn an_adapter_that_is_plugged_again_is_no_new_board() {
    let mut bench = jig();
    reads(&mut bench, Open);
    let job = close(&mut bench);
    pass(&mut bench, job);
    reads(&mut bench, Closed);
    bench.pull("/bench/1");
    assert_eq!(watch(&bench), None);
    bench.plug("/bench/1");
    reads(&mut bench, Closed);
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::SwitchClosed));
}

#[test]
fn a_stopped_line_blocks_the_board_and_takes_it_when_it_goes_on_if_it_is_still_in() {
    let blocked = || {
        let mut bench = jig();
        reads(&mut bench, Open);
        bench.tell(Input::Health(Err(full())));
        reads(&mut bench, Closed);
        bench.pass(300);
        let code = Code::DiskFull;
        assert_eq!(bench.state("1"), SlotState::Blocked { code });
        bench
    };
    let mut bench = blocked();
    bench.tell(Input::Health(Ok(Standing::default())));
    bench.commit_row();

    let mut bench = blocked();
    reads(&mut bench, Open);
    bench.pass(300);
    assert_eq!(bench.state("1"), SlotState::Empty);
    bench.tell(Input::Health(Ok(Standing::default())));
    assert!(bench.opened().is_empty());

    // taken out a moment before the line goes on
    let mut bench = blocked();
    reads(&mut bench, Open);
    bench.tell(Input::Health(Ok(Standing::default())));
    bench.pass(300);
    assert!(bench.opened().is_empty());
    assert_eq!(bench.state("1"), SlotState::Empty);
}

#[test]
fn a_held_slot_is_not_watched_and_a_board_put_in_meanwhile_is_taken_when_it_is_free() {
    let mut bench = jig();
    reads(&mut bench, Open);
    // the command's claim is seen by the watch first
    tell(&mut bench, SwitchTold::Ended(WatchEnd::Wanted));
    held(&mut bench, Some("flashline read"));
    bench.pass(WATCH_AGAIN.as_millis() as u64);
    assert!(!bench.wants(|effect| matches!(effect, Effect::WatchSwitch { watch: 2, .. })));
    held(&mut bench, None);
    bench.pass(WATCH_AGAIN.as_millis() as u64);
    reads(&mut bench, Closed);
    bench.pass(300);
    bench.commit_row();
}

#[test]
fn a_switch_that_cannot_be_read_is_told_once_and_works_again_when_it_can() {
    let told = |bench: &mut Bench| {
        let now = bench.now();
        let notices = bench.dispatcher.snapshot(now).notices;
        let said = |what: &Happening| match what {
            Happening::SwitchUnread { why, .. } => Some(why.clone()),
            _ => None,
        };
        let all: Vec<String> = notices.iter().filter_map(|n| said(&n.what)).collect();
        all
    };
    let again = |bench: &mut Bench| bench.pass(WATCH_SELDOM.as_millis() as u64);
    let mut bench = jig();
    reads(&mut bench, Open);
    let busy = || SwitchTold::Ended(WatchEnd::Failed("in use by minicom".to_owned()));
    tell(&mut bench, busy());
    again(&mut bench);
    assert!(told(&mut bench).is_empty(), "an adapter may just be going");
    assert_eq!(bench.state("1"), SlotState::Empty);
    for _ in 0..3 {
        tell(&mut bench, busy());
        again(&mut bench);
    }
    assert_eq!(told(&mut bench), ["in use by minicom"]);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::SwitchUnread));
    // by hand it may be started all the same; silence tells then whether there is a board
    reads(&mut bench, Open);
    assert_eq!(bench.state("1"), SlotState::Empty);
    close(&mut bench);

    let mut bench = jig();
    tell(&mut bench, SwitchTold::Ended(WatchEnd::NoInput));
    assert_eq!(told(&mut bench), ["this port does not tell its CTS"]);
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    bench.commit_row();
    assert!(bench.wants(|effect| matches!(
        effect,
        Effect::Spawn {
            silence: Silence::NoBoard,
            ..
        }
    )));
}

#[test]
fn a_board_that_began_in_the_middle_of_a_change_is_one_job() {
    let mut bench = jig();
    reads(&mut bench, Open);
    reads(&mut bench, Closed);
    held(&mut bench, Some("flashline read"));
    held(&mut bench, None);
    reads(&mut bench, Closed);
    bench.pass(300);
    let job = bench.commit_row();
    pass(&mut bench, job);
    reads(&mut bench, Closed);
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    assert!(present(&mut bench));
}

#[test]
fn a_board_that_was_started_while_the_switch_could_not_be_read_is_one_job_too() {
    let again = |bench: &mut Bench| bench.pass(WATCH_SELDOM.as_millis() as u64);
    let job = || {
        let mut bench = jig();
        reads(&mut bench, Open);
        for _ in 0..2 {
            let busy = WatchEnd::Failed("in use by minicom".to_owned());
            tell(&mut bench, SwitchTold::Ended(busy));
            again(&mut bench);
        }
        assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
        let job = bench.commit_row();
        pass(&mut bench, job);
        bench
    };
    let mut bench = job();
    reads(&mut bench, Closed);
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    assert!(present(&mut bench));
    let mut bench = job();
    reads(&mut bench, Open);
    assert!(!present(&mut bench));
}

#[test]
fn an_open_switch_is_no_board() {
    let mut bench = jig();
    reads(&mut bench, Open);
    let refused = RequestRefused::NoBoard(SlotId::new("1"));
    assert_eq!(ask(&mut bench, start("1", None)), Err(refused));
}

#[test]
fn the_end_lets_go_of_the_port() {
    let mut bench = jig();
    reads(&mut bench, Open);
    bench.tell(Input::Stop);
    assert_eq!(watch(&bench), None);
}

#[test]
fn the_end_does_not_come_back_for_a_switch_that_nobody_watches_any_more() {
    let mut bench = Bench::new(vec![slot("1", Start::Cts), slot("2", Start::Request)]);
    let ports = vec![port("/bench/1"), port("/bench/2")];
    bench.tell(Input::Port(PortChange::Present(ports)));
    reads(&mut bench, Open);
    assert_eq!(ask(&mut bench, start("2", None)), Ok(()));
    bench.commit_row();
    bench.tell(Input::Stop);
    bench.pass(1);
    let now = bench.now().steady;
    assert!(bench.dispatcher.next_deadline(now) > Some(now));
}

/// Its watch fails until that is told.
fn fails(bench: &mut Bench) {
    for _ in 0..2 {
        tell(
            bench,
            SwitchTold::Ended(WatchEnd::Failed("busy".to_owned())),
        );
        bench.pass(WATCH_AGAIN.as_millis() as u64);
    }
    bench.pass(WATCH_SELDOM.as_millis() as u64);
}

#[test]
fn a_board_that_waits_for_its_hub_keeps_its_turn_over_a_switch_that_cannot_be_read() {
    let limits = HubLimits {
        max_active: Some(1),
        ..HubLimits::default()
    };
    let on_hub = |name: &str, chain: &str, start| SlotSettings {
        place: Place::Usb(UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}:1.0"))),
        ..slot(name, start)
    };
    let slots = vec![
        on_hub("1", "1.1", Start::Cts),
        on_hub("2", "1.2", Start::Plug),
    ];
    let mut bench = Bench::with_hub(slots, limits);
    let ports = vec![usb_port("/bench/1", "1.1")];
    bench.tell(Input::Port(PortChange::Present(ports)));
    reads(&mut bench, Open);
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/bench/2", "1.2",
    ))));
    bench.pass(300);
    let (busy, job) = bench.opened().pop().unwrap();
    let (slot, result) = (busy.clone(), Ok(()));
    bench.tell(Input::Opened { slot, job, result });
    reads(&mut bench, Closed);
    bench.pass(300);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::HubTurn));
    fails(&mut bench);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::HubTurn));
    let verdict = verdict(None);
    bench.tell(Input::Finished {
        slot: busy.clone(),
        job,
        verdict,
    });
    let result = Ok(Standing::default());
    bench.tell(Input::Recorded {
        slot: busy,
        job,
        result,
    });
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn a_jig_that_was_closed_from_the_start_still_waits_once_its_switch_is_read_again() {
    let mut bench = jig();
    reads(&mut bench, Closed);
    let waits = SlotState::Waiting(Waiting::SwitchClosed);
    assert_eq!(bench.state("1"), waits);
    fails(&mut bench);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::SwitchUnread));
    reads(&mut bench, Closed);
    assert_eq!(bench.state("1"), waits);
}
