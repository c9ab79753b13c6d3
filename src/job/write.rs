//! Write: each region as one stream, tried again as the ladder says. After a stream the stub is asked
//! to END it, which it refuses unless every byte arrived and is written; a ROM is not (it would leave
//! its loader), its last acknowledge comes after the last write.

use std::sync::Arc;
use std::time::Duration;

use super::admit::{Board, Standing};
use super::connect::HasLines;
use super::erase::Erased;
use super::error::JobError;
use super::journal::{Again, Journal};
use super::ladder::{Answer, Next};
use super::rate::{agree, lower};
use super::session::Session;
use super::timeout;
use crate::event::Step;
use crate::plan::{Framed, Method, Plan, Region};
use crate::port::LinkError;
use crate::protocol::{Command, ExchangeError, Op, Request, Stream};

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
        if let Standing::Todo { from } = board.regions[index] {
            let method = fitting(method, &board.plan, index);
            let mut pass = Pass::new(board, index, method, from).await?;
            let result = write_region(session, board, &mut pass).await;
            board.regions[index] = match result {
                Ok(()) => Standing::Written,
                Err(_) => Standing::Todo { from: pass.safe() },
            };
            result?;
        }
    }
    Ok(())
}

/// The method, or plain blocks where it would program past the end of the part.
fn fitting(method: Method, plan: &Plan, index: usize) -> Method {
    let end = plan.regions[index].range().end + method.overshoot_bytes();
    match method {
        Method::RomDeflate if u64::from(end) > plan.flash_bytes => Method::RomPlain,
        _ => method,
    }
}

async fn write_region(
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

/// A region on its way: one stream after another until it is through.
struct Pass {
    region: Arc<Region>,
    method: Method,
    framed: Arc<Framed>,
    begun: bool,
    /// Blocks of the stream that were acknowledged.
    acknowledged: usize,
    /// The loader's count of what arrived is another than ours: nothing of the region is trusted.
    miscounted: bool,
    /// Bytes of the plan's other regions that are written, and of all regions: for progress.
    others_bytes: u64,
    total_bytes: u64,
}

impl Pass {
    async fn new(board: &Board, index: usize, method: Method, from: u32) -> Result<Pass, JobError> {
        let regions = &board.plan.regions;
        let region = regions[index].clone();
        let is_done = |standing: &Standing| !matches!(standing, Standing::Todo { .. });
        Ok(Pass {
            framed: frames(&region, method, from).await?,
            method,
            begun: false,
            acknowledged: 0,
            miscounted: false,
            others_bytes: regions
                .iter()
                .zip(&board.regions)
                .filter(|(_, standing)| is_done(standing))
                .map(|(other, _)| other.bytes.len() as u64)
                .sum(),
            total_bytes: regions.iter().map(|r| r.bytes.len() as u64).sum(),
            region,
        })
    }

    /// A new stream from the place that is known to be written.
    async fn begin_again(&mut self) -> Result<(), JobError> {
        self.framed = frames(&self.region, self.method, self.safe()).await?;
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
            return self.region.offset;
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
            let (frame, timeout) = (self.framed.begin.clone(), self.framed.begin_timeout);
            let mut request = Request::framed(begin, frame, dialect, timeout);
            if let Err(error) = session.link.run(&mut request, |_| ()).await {
                return Err(self.explain(session, error).await);
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
        let Err(error) = session.link.command(&end, timeout).await else {
            return Ok(());
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

    fn tell(&self, journal: &mut Journal) {
        let here = u64::from(self.reached() - self.region.offset);
        journal.length(self.others_bytes + here, self.total_bytes);
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

/// The region's stream from a flash address on: compressed off the workers.
async fn frames(region: &Arc<Region>, method: Method, from: u32) -> Result<Arc<Framed>, JobError> {
    let (name, region) = (region.name.clone(), region.clone());
    tokio::task::spawn_blocking(move || region.resume(method, from))
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
    fn a_rom_is_not_let_past_the_end_of_the_part() {
        let plan = |offset| Plan {
            chip: Chip::Esp32,
            flash_bytes: 4 << 20,
            write: WritePolicy::All,
            verify: VerifyPolicy::Md5,
            boot: None,
            erase_all: false,
            erases: Vec::new(),
            kept: Vec::new(),
            regions: vec![Arc::new(Region::new(
                Chip::Esp32,
                "tail".into(),
                offset,
                &[0x5A; 0x1000],
                [0; 32],
            ))],
            bauds: Vec::new(),
        };
        let check = |method, offset, expected| {
            assert_eq!(fitting(method, &plan(offset), 0), expected, "{offset:x}");
        };
        check(Method::RomDeflate, 0x1_0000, Method::RomDeflate);
        check(Method::RomDeflate, 0x3F_F000, Method::RomPlain);
        check(Method::StubDeflate, 0x3F_F000, Method::StubDeflate);
        check(Method::RomPlain, 0x3F_F000, Method::RomPlain);
    }
}
