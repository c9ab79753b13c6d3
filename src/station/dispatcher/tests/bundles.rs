//! What slots flash: manifests of their own, changes on the disk, and who takes them.

use std::path::Path;

use super::*;
use crate::manifest::{BootCheck, Bundle, Manifest, Secrets};
use crate::record::Approved;
use crate::station::{Bundles, OnDisk, SlotView};

/// A bundle of this product and version; the byte tells its digest.
fn bundle(product: &str, version: &str, byte: u8) -> Arc<Bundle> {
    let plain = fixture::bundle();
    Arc::new(Bundle {
        manifest: Manifest {
            product: product.to_owned(),
            version: version.to_owned(),
            ..plain.manifest
        },
        digest: [byte; 32],
        ..plain
    })
}

/// A boot check that holds a board to nothing but to starting.
fn waits() -> BootCheck {
    BootCheck {
        baud: 115_200,
        timeout: Duration::from_secs(1),
        linger: Duration::ZERO,
        expect: Vec::new(),
        reject: Vec::new(),
        loop_starts: None,
        measures: Vec::new(),
        secrets: Secrets::new(Vec::new()),
    }
}

fn planner(version: &str, byte: u8) -> Arc<Planner> {
    Arc::new(Planner::new(bundle("thermostat", version, byte)))
}

const OLD: u8 = 0xAB;
const NEW: u8 = 0xCD;

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

fn short(byte: u8) -> String {
    format!("{byte:02x}").repeat(6)
}

/// Slots 1 and 2 flash the station's manifest, slot 3 `other.toml`.
fn settings() -> Settings {
    let mut other = slot("3", Start::Plug);
    other.manifest = Some("./other.toml".into());
    Settings {
        slots: vec![slot("1", Start::Plug), slot("2", Start::Plug), other],
        settle: Duration::from_millis(300),
        ..Settings::of("bench", "m.toml".into(), "db".into())
    }
}

fn bundles() -> Bundles {
    Bundles::from(bundle("thermostat", "1.0", OLD))
        .with_own(Path::new("other.toml"), bundle("lamp", "7", 0x11))
}

