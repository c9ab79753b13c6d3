//! flashline as one of the racers, in a process of its own: the library's job on one port, from opening
//! it to the verdict. What a station does once for all boards, compressing among it, is done before.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flashline::chip::Identity;
use flashline::event::{Code, JobId, Outcome, Progress, Serial, SlotId, Step};
use flashline::job::{self, Admission, Assignment, Gate, Reports, Silence, StubUse};
use flashline::manifest::Bundle;
use flashline::plan::{Method, Plan, Planner};
use flashline::port::{Pending, PortInfo, StopHandle, SystemPorts};
use flashline::settings::{After, Reset};
use flashline::station::Gatekeeper;
use tokio::sync::watch;

/// What the first argument says when this program is to be the racer.
pub const AS_RACER: &str = "--as-racer";

/// The station's Gate, and the plan that it granted.
struct Watched {
    gate: Arc<dyn Gate>,
    plan: Mutex<Option<Arc<Plan>>>,
}

impl Gate for Watched {
    fn admit<'a>(
        &'a self,
        job: JobId,
        slot: &'a SlotId,
        serial: Option<&'a Serial>,
        identity: &'a Identity,
    ) -> Pending<'a, Admission> {
        Box::pin(async move {
            let answer = self.gate.admit(job, slot, serial, identity).await;
            if let Admission::Grant(grant) = &answer {
                let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
                *plan = Some(grant.plan.clone());
            }
            answer
        })
    }

    fn likely_baud<'a>(&'a self, slot: &'a SlotId) -> Pending<'a, Option<u32>> {
        self.gate.likely_baud(slot)
    }
}

/// Nobody looks on.
struct Unwatched;

impl Reports for Unwatched {
    fn progress(&self, _: Progress) {}
    fn retried(&self, step: Step, code: Code, detail: &str, _: u32) {
        eprintln!("tried again: {step:?}, {}: {detail}", code.word());
    }
    fn port_lost(&self) {}
}

/// Flashes the board; prints the seconds, the bytes that the image's frames have, and what each step
/// took in milliseconds.
pub fn race(port: &Path, manifest: &Path) -> io::Result<()> {
    let bundle = Bundle::load(manifest)
        .map_err(|faults| io::Error::other(format!("the manifest: {faults:?}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let verdict = runtime.block_on(flash(port.to_owned(), Arc::new(bundle)));
    runtime.shutdown_background();
    verdict
}

async fn flash(port: PathBuf, bundle: Arc<Bundle>) -> io::Result<()> {
    let likely = bundle.manifest.chip;
    let planner = Arc::new(Planner::new(bundle));
    planner.prepare(Method::StubDeflate);
    let gate = Arc::new(Watched {
        gate: Arc::new(Gatekeeper::new(None, None, None)).gate(planner),
        plan: Mutex::default(),
    });
    let (_presence, presence) = watch::channel(Some(PortInfo {
        path: port,
        instance: 0,
        usb_path: None,
        usb_id: None,
        description: String::new(),
    }));
    let assignment = Assignment {
        job: JobId::now(),
        slot: SlotId::new("race"),
        serial: None,
        presence,
        reset: Reset::None,
        after: After::default(),
        likely,
        attempts: 1,
        grace: Duration::from_secs(1),
        busy: Duration::ZERO,
        stub: StubUse::Stub,
        stubs: Arc::default(),
        silence: Silence::BadBoard,
    };
    let (_handle, stop) = StopHandle::new();
    let ports = Arc::new(SystemPorts::new(Vec::new()));
    let began = Instant::now();
    let verdict = job::run(assignment, ports, gate.clone(), Arc::new(Unwatched), stop).await;
    let seconds = began.elapsed().as_secs_f64();
    if verdict.outcome != Outcome::Pass {
        return Err(io::Error::other(verdict.detail));
    }
    let plan = gate.plan.lock().unwrap_or_else(PoisonError::into_inner);
    let regions = plan.iter().flat_map(|plan| &plan.regions);
    let wire_bytes: u64 = regions
        .map(|region| region.framed(Method::StubDeflate).wire_bytes)
        .sum();
    print!("{seconds:.4} {wire_bytes}");
    for step in &verdict.steps {
        print!(" {:?}={:.1}", step.step, step.took.as_secs_f64() * 1000.0);
    }
    println!();
    Ok(())
}
