//! Erase: what the plan erases beside what its regions cover. Done once in a job: a new connection
//! goes on where the one before stopped.
//!
//! A whole part is erased in pieces as well. One command for all of it is no faster (W25Q128JV: 40 s
//! for the chip, 256 × 150 ms by blocks; others are alike), and a chip that was given it goes on by
//! itself for minutes, whoever pulls or stops it. Pieces show how far it is, can be stopped and taken
//! up again, and those that are blank are passed over. The one command is left for parts that reach
//! further than the stub's addresses, and shows only how long it has been at it.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::admit::Board;
use super::connect::HasLines;
use super::error::JobError;
use super::journal::Again;
use super::ladder::Next;
use super::load::Loaded;
use super::session::{Session, encrypt_word};
use super::timeout;
use crate::chip::Chip;
use crate::event::Step;
use crate::image::{SECTOR_BYTES, md5};
use crate::manifest::WritePolicy;
use crate::plan::{Besides, Method, Plan, Whose, rom_erase};
use crate::protocol::slip::Item;
use crate::protocol::{Action, Command, Dialect, Exchange, Reply, Request};

/// A range is erased in pieces, so that progress shows: 0.6 s each on a usual part.
const PIECE_BYTES: u32 = 0x4_0000;

/// How often a command that takes minutes tells that it is still at it.
const TICK: Duration = Duration::from_millis(500);

/// How far the plan's erases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Erasure {
    /// Something was asked to be erased.
    pub(super) begun: bool,
    /// Done below this flash address.
    pub(super) to: u64,
}

/// What is not written over is erased.
pub(super) struct Erased<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) board: &'a mut Board,
    pub(super) method: Method,
}

impl<'a> Loaded<'a> {
    pub(super) async fn erase(mut self) -> Result<Erased<'a>, JobError> {
        able(self.session.link.dialect(), &self.board.plan)?;
        let mark = self.session.journal.begin(Step::Erase);
        let result = erase_all_of(&mut self.session, self.board).await;
        self.session.journal.end(mark, &result);
        result?;
        Ok(Erased {
            session: self.session,
            lines: self.lines,
            board: self.board,
            method: self.method,
        })
    }
}

async fn erase_all_of(session: &mut Session<'_>, board: &mut Board) -> Result<(), JobError> {
    let plan = board.plan.clone();
    let flash_bytes = plan.flash_bytes;
    let ranges = match plan.erase_all {
        true if flash_bytes > reach_bytes(session.link.dialect(), plan.chip) => {
            if board.erased.to < flash_bytes {
                board.erased.begun = true;
                chip(session, flash_bytes).await?;
                board.erased.to = flash_bytes;
            }
            return Ok(());
        }
        // no larger than the reach, so it fits
        true => std::iter::once(0..flash_bytes as u32).collect(),
        false => plan.erases.clone(),
    };
    let total: u64 = ranges.iter().map(|range| range.len() as u64).sum();
    let mut done = 0;
    for range in ranges {
        let mut offset = range.start;
        while offset < range.end {
            let end = next_piece(&(offset..range.end));
            if board.erased.to <= offset.into() {
                let asks = plan.write == WritePolicy::Changed || plan.erase_all;
                if !(asks && is_blank(session, &(offset..end)).await?) {
                    board.erased.begun = true;
                    piece(session, board, offset, end - offset).await?;
                }
                board.erased.to = end.into();
            }
            done += u64::from(end - offset);
            session.journal.length(done, total);
            offset = end;
        }
    }
    Ok(())
}

