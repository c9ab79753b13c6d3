//! The faster rate: agreed with the ROM, before the stub is uploaded, so that the upload takes a
//! tenth of a second and not more than half of one. The stub keeps the rate that it finds.

use super::admit::{Admitted, Board};
use super::connect::HasLines;
use super::error::JobError;
use super::journal::Again;
use super::ladder::Next;
use super::session::Session;
use crate::event::Step;
use crate::port::RateControl;

/// Both ends work at the plan's rate.
pub(super) struct Fast<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) board: &'a mut Board,
}

impl<'a> Admitted<'a> {
    pub(super) async fn raise_rate(mut self) -> Result<Fast<'a>, JobError> {
        let mark = self.session.journal.begin(Step::Baud);
        let result = agree(&mut self.session, self.board).await;
        self.session.journal.end(mark, &result);
        result?;
        Ok(Fast {
            session: self.session,
            lines: self.lines,
            board: self.board,
        })
    }
}

/// The board's rate, or the next lower one that comes up.
///
/// Where the port's rate is fixed, so is the chip's.
pub(super) async fn agree(session: &mut Session<'_>, board: &mut Board) -> Result<(), JobError> {
    if session.link.rate_control() == RateControl::Fixed {
        return Ok(());
    }
    loop {
        let Err(error) = session.change_rate(board.baud()).await else {
            return Ok(());
        };
        match session.next(error.failure(), 1, 1) {
            Next::LowerRate => {
                session.journal.retried(Again::Rate, &error);
                lower(session, board);
            }
            _ => return Err(error),
        }
    }
}

/// The next lower rate is the board's from now on; nothing is said to the chip.
pub(super) fn lower(session: &mut Session<'_>, board: &mut Board) {
    board.rate += 1;
    session.lower_rates = board.lower_rates();
}
