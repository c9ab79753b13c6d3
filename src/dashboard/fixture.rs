//! Hand-made snapshots for the tests of the faces.

mod happenings;
mod past;

use std::sync::Arc;
use std::time::Duration;

pub use happenings::every_happening;
pub use past::{
    asking, at_its_retest_limit, bench_with_lots, day, job_rows, past, past_of, story,
    with_supervisors,
};

use super::options::{Colour, Mouse, Options, Quit, Speaks, Times};
use super::signs::Signs;
use crate::chip::{Chip, FlashId, Identity, Mac, Revision};
use crate::event::{
    Code, FirstArticle, Happening, JobId, LotName, LotState, Notice, Outcome, Progress, Role,
    Serial, SlotId, Step, Waiting, Who,
};
use crate::lang::Language;
use crate::record::{Jobs, LotStanding, OpenUnit, Standing, WorstSlot, Yield};
use crate::settings::Seat;
use crate::station::{
    AtHand, BoardView, BundleView, LineState, OnDisk, PortView, Question, ResultView, Scanned,
    SlotOut, SlotState, SlotView, Snapshot,
};

/// The moment of every fixture: 10:03:44 UTC.
pub fn now() -> jiff::Timestamp {
    "2026-11-05T10:03:44Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> jiff::Timestamp {
    now() - jiff::SignedDuration::from_secs(seconds)
}

pub fn options(language: Language) -> Options {
    Options {
        language,
        speaks: Speaks::Both,
        colour: Colour::Colour,
        signs: Signs::Unicode,
        mouse: Mouse::Used,
        bell: Vec::new(),
        quit: Quit::AskWhenBusy,
        zone: jiff::tz::TimeZone::UTC,
        times: Times::Shown,
        caption: None,
    }
}

fn job(number: u128) -> JobId {
    JobId(uuid::Uuid::from_u128(
        0x0193_0000_0000_7000_8000_0000_0000_0000 + number,
    ))
}

fn mac(last: u8) -> Mac {
    Mac([0x24, 0x0A, 0xC4, 0x00, 0x10, last])
}

pub fn identity(last: u8) -> Identity {
    Identity {
        crystal_mhz: Some(40),
        ..Identity::open(
            Chip::Esp32,
            Revision { major: 3, minor: 1 },
            mac(last),
            FlashId(0xEF_4016),
        )
    }
}

fn progress(step: Step, done: u64, total: u64) -> Progress {
    Progress {
        step,
        attempt: 1,
        done_bytes: done,
        total_bytes: total,
        baud: 921_600,
        retries: 0,
    }
}

fn board(last: u8, progress: Progress) -> BoardView {
    BoardView {
        job: job(last.into()),
        started: ago(7),
        serial: None,
        identity: Some(Arc::new(identity(last))),
        step_began: ago(5),
        step_from_bytes: 0,
        progress,
        lost: false,
        asks: None,
    }
}

pub fn working(last: u8) -> SlotState {
    SlotState::Working(board(last, progress(Step::Write, 430_000, 1_048_576)))
}

pub fn passed(last: u8, attempts: u32, retries: u32) -> SlotState {
    SlotState::Done(ResultView {
        job: job(last.into()),
        outcome: Outcome::Pass,
        code: None,
        detail: String::new(),
        unit: Some(mac(last).into()),
        serial: None,
        attempts,
        retries,
        took: Duration::from_millis(6_240),
        measurements: Arc::default(),
        present: true,
    })
}

pub fn ended(last: u8, code: Code, detail: &str) -> SlotState {
    SlotState::Done(ResultView {
        job: job(last.into()),
        outcome: code.outcome(),
        code: Some(code),
        detail: detail.to_owned(),
        unit: (code != Code::NoSync).then(|| mac(last).into()),
        serial: None,
        attempts: 2,
        retries: 1,
        took: Duration::from_millis(11_870),
        measurements: Arc::default(),
        present: code != Code::Unplugged,
    })
}

pub fn slot(name: &str, state: SlotState) -> Arc<SlotView> {
    Arc::new(SlotView {
        slot: SlotId::new(name),
        place: format!("pci-0000:00:14.0-usb-0:1.{name}:1.0"),
        seat: None,
        product: None,
        state,
        out: None,
        since: ago(7),
    })
}

pub fn notice(number: u64, slot: Option<&str>, what: Happening) -> Arc<Notice> {
    Arc::new(Notice {
        number,
        at: ago(60 - number as i64),
        slot: slot.map(SlotId::new),
        job: slot.map(|_| job(number.into())),
        what,
    })
}

/// An operator.
pub fn li() -> Who {
    Who::new("li", Role::Operator)
}

/// A supervisor.
pub fn wang() -> Who {
    Who::new("wang", Role::Supervisor)
}

pub fn lot() -> LotName {
    LotName::parse("L-2031").unwrap()
}

pub fn removed(number: u64) -> Arc<Notice> {
    notice(number, Some("1"), Happening::BoardRemoved)
}

