//! The job from its order to its verdict: attempts, one after the other, each a new connection that
//! goes through the steps; between them the ladder, and the wait for a port that was lost (`port`).

mod port;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::admit::{Board, Second};
use super::again::{Asking, Seen};
use super::boot::{BootFault, Judge, Listening};
use super::border::{Assignment, Gate, RegionResult, Reports, Silence, StubUse, Verdict};
use super::connect::{First, connect};
use super::error::JobError;
use super::journal::{Again, Journal};
use super::ladder::{self, Aim, Next, Tried};
use super::load::Loaded;
use super::proof::unproven;
use super::rate;
use super::reset::{self, Leave, Started};
use super::session::{ROM_BAUD, RomRates, Session};
use crate::chip::{Access, Belief, Identity};
use crate::event::{Code, Outcome, Passed};
use crate::port::reset::Ways;
use crate::port::{Link, Port, Ports, Stop};
use crate::protocol::Dialect;
use crate::settings::After;

/// How often a lost port is tried again where nothing announces its return.
const REOPEN_EACH: Duration = Duration::from_millis(50);

/// How often one attempt follows a port that a reset takes along: into the loader, and once more for a
/// board whose app comes up instead.
const FOLLOWED_AT_MOST: u32 = 2;

/// Fewer bytes than these are what an input makes up that nothing drives; a ROM's banner is longer.
const BANNER_BYTES: u64 = 16;

/// How long a port may take to close before the job goes on without it.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Works on the board at the assignment's port to the end. Never panics, always returns a verdict;
/// a stop ends it at a safe point with [`crate::event::Code::Stopped`].
pub async fn run(
    assignment: Assignment,
    ports: Arc<dyn Ports>,
    gate: Arc<dyn Gate>,
    reports: Arc<dyn Reports>,
    stop: Stop,
) -> Verdict {
    let mut job = Job::new(assignment, ports, gate, reports, stop);
    let end = job.work().await.map_err(|error| job.with_erase(error));
    job.verdict(end)
}

pub(super) struct Job {
    assignment: Assignment,
    ports: Arc<dyn Ports>,
    gate: Arc<dyn Gate>,
    stop: Stop,
    pub(super) journal: Journal,
    pub(super) identity: Option<Identity>,
    pub(super) board: Option<Board>,
    /// The rate at which the connection before ended, where that is not the ROM's.
    last_baud: Option<u32>,
    /// A rate to which the first connection was lost before there was a plan.
    lost_at: Option<u32>,
    /// Why the connection before ended.
    before: Option<String>,
    /// Since when the port is lost; until a loader answers or an app speaks again it is the same loss.
    lost_since: Option<Instant>,
    /// The boot check, once the board was reset for it.
    listening: Option<Listening>,
    /// The port is the chip's own USB: it goes and comes with the chip.
    own_usb: bool,
    /// How often in this attempt a reset took the port along.
    followed: u32,
}

impl Job {
    pub(super) fn new(
        assignment: Assignment,
        ports: Arc<dyn Ports>,
        gate: Arc<dyn Gate>,
        reports: Arc<dyn Reports>,
        stop: Stop,
    ) -> Job {
        Job {
            assignment,
            ports,
            gate,
            stop,
            journal: Journal::new(reports),
            identity: None,
            board: None,
            last_baud: None,
            lost_at: None,
            before: None,
            lost_since: None,
            listening: None,
            own_usb: false,
            followed: 0,
        }
    }

    async fn work(&mut self) -> Result<(), JobError> {
        let mut port = self.open().await?;
        loop {
            let mut link = self.link(port);
            let result = self.attempt(&mut link).await;
            let dialect = self.hang_up(link).await;
            match result {
                Ok(()) => return Ok(()),
                Err(error) => port = self.next_port(error, dialect).await?,
            }
        }
    }

    pub(super) fn attempts_allowed(&self) -> u32 {
        self.assignment.attempts
    }

    pub(super) fn link(&self, port: Box<dyn Port>) -> Link {
        Link::new(port, ROM_BAUD, self.stop.clone())
    }

    /// Closes the connection; tells who was spoken to.
    pub(super) async fn hang_up(&mut self, link: Link) -> Dialect {
        let dialect = link.dialect();
        self.last_baud = Some(link.baud()).filter(|baud| *baud != ROM_BAUD);
        // a close that hangs goes on by itself
        let _ = tokio::time::timeout(CLOSE_PATIENCE, link.close()).await;
        dialect
    }

