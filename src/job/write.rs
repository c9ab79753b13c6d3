//! Write: each region as one stream, or what of it differs as few, tried again as the ladder says.
//! After a stream the stub is asked
//! to END it, which it refuses unless every byte arrived and is written; a ROM is not (it would leave
//! its loader), its last acknowledge comes after the last write.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::admit::{Board, Standing};
use super::compare::compare;
use super::connect::HasLines;
use super::erase::Erased;
use super::error::JobError;
use super::journal::{Again, Journal};
use super::ladder::{Answer, Next};
use super::rate::{agree, lower};
use super::session::Session;
use super::timeout;
use crate::event::Step;
use crate::plan::{Framed, Method, Plan, Region, rom_erase};
use crate::port::LinkError;
use crate::protocol::{Command, Dialect, ExchangeError, Op, Reply, Request, Stream};

/// Every region was sent and acknowledged.
pub(super) struct Written<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) board: &'a mut Board,
}

impl<'a> Erased<'a> {
    pub(super) async fn write(mut self) -> Result<Written<'a>, JobError> {
        let mark = self.session.journal.begin(Step::Write);
        let result = write_all(&mut self.session, self.board, self.method).await;
        self.session.journal.end(mark, &result);
        result?;
        Ok(Written {
            session: self.session,
            lines: self.lines,
            board: self.board,
        })
    }
}

async fn write_all(
    session: &mut Session<'_>,
    board: &mut Board,
    method: Method,
) -> Result<(), JobError> {
    session.journal.write_baud = session.link.baud();
    session.journal.written_by = Some(method);
    for index in 0..board.regions.len() {
        if session.link.dialect() == Dialect::Rom8266 {
            unsettle_behind(board, index);
        }
        if board.regions[index] == Standing::Unasked {
            compare(session, board, index, method).await?;
            note_compared(session.journal, board, index);
            session
                .journal
                .length(board.settled_bytes(), total_bytes(&board.plan));
        }
        while let Some(range) = next_range(board, index) {
            let method = fitting(method, &board.plan, &range);
            let name = &board.plan.regions[index].name;
            let (start, bytes) = (range.start, range.len());
            session
                .journal
                .note(format_args!("{name}: {bytes} bytes to {start:#x}"));
            let mut pass = Pass::new(board, index, method, range).await?;
            let result = write_range(session, board, &mut pass).await;
            if let Standing::Todo(ranges) = &mut board.regions[index]
                && let Some(range) = ranges.front_mut()
            {
                match result {
                    Ok(()) => drop(ranges.pop_front()),
                    Err(_) => range.start = pass.safe(),
                }
            }
            result?;
        }
    }
    Ok(())
}

fn note_compared(journal: &mut Journal, board: &Board, index: usize) {
    let (name, there) = (
        &board.plan.regions[index].name,
        board.found[index].skipped_bytes,
    );
    if there > 0 {
        journal.note(format_args!("{name}: {there} bytes are there already"));
    }
}

/// A region that an ESP8266's ROM erases in part with this one is written after it, whatever it is
/// known to hold.
fn unsettle_behind(board: &mut Board, index: usize) {
    let plan = board.plan.clone();
    let region = plan.regions[index].range();
    let erase = rom_erase(plan.chip, region.start, region.len() as u32);
    let is_due = !matches!(board.regions[index], Standing::Written | Standing::Verified);
    let Some(lost) = erase.besides.filter(|_| is_due) else {
        return;
    };
    for (behind, region) in plan.regions.iter().enumerate().skip(index + 1) {
        if region.offset < lost.end && board.regions[behind] != Standing::Unasked {
            board.write_all_of(behind);
        }
    }
}

/// What is written next of a region; one that needs nothing more is written.
fn next_range(board: &mut Board, index: usize) -> Option<Range<u32>> {
    let Standing::Todo(ranges) = &board.regions[index] else {
        return None;
    };
    let next = ranges.front().cloned();
    if next.is_none() {
        board.regions[index] = Standing::Written;
    }
    next
}

fn total_bytes(plan: &Plan) -> u64 {
    plan.regions
        .iter()
        .map(|region| region.bytes.len() as u64)
        .sum()
}

/// The method, or plain blocks where its padding would lie past the end of the part or in what is
/// kept: it is FF and changes nothing there, but a kept partition is not to be touched at all.
fn fitting(method: Method, plan: &Plan, range: &Range<u32>) -> Method {
    let end = range.end.saturating_add(method.overshoot_bytes());
    let is_kept = plan
        .kept
        .iter()
        .any(|kept| kept.start < end && kept.end > range.end);
    match method {
        Method::RomDeflate if u64::from(end) > plan.flash_bytes || is_kept => Method::RomPlain,
        _ => method,
    }
}

