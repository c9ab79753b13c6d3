//! Erase: what the plan erases beside what its regions cover. Done once in a job: a new connection
//! goes on where the one before stopped.

use super::admit::Board;
use super::connect::HasLines;
use super::error::JobError;
use super::load::Loaded;
use super::session::{Session, encrypt_word};
use super::timeout;
use crate::event::Step;
use crate::plan::{Method, rom_erase_bytes};
use crate::protocol::{Command, Dialect};

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
    let command = match session.link.dialect() {
        Dialect::Stub => Command::EraseFlash,
        Dialect::Rom | Dialect::Rom8266 => {
            begin(board, 0, u32::try_from(length).unwrap_or(u32::MAX))
        }
    };
    let answer = session.ask(&command, timeout::erase_chip(length)).await;
    answer.map(drop).map_err(|error| error.erasing(0, length))
}

async fn piece(
    session: &mut Session<'_>,
    board: &Board,
    offset: u32,
    length: u32,
) -> Result<(), JobError> {
    let command = match session.link.dialect() {
        Dialect::Stub => Command::EraseRegion { offset, length },
        Dialect::Rom | Dialect::Rom8266 => begin(board, offset, length),
    };
    let answer = session.ask(&command, timeout::erase(length.into())).await;
    answer
        .map(drop)
        .map_err(|error| error.erasing(offset, u64::from(length)))
}

/// A ROM has no erase command, but erases in FLASH_BEGIN; no data needs to follow.
fn begin(board: &Board, offset: u32, length: u32) -> Command<'static> {
    const BLOCK_BYTES: u32 = 0x400;
    Command::FlashBegin {
        erase_bytes: rom_erase_bytes(board.plan.chip, offset, length),
        blocks: length.div_ceil(BLOCK_BYTES),
        block_bytes: BLOCK_BYTES,
        offset,
        encrypt: encrypt_word(board.plan.chip),
    }
}
