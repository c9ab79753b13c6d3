//! Verify: the chip computes the MD5 of each region from what its flash holds, and each must be that
//! of the bytes that were sent.

use std::sync::Arc;

use super::admit::{Board, Standing};
use super::connect::HasLines;
use super::error::JobError;
use super::session::Session;
use super::timeout;
use super::write::Written;
use crate::chip::Chip;
use crate::event::Step;
use crate::image::hex;
use crate::manifest::BootCheck;
use crate::protocol::{Command, Dialect};

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

/// Asks for every region before it fails with the first that differs, so that a new attempt writes
/// all of those again and no other.
async fn compare(session: &mut Session<'_>, board: &mut Board) -> Result<(), JobError> {
    let plan = board.plan.clone();
    let total: u64 = plan.regions.iter().map(|r| r.bytes.len() as u64).sum();
    let mut done = 0;
    let mut mismatch = None;
    for (index, region) in plan.regions.iter().enumerate() {
        if board.regions[index] == Standing::Written {
            let found = md5(session, region.offset, region.bytes.len() as u32).await?;
            board.found[index] = Some(found);
            if found == region.md5 {
                board.regions[index] = Standing::Verified(found);
            } else {
                board.regions[index] = Standing::Todo {
                    from: region.offset,
                };
                mismatch.get_or_insert(JobError::Mismatch {
                    region: region.name.clone(),
                    offset: region.offset,
                    found: hex(&found),
                    expected: hex(&region.md5),
                });
            }
        }
        done += region.bytes.len() as u64;
        session.journal.length(done, total);
    }
    mismatch.map_or(Ok(()), Err)
}

/// The chip's MD5 of a flash range.
async fn md5(session: &mut Session<'_>, offset: u32, length: u32) -> Result<[u8; 16], JobError> {
    let reply = session
        .ask(
            &Command::FlashMd5 { offset, length },
            timeout::md5(length.into()),
        )
        .await?;
    let digest = match session.link.dialect() {
        // 16 raw bytes
        Dialect::Stub => reply.payload.get(..16).and_then(|raw| raw.try_into().ok()),
        // 32 ASCII hex digits
        Dialect::Rom | Dialect::Rom8266 => from_hex(&reply.payload),
    };
    digest.ok_or(JobError::NoDigest {
        offset,
        bytes: reply.payload.len(),
    })
}

fn from_hex(digits: &[u8]) -> Option<[u8; 16]> {
    let digits = std::str::from_utf8(digits.get(..32)?).ok()?;
    let mut digest = [0; 16];
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rom_answers_in_hex_digits() {
        let digits = b"0f3cb0931126a0b163d67c2b01a8613a";
        let digest = from_hex(digits).unwrap();
        assert_eq!(hex(&digest).as_bytes(), digits);
        assert_eq!(from_hex(&digits[1..]), None);
        assert_eq!(from_hex(&[b'x'; 32]), None);
        assert_eq!(from_hex(&[0xFF; 32]), None);
    }
}