async fn write_range(
    session: &mut Session<'_>,
    board: &mut Board,
    pass: &mut Pass,
) -> Result<(), JobError> {
    let (mut here, mut at_rate, mut furthest) = (0, 0, pass.reached());
    loop {
        let Err(error) = pass.send(session).await else {
            return Ok(());
        };
        at_rate += 1;
        here = if pass.reached() > furthest {
            1
        } else {
            here + 1
        };
        furthest = furthest.max(pass.reached());
        match session.next(error.failure(), here, at_rate) {
            Next::SameAgain => session.journal.retried(Again::Block, &error),
            Next::BeginAgain => {
                session.journal.retried(Again::Block, &error);
                pass.begin_again().await?;
            }
            Next::LowerRate => {
                session.journal.retried(Again::Rate, &error);
                lower(session, board);
                agree(session, board).await?;
                session.journal.write_baud = session.link.baud();
                (here, at_rate) = (0, 0);
                pass.begin_again().await?;
            }
            Next::Reconnect(_) | Next::GiveUp => return Err(error),
        }
    }
}

/// A range of a region on its way: one stream after another until it is through.
struct Pass {
    region: Arc<Region>,
    range: Range<u32>,
    method: Method,
    framed: Arc<Framed>,
    begun: bool,
    /// Blocks of the stream that were acknowledged.
    acknowledged: usize,
    /// The loader's count of what arrived is another than ours: nothing of the range is trusted.
    miscounted: bool,
    /// Bytes of the plan's regions that were settled before this pass, and of all: for progress.
    settled_bytes: u64,
    total_bytes: u64,
}

impl Pass {
    async fn new(
        board: &Board,
        index: usize,
        method: Method,
        range: Range<u32>,
    ) -> Result<Pass, JobError> {
        let region = board.plan.regions[index].clone();
        Ok(Pass {
            framed: frames(&region, method, range.clone()).await?,
            method,
            begun: false,
            acknowledged: 0,
            miscounted: false,
            settled_bytes: board.settled_bytes(),
            total_bytes: total_bytes(&board.plan),
            range,
            region,
        })
    }

    /// A new stream from the place that is known to be written.
    async fn begin_again(&mut self) -> Result<(), JobError> {
        self.framed = frames(&self.region, self.method, self.safe()..self.range.end).await?;
        (self.begun, self.acknowledged, self.miscounted) = (false, 0, false);
        Ok(())
    }

    /// Flash address that the acknowledged blocks reach.
    fn reached(&self) -> u32 {
        self.framed.offset + after(&self.framed.inflated_after, self.acknowledged)
    }

    /// Flash address below which everything is written. The last acknowledged block does not count:
    /// the stub acknowledges first and writes then.
    fn safe(&self) -> u32 {
        if self.miscounted {
            return self.range.start;
        }
        let worked_off = self.acknowledged.saturating_sub(1);
        self.framed.offset + after(&self.framed.flash_bytes_after, worked_off)
    }

    /// Sends what is left of the stream, BEGIN first where it was not begun.
    async fn send(&mut self, session: &mut Session<'_>) -> Result<(), JobError> {
        let dialect = session.link.dialect();
        let (begin, data) = match self.method {
            Method::StubDeflate | Method::RomDeflate => (Op::FlashDeflBegin, Op::FlashDeflData),
            Method::RomPlain => (Op::FlashBegin, Op::FlashData),
        };
        self.tell(session.journal);
        if !self.begun {
            let timeout = self.framed.begin_timeout;
            let before = self.framed.erase_before.iter();
            for frame in before.chain([&self.framed.begin]) {
                let mut request = Request::framed(begin, frame.clone(), dialect, timeout);
                match session.link.run(&mut request, |_| ()).await {
                    Ok(reply) => self.is_from_whom_it_asked(session, begin, &reply)?,
                    Err(error) => return Err(self.explain(session, error).await),
                }
            }
            self.begun = true;
        }
        let blocks = self.framed.blocks.clone();
        let mut stream = Stream::new(data, blocks, self.acknowledged, dialect);
        let Session { link, journal, .. } = session;
        let result = link
            .run(&mut stream, |stream| {
                if stream.acknowledged() != self.acknowledged {
                    let before = self.reached();
                    self.acknowledged = stream.acknowledged();
                    journal.bytes_written += u64::from(self.reached() - before);
                    self.tell(journal);
                }
            })
            .await;
        if let Err(error) = result {
            return Err(self.explain(session, error).await);
        }
        match self.method {
            Method::StubDeflate => self.end(session).await,
            Method::RomDeflate | Method::RomPlain => Ok(()),
        }
    }

