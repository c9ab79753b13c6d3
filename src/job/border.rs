//! What a job is given and what it gives back.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::chip::{Chip, Identity, Stubs};
use crate::event::{Again, Code, JobId, Outcome, Passed, Progress, Serial, SlotId, Step, spelling};
use crate::image::{in_hex, some_in_hex};
use crate::plan::{Method, Plan};
use crate::port::{Pending, PortInfo};
use crate::settings::{After, Reset};

/// One job's work order.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub job: JobId,
    pub slot: SlotId,
    /// What someone typed or scanned from the board's label. It identifies a board that keeps its MAC to
    /// itself.
    pub serial: Option<Serial>,
    /// The port that is at the slot now; `None` while there is none. A job whose port is lost watches
    /// it for the port's return, under whatever name.
    pub presence: watch::Receiver<Option<PortInfo>>,
    /// How the board gets into its loader.
    pub reset: Reset,
    /// What becomes of it once it is written and verified.
    pub after: After,
    /// The manifest's chip: its own probe is tried first. What answers may be another.
    pub likely: Chip,
    /// Attempts, the first included; at least 1.
    pub attempts: u32,
    /// How long a lost port may be away.
    pub grace: Duration,
    /// How long the port may be open elsewhere at first: who asks new ports whether they are modems is
    /// through after a few seconds.
    pub busy: Duration,
    /// Write through the stub; without it the ROM writes, compressed.
    pub stub: StubUse,
    /// The stubs that there are.
    pub stubs: Arc<Stubs>,
    /// What it means that nothing answers at all.
    pub silence: Silence,
}

/// What it means that nothing answers SYNC, nor says anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Silence {
    /// A bad board (`NO_SYNC`): that one is there is known.
    #[default]
    BadBoard,
    /// No board (`NO_BOARD`): a jig's adapter is always there, and nothing else tells of a board.
    NoBoard,
}

/// Whether a job uploads the stub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StubUse {
    /// Yes, where there is one for the chip; else the ROM writes, compressed where it can.
    Stub,
    /// The ROM alone, compressed.
    RomDeflate,
    /// The ROM alone, plain.
    RomPlain,
}

/// The question of a job, asked once it knows the board: may it be written, and with what? The other methods
/// ask for no leave.
pub trait Gate: Send + Sync {
    fn admit<'a>(
        &'a self,
        job: JobId,
        slot: &'a SlotId,
        serial: Option<&'a Serial>,
        identity: &'a Identity,
    ) -> Pending<'a, Admission>;

    /// The rate that a board of this slot will most likely be granted; a job goes there before it
    /// reads out the board, since that takes three times as long at the ROM's. `None`: it waits for the
    /// grant.
    fn likely_baud<'a>(&'a self, slot: &'a SlotId) -> Pending<'a, Option<u32>> {
        let _ = slot;
        Box::pin(std::future::ready(None))
    }

    /// Whether a board that passed before ([`Grant::passed`]), and whose flash turned out to hold everything
    /// still, is worked on again. May take until someone decides; nothing is written meanwhile.
    fn again<'a>(&'a self, job: JobId, slot: &'a SlotId, passed: &'a Passed) -> Pending<'a, Again> {
        let _ = (job, slot, passed);
        Box::pin(std::future::ready(Again::Flash))
    }
}

/// The Gate's answer.
#[derive(Debug, Clone)]
pub enum Admission {
    Grant(Grant),
    /// Nothing is written.
    Refuse {
        code: Code,
        detail: String,
    },
}

/// Leave to write, and what.
#[derive(Debug, Clone)]
pub struct Grant {
    pub plan: Arc<Plan>,
    /// The board passed with exactly this plan's bundle before: its flash is looked at first, and where it
    /// holds everything still, [`Gate::again`] is asked. `None`: it is worked on whatever it holds.
    pub passed: Option<Passed>,
}

/// What a job tells while it works. Both return at once and never block.
pub trait Reports: Send + Sync {
    /// Where it stands: only the newest counts.
    fn progress(&self, progress: Progress);
    /// Something failed and is tried again.
    fn retried(&self, step: Step, code: Code, detail: &str, attempt: u32);
    /// The board's port is lost and may come back.
    fn port_lost(&self);
}

/// How a step went. A step that was taken twice is there twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    pub step: Step,
    pub attempt: u32,
    /// Since the job's start.
    #[serde(rename = "began_seconds", with = "spelling::fine_seconds")]
    pub began: Duration,
    #[serde(rename = "seconds", with = "spelling::fine_seconds")]
    pub took: Duration,
    /// `None`: it did its work.
    pub code: Option<Code>,
}

/// What was tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Retries {
    #[serde(rename = "block_retries")]
    pub blocks: u32,
    #[serde(rename = "rate_retries")]
    pub rates: u32,
    #[serde(rename = "connection_retries")]
    pub connections: u32,
}

impl Retries {
    pub fn total(self) -> u32 {
        self.blocks + self.rates + self.connections
    }
}

/// A region as it was written and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionResult {
    pub name: String,
    pub offset: u32,
    #[serde(rename = "bytes")]
    pub size_bytes: u32,
    #[serde(with = "in_hex")]
    pub file_sha256: [u8; 32],
    #[serde(with = "in_hex")]
    pub written_sha256: [u8; 32],
    /// The MD5 that the chip answered, where it was asked.
    #[serde(with = "some_in_hex")]
    pub found_md5: Option<[u8; 16]>,
    /// The SHA-256 of what was read back, where it was.
    #[serde(with = "some_in_hex")]
    pub found_sha256: Option<[u8; 32]>,
    /// Bytes of it that the flash held already and that were not written.
    pub skipped_bytes: u32,
}

/// What a board said after its reset, and what that tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BootLog {
    /// The console's text, what looks like a secret blotted out, bounded in length.
    pub text: String,
    pub measurements: Vec<Measurement>,
}

/// A value that the app printed, with its limits (both included; `None`: open to that side).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    pub name: String,
    #[serde(with = "spelling::number")]
    pub value: f64,
    /// As the manifest spells it; empty where it has none.
    pub unit: String,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Measurement {
    /// Whether the value is a number within its limits.
    pub fn is_within(&self) -> bool {
        !self.value.is_nan()
            && self.low.is_none_or(|low| self.value >= low)
            && self.high.is_none_or(|high| self.value <= high)
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// `None` with PASS.
    pub code: Option<Code>,
    /// One sentence with the figures: address, digest, rate. Empty with PASS.
    pub detail: String,
    pub identity: Option<Identity>,
    pub attempts: u32,
    pub retries: Retries,
    /// Who wrote, and how; `None` where it never got there.
    pub written_by: Option<Method>,
    /// The rate at which it wrote last; 0 where it never got there.
    pub baud: u32,
    /// Flash bytes written, over all attempts.
    pub bytes_written: u64,
    /// Flash bytes that the board held already, as the chip's digests told.
    pub bytes_skipped: u64,
    /// The console after the reset, where the manifest asks for a boot check.
    pub boot: Option<BootLog>,
    /// What happened, a line each with the seconds since the job's start; bounded in length. Empty where
    /// nobody was there to write it.
    pub log: String,
    pub steps: Vec<StepResult>,
    pub regions: Vec<RegionResult>,
}
