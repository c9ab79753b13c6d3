//! A board that stays connected from one piece of work to the next: for work by hand. Connects, tries
//! again and reconnects as a job does, and works with a job's steps; what is different is that someone
//! else says what comes next, and that nothing is recorded.

use std::ops::Range;
use std::sync::Arc;

use super::admit::{Board, Standing};
use super::border::{Assignment, Gate, Reports, Retries};
use super::connect::HasLines;
use super::error::JobError;
use super::journal::Journal;
use super::load::Loaded;
use super::proof::{blind, unproven};
use super::read::Span;
use super::reset::Leave;
use super::run::Job;
use super::session::{RomRates, Session};
use super::verify::Verified;
use super::write::Written;
use crate::chip::{Access, Identity};
use crate::event::{Code, Step};
use crate::image::{hex, md5 as md5_of};
use crate::plan::{Method, Plan};
use crate::port::{Link, Port, Ports, Stop};
use crate::protocol::Dialect;

/// What is to be done with the loader.
pub(crate) enum Work<'w> {
    /// The plan's erases and regions, verified.
    Write,
    /// The regions' digests alone.
    Verify,
    /// A range's bytes into `into`, which is emptied first. `span` is the whole that it is part of.
    Read {
        range: Range<u32>,
        span: Range<u32>,
        into: &'w mut Vec<u8>,
    },
    /// The app is started, or whatever the assignment says.
    Reset,
}

/// Why it could not be done.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) code: Code,
    pub(crate) detail: String,
}

impl From<JobError> for Failed {
    fn from(error: JobError) -> Failed {
        Failed {
            code: error.code(),
            detail: error.to_string(),
        }
    }
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) retries: Retries,
    pub(crate) baud: u32,
}

pub(crate) struct Kept {
    job: Job,
    reports: Arc<dyn Reports>,
    connection: Option<Connection>,
    /// Opened for the next connection.
    port: Option<Box<dyn Port>>,
}

struct Connection {
    link: Link,
    /// `None` until whoever will work is ready.
    loader: Option<Loader>,
}

/// What was found out on the way to whoever works.
#[derive(Clone, Copy)]
struct Loader {
    lines: HasLines,
    method: Method,
    access: Access,
    rom_rates: RomRates,
    leave: Leave,
}

impl Kept {
    /// Connects, as far as a loader that waits for work. Gives the board and the granted plan besides;
    /// with an error, the board as far as it was known.
    pub(crate) async fn connect(
        assignment: Assignment,
        ports: Arc<dyn Ports>,
        gate: Arc<dyn Gate>,
        reports: Arc<dyn Reports>,
        stop: Stop,
    ) -> Result<(Kept, Identity, Plan), (Failed, Option<Identity>)> {
        let mut kept = Kept {
            job: Job::new(assignment, ports, gate, reports.clone(), stop),
            reports,
            connection: None,
            port: None,
        };
        let connected = kept.until_done(None).await;
        let identity = kept.job.identity.clone();
        let plan = kept
            .job
            .board
            .as_ref()
            .map(|board| Plan::clone(&board.plan));
        match (connected, identity, plan) {
            (Ok(()), Some(identity), Some(plan)) => Ok((kept, identity, plan)),
            (Err(failed), identity, _) => Err((failed, identity)),
            // whoever loaded was identified and admitted before
            (Ok(()), identity, _) => Err((
                Failed {
                    code: Code::NoReply,
                    detail: "the board did not tell what it is".to_owned(),
                },
                identity,
            )),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// From here on attempts and retries count anew; a plan is what is written and verified next.
    pub(crate) fn begin(&mut self, plan: Option<Plan>) {
        let link = self.connection.as_ref().map(|connection| &connection.link);
        let baud = link.map_or(0, Link::baud);
        self.job.journal = Journal::new(self.reports.clone()).at_rate(baud);
        if let (Some(plan), Some(before)) = (plan, &self.job.board) {
            let last_rate = plan.bauds.len().saturating_sub(1);
            let mut board = Board::new(Arc::new(plan));
            board.rate = before.rate.min(last_rate);
            self.job.board = Some(board);
        }
    }

    /// Does it, with as many connections as it takes.
    pub(crate) async fn perform(&mut self, mut work: Work<'_>) -> Result<Effort, Failed> {
        self.until_done(Some(&mut work)).await?;
        if let (Some(board), Some(identity)) = (&self.job.board, &self.job.identity)
            && let Some(detail) = match work {
                Work::Write => unproven(board, identity),
                Work::Verify => blind(board, identity),
                Work::Read { .. } | Work::Reset => None,
            }
        {
            let code = Code::NotVerified;
            return Err(Failed { code, detail });
        }
        let link = self.connection.as_ref().map(|connection| &connection.link);
        Ok(Effort {
            retries: self.job.journal.retries,
            baud: link.map_or(0, Link::baud),
        })
    }

    pub(crate) async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            self.job.hang_up(connection.link).await;
        }
    }

