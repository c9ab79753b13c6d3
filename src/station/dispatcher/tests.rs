//! The bench's decisions, driven by hand: no runtime, no port, a clock that the test moves.

use super::*;
use crate::chip::{Chip, FlashId, Identity, Mac, Revision};
use crate::event::{Progress, Role, SlotId, StopReason, Unit, UsbPath, Waiting, Who};
use crate::job::{Silence, Verdict};
use crate::manifest::fixture;
use crate::plan::Planner;
use crate::port::{PortInfo, UsbId};
use crate::record::{Approval, RecordError, ServiceChange};
use crate::settings::{After, HubLimits, Place, SlotSettings, Start};
use crate::station::{Answer, Ask, NamedPin, Request, RequestRefused, SlotState, Warrant};

mod again;
mod bundles;
mod holds;
mod hubs;
mod jigs;
mod line;
mod lots;
mod own_usb;
mod pairing;
mod places;
mod removal;
mod scans;
mod serials;
mod service;
mod switches;
mod warrants;

/// A dispatcher, its clock, and everything it wanted done so far.
struct Bench {
    dispatcher: Dispatcher,
    clock: Instant,
    wanted: Vec<Effect>,
}

fn port(path: &str) -> PortInfo {
    PortInfo {
        instance: 1,
        ..PortInfo::at(path)
    }
}

fn usb_port(path: &str, chain: &str) -> PortInfo {
    PortInfo {
        usb_path: Some(UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}:1.0"))),
        usb_id: Some(UsbId {
            vendor: 0x10C4,
            product: 0xEA60,
        }),
        ..port(path)
    }
}

fn slot(name: &str, start: Start) -> SlotSettings {
    SlotSettings {
        start,
        ..SlotSettings::at(name, Place::Path(format!("/bench/{name}").into()))
    }
}

/// Asks as an operator; what is answered.
fn ask(bench: &mut Bench, ask: Ask) -> Result<(), RequestRefused> {
    ask_as(bench, Role::Operator, ask)
}

/// Asks as someone of that role by login, with a reason, on a record that takes everything.
fn ask_as(bench: &mut Bench, role: Role, ask: Ask) -> Result<(), RequestRefused> {
    let mut told = ask_for(
        bench,
        Who::new("li", role),
        ask,
        Some(warrant("mended", None)),
    );
    loop {
        answer(bench);
        if let Ok(told) = told.try_recv() {
            return told;
        }
        keep_next(bench);
    }
}

fn warrant(why: &str, pin: Option<NamedPin>) -> Warrant {
    let why = why.into();
    Warrant { why, pin }
}

/// Asks, and tells nothing else.
fn ask_for(bench: &mut Bench, by: Who, ask: Ask, warrant: Option<Warrant>) -> Answer {
    let (request, answer) = Request::new(by, ask, warrant);
    bench.tell(Input::Request(request));
    answer
}

/// Gives the answers that were wanted so far.
fn answer(bench: &mut Bench) {
    for effect in std::mem::take(&mut bench.wanted) {
        match effect {
            Effect::Answer(reply, result) => reply.send(result),
            other => bench.wanted.push(other),
        }
    }
}

/// Takes out the first effect of a kind.
fn take_out(bench: &mut Bench, is_it: fn(&Effect) -> bool) -> Option<Effect> {
    let index = bench.wanted.iter().position(is_it)?;
    Some(bench.wanted.remove(index))
}

/// The record takes what it is asked to: a warrant, or else the next change of what is in service.
fn keep_next(bench: &mut Bench) {
    match take_out(bench, |effect| matches!(effect, Effect::Allow { .. })) {
        Some(Effect::Allow { granted, .. }) => {
            let result = Ok(());
            bench.tell(Input::Allowed { granted, result });
        }
        _ => bench.tell(Input::ServiceKept(Ok(()))),
    }
}

fn start(name: &str, serial: Option<Serial>) -> Ask {
    Ask::Start {
        slot: SlotId::new(name),
        serial,
    }
}