    /// One connection, from SYNC to the end of the boot check; or the rest of that check.
    async fn attempt(&mut self, link: &mut Link) -> Result<(), JobError> {
        if self.listening.is_some() {
            return self.listen(link).await;
        }
        let asking = Asking::new(&self.assignment, &self.gate, &self.stop);
        let loaded = match self.load(link).await?.look_again(asking).await? {
            Seen::Due(loaded) => loaded,
            // its app starts as after a pass, and is held to nothing
            Seen::Left(verified) => return verified.reset(None).await.map(drop),
        };
        let erased = loaded.erase().await?;
        let written = erased.write().await?;
        let verified = written.verify().await?;
        let check = verified.boot_check.clone();
        let started = verified
            .reset(check.as_ref().map(|check| check.baud))
            .await?;
        let Some(check) = check else {
            return Ok(());
        };
        if self.assignment.after == After::Stay {
            let source = BootFault::Stays;
            let started = Started::Yes;
            return Err(JobError::Boot { started, source });
        }
        self.listening = Some(Listening {
            judge: Judge::new(check, Instant::now().into_std()),
            started,
            own_usb: self.own_usb,
        });
        self.listen(link).await
    }

    async fn listen(&mut self, link: &mut Link) -> Result<(), JobError> {
        let Some(listening) = &mut self.listening else {
            return Ok(());
        };
        let heard_bytes = listening.judge.heard_bytes();
        let end = listening.listen(link, &mut self.journal).await;
        if listening.judge.heard_bytes() > heard_bytes {
            self.lost_since = None;
        }
        end
    }

    /// From SYNC to whoever will write.
    pub(super) async fn load<'a>(&'a mut self, link: &'a mut Link) -> Result<Loaded<'a>, JobError> {
        let port = self.assignment.presence.borrow().clone();
        let ways = match &port {
            Some(port) => Ways::of(&self.assignment.reset, port),
            None => Ways::None,
        };
        let leave = Leave::of(self.assignment.after, port.as_ref());
        self.own_usb = leave.is_own_usb();
        let first = match self.followed {
            0 => First::Reset,
            _ => First::Sync,
        };
        let likely_baud = match self.journal.attempt {
            1 => self.gate.likely_baud(&self.assignment.slot).await,
            _ => None,
        };
        let session = Session {
            link,
            journal: &mut self.journal,
            attempts_allowed: self.assignment.attempts,
            lower_rates: 0,
            access: Access::Full,
            rom_rates: RomRates::Told(Belief::TRUE),
            likely_baud,
            refused_baud: None,
            leave,
        };
        let connected = match connect(session, &ways, first, self.last_baud).await {
            Err(JobError::Lost) if self.own_usb && self.followed < FOLLOWED_AT_MOST => {
                self.followed += 1;
                return Err(JobError::TakenAlong);
            }
            Err(JobError::NoSync { tries, .. }) if self.before.is_some() => {
                let before = self.before.take().unwrap_or_default();
                return Err(JobError::NoSyncAgain { tries, before });
            }
            Err(JobError::NoSync {
                tries, heard_bytes, ..
            }) if self.assignment.silence == Silence::NoBoard && heard_bytes < BANNER_BYTES => {
                return Err(JobError::NoBoard { tries });
            }
            result => result?,
        };
        self.lost_since = None;
        self.followed = 0;
        let uploads = (self.assignment.stub == StubUse::Stub).then_some(&*self.assignment.stubs);
        let likely = self.assignment.likely;
        let mut identified = match connected.identify(likely, uploads).await {
            Err(error) => {
                if let JobError::Rate { wanted, .. } = error {
                    self.lost_at = Some(wanted);
                }
                return Err(error);
            }
            Ok(identified) => identified,
        };
        reset::calm(&mut identified.session, identified.identity.chip).await?;
        let found = &identified.identity;
        if let Some(known) = &self.identity
            && (known.chip, known.access) != (found.chip, found.access)
        {
            return Err(JobError::AnotherChip {
                expected: known.chip,
                found: found.chip,
            });
        }
        let known = self.identity.as_ref().and_then(|known| known.mac);
        if let (Some(expected), Some(found)) = (known, found.mac)
            && expected != found
        {
            return Err(JobError::Swapped { expected, found });
        }
        let told = found.in_a_line();
        identified.session.journal.note(format_args!("{told}"));
        self.identity = Some(found.clone());
        let mut admitted = identified
            .admit(
                &self.assignment,
                &*self.gate,
                &mut self.stop,
                &mut self.board,
            )
            .await?;
        let unusable = self.lost_at.take().or(admitted.session.refused_baud);
        if unusable == Some(admitted.board.baud()) && admitted.board.lower_rates() > 0 {
            rate::lower(&mut admitted.session, admitted.board);
        }
        let fast = admitted.raise_rate().await?;
        fast.load(
            self.assignment.stub,
            &self.assignment.stubs,
            self.identity.as_ref(),
        )
        .await
    }

