//! Compare: what the flash holds already, region by region, as the chip's digests tell. Does what a
//! survey (`plan`) says; leaves out what becomes of the answer.

use std::collections::VecDeque;

use super::admit::{Board, Standing};
use super::error::JobError;
use super::session::Session;
use crate::manifest::{VerifyPolicy, WritePolicy};
use crate::plan::{Method, Survey, join};

/// Finds out what of a region has to be written; a region that is right is verified by the digest
/// that told so, unless it is to be read back.
pub(super) async fn compare(
    session: &mut Session<'_>,
    board: &mut Board,
    index: usize,
    method: Method,
) -> Result<(), JobError> {
    if board.plan.write == WritePolicy::All {
        board.write_all_of(index);
        return Ok(());
    }
    let region = board.plan.regions[index].clone();
    let mut survey = Survey::new(region.clone());
    while let Some(asked) = survey.ask() {
        let length = asked.end - asked.start;
        let Some(digest) = session.md5(asked.start, length).await? else {
            board.write_all_of(index);
            return Ok(());
        };
        survey.answer(digest);
    }
    let digest = survey.digest();
    board.found[index].md5 = digest;
    let runs = survey.into_runs();
    let streams = join(&runs, region.range(), method, session.link.baud());
    let written: usize = streams.iter().map(ExactSizeIterator::len).sum();
    board.found[index].skipped_bytes = (region.bytes.len() - written) as u32;
    board.regions[index] = match (streams.is_empty(), board.plan.verify) {
        (false, _) => Standing::Todo(VecDeque::from(streams)),
        (true, VerifyPolicy::Md5) => Standing::Verified,
        (true, VerifyPolicy::Readback) => Standing::Written,
    };
    Ok(())
}
