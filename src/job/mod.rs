//! All that is done to one board from its arrival to its verdict: connect → identify → Gate → rate →
//! stub → erase → write → verify → reset. Each step turns one state type into the next; what to try
//! again is decided by one pure function (`ladder`). Leaves out slots, lots and the record: it asks
//! the Gate once, reports through `Reports`, and returns a `Verdict`.

mod border;

pub use border::{
    Admission, Assignment, Gate, Grant, RegionResult, Reports, Retries, StepResult, StubUse,
    Verdict,
};

/// Works on the board at the assignment's port to the end. Never panics, always returns a verdict;
/// a stop ends it at a safe point with [`crate::event::Code::Stopped`].
pub async fn run(
    assignment: Assignment,
    ports: std::sync::Arc<dyn crate::port::Ports>,
    gate: std::sync::Arc<dyn Gate>,
    reports: std::sync::Arc<dyn Reports>,
    stop: crate::port::Stop,
) -> Verdict {
    let _ = (assignment, ports, gate, reports, stop);
    todo!("helper J")
}

/// Whether a board answers SYNC at this port now (a jig whose adapter stays plugged in): opens,
/// resets as told, tries SYNC for a short while, closes.
pub async fn probe(
    ports: std::sync::Arc<dyn crate::port::Ports>,
    path: std::path::PathBuf,
    reset: crate::settings::Reset,
    stop: crate::port::Stop,
) -> Result<bool, crate::port::OpenError> {
    let _ = (ports, path, reset, stop);
    todo!("helper J")
}
