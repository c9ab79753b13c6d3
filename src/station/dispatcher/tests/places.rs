//! Which port is whose slot, and ports that come and go before they are ready.

use super::*;
use crate::settings::{PortPattern, PortRules};

fn settled(bench: &mut Bench) -> usize {
    bench.pass(300);
    bench.opened().len()
}

/// A hand-plugged board bounces: it is opened when it has been there for the whole of the settle time.
#[test]
fn a_port_that_flaps_begins_its_settle_time_anew() {
    let mut bench = Bench::new(Vec::new());
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    for number in 0..3 {
        let path = format!("/dev/ttyUSB{number}");
        bench.tell(Input::Port(PortChange::Appeared(usb_port(&path, "1.2"))));
        bench.pass(250);
        assert!(bench.opened().is_empty());
        bench.pull(&path);
        bench.pass(250);
    }
    // and under another number before the old one is known to be gone
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB0",
        "1.2",
    ))));
    bench.pass(200);
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB1",
        "1.2",
    ))));
    bench.pull("/dev/ttyUSB0");
    bench.pass(200);
    assert!(bench.opened().is_empty());
    bench.pass(100);
    assert_eq!(bench.opened().len(), 1);
    assert!(matches!(bench.state("usb-1.2"), SlotState::Working(_)));
}

fn ruled(slots: Vec<SlotSettings>, rules: PortRules) -> Bench {
    let mut bench = Bench::new(slots);
    bench.dispatcher.settings = Arc::new(Settings {
        ports: rules,
        ..Settings::clone(&bench.dispatcher.settings)
    });
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench
}

fn patterns(written: &str) -> Vec<PortPattern> {
    vec![PortPattern::parse(written).unwrap()]
}

#[test]
fn what_is_ignored_is_no_slot_and_no_news() {
    let rules = PortRules {
        ignore: patterns("pci-0000:00:14.0-usb-0:1.2"),
        ..PortRules::default()
    };
    let mut bench = ruled(Vec::new(), rules.clone());
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB0",
        "1.2.1",
    ))));
    assert_eq!(settled(&mut bench), 0);
    let now = bench.now();
    assert!(bench.dispatcher.snapshot(now).unassigned.is_empty());
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB1",
        "1.3",
    ))));
    assert_eq!(settled(&mut bench), 1);

    // a slot that names the place says more than a rule about many
    let place = usb_port("/dev/ttyUSB0", "1.2.1").usb_path.unwrap();
    let named = SlotSettings::at("left", Place::Usb(place));
    let mut bench = ruled(vec![named], rules);
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB0",
        "1.2.1",
    ))));
    assert_eq!(settled(&mut bench), 1);
}

#[test]
fn only_what_is_named_becomes_a_slot() {
    let rules = PortRules {
        only: patterns("303a:*"),
        ..PortRules::default()
    };
    let mut bench = ruled(Vec::new(), rules);
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB0",
        "1.2",
    ))));
    assert_eq!(settled(&mut bench), 0);
    let now = bench.now();
    let unassigned = bench.dispatcher.snapshot(now).unassigned;
    assert_eq!(unassigned[0].why, "`only` under [ports] does not have it");
}

#[test]
fn equal_chains_on_two_controllers_are_two_slots() {
    let mut bench = Bench::new(Vec::new());
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB0",
        "1.2",
    ))));
    let elsewhere = "pci-0000:05:00.0-usb-0:1.2:1.0";
    let port = PortInfo {
        usb_path: Some(crate::event::UsbPath(elsewhere.to_owned())),
        ..usb_port("/dev/ttyUSB1", "1.2")
    };
    bench.tell(Input::Port(PortChange::Appeared(port)));
    assert_eq!(settled(&mut bench), 2);
    assert!(matches!(bench.state("usb-1.2"), SlotState::Working(_)));
    assert!(matches!(bench.state(elsewhere), SlotState::Working(_)));
}
