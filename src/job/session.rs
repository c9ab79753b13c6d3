//! One connection's conversation: the link with the journal and the ladder beside it. Every command
//! that may be asked twice goes through here; streams have their own file (`write`).

use std::time::Duration;

use super::connect::HasLines;
use super::error::JobError;
use super::journal::{Again, Journal};
use super::ladder::{self, Answer, Failure, Next, Tried};
use super::reset::Leave;
use super::timeout;
use crate::chip::{Access, Belief, Chip};
use crate::port::reset::LineStep;
use crate::port::{Link, LinkError};
use crate::protocol::{Command, Dialect, ExchangeError, Reply, Sync};

/// The rate at which every ROM listens after a reset.
pub(super) const ROM_BAUD: u32 = 115_200;

/// Tries of one SYNC, and the time between them.
const SYNC_TRIES: u32 = 5;
const SYNC_EACH: Duration = Duration::from_millis(100);

/// How far a rate may be off before a UART misreads it: with 10 bits to a byte, half a bit at the
/// last one would be 5 %, and both ends share what is left after their own error.
const RATE_TOLERANCE_PERCENT: u64 = 3;

pub(super) struct Session<'a> {
    pub(super) link: &'a mut Link,
    pub(super) journal: &'a mut Journal,
    pub(super) attempts_allowed: u32,
    /// Rates below the one in use that the plan allows; 0 while there is no plan.
    pub(super) lower_rates: usize,
    /// What the chip lets itself be asked; everything until it is identified.
    pub(super) access: Access,
    pub(super) rom_rates: RomRates,
    /// The rate to go to as soon as the ROM can be told it; taken by the first to try.
    pub(super) likely_baud: Option<u32>,
    /// That rate, where it did not come up.
    pub(super) refused_baud: Option<u32>,
    pub(super) leave: Leave,
}

/// Which rates a ROM can be talked to at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RomRates {
    /// Any, told so that it comes out right with the crystal that the ROM believes in.
    Told(Belief),
    /// The one that it started with.
    OnlyItsOwn,
}