    /// After a failed attempt: the port for the next one, or the error that ends the job.
    pub(super) async fn next_port(
        &mut self,
        error: JobError,
        dialect: Dialect,
    ) -> Result<Box<dyn Port>, JobError> {
        if matches!(error, JobError::TakenAlong) {
            let since = Instant::now();
            self.rest(REOPEN_EACH).await?;
            return self.reopen(since).await;
        }
        let lost = matches!(error, JobError::Lost);
        if lost && self.listening.as_ref().is_some_and(|l| l.own_usb) {
            // the chip's own USB goes and comes with the chip: its app is listened to where it returns
            let lost_before = self.lost_since.is_some();
            let since = *self.lost_since.get_or_insert_with(Instant::now);
            if lost_before {
                self.rest(REOPEN_EACH).await?;
            }
            return self.reopen(since).await;
        }
        if let Some(since) = self.lost_since.filter(|_| lost) {
            // what was opened was the port that goes, not the one that comes: the same attempt still
            self.rest(REOPEN_EACH).await?;
            return self.reopen(since).await;
        }
        let tried = Tried {
            dialect,
            here: 1,
            at_rate: 1,
            lower_rates: self.board.as_ref().map_or(0, Board::lower_rates),
            attempts: self.journal.attempt,
            attempts_allowed: self.assignment.attempts,
        };
        let Next::Reconnect(aim) = ladder::after_connection(error.failure(), tried) else {
            return Err(error);
        };
        let now = Instant::now();
        let hides = |known: &Identity| known.access == Access::SecureDownload;
        if lost && self.board.is_some() && self.identity.as_ref().is_some_and(hides) {
            return Err(JobError::Unrecognisable);
        }
        if lost {
            self.lost_since = Some(now);
            self.journal.port_lost();
        }
        let port = self.reopen(now).await?;
        self.journal.retried(Again::Connection, &error);
        self.journal.next_attempt();
        // another board may be there now: it is listened to when it is known to be the same
        self.listening = None;
        self.followed = 0;
        self.before = Some(error.to_string());
        if aim == Aim::LowerRate
            && let Some(board) = self.board.as_mut().filter(|b| b.lower_rates() > 0)
        {
            board.rate += 1;
        }
        Ok(port)
    }

    /// A whole-chip erase that was stopped or whose board was pulled is told as such: the flash holds
    /// neither what it did nor nothing.
    pub(super) fn with_erase(&self, error: JobError) -> JobError {
        match &self.board {
            Some(board)
                if board.is_erase_unfinished()
                    && matches!(error, JobError::Stopped(_) | JobError::Unplugged { .. }) =>
            {
                JobError::EraseUnfinished {
                    erased: board.erased.to,
                    flash_bytes: board.plan.flash_bytes,
                    why: error.to_string(),
                }
            }
            _ => error,
        }
    }

    fn verdict(mut self, end: Result<(), JobError>) -> Verdict {
        let (code, detail) = match (&end, &self.board, &self.identity) {
            (Err(error), ..) => (Some(error.code()), error.to_string()),
            // an app that was seen to start proves what no digest does
            (Ok(()), ..) if self.listening.is_some() => (None, String::new()),
            (
                Ok(()),
                Some(Board {
                    second: Second::Left(passed),
                    ..
                }),
                _,
            ) => (Some(Code::AlreadyDone), left(passed)),
            (Ok(()), Some(board), Some(identity)) => match unproven(board, identity) {
                Some(detail) => (Some(Code::NotVerified), detail),
                None => (None, String::new()),
            },
            (Ok(()), ..) => (None, String::new()),
        };
        let regions = self.board.iter().flat_map(|board| {
            let found = board.plan.regions.iter().zip(&board.found);
            found.map(|(region, found)| RegionResult {
                name: region.name.clone(),
                offset: region.offset,
                size_bytes: region.bytes.len() as u32,
                file_sha256: region.file_sha256,
                written_sha256: region.written_sha256,
                found_md5: found.md5,
                found_sha256: found.sha256,
                skipped_bytes: found.skipped_bytes,
            })
        });
        let regions: Vec<RegionResult> = regions.collect();
        let bytes_skipped = regions.iter().map(|r| u64::from(r.skipped_bytes)).sum();
        let outcome = code.map_or(Outcome::Pass, Code::outcome);
        match code {
            None => self.journal.note(format_args!("{outcome}")),
            Some(code) => self
                .journal
                .note(format_args!("{outcome} {code}: {detail}")),
        }
        Verdict {
            outcome,
            code,
            detail,
            regions,
            identity: self.identity,
            attempts: self.journal.attempt,
            retries: self.journal.retries,
            baud: self.journal.write_baud,
            bytes_written: self.journal.bytes_written,
            bytes_skipped,
            log: self.journal.take_log(),
            boot: self.listening.map(|listening| listening.judge.into_log()),
            written_by: self.journal.written_by,
            steps: self.journal.steps,
        }
    }
}

/// Why nothing was written.
fn left(passed: &Passed) -> String {
    let when = passed.at.strftime("%F %T UTC");
    match &passed.lot {
        None => format!("passed on {when}, and the flash holds all of it still"),
        Some(lot) => format!("passed on {when} in lot {lot}, and the flash holds all of it still"),
    }
}