fn standing() -> Standing {
    Standing {
        changes: 0,
        today: Yield {
            units: 24,
            jobs: Jobs {
                passed: 22,
                written: 0,
                failed: 4,
                no_contact: 2,
                errors: 0,
                aborted: 1,
                skipped: 0,
                golden: 0,
            },
            first_pass: 19,
            passed: 20,
            written: 0,
            median_cycle: Some(Duration::from_millis(6_400)),
            failures: vec![
                (Code::NoSync, 2),
                (Code::VerifyMismatch, 1),
                (Code::Unplugged, 1),
            ],
        },
        open_units: vec![OpenUnit {
            unit: mac(6).into(),
            slot: SlotId::new("6"),
            since: ago(40),
            code: Code::Unplugged,
        }],
        lots: Vec::new(),
        units_per_hour: None,
        worst_slot: None,
    }
}

/// A lot in the middle of its work.
pub fn lot_standing() -> LotStanding {
    LotStanding {
        lot: lot(),
        product: "thermostat".to_owned(),
        version: "1.4.2".to_owned(),
        bundle: "3f2a91c07be4".to_owned(),
        order: Some("PO 4711".to_owned()),
        target: 500,
        state: LotState::Running,
        first_article: FirstArticle::Free,
        figures: Yield {
            units: 131,
            first_pass: 117,
            passed: 126,
            ..standing().today
        },
        open_units: 1,
        units_per_hour: Some(212.0),
        to_go: Some(Duration::from_secs(6_354)),
    }
}

/// The station at work for a lot, an operator at the bench, one slot that fails too often.
pub fn for_a_lot(snapshot: Snapshot) -> Snapshot {
    let standing = Standing {
        lots: vec![lot_standing()],
        units_per_hour: Some(212.0),
        worst_slot: Some(WorstSlot {
            slot: SlotId::new("5"),
            units: 31,
            failed: 9,
            other_units: 100,
            other_failed: 5,
        }),
        ..(*snapshot.standing).clone()
    };
    Snapshot {
        standing: Arc::new(standing),
        at_hand: Arc::new(AtHand {
            operator: Some("anna".into()),
            scanned: Some(Scanned {
                serial: Serial::parse("A17-0042").unwrap(),
                until: now() + jiff::SignedDuration::from_secs(20),
            }),
            supervisors: vec!["wang".into()],
        }),
        ..snapshot
    }
}

/// A slot in each state that a tile tells apart, and for a lot.
pub fn every_state() -> Snapshot {
    let mut asks = board(6, progress(Step::Admit, 0, 0));
    asks.asks = Some(Question::Again {
        passed: ago(86_400),
        lot: Some(lot()),
    });
    let mut lost = board(4, progress(Step::Write, 430_000, 1_048_576));
    lost.lost = true;
    let mut taken = passed(9, 1, 0);
    if let SlotState::Done(result) = &mut taken {
        result.present = false;
        result.serial = Serial::parse("A17-0041");
    }
    let mut skipped = passed(8, 1, 0);
    if let SlotState::Done(result) = &mut skipped {
        result.outcome = Outcome::Skipped;
        result.code = Some(Code::AlreadyDone);
    }
    let quarantined = SlotOut::Quarantined {
        boards: 3,
        code: Code::NoSync,
    };
    let empty = |name| slot(name, SlotState::Empty);
    for_a_lot(with(vec![
        empty("1"),
        slot("2", passed(2, 1, 0)),
        slot("3", working(3)),
        slot("4", SlotState::Working(lost)),
        slot("5", ended(5, Code::NoSync, "")),
        slot("6", SlotState::Working(asks)),
        slot("7", passed(7, 2, 3)),
        slot("8", skipped),
        slot("9", taken),
        slot("10", ended(10, Code::NotVerified, "")),
        slot("11", ended(11, Code::Unplugged, "")),
        slot("12", ended(12, Code::PortBusy, "in use by picocom (4711)")),
        slot("13", ended(13, Code::Stopped, "")),
        slot(
            "14",
            SlotState::Recording(board(14, progress(Step::Record, 0, 0))),
        ),
        slot("15", held()),
        slot("16", SlotState::Waiting(Waiting::Scan)),
        out(&empty("17"), quarantined),
        out(&empty("18"), SlotOut::Stopped { by: li() }),
        slot(
            "19",
            SlotState::Blocked {
                code: Code::DiskFull,
            },
        ),
        slot("20", SlotState::Settling),
    ]))
}

/// A snapshot with these slots.
pub fn with(slots: Vec<Arc<SlotView>>) -> Snapshot {
    Snapshot {
        at: now(),
        station: "bench-1".into(),
        product: "thermostat".into(),
        version: "1.4.2".into(),
        bundle: "3f2a91c07be4".into(),
        bundles: Arc::new([]),
        line: LineState::Running,
        slots,
        unassigned: Arc::new([PortView {
            port: "/dev/ttyACM0".to_owned(),
            why: "no slot names it".to_owned(),
        }]),
        standing: Arc::new(standing()),
        at_hand: Arc::default(),
        notices: every_happening().into(),
    }
}