    async fn end(&mut self, session: &mut Session<'_>) -> Result<(), JobError> {
        // the stub has yet to write the block that it acknowledged last
        let last_block = self.framed.blocks.last();
        let timeout = timeout::COMMAND + last_block.map_or(Duration::ZERO, |block| block.timeout);
        let end = Command::DeflEnd { reboot: false };
        let error = match session.link.command(&end, timeout).await {
            Ok(reply) => return self.is_from_whom_it_asked(session, Op::FlashDeflEnd, &reply),
            Err(error) => error,
        };
        let refused = matches!(error, LinkError::Exchange(ExchangeError::Refused(_)));
        match self.explain(session, error).await {
            // only the reply was lost: whoever answers SYNC has worked off what came before it, and
            // the digests will tell
            JobError::Block {
                answer: Answer::Same,
                ..
            } if !refused => Ok(()),
            error => {
                self.miscounted = refused;
                Err(error)
            }
        }
    }

    /// A chip that was reset while the stub wrote, and starts in its loader (IO0 held low), is there
    /// before the next command: its ROM takes BEGIN as if it were the first and has nothing against an
    /// END of nothing. That it was not the stub shows in its status, which is two bytes longer.
    fn is_from_whom_it_asked(
        &self,
        session: &Session<'_>,
        op: Op,
        reply: &Reply,
    ) -> Result<(), JobError> {
        if session.link.dialect() != Dialect::Stub || reply.payload.is_empty() {
            return Ok(());
        }
        Err(JobError::Block {
            region: self.region.name.clone(),
            address: self.reached(),
            baud: session.link.baud(),
            answer: Answer::Other,
            source: ExchangeError::ByRom { what: op.name() },
        })
    }

    fn tell(&self, journal: &mut Journal) {
        // a stream begins with a sector, which may be a little before its range
        let here = u64::from(self.reached().saturating_sub(self.range.start));
        journal.length(self.settled_bytes + here, self.total_bytes);
    }

    /// The link's error with its place.
    async fn explain(&self, session: &mut Session<'_>, error: LinkError) -> JobError {
        match session.clear(error).await {
            JobError::Command {
                baud,
                answer,
                source,
            } => JobError::Block {
                region: self.region.name.clone(),
                address: self.reached(),
                baud,
                answer,
                source,
            },
            other => other,
        }
    }
}

/// What the first `blocks` blocks bring, in bytes.
fn after(bytes_after: &[u32], blocks: usize) -> u32 {
    let last = blocks.checked_sub(1);
    last.and_then(|last| bytes_after.get(last))
        .copied()
        .unwrap_or(0)
}

/// The stream of a part of the region: compressed off the workers.
async fn frames(
    region: &Arc<Region>,
    method: Method,
    range: Range<u32>,
) -> Result<Arc<Framed>, JobError> {
    let (name, region) = (region.name.clone(), region.clone());
    tokio::task::spawn_blocking(move || region.part(method, range))
        .await
        .map_err(|error| JobError::Frames {
            region: name,
            why: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Chip;
    use crate::manifest::{VerifyPolicy, WritePolicy};

    #[test]
    fn a_rom_is_not_let_past_the_end_of_the_part_nor_into_what_is_kept() {
        let plan = Plan {
            chip: Chip::Esp32,
            flash_bytes: 4 << 20,
            write: WritePolicy::All,
            verify: VerifyPolicy::Md5,
            boot: None,
            erase_all: false,
            erases: Vec::new(),
            kept: std::iter::once(0x20_0000..0x20_1000).collect(),
            regions: Vec::new(),
            bauds: Vec::new(),
        };
        let check = |method, offset, expected| {
            let range = offset..offset + 0x1000;
            assert_eq!(fitting(method, &plan, &range), expected, "{offset:x}");
        };
        check(Method::RomDeflate, 0x1_0000, Method::RomDeflate);
        check(Method::RomDeflate, 0x3F_F000, Method::RomPlain);
        check(Method::StubDeflate, 0x3F_F000, Method::StubDeflate);
        check(Method::RomPlain, 0x3F_F000, Method::RomPlain);
        // its padding would lie in what is kept
        check(Method::RomDeflate, 0x1F_F000, Method::RomPlain);
        check(Method::StubDeflate, 0x1F_F000, Method::StubDeflate);
        check(Method::RomDeflate, 0x1E_0000, Method::RomDeflate);
        check(Method::RomDeflate, 0x20_1000, Method::RomDeflate);
    }
}