fn full() -> RecordError {
    RecordError::DiskFull {
        path: "db".into(),
        free_bytes: 1,
        reserve_bytes: 2,
    }
}

fn identity() -> Identity {
    Identity {
        crystal_mhz: Some(40),
        ..Identity::open(
            Chip::Esp32,
            Revision { major: 3, minor: 0 },
            Mac([0x24, 0x0A, 0xC4, 0, 0, 1]),
            FlashId(0xEF4016),
        )
    }
}

/// Who works on slot 1's port, as the station sees it.
fn held(bench: &mut Bench, by: Option<&str>) {
    let by = by.map(str::to_owned);
    bench.tell(Input::Holders(vec![(SlotId::new("1"), by)]));
}

fn verdict(code: Option<Code>) -> Verdict {
    Verdict {
        outcome: code.map_or(crate::event::Outcome::Pass, Code::outcome),
        code,
        detail: String::new(),
        identity: Some(identity()),
        attempts: 1,
        retries: Default::default(),
        baud: 921_600,
        bytes_written: 1000,
        bytes_skipped: 0,
        boot: None,
        log: String::new(),
        written_by: None,
        steps: Vec::new(),
        regions: Vec::new(),
    }
}

impl Bench {
    fn new(slots: Vec<SlotSettings>) -> Bench {
        Bench::with_hub(slots, HubLimits::default())
    }

    fn with_hub(slots: Vec<SlotSettings>, hub: HubLimits) -> Bench {
        let settings = Settings {
            slots,
            settle: Duration::from_millis(300),
            grace: Duration::from_millis(1500),
            hub,
            ..Settings::of("bench", "m.toml".into(), "db".into())
        };
        let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
        Bench::with(settings, at_work)
    }

    fn with(settings: Settings, at_work: Vec<AtWork>) -> Bench {
        Bench::after(&History::default(), settings, at_work)
    }

