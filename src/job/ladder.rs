//! What to try next when something failed: the block or command again, a lower rate, a new
//! connection, or nothing more. One pure function; the job does what it says and counts it.
//!
//! A stub that refused a block took nothing of it and takes the same block again; a ROM refuses that
//! sequence number and wants BEGIN again at that place. When it is unknown whether a block arrived
//! (no answer), neither may be sent it again: the stub checks no sequence numbers and would inflate
//! the bytes twice (esp-flasher-stub, `s_flash_defl_data`), so both are told BEGIN.

use crate::protocol::Dialect;

/// How often one place or command is tried before the rate is blamed.
pub const TRIES_PER_PLACE: u32 = 3;

/// How many tries a rate gets in all before it is blamed: a line that damages every tenth block never
/// uses up the tries of one place.
pub const TRIES_PER_RATE: u32 = 16;

/// Who answered SYNC after a block or a command was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Whoever was there before.
    Same,
    /// Another loader: the chip was reset.
    Other,
    Nobody,
}

/// What failed, as far as it matters for what to try next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The chip refused a command that it must know.
    Refused,
    /// The chip says that a block or command arrived damaged; it took nothing of it.
    Damaged,
    /// Nothing tells whether a block or command arrived.
    Lost(Answer),
    /// What arrived cannot be inflated. Which block was bad is unknown.
    Inflate,
    /// The flash does not take or hold what it is given.
    Flash,
    /// The line does not come up at a new rate, nor at the old one again.
    Rate,
    /// The line does not come up at a new rate and does at the old one.
    RateRefused,
    /// The stub never greeted.
    StubSilent,
    /// The port is gone.
    PortLost,
    /// The operating system reports an error on the port.
    PortFailed,
    /// Nothing that is tried again would change it.
    Final,
}

/// What was tried so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Who is spoken to.
    pub dialect: Dialect,
    /// How often this place or command was tried at this rate, the last time included.
    pub here: u32,
    /// How often any place was tried again at this rate.
    pub at_rate: u32,
    /// Rates below the one in use that the plan allows.
    pub lower_rates: usize,
    /// Attempts so far, this one included.
    pub attempts: u32,
    /// Attempts that the job has.
    pub attempts_allowed: u32,
}

/// Which rate a new connection goes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    SameRate,
    LowerRate,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same command or block once more.
    SameAgain,
    /// BEGIN again at the place that is known to be written. For a command that is no part of a
    /// stream: ask again.
    BeginAgain,
    /// A lower rate over the same connection, then BEGIN again.
    LowerRate,
    /// A new connection.
    Reconnect(Aim),
    GiveUp,
}

/// The ladder, within a connection.
pub fn next(failure: Failure, tried: Tried) -> Next {
    let here_left = tried.here < TRIES_PER_PLACE && tried.at_rate < TRIES_PER_RATE;
    match failure {
        Failure::Refused if here_left => Next::SameAgain,
        Failure::Damaged if here_left && tried.dialect == Dialect::Stub => Next::SameAgain,
        Failure::Damaged | Failure::Lost(Answer::Same) if here_left => Next::BeginAgain,
        // the bytes passed their checksums, so a second time is the chip's or the data's fault
        Failure::Inflate if tried.here < 2 => Next::BeginAgain,
        Failure::Damaged | Failure::Lost(Answer::Same) | Failure::RateRefused
            if tried.lower_rates > 0 =>
        {
            Next::LowerRate
        }
        _ => after_connection(failure, tried),
    }
}