fn bench() -> Bench {
    let settings = settings();
    let at_work = at_work(&settings, &bundles());
    let mut bench = Bench::with(settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench
}

/// A station whose manifests had leave for these bundles when it was at work before.
fn started(by: Role, last: [Option<u8>; 2]) -> (Bench, Vec<Approval>) {
    let settings = settings();
    let mut at_work = at_work(&settings, &bundles());
    let now = Now {
        steady: Instant::now(),
        wall: jiff::Timestamp::UNIX_EPOCH,
    };
    let by = Who::new("li", by);
    let approvals = (at_work.iter_mut().zip(last))
        .filter_map(|(one, last)| one.begin(last.map(hex), &[], &by, now))
        .collect();
    let mut bench = Bench::with(settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    (bench, approvals)
}

fn read(bench: &mut Bench, manifest: usize, found: Result<Arc<Planner>, &str>) {
    let found = found.map_err(Arc::from);
    bench.tell(Input::Manifest { manifest, found });
}

fn snapshot(bench: &mut Bench) -> Snapshot {
    let now = bench.now();
    bench.dispatcher.snapshot(now)
}

fn on_disk(bench: &mut Bench) -> OnDisk {
    snapshot(bench).bundles[0].on_disk.clone()
}

/// What was told of manifests.
fn told(bench: &mut Bench) -> Vec<String> {
    let words = |what: &Happening| match what {
        Happening::ManifestChanged { bundle, .. } => Some(format!("changed {bundle}")),
        Happening::ManifestInvalid { fault, .. } => Some(format!("invalid {fault}")),
        Happening::ManifestUnchanged { .. } => Some("unchanged".to_owned()),
        Happening::BundleTaken { bundle, by, .. } => Some(format!("{by} took {bundle}")),
        _ => None,
    };
    let notices = snapshot(bench).notices;
    notices.iter().filter_map(|n| words(&n.what)).collect()
}

/// Product and version in the rows that were opened since the last call, by slot.
fn rows(bench: &mut Bench) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    bench.wanted.retain(|effect| match effect {
        Effect::OpenRow { slot, job } => {
            let product = format!(
                "{} {} {:02x}",
                job.product, job.version, job.bundle_digest[0]
            );
            rows.push((slot.to_string(), product));
            false
        }
        _ => true,
    });
    rows
}

fn row(slot: &str, product: &str) -> (String, String) {
    (slot.to_owned(), product.to_owned())
}

/// Plugs a board into a slot, and lets it settle.
fn plug(bench: &mut Bench, slot: &str) {
    bench.plug(&format!("/bench/{slot}"));
    bench.pass(300);
}

/// A supervisor asks; the approval that goes on record, and where the answer comes.
fn take(bench: &mut Bench, bundle: String) -> (Approval, Taking, crate::station::Answer) {
    let supervisor = Who::new("mei", Role::Supervisor);
    let why = Some(warrant("the new one", None));
    let answer = ask_for(bench, supervisor, Ask::TakeBundle { bundle }, why);
    keep_next(bench);
    match take_out(bench, |effect| matches!(effect, Effect::Approve { .. })) {
        Some(Effect::Approve {
            approval, taking, ..
        }) => (approval, taking, answer),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_slot_flashes_its_own_manifest_and_each_row_says_which() {
    let mut bench = bench();
    for slot in ["1", "2", "3"] {
        plug(&mut bench, slot);
    }
    assert_eq!(
        rows(&mut bench),
        [
            row("1", "thermostat 1.0 ab"),
            row("2", "thermostat 1.0 ab"),
            row("3", "lamp 7 11")
        ]
    );
    let snapshot = snapshot(&mut bench);
    assert!(matches!(
        snapshot.notices[0].what,
        Happening::StationStarted {
            slots: 3,
            own_manifests: 1,
            ..
        }
    ));
    let manifests: Vec<&str> = snapshot.bundles.iter().map(|one| &*one.manifest).collect();
    assert_eq!(manifests, ["m.toml", "other.toml"]);
    let own = |view: &Arc<SlotView>| view.product.as_deref().map(str::to_owned);
    let own: Vec<Option<String>> = snapshot.slots.iter().map(own).collect();
    assert_eq!(own, [None, None, Some("lamp 7".to_owned())]);
}

#[test]
fn what_changes_on_the_disk_is_told_once_and_changes_nothing() {
    let mut bench = bench();
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    let changed = OnDisk::Changed {
        product: "thermostat".into(),
        version: "1.1".into(),
        bundle: short(NEW).as_str().into(),
    };
    assert_eq!(on_disk(&mut bench), changed);
    read(&mut bench, 0, Err("m.toml:1:1: it is wrong"));
    read(&mut bench, 0, Err("m.toml:1:1: it is wrong"));
    let fault = "m.toml:1:1: it is wrong".into();
    assert_eq!(on_disk(&mut bench), OnDisk::Invalid { fault });
    plug(&mut bench, "1");
    assert_eq!(rows(&mut bench), [row("1", "thermostat 1.0 ab")]);
    for _ in 0..2 {
        read(&mut bench, 0, Ok(planner("1.0", OLD)));
        assert_eq!(on_disk(&mut bench), OnDisk::Same);
    }
    assert_eq!(
        told(&mut bench),
        [
            format!("changed {}", short(NEW)),
            "invalid m.toml:1:1: it is wrong".to_owned(),
            "unchanged".to_owned()
        ]
    );
}

#[test]
fn a_supervisor_takes_what_is_on_the_disk_from_the_next_board_on() {
    let mut bench = bench();
    plug(&mut bench, "1");
    let job = bench.commit_row();
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    let (approval, taking, mut answered) = take(&mut bench, short(NEW));
    assert_eq!(
        (approval.bundle_digest, &*approval.who, approval.how),
        ([NEW; 32], "mei", Approved::Asked)
    );
    assert!(Path::new(&approval.manifest).is_absolute());
    // not before it is on record
    plug(&mut bench, "2");
    assert_eq!(rows(&mut bench), [row("2", "thermostat 1.0 ab")]);
    assert!(answered.try_recv().is_err());
    let result = Ok(());
    bench.tell(Input::Approved { taking, result });
    answer(&mut bench);
    assert_eq!(answered.try_recv(), Ok(Ok(())));
    assert_eq!(on_disk(&mut bench), OnDisk::Same);
    let view = snapshot(&mut bench);
    assert_eq!((&*view.version, &*view.bundle), ("1.1", &*short(NEW)));
    // the job at work keeps what it began with, and its slot says so
    assert_eq!(view.slots[0].product.as_deref(), Some("thermostat 1.0"));
    assert!(bench.wants(
        |e| matches!(e, Effect::Prepare { planner } if planner.bundle().digest == [NEW; 32])
    ));
    bench.finish(job, None);
    bench.record(job, Ok(Standing::default()));
    bench.pull("/bench/1");
    plug(&mut bench, "1");
    plug(&mut bench, "3");
    assert_eq!(
        rows(&mut bench),
        [row("1", "thermostat 1.1 cd"), row("3", "lamp 7 11")]
    );
    assert_eq!(
        told(&mut bench),
        [
            format!("changed {}", short(NEW)),
            format!("mei took {}", short(NEW))
        ]
    );
}

#[test]
fn a_job_holds_its_bundle_and_nothing_else_does_once_another_is_taken() {
    let settings = settings();
    let bundles = bundles();
    let old = Arc::downgrade(&bundles.station);
    let at_work = at_work(&settings, &bundles);
    drop(bundles);
    let mut bench = Bench::with(settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    plug(&mut bench, "1");
    let job = bench.commit_row();
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    let (_, taking, _answer) = take(&mut bench, short(NEW));
    let result = Ok(());
    bench.tell(Input::Approved { taking, result });
    bench.wanted.clear();
    assert!(old.upgrade().is_some());
    bench.finish(job, None);
    bench.record(job, Ok(Standing::default()));
    bench.wanted.clear();
    assert!(old.upgrade().is_none());
}

#[test]
fn only_a_supervisor_takes_only_what_is_on_the_disk_and_only_on_record() {
    let mut bench = bench();
    let take_new = || Ask::TakeBundle { bundle: short(NEW) };
    let none = Err(RequestRefused::NoSuchBundle(short(NEW)));
    assert_eq!(ask_as(&mut bench, Role::Supervisor, take_new()), none);
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    let by = Who::new("li", Role::Operator);
    assert_eq!(
        ask(&mut bench, take_new()),
        Err(RequestRefused::SupervisorOnly { by })
    );
    read(&mut bench, 0, Err("it is wrong"));
    assert_eq!(ask_as(&mut bench, Role::Supervisor, take_new()), none);
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    for (why, refused) in [
        (NotTaken::NotOnDisk, none.clone()),
        (
            NotTaken::NotRecorded(full()),
            Err(RequestRefused::NotRecorded(full().to_string())),
        ),
    ] {
        let (_, taking, mut answered) = take(&mut bench, short(NEW));
        let result = Err(why);
        bench.tell(Input::Approved { taking, result });
        answer(&mut bench);
        assert_eq!(answered.try_recv(), Ok(refused));
    }
    assert!(matches!(
        snapshot(&mut bench).line,
        LineState::Stopped { .. }
    ));
    assert_eq!(&*snapshot(&mut bench).bundle, short(OLD));
}

#[test]
fn what_changed_again_before_it_was_on_record_is_still_offered() {
    let mut bench = bench();
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    let (_, taking, _answered) = take(&mut bench, short(NEW));
    read(&mut bench, 0, Ok(planner("1.2", 0xEF)));
    let result = Ok(());
    bench.tell(Input::Approved { taking, result });
    assert_eq!(&*snapshot(&mut bench).bundle, short(NEW));
    assert!(matches!(on_disk(&mut bench), OnDisk::Changed { version, .. } if &*version == "1.2"));
}

#[test]
fn what_was_put_back_before_it_was_on_record_is_offered() {
    let mut bench = bench();
    read(&mut bench, 0, Ok(planner("1.1", NEW)));
    let (_, taking, _answered) = take(&mut bench, short(NEW));
    read(&mut bench, 0, Ok(planner("1.0", OLD)));
    let result = Ok(());
    bench.tell(Input::Approved { taking, result });
    assert_eq!(&*snapshot(&mut bench).bundle, short(NEW));
    assert!(matches!(on_disk(&mut bench), OnDisk::Changed { version, .. } if &*version == "1.0"));
    assert_eq!(
        told(&mut bench).last().unwrap(),
        &format!("changed {}", short(OLD))
    );
    let (_, taking, _answered) = take(&mut bench, short(OLD));
    let result = Ok(());
    bench.tell(Input::Approved { taking, result });
    assert_eq!(on_disk(&mut bench), OnDisk::Same);
}

#[test]
fn a_bundle_that_its_slots_could_not_pass_is_none() {
    let mut settings = settings();
    settings.slots[0].after = After::Stay;
    let at_work = at_work(&settings, &bundles());
    let mut bench = Bench::with(settings, at_work);
    let listens = |version: &str| {
        let plain = Bundle::clone(&bundle("thermostat", version, NEW));
        Arc::new(Planner::new(Arc::new(Bundle {
            manifest: Manifest {
                boot: Some(Arc::new(waits())),
                ..plain.manifest
            },
            ..plain
        })))
    };
    read(&mut bench, 0, Ok(listens("1.1")));
    let fault = "slot `1` keeps its boards in their loaders (after = \"stay\"), and its [boot] waits for them: none could pass";
    let expected = OnDisk::Invalid {
        fault: fault.into(),
    };
    assert_eq!(on_disk(&mut bench), expected);
    // slot 3 does
    read(&mut bench, 1, Ok(listens("8")));
    let other = snapshot(&mut bench).bundles[1].on_disk.clone();
    assert!(matches!(other, OnDisk::Changed { .. }), "{other:?}");
}

#[test]
fn no_start_replaces_the_bundle_of_a_running_lot() {
    let now = Now {
        steady: Instant::now(),
        wall: jiff::Timestamp::UNIX_EPOCH,
    };
    let by = Who::new("anna", Role::Supervisor);
    let check = |running: &[String], approved: bool, with_leave: u8| {
        let mut at_work = at_work(&settings(), &bundles());
        let approval = at_work[0].begin(Some(hex(NEW)), running, &by, now);
        assert_eq!(approval.is_some(), approved);
        assert_eq!(at_work[0].with_leave(), Some(short(with_leave)));
    };
    check(&[], true, OLD);
    check(&[short(OLD)], true, OLD);
    check(&[short(NEW)], false, NEW);
}

#[test]
fn the_first_start_and_a_supervisors_give_leave() {
    let how = |approvals: &[Approval]| -> Vec<(u8, Approved)> {
        let each = approvals.iter();
        each.map(|one| (one.bundle_digest[0], one.how)).collect()
    };
    for (by, last, expected) in [
        (
            Role::Operator,
            [None, None],
            vec![(OLD, Approved::First), (0x11, Approved::First)],
        ),
        (Role::Operator, [Some(OLD), Some(0x11)], vec![]),
        (
            Role::Supervisor,
            [Some(NEW), Some(0x11)],
            vec![(OLD, Approved::Start)],
        ),
    ] {
        let (mut bench, approvals) = started(by, last);
        assert_eq!(how(&approvals), expected);
        assert_eq!(on_disk(&mut bench), OnDisk::Same);
        plug(&mut bench, "1");
        assert_eq!(rows(&mut bench), [row("1", "thermostat 1.0 ab")]);
    }
}

/// MANIFEST_CHANGED_ON_DISK at the start.
#[test]
fn started_by_another_a_changed_manifest_takes_no_boards_until_a_supervisor_says_so() {
    let (mut bench, approvals) = started(Role::Operator, [Some(NEW), Some(0x11)]);
    assert_eq!(approvals, []);
    assert_eq!(told(&mut bench), [format!("changed {}", short(OLD))]);
    assert!(
        matches!(on_disk(&mut bench), OnDisk::Changed { bundle, .. } if *bundle == *short(OLD))
    );
    let code = Code::ManifestChangedOnDisk;
    plug(&mut bench, "1");
    plug(&mut bench, "3");
    assert_eq!(bench.state("1"), SlotState::Blocked { code });
    assert_eq!(rows(&mut bench), [row("3", "lamp 7 11")]);
    assert_eq!(
        ask(&mut bench, start("1", None)),
        Err(RequestRefused::NotApproved {
            slot: SlotId::new("1"),
            manifest: "m.toml".into(),
        })
    );
    let (_, taking, _answer) = take(&mut bench, short(OLD));
    let result = Ok(());
    bench.tell(Input::Approved { taking, result });
    assert_eq!(rows(&mut bench), [row("1", "thermostat 1.0 ab")]);
    assert_eq!(on_disk(&mut bench), OnDisk::Same);
}

#[test]
fn what_had_leave_before_is_taken_when_it_is_back() {
    let (mut bench, _) = started(Role::Operator, [Some(NEW), Some(0x11)]);
    plug(&mut bench, "1");
    read(&mut bench, 0, Ok(planner("0.9", NEW)));
    assert_eq!(rows(&mut bench), [row("1", "thermostat 0.9 cd")]);
    assert_eq!(on_disk(&mut bench), OnDisk::Same);
    assert_eq!(
        told(&mut bench),
        [format!("changed {}", short(OLD)), "unchanged".to_owned()]
    );
}

#[test]
fn a_manifest_that_nobody_read_takes_no_boards() {
    let settings = settings();
    let only_the_stations = Bundles::from(bundle("thermostat", "1.0", OLD));
    let at_work = at_work(&settings, &only_the_stations);
    let mut bench = Bench::with(settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    plug(&mut bench, "3");
    let code = Code::ManifestChangedOnDisk;
    assert_eq!(bench.state("3"), SlotState::Blocked { code });
    assert_eq!(rows(&mut bench), []);
}