impl Session<'_> {
    /// What the ladder says to this failure, `here` being the tries of this place so far.
    pub(super) fn next(&self, failure: Failure, here: u32, at_rate: u32) -> Next {
        ladder::next(
            failure,
            Tried {
                dialect: self.link.dialect(),
                here,
                at_rate,
                lower_rates: self.lower_rates,
                attempts: self.journal.attempt,
                attempts_allowed: self.attempts_allowed,
            },
        )
    }

    /// Asks until it is answered or the ladder has had enough.
    pub(super) async fn ask(
        &mut self,
        command: &Command<'_>,
        timeout: Duration,
    ) -> Result<Reply, JobError> {
        let mut here = 0;
        loop {
            let error = match self.ask_once(command, timeout).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            here += 1;
            match self.next(error.failure(), here, here) {
                Next::SameAgain | Next::BeginAgain => self.journal.retried(Again::Block, &error),
                _ => return Err(error),
            }
        }
    }

    /// Asks a command that this chip may not know: `None` where it is refused.
    pub(super) async fn ask_if_known(
        &mut self,
        command: &Command<'_>,
        timeout: Duration,
    ) -> Result<Option<Reply>, JobError> {
        let mut here = 0;
        loop {
            let error = match self.ask_once(command, timeout).await {
                Ok(reply) => return Ok(Some(reply)),
                Err(JobError::Command {
                    source: ExchangeError::Refused(_),
                    ..
                }) => return Ok(None),
                Err(error) => error,
            };
            here += 1;
            match self.next(error.failure(), here, here) {
                Next::SameAgain | Next::BeginAgain => self.journal.retried(Again::Block, &error),
                _ => return Err(error),
            }
        }
    }

    /// Asks once. A reply that comes after its time would be taken for that of the next command with
    /// the same op, so SYNC clears the line before anything is asked again.
    pub(super) async fn ask_once(
        &mut self,
        command: &Command<'_>,
        timeout: Duration,
    ) -> Result<Reply, JobError> {
        match self.link.command(command, timeout).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.clear(error).await),
        }
    }

    /// A link's error as the job's. Where nothing tells whether what was sent arrived, SYNC tells who
    /// is still there, and what was on its way is drained with it.
    pub(super) async fn clear(&mut self, error: LinkError) -> JobError {
        let LinkError::Exchange(ExchangeError::Silence { .. } | ExchangeError::Garbled { .. }) =
            &error
        else {
            return self.explain(error);
        };
        let before = self.link.dialect();
        let answer = match self.sync().await {
            Ok(Some(dialect)) if dialect == before => Answer::Same,
            Ok(Some(_)) => Answer::Other,
            Ok(None) => Answer::Nobody,
            Err(worse) => return worse,
        };
        let baud = self.link.baud();
        JobError::from_link(error, |source| JobError::Command {
            baud,
            answer,
            source,
        })
    }

    /// A register's value.
    pub(super) async fn register(&mut self, address: u32) -> Result<u32, JobError> {
        let reply = self
            .ask(&Command::ReadReg { address }, timeout::COMMAND)
            .await?;
        Ok(reply.value)
    }

    /// Who answers SYNC, or nobody.
    pub(super) async fn sync(&mut self) -> Result<Option<Dialect>, JobError> {
        match self
            .link
            .run(&mut Sync::new(SYNC_TRIES, SYNC_EACH), |_| ())
            .await
        {
            Ok(dialect) => Ok(Some(dialect)),
            Err(LinkError::Exchange(_)) => Ok(None),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Changes the rate at both ends and makes sure that they understand each other. With a ROM that
    /// cannot, all stays as it is.
    pub(super) async fn change_rate(&mut self, new_baud: u32) -> Result<(), JobError> {
        let old_baud = self.link.baud();
        if old_baud == new_baud {
            return Ok(());
        }
        let dialect = self.link.dialect();
        let Some(command) = self.rate_command(new_baud) else {
            return Ok(());
        };
        // asked before the chip is told: it would go where the bridge cannot follow
        let made = match self.link.would_make(new_baud).await {
            Ok(made) => made,
            Err(error) => return Err(self.explain(error)),
        };
        let wanted = new_baud;
        if !is_near(made, wanted) {
            return Err(JobError::NotMade { wanted, made });
        }
        match self.link.command(&command, timeout::COMMAND).await {
            // a chip whose reply was lost has changed its rate
            Ok(_)
            | Err(LinkError::Exchange(
                ExchangeError::Silence { .. } | ExchangeError::Garbled { .. },
            )) => {}
            Err(error) => return Err(self.explain(error)),
        }
        self.set_port_rate(new_baud).await?;
        // not every driver knows what its bridge makes of a rate: that both ends talk is what counts
        if self.sync().await? == Some(dialect) {
            self.journal.rate(new_baud);
            return Ok(());
        }
        self.set_port_rate(old_baud).await?;
        Err(if self.sync().await? == Some(dialect) {
            JobError::RateRefused {
                wanted,
                stayed: old_baud,
            }
        } else {
            JobError::Rate { wanted, made }
        })
    }

    /// Leaves the loader at a rate; nothing is said to it afterwards.
    pub(super) async fn leave_at(&mut self, new_baud: u32) -> Result<(), JobError> {
        match self.rate_command(new_baud) {
            Some(command) if self.link.baud() != new_baud => {
                self.ask_once(&command, timeout::COMMAND).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// What tells whoever is there of a new rate; `None` where nobody can be told.
    fn rate_command(&self, new_baud: u32) -> Option<Command<'static>> {
        match (self.link.dialect(), self.rom_rates) {
            (Dialect::Stub, _) => Some(Command::ChangeBaudrate {
                new_baud,
                old_baud: self.link.baud(),
            }),
            (_, RomRates::Told(belief)) => Some(Command::ChangeBaudrate {
                new_baud: belief.told(new_baud),
                old_baud: 0,
            }),
            (_, RomRates::OnlyItsOwn) => None,
        }
    }

    pub(super) async fn set_port_rate(&mut self, baud: u32) -> Result<u32, JobError> {
        let result = self.link.set_baud(baud).await;
        result.map_err(|error| self.explain(error))
    }

    /// Plays a reset sequence; `No` where the port has no lines to play it on.
    pub(super) async fn reset(&mut self, sequence: &[LineStep]) -> Result<HasLines, JobError> {
        match self.link.reset(sequence).await {
            Ok(true) => Ok(HasLines::Yes),
            Ok(false) => Ok(HasLines::No),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// A link's error as the job's, where the chip answered or did not have to.
    pub(super) fn explain(&self, error: LinkError) -> JobError {
        let baud = self.link.baud();
        JobError::from_link(error, |source| JobError::Command {
            baud,
            answer: Answer::Same,
            source,
        })
    }
}

/// Whether a UART reads this rate as the other.
fn is_near(made: u32, wanted: u32) -> bool {
    let off = u64::from(made.abs_diff(wanted));
    off * 100 <= u64::from(wanted) * RATE_TOLERANCE_PERCENT
}

/// The fifth word of BEGIN, where this chip's ROM insists on one: nothing is encrypted on its way.
pub(super) fn encrypt_word(chip: Chip) -> Option<bool> {
    (chip.facts().rom.begin_words == 5).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn rates_that_are_near_enough() {
        let check = |made, wanted, expected| assert_eq!(is_near(made, wanted), expected, "{made}");
        check(921_600, 921_600, true);
        // 3 MHz / 3.25, as an FTDI makes it
        check(923_077, 921_600, true);
        check(893_952, 921_600, true);
        check(893_951, 921_600, false);
        // CP2102
        check(1_000_000, 1_500_000, false);
        check(12_000_000, 12_000_000, true);
    }
}