    /// A bench whose record tells of its past.
    fn after(history: &History, settings: Settings, at_work: Vec<AtWork>) -> Bench {
        let clock = Instant::now();
        let now = Now {
            steady: clock,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let dispatcher = Dispatcher::new(
            Arc::new(settings),
            at_work,
            Standing::default(),
            0,
            history,
            now,
        );
        Bench {
            dispatcher,
            clock,
            wanted: Vec::new(),
        }
    }

    fn plug_slot() -> Bench {
        let mut bench = Bench::new(vec![slot("1", Start::Plug)]);
        bench.tell(Input::Port(PortChange::Present(Vec::new())));
        bench
    }

    fn now(&self) -> Now {
        Now {
            steady: self.clock,
            wall: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn tell(&mut self, input: Input) {
        let now = self.now();
        self.wanted.extend(self.dispatcher.handle(input, now));
    }

    fn pass(&mut self, milliseconds: u64) {
        self.clock += Duration::from_millis(milliseconds);
        self.tell(Input::Tick);
    }

    fn plug(&mut self, path: &str) {
        self.tell(Input::Port(PortChange::Appeared(port(path))));
    }

    fn pull(&mut self, path: &str) {
        self.tell(Input::Port(PortChange::Vanished(path.into())));
    }

    fn state(&mut self, name: &str) -> SlotState {
        let now = self.now();
        let snapshot = self.dispatcher.snapshot(now);
        let view = snapshot
            .slots
            .iter()
            .find(|view| view.slot.as_str() == name);
        view.expect("the slot is there").state.clone()
    }

    /// Takes out the rows that were opened since the last call.
    fn opened(&mut self) -> Vec<(SlotId, JobId)> {
        let mut rows = Vec::new();
        self.wanted.retain(|effect| match effect {
            Effect::OpenRow { slot, job } => {
                rows.push((slot.clone(), job.job));
                false
            }
            _ => true,
        });
        rows
    }

    fn wants(&self, is: impl Fn(&Effect) -> bool) -> bool {
        self.wanted.iter().any(is)
    }

    /// A board is plugged in and its job starts working.
    fn start_job(&mut self) -> JobId {
        self.plug("/bench/1");
        self.pass(300);
        self.commit_row()
    }

    fn commit_row(&mut self) -> JobId {
        let (slot, job) = self.opened().pop().expect("a row was opened");
        self.tell(Input::Opened {
            slot: slot.clone(),
            job,
            result: Ok(()),
        });
        assert!(self.wants(|e| matches!(e, Effect::Spawn { job: spawned, .. } if *spawned == job)));
        job
    }

    fn finish(&mut self, job: JobId, code: Option<Code>) {
        let slot = SlotId::new("1");
        self.tell(Input::Finished {
            slot,
            job,
            verdict: verdict(code),
        });
    }

    fn record(&mut self, job: JobId, result: Result<Standing, RecordError>) {
        self.tell(Input::Recorded {
            slot: SlotId::new("1"),
            job,
            result,
        });
    }
}

#[test]
fn a_board_plugged_in_is_worked_on_after_the_settle_time_and_its_result_stays() {
    let mut bench = Bench::plug_slot();
    assert_eq!(bench.state("1"), SlotState::Empty);
    bench.plug("/bench/1");
    assert_eq!(bench.state("1"), SlotState::Settling);
    bench.pass(299);
    assert!(bench.opened().is_empty());
    bench.pass(1);
    let job = bench.commit_row();
    assert!(matches!(bench.state("1"), SlotState::Working(_)));
    bench.finish(job, None);
    // no PASS before its row is committed
    assert!(matches!(bench.state("1"), SlotState::Recording(_)));
    bench.record(job, Ok(Standing::default()));
    let SlotState::Done(result) = bench.state("1") else {
        panic!("a result")
    };
    assert!(result.present && result.code.is_none());
    bench.pull("/bench/1");
    let SlotState::Done(result) = bench.state("1") else {
        panic!("the result stays")
    };
    assert!(!result.present);
    bench.plug("/bench/1");
    assert_eq!(bench.state("1"), SlotState::Settling);
}

#[test]
fn a_contact_that_bounces_starts_no_job() {
    let mut bench = Bench::plug_slot();
    for _ in 0..5 {
        bench.plug("/bench/1");
        bench.pass(200);
        bench.pull("/bench/1");
        bench.pass(200);
    }
    assert!(bench.opened().is_empty());
    assert_eq!(bench.state("1"), SlotState::Empty);
}

#[test]
fn a_board_that_was_there_before_the_start_waits_for_a_replug_or_a_request() {
    let mut bench = Bench::new(vec![slot("1", Start::Plug)]);
    bench.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
    bench.pass(10_000);
    assert_eq!(
        bench.state("1"),
        SlotState::Waiting(Waiting::PresentAtStart)
    );
    assert!(bench.opened().is_empty());

    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn a_slot_on_request_waits_for_it() {
    let mut bench = Bench::new(vec![slot("1", Start::Request)]);
    bench.plug("/bench/1");
    bench.pass(10_000);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::Request));
    assert!(bench.opened().is_empty());
}

#[test]
fn an_operators_stop_reaches_the_job() {
    let mut bench = Bench::plug_slot();
    bench.start_job();
    let slot = SlotId::new("1");
    assert_eq!(ask(&mut bench, Ask::StopJob { slot }), Ok(()));
    assert!(bench.wants(|e| matches!(
        e,
        Effect::StopJob {
            reason: StopReason::Operator,
            ..
        }
    )));
}

#[test]
fn a_port_lost_in_mid_job_is_the_jobs_affair_and_the_next_board_is_taken() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.pull("/bench/1");
    assert!(matches!(bench.state("1"), SlotState::Working(_)));
    assert!(bench.wants(|e| matches!(e, Effect::Presence { port: None, .. })));
    bench.finish(job, Some(Code::Unplugged));
    // the next board comes while the verdict is being committed
    bench.plug("/bench/1");
    bench.record(job, Ok(Standing::default()));
    assert_eq!(bench.state("1"), SlotState::Settling);
    bench.pass(300);
    assert_ne!(bench.commit_row(), job);
}

#[test]
fn a_board_that_comes_between_the_jobs_end_and_its_report_is_taken_too() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.pull("/bench/1");
    bench.plug("/bench/1");
    bench.finish(job, Some(Code::Unplugged));
    bench.record(job, Ok(Standing::default()));
    assert_eq!(bench.state("1"), SlotState::Settling);
}

