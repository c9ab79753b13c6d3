//! Connect: bring the chip into its loader by the port's lines, where it has them, and SYNC.
//!
//! Without lines a jig holds the strap and there is nothing to do but SYNC. What answers may then be a
//! stub that an earlier job left behind, at that job's rate: the rounds alternate between the ROM's
//! rate and the usual others.

use super::error::JobError;
use super::session::{ROM_BAUD, Session};
use crate::event::Step;
use crate::port::reset::{Ways, notation};
use crate::protocol::Dialect;

/// Resets before a board counts as silent; without lines, as many rounds of SYNC.
const ROUNDS: usize = 7;

/// Rates at which a stub may have been left.
const USUAL_BAUDS: [u32; 3] = [921_600, 460_800, 1_500_000];

/// What the first round begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Reset,
    /// A reset has just taken the port along, and this is the port that came back.
    Sync,
}

/// Whether the port's lines reset the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HasLines {
    Yes,
    No,
}

/// A loader answers.
pub(super) struct Connected<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
}

/// `last_baud` is the rate of this job's connection before, where there was one.
pub(super) async fn connect<'a>(
    mut session: Session<'a>,
    ways: &Ways,
    first: First,
    last_baud: Option<u32>,
) -> Result<Connected<'a>, JobError> {
    let mark = session.journal.begin(Step::Connect);
    let result = reach(&mut session, ways, first, last_baud).await;
    session.journal.end(mark, &result);
    Ok(Connected {
        lines: result?,
        session,
    })
}

async fn reach(
    session: &mut Session<'_>,
    ways: &Ways,
    first: First,
    last_baud: Option<u32>,
) -> Result<HasLines, JobError> {
    let mut lines = match ways {
        Ways::None => HasLines::No,
        Ways::Known(_) | Ways::Custom(_) => HasLines::Yes,
    };
    for round in 0..ROUNDS {
        let resets = round > 0 || first == First::Reset;
        if lines == HasLines::Yes
            && resets
            && let Some(way) = ways.round(round, session.link.lines())
        {
            session
                .journal
                .note(format_args!("reset {}: {}", round + 1, notation(&way)));
            lines = session.reset(&way).await?;
            if lines == HasLines::No {
                let note = format_args!("the port has no lines to do that with");
                session.journal.note(note);
            }
        }
        let baud = baud_of_round(round, last_baud);
        if lines == HasLines::No && session.link.baud() != baud {
            session.set_port_rate(baud).await?;
        }
        if let Some(dialect) = session.sync().await? {
            session.link.set_dialect(dialect);
            let who = match dialect {
                Dialect::Rom | Dialect::Rom8266 => "the ROM",
                Dialect::Stub => "a stub",
            };
            session.journal.note(format_args!("{who} answers"));
            session.journal.rate(session.link.baud());
            return Ok(lines);
        }
    }
    Err(JobError::NoSync {
        tries: ROUNDS as u32,
        lines,
        heard_bytes: session.link.heard_bytes(),
    })
}

/// The rate to SYNC at where nothing resets the chip.
fn baud_of_round(round: usize, last_baud: Option<u32>) -> u32 {
    match (round % 2, last_baud) {
        (0, _) => ROM_BAUD,
        (_, Some(baud)) => baud,
        (_, None) => USUAL_BAUDS[round / 2 % USUAL_BAUDS.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_lines_the_roms_rate_is_tried_every_other_time() {
        let rounds = |last| {
            (0..7)
                .map(|round| baud_of_round(round, last))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            rounds(None),
            [
                115_200, 921_600, 115_200, 460_800, 115_200, 1_500_000, 115_200
            ]
        );
        assert_eq!(rounds(Some(2_000_000))[..3], [115_200, 2_000_000, 115_200]);
    }
}