/// Eight slots, each in another state.
pub fn bench() -> Snapshot {
    let mismatch = "app at 0x10000: MD5 9a0364b9 instead of c157a790";
    with(vec![
        slot("1", passed(1, 1, 0)),
        slot("2", passed(2, 1, 1)),
        slot("3", ended(3, Code::VerifyMismatch, mismatch)),
        slot("4", working(4)),
        slot("5", ended(5, Code::NoSync, "35 SYNCs, no answer")),
        slot("6", ended(6, Code::Unplugged, "pulled at 41 % of app")),
        slot("7", SlotState::Empty),
        slot("8", SlotState::Waiting(Waiting::PresentAtStart)),
    ])
}

/// Eight slots in the states that `bench` has not.
pub fn bench_of_the_rest() -> Snapshot {
    let mut again = board(2, progress(Step::Verify, 0, 0));
    again.progress.attempt = 2;
    again.progress.retries = 3;
    let mut lost = board(3, progress(Step::Write, 430_000, 1_048_576));
    lost.lost = true;
    let mut fresh = board(8, progress(Step::Connect, 0, 0));
    fresh.identity = None;
    fresh.progress.baud = 115_200;
    with(vec![
        slot("1", held()),
        slot("2", SlotState::Working(again)),
        slot("3", SlotState::Working(lost)),
        slot(
            "4",
            SlotState::Recording(board(4, progress(Step::Record, 0, 0))),
        ),
        slot("5", ended(5, Code::PortBusy, "in use by picocom (4711)")),
        slot("6", ended(6, Code::Stopped, "")),
        slot("7", SlotState::Waiting(Waiting::Request)),
        slot("8", SlotState::Working(fresh)),
    ])
}

fn held() -> SlotState {
    SlotState::Held {
        by: "flashline read (process 4711)".into(),
    }
}

/// So many slots, mixed.
pub fn many(count: usize) -> Snapshot {
    let slots = (1..=count).map(|number| {
        let last = number as u8;
        let state = match number % 7 {
            0 => ended(last, Code::NoSync, ""),
            1 | 2 => passed(last, 1, 0),
            3 => SlotState::Empty,
            4 => passed(last, 2, 3),
            5 => ended(last, Code::Unplugged, ""),
            _ => working(last),
        };
        slot(&number.to_string(), state)
    });
    with(slots.collect())
}

/// An empty slot on each of these seats, row and column, named by their order from 1.
pub fn seated(seats: &[(u16, u16)]) -> Snapshot {
    let slots = seats.iter().zip(1..).map(|((row, column), name)| {
        let seat = Some(Seat {
            row: *row,
            column: *column,
        });
        let slot = SlotView::clone(&slot(&name.to_string(), SlotState::Empty));
        Arc::new(SlotView { seat, ..slot })
    });
    with(slots.collect())
}

/// The bench with four bundles at work, of which two have become others on the disk and one a mistake.
pub fn changed_on_disk() -> Snapshot {
    let bundle = |manifest: &str, product: &str, on_disk| BundleView {
        manifest: manifest.into(),
        product: product.into(),
        version: "1.4.2".into(),
        bundle: "3f2a91c07be4".into(),
        on_disk,
    };
    let changed = |product: &str, version: &str, digest: &str| OnDisk::Changed {
        product: product.into(),
        version: version.into(),
        bundle: digest.into(),
    };
    let fault = "lamp.toml:12:1: the file app.bin does not exist".into();
    Snapshot {
        bundles: [
            bundle(
                "thermostat.toml",
                "thermostat",
                changed("thermostat", "1.4.3", "77d0c2b91e5a"),
            ),
            bundle("lamp.toml", "lamp", OnDisk::Invalid { fault }),
            bundle("relay.toml", "relay", OnDisk::Same),
            bundle(
                "fan.toml",
                "fan",
                changed("blower", "2.0.0", "0c11aa5533ee"),
            ),
        ]
        .into(),
        ..bench()
    }
}

/// A slot in service as it was, now out of it.
pub fn out(slot: &Arc<SlotView>, out: SlotOut) -> Arc<SlotView> {
    let slot = SlotView::clone(slot);
    Arc::new(SlotView {
        out: Some(out),
        ..slot
    })
}

/// Eight slots: in quarantine and stopped, idle, at work and with a result; one of another product.
pub fn bench_out_of_service() -> Snapshot {
    let quarantined = || SlotOut::Quarantined {
        boards: 3,
        code: Code::NoSync,
    };
    let stopped = || SlotOut::Stopped { by: li() };
    let mut lamp = SlotView::clone(&slot("8", SlotState::Empty));
    lamp.product = Some("lamp 2.0.1".into());
    with(vec![
        out(&slot("1", SlotState::Empty), quarantined()),
        out(&slot("2", SlotState::Empty), stopped()),
        out(&slot("3", working(3)), quarantined()),
        out(&slot("4", working(4)), stopped()),
        out(&slot("5", ended(5, Code::NoSync, "")), quarantined()),
        slot("6", ended(6, Code::NotRemoved, "")),
        slot("7", SlotState::Waiting(Waiting::Scan)),
        Arc::new(lamp),
    ])
}