#[test]
fn a_port_that_goes_after_its_job_gave_it_up_is_no_new_board() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.finish(job, Some(Code::Unplugged));
    bench.record(job, Ok(Standing::default()));
    bench.pass(10_000);
    bench.pull("/bench/1");
    assert!(bench.opened().is_empty());
    assert!(matches!(bench.state("1"), SlotState::Done(_)));
    bench.plug("/bench/1");
    assert_eq!(bench.state("1"), SlotState::Settling);
}

#[test]
fn a_swapped_board_waits_for_a_replug() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.pull("/bench/1");
    bench.plug("/bench/1");
    bench.finish(job, Some(Code::BoardSwapped));
    bench.record(job, Ok(Standing::default()));
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    assert!(matches!(bench.state("1"), SlotState::Done(_)));
}

#[test]
fn without_slots_in_the_file_a_known_bridge_makes_its_own_and_the_rest_is_listed() {
    let mut bench = Bench::new(Vec::new());
    bench.tell(Input::Port(PortChange::Present(vec![
        usb_port("/dev/ttyUSB0", "1.2"),
        port("/dev/ttyS0"),
    ])));
    assert_eq!(
        bench.state("usb-1.2"),
        SlotState::Waiting(Waiting::PresentAtStart)
    );
    let now = bench.now();
    let unassigned = bench.dispatcher.snapshot(now).unassigned;
    assert_eq!(unassigned.len(), 1);
    assert_eq!(unassigned[0].port, "/dev/ttyS0");
    // the same place under another number is the same slot
    bench.pull("/dev/ttyUSB0");
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB7",
        "1.2",
    ))));
    assert_eq!(bench.state("usb-1.2"), SlotState::Settling);
    bench.pass(300);
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn with_slots_in_the_file_nothing_else_is_opened() {
    let mut bench = Bench::plug_slot();
    bench.tell(Input::Port(PortChange::Appeared(usb_port(
        "/dev/ttyUSB0",
        "1.2",
    ))));
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    let now = bench.now();
    let unassigned = bench.dispatcher.snapshot(now).unassigned;
    assert_eq!(
        unassigned[0].why,
        "no slot in the station file has this place"
    );
    bench.pull("/dev/ttyUSB0");
    let now = bench.now();
    assert!(bench.dispatcher.snapshot(now).unassigned.is_empty());
}

#[test]
fn what_did_not_change_is_shared_between_snapshots() {
    let mut bench = Bench::new(vec![slot("1", Start::Plug), slot("2", Start::Plug)]);
    let now = bench.now();
    let before = bench.dispatcher.snapshot(now);
    bench.plug("/bench/1");
    let after = bench.dispatcher.snapshot(now);
    assert!(!Arc::ptr_eq(&before.slots[0], &after.slots[0]));
    assert!(Arc::ptr_eq(&before.slots[1], &after.slots[1]));
    assert!(!after.shows_the_same(&before));
    assert!(after.shows_the_same(&bench.dispatcher.snapshot(now)));
}

#[test]
fn what_a_board_measured_is_with_its_result() {
    use crate::job::{BootLog, Measurement};
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    let measurement = Measurement {
        name: "vbat".to_owned(),
        value: 3301.0,
        unit: "mV".to_owned(),
        low: None,
        high: None,
    };
    let boot = BootLog {
        text: String::new(),
        measurements: vec![measurement.clone()],
    };
    bench.tell(Input::Finished {
        slot: SlotId::new("1"),
        job,
        verdict: Verdict {
            boot: Some(boot),
            ..verdict(None)
        },
    });
    bench.record(job, Ok(Standing::default()));
    let SlotState::Done(result) = bench.state("1") else {
        panic!("no result");
    };
    assert_eq!(*result.measurements, [measurement]);
}
