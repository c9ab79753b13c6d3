//! The job against simulated boards, in memory and in virtual time: what each trouble of a board, its
//! line or its port comes to.

mod again;
mod boards;
pub(crate) mod bridges;
mod chips;
mod boot;
mod ends;
mod faults;
mod log;
mod lost;
mod net;
mod own_usb;
mod policies;
mod ptys;
mod rates;
mod unverified;

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use flashline::chip::{Chip, Identity};
use flashline::event::{Again, Code, JobId, Passed, Progress, SlotId, Step};
use flashline::image::sample;
use flashline::job::{
    self, Admission, Assignment, Gate, Grant, Reports, Silence, StubUse, Verdict,
};
use flashline::manifest::Bundle;
use flashline::plan::{Plan, Planner};
use flashline::port::{Pending, PortInfo, Ports, Stop, StopHandle};
use flashline::settings::{After, Reset, Source};
use flashline::sim::{BoardHandle, BoardSpec, SimPorts};
use flashline::station::judge;
use tokio::sync::watch;

/// What a job that flashes goes through, without what the manifest asks for on top.
const STEPS: [Step; 9] = [
    Step::Connect,
    Step::Identify,
    Step::Admit,
    Step::Baud,
    Step::Stub,
    Step::Erase,
    Step::Write,
    Step::Verify,
    Step::Reset,
];

/// Small enough to be written quickly, large enough for ten blocks of a stub's stream.
const APP_BYTES: usize = 280_000;

const MANIFEST: &str = r#"
product = "sample"
version = "1"
chip = "esp32"
bauds = [921600, 460800, 115200]

[[image]]
name = "bootloader"
path = "bootloader.bin"
offset = 0x1000

[[image]]
name = "partition-table"
path = "partition-table.bin"
offset = 0x8000

[[image]]
name = "app"
path = "app.bin"
offset = 0x10000

[[partition]]
name = "nvs"
leftover = "erase"
"#;

/// The plans of the sample bundle, framed once for all tests.
static PLANNER: LazyLock<Planner> = LazyLock::new(|| planner(MANIFEST));

fn planner(manifest: &str) -> Planner {
    planner_for(Chip::Esp32, manifest, APP_BYTES)
}

fn planner_for(chip: Chip, manifest: &str, app_bytes: usize) -> Planner {
    let source = Source::new(Path::new("manifest.toml"), manifest);
    let bundle = Bundle::assemble(&source, |path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        Ok(match name {
            "bootloader.bin" => sample::bootloader(chip),
            "partition-table.bin" => sample::single_app_table().to_bytes(),
            "app.bin" => sample::app(chip, app_bytes, 1),
            "data.bin" => sample::app(chip, app_bytes, 1)[0x20..].to_vec(),
            other => panic!("no such image: {other}"),
        })
    });
    let bundle = bundle.unwrap_or_else(|faults| panic!("{faults:#?}"));
    Planner::new(Arc::new(bundle))
}

/// The Gate's pure rules, and the sample's plan. Counts how often it is asked.
struct Keeper {
    planner: &'static Planner,
    asked: Mutex<u32>,
    /// The board passed before.
    passed: Option<Passed>,
    /// What is said of one that is good still; `None`: nothing, ever.
    again: Option<Again>,
}

impl Keeper {
    fn new(planner: &'static Planner) -> Keeper {
        Keeper {
            planner,
            asked: Mutex::default(),
            passed: None,
            again: Some(Again::Flash),
        }
    }
}

