//! Erase: what the plan erases beside what its regions cover. Done once in a job: a new connection
//! goes on where the one before stopped.

use std::time::Duration;

use super::admit::Board;
use super::connect::HasLines;
use super::error::JobError;
use super::load::Loaded;
use super::session::{COMMAND_TIMEOUT, Session, encrypt_word};
use crate::event::Step;
use crate::plan::Method;
use crate::protocol::{Command, Dialect};

/// What erasing may take by sectors and blocks (esptool's figure, held on real parts).
const ERASE_PER_MB: Duration = Duration::from_secs(40);

/// What a whole-chip erase may take: twice the slowest that data sheets name (W25Q128: 200 s for
/// 16 MB), and never less than what small parts were seen to take.
const CHIP_ERASE_PER_MB: Duration = Duration::from_secs(25);
const CHIP_ERASE_LEAST: Duration = Duration::from_secs(120);

/// A range is erased in pieces, so that progress shows.
const PIECE_BYTES: u32 = 1 << 20;

/// What is not written over is erased.
pub(super) struct Erased<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) board: &'a mut Board,
    pub(super) method: Method,
}

impl<'a> Loaded<'a> {
    pub(super) async fn erase(mut self) -> Result<Erased<'a>, JobError> {
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
    if plan.erase_all {
        if !board.erased_all {
            chip(session, board).await?;
            board.erased_all = true;
        }
        return Ok(());
    }
    let total: u64 = plan.erases.iter().map(|range| range.len() as u64).sum();
    let mut done = 0;
    for range in &plan.erases {
        let mut offset = range.start;
        while offset < range.end {
            let length = (range.end - offset).min(PIECE_BYTES);
            if board.erased_to <= offset {
                piece(session, board, offset, length).await?;
                board.erased_to = offset + length;
            }
            offset += length;
            done += u64::from(length);
            session.journal.length(done, total);
        }
    }
    Ok(())
}

async fn chip(session: &mut Session<'_>, board: &Board) -> Result<(), JobError> {
    let length = board.plan.flash_bytes;
    let timeout = CHIP_ERASE_LEAST.max(per_mb(CHIP_ERASE_PER_MB, length));
    let command = match session.link.dialect() {
        Dialect::Stub => Command::EraseFlash,
        Dialect::Rom | Dialect::Rom8266 => {
            begin(board, 0, u32::try_from(length).unwrap_or(u32::MAX))
        }
    };
    let answer = session.ask(&command, timeout).await;
    answer.map(drop).map_err(|error| error.erasing(0, length))
}

async fn piece(
    session: &mut Session<'_>,
    board: &Board,
    offset: u32,
    length: u32,
) -> Result<(), JobError> {
    let timeout = COMMAND_TIMEOUT.max(per_mb(ERASE_PER_MB, u64::from(length)));
    let command = match session.link.dialect() {
        Dialect::Stub => Command::EraseRegion { offset, length },
        Dialect::Rom | Dialect::Rom8266 => begin(board, offset, length),
    };
    let answer = session.ask(&command, timeout).await;
    answer
        .map(drop)
        .map_err(|error| error.erasing(offset, u64::from(length)))
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

fn per_mb(time: Duration, bytes: u64) -> Duration {
    time.mul_f64(bytes as f64 / f64::from(1 << 20))
}
