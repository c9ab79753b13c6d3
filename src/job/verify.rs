//! Verify: each region must hold what was sent. Either the chip computes its MD5 from what its flash
//! holds, or the flash is read back and the SHA-256 computed here.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::admit::{Board, Found, Standing};
use super::connect::HasLines;
use super::error::JobError;
use super::read::Span;
use super::session::Session;
use super::write::Written;
use crate::chip::Chip;
use crate::event::Step;
use crate::image::hex;
use crate::manifest::{BootCheck, VerifyPolicy};
use crate::plan::Region;

/// Every region holds what was sent.
pub(super) struct Verified<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) chip: Chip,
    /// What its app is held to.
    pub(super) boot_check: Option<Arc<BootCheck>>,
}

impl<'a> Written<'a> {
    pub(super) async fn verify(mut self) -> Result<Verified<'a>, JobError> {
        let mark = self.session.journal.begin(Step::Verify);
        let result = compare(&mut self.session, self.board).await;
        self.session.journal.end(mark, &result);
        result?;
        Ok(Verified {
            session: self.session,
            lines: self.lines,
            chip: self.board.plan.chip,
            boot_check: self.board.plan.boot.clone(),
        })
    }
}

/// Looks at every region before it fails with the first that differs, so that a new attempt writes
/// all of those again and no other.
async fn compare(session: &mut Session<'_>, board: &mut Board) -> Result<(), JobError> {
    let plan = board.plan.clone();
    let total: u64 = plan.regions.iter().map(|r| r.bytes.len() as u64).sum();
    let mut done = 0;
    let mut mismatch = None;
    for (index, region) in plan.regions.iter().enumerate() {
        if board.regions[index] == Standing::Written {
            let found = &mut board.found[index];
            let span = Span {
                before: done,
                total,
            };
            let sight = match plan.verify {
                VerifyPolicy::Md5 => by_md5(session, region, found).await?,
                VerifyPolicy::Readback if !session.reads_flash() => Sight::Blind,
                VerifyPolicy::Readback => by_readback(session, region, found, span).await?,
            };
            match sight {
                Sight::Right => board.regions[index] = Standing::Verified,
                // stays what it is: written, and no more is said of it
                Sight::Blind => {}
                Sight::Wrong(error) => {
                    board.write_all_of(index);
                    mismatch.get_or_insert(error);
                }
            }
        }
        done += region.bytes.len() as u64;
        session.journal.length(done, total);
    }
    mismatch.map_or(Ok(()), Err)
}

/// What was seen of a region.
enum Sight {
    Right,
    Wrong(JobError),
    /// Whoever answers cannot tell.
    Blind,
}

/// By the chip's own digest.
async fn by_md5(
    session: &mut Session<'_>,
    region: &Region,
    found: &mut Found,
) -> Result<Sight, JobError> {
    let length = region.bytes.len() as u32;
    let Some(digest) = session.md5(region.offset, length).await? else {
        return Ok(Sight::Blind);
    };
    found.md5 = Some(digest);
    if digest == region.md5 {
        return Ok(Sight::Right);
    }
    Ok(Sight::Wrong(JobError::Mismatch {
        region: region.name.clone(),
        offset: region.offset,
        found: hex(&digest),
        expected: hex(&region.md5),
    }))
}

/// By what comes back over the line.
async fn by_readback(
    session: &mut Session<'_>,
    region: &Region,
    found: &mut Found,
    span: Span,
) -> Result<Sight, JobError> {
    let mut hasher = Sha256::new();
    let length = region.bytes.len() as u32;
    session
        .read_flash(region.offset, length, span, |bytes| hasher.update(bytes))
        .await?;
    let digest: [u8; 32] = hasher.finalize().into();
    found.sha256 = Some(digest);
    if digest == region.written_sha256 {
        return Ok(Sight::Right);
    }
    Ok(Sight::Wrong(JobError::ReadMismatch {
        region: region.name.clone(),
        offset: region.offset,
        found: hex(&digest),
        expected: hex(&region.written_sha256),
    }))
}
