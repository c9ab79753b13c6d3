//! Boards on their chip's own USB, whose port goes with the reset that ends their job.

use super::*;

fn own_usb(path: &str) -> PortInfo {
    PortInfo {
        usb_id: Some(UsbId {
            vendor: 0x303A,
            product: 0x1001,
        }),
        ..port(path)
    }
}

/// A job on a chip's own USB that has just ended.
fn ended() -> Bench {
    let mut bench = Bench::plug_slot();
    bench.tell(Input::Port(PortChange::Appeared(own_usb("/bench/1"))));
    bench.pass(300);
    let job = bench.commit_row();
    bench.finish(job, None);
    bench.record(job, Ok(Standing::default()));
    bench
}

/// Whether the last board's result says that it is still there.
fn is_present(bench: &mut Bench) -> bool {
    match bench.state("1") {
        SlotState::Done(result) => result.present,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_port_that_goes_with_the_reset_and_comes_back_is_no_new_board() {
    let mut bench = ended();
    bench.pass(200);
    bench.pull("/bench/1");
    assert!(is_present(&mut bench));
    bench.pass(1_500);
    bench.tell(Input::Port(PortChange::Appeared(own_usb("/bench/1"))));
    bench.pass(5_000);
    assert!(is_present(&mut bench));
    assert!(bench.opened().is_empty());
    // from now on it is a hand that takes it
    bench.pull("/bench/1");
    assert!(!is_present(&mut bench));
    bench.tell(Input::Port(PortChange::Appeared(own_usb("/bench/1"))));
    bench.pass(300);
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn it_may_go_before_its_job_has_ended() {
    let mut bench = Bench::plug_slot();
    bench.tell(Input::Port(PortChange::Appeared(own_usb("/bench/1"))));
    bench.pass(300);
    let job = bench.commit_row();
    bench.pull("/bench/1");
    bench.finish(job, None);
    bench.tell(Input::Port(PortChange::Appeared(own_usb("/bench/1"))));
    bench.record(job, Ok(Standing::default()));
    bench.pass(5_000);
    assert!(is_present(&mut bench));
    assert!(bench.opened().is_empty());
}

#[test]
fn one_that_stays_away_was_taken_out() {
    let mut bench = ended();
    bench.pull("/bench/1");
    bench.pass(3_001);
    assert!(!is_present(&mut bench));
    bench.tell(Input::Port(PortChange::Appeared(own_usb("/bench/1"))));
    bench.pass(300);
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn a_bridge_does_not_go_by_itself() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.finish(job, None);
    bench.record(job, Ok(Standing::default()));
    bench.pull("/bench/1");
    assert!(!is_present(&mut bench));
}
