//! Read: what the flash holds, by whatever loader answers: bytes over the line, or their digest. The
//! commands are tried again as the ladder says; what should be there is not its business.

use std::time::Duration;

use super::error::JobError;
use super::journal::Again;
use super::ladder::Next;
use super::session::Session;
use super::timeout;
use crate::chip::Access;
use crate::protocol::{Command, Dialect, ReadFlash, Reply};

/// What one READ_FLASH asks for: few enough that a damaged packet does not cost much, enough that
/// its answer and digest cost little.
const PIECE_BYTES: u32 = 0x1_0000;

/// What a ROM reads at a time (READ_FLASH_SLOW).
const SLOW_BYTES: u32 = 64;

/// How far a reading is that may be one of several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Bytes read before this reading.
    pub(super) before: u64,
    /// Bytes of all readings.
    pub(super) total: u64,
}

impl Session<'_> {
    /// Whether whoever answers knows digests: not an ESP8266's ROM, and no ROM in Secure Download Mode.
    pub(super) fn computes_digests(&self) -> bool {
        self.link.dialect() != Dialect::Rom8266 && self.access == Access::Full
    }

    /// The chip's MD5 of a flash range; `None` where whoever answers knows no digests.
    pub(super) async fn md5(
        &mut self,
        offset: u32,
        length: u32,
    ) -> Result<Option<[u8; 16]>, JobError> {
        if !self.computes_digests() {
            return Ok(None);
        }
        let command = Command::FlashMd5 { offset, length };
        let reply = self.ask(&command, timeout::md5(length.into())).await?;
        self.digest(&reply, offset).map(Some)
    }

    fn digest(&self, reply: &Reply, offset: u32) -> Result<[u8; 16], JobError> {
        let digest = match self.link.dialect() {
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

    /// Whether whoever answers sends what the flash holds: not an ESP8266's ROM, and no ROM in Secure
    /// Download Mode.
    pub(super) fn reads_flash(&self) -> bool {
        self.link.dialect() != Dialect::Rom8266 && self.access == Access::Full
    }

    /// Hands over the range's bytes, piece by piece, and tells how far it is.
    pub(super) async fn read_flash(
        &mut self,
        offset: u32,
        length: u32,
        span: Span,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), JobError> {
        if !self.reads_flash() {
            return Err(JobError::NoReading(self.access));
        }
        let mut done = 0;
        while done < length {
            let piece = (length - done).min(PIECE_BYTES);
            let here = Span {
                before: span.before + u64::from(done),
                ..span
            };
            let bytes = match self.link.dialect() {
                Dialect::Stub => self.read_by_stub(offset + done, piece, here).await?,
                Dialect::Rom | Dialect::Rom8266 => {
                    self.read_by_rom(offset + done, piece, here).await?
                }
            };
            take(&bytes);
            done += piece;
        }
        Ok(())
    }

    async fn read_by_stub(
        &mut self,
        offset: u32,
        length: u32,
        span: Span,
    ) -> Result<Vec<u8>, JobError> {
        let mut here = 0;
        loop {
            let baud = u64::from(self.link.baud().max(1));
            // four times what a packet takes on the line, all of it escaped
            let packet = Duration::from_secs(4 * 2 * 4096 * 10 / baud);
            let mut read = ReadFlash::new(offset, length, timeout::COMMAND + packet);
            let Session { link, journal, .. } = self;
            let result = link
                .run(&mut read, |read| {
                    journal.length(span.before + u64::from(read.received()), span.total);
                })
                .await;
            let error = match result {
                Ok(bytes) => return Ok(bytes),
                // a stub that waits for an acknowledge is back among its commands after SYNC
                Err(error) => self.clear(error).await,
            };
            here += 1;
            match self.next(error.failure(), here, here) {
                Next::SameAgain | Next::BeginAgain => self.journal.retried(Again::Block, &error),
                _ => return Err(error),
            }
        }
    }

    async fn read_by_rom(
        &mut self,
        offset: u32,
        length: u32,
        span: Span,
    ) -> Result<Vec<u8>, JobError> {
        let mut bytes = Vec::with_capacity(length as usize);
        while bytes.len() < length as usize {
            let at = bytes.len() as u32;
            let wanted = (length - at).min(SLOW_BYTES);
            let command = Command::ReadFlashSlow {
                offset: offset + at,
                length: wanted,
            };
            let reply = self.ask(&command, timeout::COMMAND).await?;
            let Some(read) = reply.payload.get(..wanted as usize) else {
                return Err(JobError::ShortRead {
                    offset: offset + at,
                    bytes: reply.payload.len(),
                });
            };
            bytes.extend_from_slice(read);
            if at.is_multiple_of(0x1000) {
                self.journal.length(span.before + u64::from(at), span.total);
            }
        }
        Ok(bytes)
    }
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
    use crate::image::hex;

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