    async fn until_done(&mut self, mut work: Option<&mut Work<'_>>) -> Result<(), Failed> {
        loop {
            let error = match self.attempt(work.as_deref_mut()).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let dialect = match self.connection.take() {
                Some(connection) => self.job.hang_up(connection.link).await,
                None => Dialect::Rom,
            };
            // asked what the flash holds, it has told
            if matches!(
                (&work, &error),
                (Some(Work::Verify), JobError::Mismatch { .. })
            ) {
                return Err(error.into());
            }
            let next = self.job.next_port(error, dialect).await;
            self.port = Some(next.map_err(|error| self.job.with_erase(error))?);
        }
    }

    async fn attempt(&mut self, work: Option<&mut Work<'_>>) -> Result<(), JobError> {
        let attempts_allowed = self.job.attempts_allowed();
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let port = match self.port.take() {
                    Some(port) => port,
                    None => self.job.open().await?,
                };
                self.connection.insert(Connection {
                    link: self.job.link(port),
                    loader: None,
                })
            }
        };
        let loader = match connection.loader {
            Some(loader) => loader,
            None => {
                let loaded = self.job.load(&mut connection.link).await?;
                let loader = Loader {
                    lines: loaded.lines,
                    method: loaded.method,
                    access: loaded.session.access,
                    rom_rates: loaded.session.rom_rates,
                    leave: loaded.session.leave,
                };
                *connection.loader.insert(loader)
            }
        };
        let Loader { lines, method, .. } = loader;
        let (Some(work), Some(board)) = (work, &mut self.job.board) else {
            return Ok(());
        };
        let session = Session {
            lower_rates: board.lower_rates(),
            access: loader.access,
            rom_rates: loader.rom_rates,
            likely_baud: None,
            refused_baud: None,
            leave: loader.leave,
            attempts_allowed,
            journal: &mut self.job.journal,
            link: &mut connection.link,
        };
        match work {
            Work::Write => {
                let loaded = Loaded {
                    session,
                    lines,
                    board,
                    method,
                };
                loaded.erase().await?.write().await?.verify().await?;
                Ok(())
            }
            Work::Verify => {
                board.regions.fill(Standing::Written);
                let written = Written {
                    session,
                    lines,
                    board,
                };
                written.verify().await.map(drop)
            }
            Work::Read { range, span, into } => read(session, range, span, into).await,
            Work::Reset => {
                let verified = Verified {
                    session,
                    lines,
                    chip: board.plan.chip,
                    boot_check: None,
                };
                verified.reset(None).await.map(drop)
            }
        }
    }
}

/// Reads, and holds what a ROM sent without a digest against the chip's own.
async fn read(
    mut session: Session<'_>,
    range: &Range<u32>,
    whole: &Range<u32>,
    into: &mut Vec<u8>,
) -> Result<(), JobError> {
    // one step, however many pieces it has
    let first = range.start == whole.start;
    let mark = first.then(|| session.journal.begin(Step::Read));
    into.clear();
    let span = Span {
        before: u64::from(range.start - whole.start),
        total: whole.len() as u64,
    };
    let length = range.len() as u32;
    let mut result = session
        .read_flash(range.start, length, span, |bytes| {
            into.extend_from_slice(bytes);
        })
        .await;
    if result.is_ok() && session.link.dialect() == Dialect::Rom {
        result = match session.md5(range.start, length).await {
            Ok(Some(found)) if found != md5_of(into) => Err(JobError::Mismatch {
                region: "what was read".to_owned(),
                offset: range.start,
                found: hex(&found),
                expected: hex(&md5_of(into)),
            }),
            // in Secure Download Mode nothing can be read either
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
    }
    if let Some(mark) = mark {
        session.journal.end(mark, &result);
    }
    result
}
