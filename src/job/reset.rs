//! Reset: the board starts its app. What that takes depends on what there is:
//!
//! - Lines: RTS pulls EN for 100 ms.
//! - No lines, ROM: FLASH_BEGIN of nothing and FLASH_END with the reboot flag; the ROM then boots from
//!   flash (an ESP32's answers 0106 and boots all the same).
//! - No lines, stub: nothing resets the chip (esp-flasher-stub: the reboot flag of END and RUN_USER_CODE
//!   do nothing, and an ESP32 keeps its strapping over a reset by software). The board starts when the
//!   jig lets go of the strap and its power or EN is cycled; the stub goes back to the ROM's rate, so
//!   that whoever connects next finds it.
//!
//! The flash is written and verified by now: a loader that does not answer here takes nothing from that.

use super::connect::HasLines;
use super::error::JobError;
use super::session::{ROM_BAUD, Session, encrypt_word};
use super::timeout;
use super::verify::Verified;
use crate::chip::Chip;
use crate::event::Step;
use crate::port::reset;
use crate::protocol::{Command, Dialect};

impl Verified<'_> {
    /// `console`: the rate at which the app is listened to; nothing that it says is lost then.
    pub(super) async fn reset(mut self, console: Option<u32>) -> Result<(), JobError> {
        let mark = self.session.journal.begin(Step::Reset);
        let result = start_app(&mut self.session, self.lines, self.chip, console).await;
        self.session.journal.end(mark, &result);
        result
    }
}

async fn start_app(
    session: &mut Session<'_>,
    lines: HasLines,
    chip: Chip,
    console: Option<u32>,
) -> Result<(), JobError> {
    if lines == HasLines::Yes {
        if let Some(baud) = console {
            let set = session.link.listen_at(baud).await;
            set.map_err(|error| session.explain(error))?;
        }
        session.reset(reset::HARD).await?;
        return Ok(());
    }
    match session.link.dialect() {
        Dialect::Stub => forgive(session.change_rate(ROM_BAUD).await),
        Dialect::Rom | Dialect::Rom8266 => {
            let begin = Command::FlashBegin {
                erase_bytes: 0,
                blocks: 0,
                block_bytes: 0x400,
                offset: 0,
                encrypt: encrypt_word(chip),
            };
            forgive(session.ask_once(&begin, timeout::COMMAND).await.map(drop))?;
            let end = Command::FlashEnd { reboot: true };
            forgive(session.ask_once(&end, timeout::COMMAND).await.map(drop))
        }
    }
}

/// What a loader says or does not say here changes nothing; a lost port or a stop does.
fn forgive(result: Result<(), JobError>) -> Result<(), JobError> {
    match result {
        Err(JobError::Command { .. } | JobError::Rate { .. } | JobError::RateRefused { .. }) => {
            Ok(())
        }
        other => other,
    }
}