/// Whether the loader that answers can do what the plan asks: told before anything is touched.
fn able(dialect: Dialect, plan: &Plan) -> Result<(), JobError> {
    let reach = reach_bytes(dialect, plan.chip);
    let beyond = |what: &str, end: u64| JobError::BeyondReach {
        what: what.to_owned(),
        end,
        reach,
    };
    let regions = plan
        .regions
        .iter()
        .map(|r| (&*r.name, r.range().end.into()));
    let erases = plan
        .erases
        .iter()
        .map(|range| ("an erase", range.end.into()));
    let kept = |besides: &Besides| besides.whose == Whose::Kept;
    if dialect == Dialect::Rom8266
        && let Some(besides) = plan.erased_besides().into_iter().find(kept)
    {
        return Err(JobError::ErasedBesides {
            what: besides.region.unwrap_or_else(|| "an erase".to_owned()),
            offset: besides.range.start,
            lost: besides.lost.start,
        });
    }
    let mut ends = regions.chain(erases);
    if let Some((what, end)) = ends.find(|(_, end)| *end > reach) {
        return Err(beyond(what, end));
    }
    match dialect {
        Dialect::Rom | Dialect::Rom8266 if plan.erase_all && plan.flash_bytes > reach => {
            Err(beyond("the erase of the whole part", plan.flash_bytes))
        }
        _ => Ok(()),
    }
}

/// What the loader's flash addresses reach.
fn reach_bytes(dialect: Dialect, chip: Chip) -> u64 {
    match dialect {
        Dialect::Stub => chip.stub_reach_bytes(),
        Dialect::Rom | Dialect::Rom8266 => Chip::ROM_REACH_BYTES,
    }
}

/// Where the range's first piece ends: at a multiple of the piece's size, for the sake of the blocks
/// that are erased at once. No last sector is left alone: an ESP8266's ROM erases none alone.
fn next_piece(range: &Range<u32>) -> u32 {
    let border = (range.start / PIECE_BYTES + 1).saturating_mul(PIECE_BYTES);
    match range.end.saturating_sub(border) {
        0..=SECTOR_BYTES => range.end,
        _ => border,
    }
}

/// Whether the range reads FF throughout, as the chip's digests tell: first that of a sector, which
/// is enough where it is not.
async fn is_blank(session: &mut Session<'_>, range: &Range<u32>) -> Result<bool, JobError> {
    let sector = range.start..range.end.min(range.start + SECTOR_BYTES);
    for asked in [&sector, range] {
        let length = asked.end - asked.start;
        let found = session.md5(asked.start, length).await?;
        if found != Some(md5(&vec![0xFF; length as usize])) {
            return Ok(false);
        }
        if *asked == *range {
            break;
        }
    }
    Ok(true)
}

/// The whole part with one command: only the stub has one. It is told how long it has been at it,
/// against the time that it may take, and never the end.
async fn chip(session: &mut Session<'_>, flash_bytes: u64) -> Result<(), JobError> {
    let timeout = timeout::erase_chip(flash_bytes);
    let mut here = 0;
    loop {
        let command = Request::new(&Command::EraseFlash, session.link.dialect(), timeout);
        let mut ticking = Ticking {
            began: None,
            elapsed: Duration::ZERO,
            command,
        };
        let Session { link, journal, .. } = &mut *session;
        let result = link
            .run(&mut ticking, |ticking| {
                journal.length(likely_bytes(ticking.elapsed, flash_bytes), flash_bytes);
            })
            .await;
        let error = match result {
            Ok(_) => {
                session.journal.length(flash_bytes, flash_bytes);
                return Ok(());
            }
            Err(error) => session.clear(error).await.erasing(0, flash_bytes),
        };
        here += 1;
        match session.next(error.failure(), here, here) {
            Next::SameAgain | Next::BeginAgain => session.journal.retried(Again::Block, &error),
            _ => return Err(error),
        }
    }
}

/// How much of a part of this size a usual one has erased after this time: nears the whole and
/// never reaches it.
fn likely_bytes(elapsed: Duration, flash_bytes: u64) -> u64 {
    let expected =
        timeout::LIKELY_CHIP_ERASE_PER_MB.as_secs_f64() * flash_bytes as f64 / f64::from(1 << 20);
    let share = 1.0 - (-2.0 * elapsed.as_secs_f64() / expected).exp();
    (share * flash_bytes as f64).min(flash_bytes as f64 * 0.99) as u64
}

/// A command that says from time to time that it is still waiting.
#[derive(Debug)]
struct Ticking {
    began: Option<Instant>,
    elapsed: Duration,
    command: Request,
}

impl Exchange for Ticking {
    type Output = Reply;

    fn poll(&mut self, now: Instant) -> Action<Reply> {
        self.elapsed = now - *self.began.get_or_insert(now);
        match self.command.poll(now) {
            Action::Wait { until } => Action::Wait {
                until: until.min(now + TICK),
            },
            other => other,
        }
    }