impl Gate for Keeper {
    fn admit<'a>(
        &'a self,
        _job: JobId,
        _slot: &'a SlotId,
        serial: Option<&'a flashline::event::Serial>,
        identity: &'a Identity,
    ) -> Pending<'a, Admission> {
        *self.asked.lock().unwrap() += 1;
        let admission = match judge(self.planner.bundle(), identity, serial) {
            Ok(()) => Admission::Grant(Grant {
                plan: Arc::new(self.planner.plan(identity, None)),
                passed: self.passed.clone(),
            }),
            Err(objection) => Admission::Refuse {
                code: objection.code,
                detail: objection.detail,
            },
        };
        Box::pin(std::future::ready(admission))
    }

    fn again<'a>(&'a self, _: JobId, _: &'a SlotId, _: &'a Passed) -> Pending<'a, Again> {
        match self.again {
            Some(again) => Box::pin(std::future::ready(again)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn likely_baud<'a>(&'a self, _slot: &'a SlotId) -> Pending<'a, Option<u32>> {
        let likely = self.planner.bauds(None).first().copied();
        Box::pin(std::future::ready(likely))
    }
}

/// What was told, and a hook on progress.
#[derive(Default)]
struct Ear {
    retried: Mutex<Vec<(Step, Code)>>,
    lost: Mutex<u32>,
    on_progress: Option<Box<dyn Fn(Progress) + Send + Sync>>,
}

impl Reports for Ear {
    fn progress(&self, progress: Progress) {
        if let Some(hook) = &self.on_progress {
            hook(progress);
        }
    }

    fn retried(&self, step: Step, code: Code, _detail: &str, _attempt: u32) {
        self.retried.lock().unwrap().push((step, code));
    }

    fn port_lost(&self) {
        *self.lost.lock().unwrap() += 1;
    }
}

/// A job under way on a slot of its own.
struct Rig {
    ports: SimPorts,
    board: BoardHandle,
    keeper: Arc<Keeper>,
    presence: watch::Sender<Option<PortInfo>>,
    assignment: Assignment,
    ear: Ear,
    stop: Stop,
    stop_handle: Arc<StopHandle>,
}

impl Rig {
    fn new(spec: BoardSpec) -> Rig {
        let ports = SimPorts::new();
        let board = ports.plug("a", spec);
        let (presence, receiver) = watch::channel(Some(info(&board.path())));
        let (stop_handle, stop) = StopHandle::new();
        Rig {
            ports,
            board,
            keeper: Arc::new(Keeper::new(&PLANNER)),
            presence,
            assignment: Assignment {
                job: JobId::now(),
                slot: SlotId::new("a"),
                serial: None,
                presence: receiver,
                reset: Reset::Auto,
                after: After::Auto,
                likely: Chip::Esp32,
                attempts: 2,
                grace: Duration::from_millis(1_500),
                busy: Duration::ZERO,
                stub: StubUse::Stub,
                stubs: Arc::default(),
                silence: Silence::BadBoard,
            },
            ear: Ear::default(),
            stop,
            stop_handle: Arc::new(stop_handle),
        }
    }

    fn writing_by(mut self, stub: StubUse) -> Rig {
        self.assignment.stub = stub;
        self
    }

    async fn run(self) -> Ended {
        let ports: Arc<dyn Ports> = Arc::new(self.ports.clone());
        self.run_on(ports).await
    }

    async fn run_on(self, ports: Arc<dyn Ports>) -> Ended {
        let ear = Arc::new(self.ear);
        let before = self.board.flash();
        let verdict = job::run(
            self.assignment,
            ports,
            self.keeper.clone(),
            ear.clone(),
            self.stop,
        )
        .await;
        Ended {
            verdict,
            ear,
            before,
            board: self.board,
            keeper: self.keeper,
            _presence: self.presence,
        }
    }
}

/// A job that has ended.
struct Ended {
    verdict: Verdict,
    ear: Arc<Ear>,
    before: Vec<u8>,
    board: BoardHandle,
    keeper: Arc<Keeper>,
    _presence: watch::Sender<Option<PortInfo>>,
}

impl Ended {
    /// The verdict in one line: outcome, code, attempts, what was tried again (blocks, rates,
    /// connections), rate, and what the flash holds: "right" is right everywhere, beside what was
    /// written too.
    fn summary(&self) -> String {
        let Verdict {
            outcome,
            code,
            attempts,
            retries,
            baud,
            ..
        } = &self.verdict;
        let code = code.map_or(String::new(), |code| format!(" {code}"));
        let told = self.ear.retried.lock().unwrap().len();
        assert_eq!(told as u32, retries.total(), "every retry is told once");
        format!(
            "{outcome}{code}, attempt {attempts}, retried {}+{}+{}, {baud} baud, flash {}",
            retries.blocks,
            retries.rates,
            retries.connections,
            self.flash()
        )
    }

    fn flash(&self) -> &'static str {
        let flash = self.board.flash();
        if flash == self.before {
            return "untouched";
        }
        let plan = plan(&self.keeper);
        let right = plan.regions.iter().all(|region| {
            let range = region.range();
            flash[range.start as usize..range.end as usize] == *region.bytes
        });
        let erased = plan.erases.iter().all(|range| {
            let bytes = &flash[range.start as usize..range.end as usize];
            bytes.iter().all(|byte| *byte == 0xFF)
        });
        let touched = plan.regions.iter().map(|region| region.range());
        let touched: Vec<Range<usize>> = touched
            .chain(plan.erases.iter().cloned())
            .map(|range| sectors(range.start as usize, range.end as usize))
            .collect();
        let mut kept = self.before.clone();
        for range in touched {
            kept[range.clone()].copy_from_slice(&flash[range]);
        }
        if right && erased && (plan.erase_all || kept == flash) {
            "right"
        } else {
            "wrong"
        }
    }
}

/// The sectors that a range lies in.
fn sectors(start: usize, end: usize) -> Range<usize> {
    start / 0x1000 * 0x1000..end.next_multiple_of(0x1000)
}

fn plan(keeper: &Keeper) -> Plan {
    use flashline::chip::{FlashId, Mac, Revision};
    let identity = Identity {
        crystal_mhz: Some(40),
        ..Identity::open(
            keeper.planner.bundle().manifest.chip,
            Revision { major: 3, minor: 1 },
            Mac([0x24, 0x0A, 0xC4, 0, 0, 1]),
            FlashId(0xEF4016),
        )
    };
    keeper.planner.plan(&identity, None)
}

fn info(path: &Path) -> PortInfo {
    PortInfo {
        instance: 1,
        ..PortInfo::at(path)
    }
}

/// Runs a job on this board and compares how it ended.
async fn check(spec: BoardSpec, stub: StubUse, expected: &str) {
    let label = format!("{:?} {stub:?}", spec.faults);
    let ended = Rig::new(spec).writing_by(stub).run().await;
    let detail = &ended.verdict.detail;
    assert_eq!(ended.summary(), expected, "{label}: {detail}");
}