/// The ladder's lower end: a connection is given up.
pub fn after_connection(failure: Failure, tried: Tried) -> Next {
    let aim = match failure {
        Failure::Final => return Next::GiveUp,
        _ if tried.attempts >= tried.attempts_allowed => return Next::GiveUp,
        _ if tried.lower_rates == 0 => Aim::SameRate,
        Failure::Damaged
        | Failure::Lost(Answer::Same | Answer::Nobody)
        | Failure::Inflate
        | Failure::Rate
        | Failure::RateRefused
        | Failure::StubSilent => Aim::LowerRate,
        // a chip that was reset or refuses, a flash that failed and a port that went say nothing
        // about the rate
        Failure::Lost(Answer::Other)
        | Failure::Refused
        | Failure::Flash
        | Failure::PortLost
        | Failure::PortFailed => Aim::SameRate,
    };
    Next::Reconnect(aim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows the ladder for a failure that never ends: what it says each time, until it gives up.
    fn check(
        failure: Failure,
        dialect: Dialect,
        lower_rates: usize,
        attempts: u32,
        expected: &str,
    ) {
        let mut tried = Tried {
            dialect,
            here: 0,
            at_rate: 0,
            lower_rates,
            attempts: 1,
            attempts_allowed: attempts,
        };
        let mut said = Vec::new();
        loop {
            tried.here += 1;
            tried.at_rate += 1;
            let next = next(failure, tried);
            said.push(match next {
                Next::SameAgain => "same",
                Next::BeginAgain => "begin",
                Next::LowerRate => "lower",
                Next::Reconnect(Aim::SameRate) => "new",
                Next::Reconnect(Aim::LowerRate) => "new-lower",
                Next::GiveUp => "give-up",
            });
            match next {
                Next::SameAgain | Next::BeginAgain => {}
                Next::LowerRate => {
                    tried.lower_rates -= 1;
                    (tried.here, tried.at_rate) = (0, 0);
                }
                Next::Reconnect(aim) => {
                    tried.attempts += 1;
                    tried.lower_rates -= usize::from(aim == Aim::LowerRate);
                    (tried.here, tried.at_rate) = (0, 0);
                }
                Next::GiveUp => break,
            }
        }
        assert_eq!(said.join(" "), expected, "{failure:?} {dialect:?}");
    }

    #[test]
    fn each_failure_has_its_own_way_down() {
        use Dialect::{Rom, Rom8266, Stub};
        let table: &[(Failure, Dialect, usize, u32, &str)] = &[
            (
                Failure::Damaged,
                Stub,
                1,
                1,
                "same same lower same same give-up",
            ),
            (
                Failure::Damaged,
                Stub,
                0,
                2,
                "same same new same same give-up",
            ),
            (
                Failure::Damaged,
                Rom,
                1,
                1,
                "begin begin lower begin begin give-up",
            ),
            (Failure::Damaged, Rom8266, 0, 1, "begin begin give-up"),
            (
                Failure::Lost(Answer::Same),
                Stub,
                1,
                1,
                "begin begin lower begin begin give-up",
            ),
            (
                Failure::Lost(Answer::Same),
                Rom,
                0,
                1,
                "begin begin give-up",
            ),
            (Failure::Lost(Answer::Other), Stub, 1, 2, "new give-up"),
            (
                Failure::Lost(Answer::Nobody),
                Stub,
                1,
                2,
                "new-lower give-up",
            ),
            (Failure::Refused, Rom, 1, 1, "same same give-up"),
            (
                Failure::Refused,
                Stub,
                1,
                2,
                "same same new same same give-up",
            ),
            (
                Failure::Inflate,
                Stub,
                1,
                2,
                "begin new-lower begin give-up",
            ),
            (Failure::Flash, Stub, 1, 3, "new new give-up"),
            (Failure::Rate, Rom, 2, 3, "new-lower new-lower give-up"),
            (Failure::Rate, Rom, 0, 2, "new give-up"),
            (Failure::RateRefused, Rom, 2, 1, "lower lower give-up"),
            (Failure::StubSilent, Rom, 1, 2, "new-lower give-up"),
            (Failure::PortLost, Stub, 1, 2, "new give-up"),
            (Failure::PortFailed, Stub, 1, 2, "new give-up"),
            (Failure::Final, Stub, 2, 9, "give-up"),
        ];
        for (failure, dialect, lower_rates, attempts, expected) in table {
            check(*failure, *dialect, *lower_rates, *attempts, expected);
        }
    }

    #[test]
    fn a_rate_that_damages_block_after_block_is_left() {
        let tried = Tried {
            dialect: Dialect::Stub,
            here: 1,
            at_rate: TRIES_PER_RATE,
            lower_rates: 1,
            attempts: 1,
            attempts_allowed: 1,
        };
        assert_eq!(next(Failure::Damaged, tried), Next::LowerRate);
    }

    #[test]
    fn a_connection_that_is_given_up_asks_only_for_attempts() {
        let tried = |attempts| Tried {
            dialect: Dialect::Rom,
            here: 1,
            at_rate: 1,
            lower_rates: 1,
            attempts,
            attempts_allowed: 2,
        };
        let lost = Failure::Lost(Answer::Same);
        assert_eq!(
            after_connection(lost, tried(1)),
            Next::Reconnect(Aim::LowerRate)
        );
        assert_eq!(after_connection(lost, tried(2)), Next::GiveUp);
    }
}