    fn handle(&mut self, item: Item, now: Instant) {
        self.command.handle(item, now);
    }
}

async fn piece(
    session: &mut Session<'_>,
    board: &Board,
    offset: u32,
    length: u32,
) -> Result<(), JobError> {
    let commands = match session.link.dialect() {
        Dialect::Stub => vec![Command::EraseRegion { offset, length }],
        Dialect::Rom | Dialect::Rom8266 => {
            let erase = rom_erase(board.plan.chip, offset, length);
            let ranges = erase.before.into_iter().chain([(offset, erase.bytes)]);
            ranges
                .map(|(offset, bytes)| begin(board, offset, bytes))
                .collect()
        }
    };
    for command in commands {
        let answer = session.ask(&command, timeout::erase(length.into())).await;
        answer.map_err(|error| error.erasing(offset, u64::from(length)))?;
    }
    Ok(())
}

/// A ROM has no erase command, but erases in FLASH_BEGIN; no data needs to follow.
fn begin(board: &Board, offset: u32, length: u32) -> Command<'static> {
    const BLOCK_BYTES: u32 = 0x400;
    Command::FlashBegin {
        erase_bytes: length,
        blocks: length.div_ceil(BLOCK_BYTES),
        block_bytes: BLOCK_BYTES,
        offset,
        encrypt: encrypt_word(board.plan.chip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::VerifyPolicy;

    #[test]
    fn pieces_end_at_blocks() {
        let pieces = |mut range: Range<u32>| {
            let mut ends = Vec::new();
            while range.start < range.end {
                range.start = next_piece(&range);
                ends.push(range.start);
            }
            ends
        };
        assert_eq!(pieces(0x9000..0xF000), [0xF000]);
        assert_eq!(pieces(0x3_5000..0x8_2000), [0x4_0000, 0x8_0000, 0x8_2000]);
        assert_eq!(pieces(0x3_5000..0x8_1000), [0x4_0000, 0x8_1000]);
        assert_eq!(pieces(0..0x10_0000).len(), 4);
    }

    #[test]
    fn an_erase_of_unknown_length_is_never_done() {
        let part = 32 << 20;
        let mut before = 0;
        for seconds in 1..=640 {
            let likely = likely_bytes(Duration::from_secs(seconds), part);
            assert!(likely >= before && likely < part, "{seconds} s: {likely}");
            before = likely;
        }
        assert!(likely_bytes(Duration::from_secs(40), part) > part / 2);
    }

    #[test]
    fn what_a_loader_cannot_do_is_told_before() {
        use Dialect::{Rom, Stub};
        let plan = |chip, erase: u32, flash_mb: u64, erase_all| Plan {
            chip,
            flash_bytes: flash_mb << 20,
            write: WritePolicy::Changed,
            verify: VerifyPolicy::Md5,
            erase_all,
            erases: std::iter::once(erase - 0x1000..erase).collect(),
            kept: Vec::new(),
            regions: Vec::new(),
            bauds: Vec::new(),
            boot: None,
        };
        let check = |dialect, plan: Plan, expected: &str| {
            let told =
                able(dialect, &plan).map_or_else(|error| error.to_string(), |()| String::new());
            assert!(
                told.starts_with(expected) && told.is_empty() == expected.is_empty(),
                "{told}"
            );
        };
        let (low, high) = (0x20_0000, 0x180_0000);
        check(Rom, plan(Chip::Esp32S3, low, 32, false), "");
        check(Stub, plan(Chip::Esp32S3, high, 32, true), "");
        check(
            Rom,
            plan(Chip::Esp32S3, high, 32, false),
            "an erase ends at 0x1800000",
        );
        check(
            Stub,
            plan(Chip::Esp32, high, 32, false),
            "an erase ends at 0x1800000",
        );
        // one command erases what the stub's addresses do not reach; a ROM has none
        check(Stub, plan(Chip::Esp32, low, 32, true), "");
        check(
            Rom,
            plan(Chip::Esp32, low, 32, true),
            "the erase of the whole part",
        );
    }
}
