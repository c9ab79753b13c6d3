//! Plays the story: plugs boards, waits for their results, pulls them, as an operator would. It sees
//! what an operator sees, the snapshots, and touches nothing but the boards.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::stage::{APP_OFFSET, Tempo, app};
use super::story::{Part, Random, Round, Trouble, Visit};
use crate::chip::Chip;
use crate::event::JobId;
use crate::lang::Caption;
use crate::sim::{Bench, BoardHandle, BoardSpec, Fault, Pace};
use crate::station::{SlotState, Snapshot};

/// A slot without a result for this long is stuck.
const PATIENCE: Duration = Duration::from_secs(180);

/// Why a story was not played to its end.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The station ended first.
    #[error("the station ended in round {round}")]
    StationEnded { round: usize },
    #[error("slot {slot} had no result {} s after round {round} began", PATIENCE.as_secs())]
    Stuck { round: usize, slot: usize },
    #[error("the simulated board of slot {slot} could not be plugged in: {why}")]
    Plug { slot: usize, why: std::io::Error },
}

impl Halt {
    /// Whether something is wrong, other than that someone ended the demo.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Halt::StationEnded { .. })
    }
}

/// The operator of the simulated bench.
pub struct Director {
    pub bench: Bench,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub caption: watch::Sender<Option<Caption>>,
    pub tempo: Tempo,
    pub seed: u64,
}

impl Director {
    /// Plays every round; the boards of the last one stay plugged.
    pub async fn play(&mut self, story: &[Round]) -> Result<(), Halt> {
        let mut random = Random(self.seed);
        let mut boards: Vec<BoardHandle> = Vec::new();
        let mut jobs: Vec<Option<JobId>> = vec![None; story.first().map_or(0, Vec::len)];
        for (index, visits) in story.iter().enumerate() {
            let round = index + 1;
            self.caption.send_replace(Some(Caption::DemoRound {
                round: round as u32,
                of: story.len() as u32,
            }));
            let before = std::mem::take(&mut boards);
            for (slot, visit) in visits.iter().enumerate() {
                boards.push(self.plug(slot, visit, before.get(slot))?);
                let jitter = random.below(200) as u64;
                self.take_time(Duration::from_millis(120 + jitter)).await;
            }
            for (slot, last) in jobs.iter_mut().enumerate() {
                *last = Some(self.result(round, slot, *last).await?);
            }
            if round == story.len() {
                break;
            }
            self.take_time(Duration::from_millis(2_500)).await;
            for board in &boards {
                board.pull();
                self.take_time(Duration::from_millis(80)).await;
            }
            for slot in 0..boards.len() {
                self.until(round, slot, |state| match state {
                    SlotState::Done(result) => (!result.present).then_some(()),
                    _ => None,
                })
                .await?;
            }
            self.take_time(Duration::from_millis(600)).await;
        }
        self.caption.send_replace(Some(Caption::DemoOver));
        Ok(())
    }

    /// A moment for who watches.
    async fn take_time(&self, time: Duration) {
        if self.tempo == Tempo::Paced {
            tokio::time::sleep(time).await;
        }
    }

    fn plug(
        &self,
        slot: usize,
        visit: &Visit,
        before: Option<&BoardHandle>,
    ) -> Result<BoardHandle, Halt> {
        let name = (slot + 1).to_string();
        let plugged = match (visit.part, before) {
            (Part::Back, Some(board)) => self.bench.replug(&name, board),
            _ => self.bench.plug(&name, self.board(visit)),
        };
        let board = plugged.map_err(|why| Halt::Plug {
            slot: slot + 1,
            why,
        })?;
        if visit.part == Part::Troubled(Trouble::Pull) {
            let part_way = u64::try_from(super::stage::APP_BYTES / 2).unwrap_or(u64::MAX);
            board.pull_when(move |state| state.bytes_written > part_way);
        }
        Ok(board)
    }

    fn board(&self, visit: &Visit) -> BoardSpec {
        // boards of another seed are other boards; 24 bits of the number are in the MAC
        let number = (self.seed as u32).wrapping_mul(0x9E37_79B1) ^ 0x10_0000;
        let number = number.wrapping_add(visit.board) & 0xFF_FFFF;
        let pace = match self.tempo {
            Tempo::Paced => Pace::Real,
            Tempo::Fast => Pace::Unpaced,
        };
        let board = BoardSpec::esp32(number).pace(pace);
        match visit.part {
            Part::Healthy | Part::Back | Part::Troubled(Trouble::Pull) => board,
            Part::Troubled(Trouble::Noise) => board.fault(Fault::DamagedBlocks {
                // at the working rates, not while connecting
                from_baud: 200_000,
                frames: 2,
            }),
            Part::Troubled(Trouble::Cell) => board.fault(Fault::LostByte {
                offset: APP_OFFSET + programmed_byte(),
            }),
            Part::Troubled(Trouble::Chip) => board.chip(Chip::Esp32C3),
            Part::Troubled(Trouble::Silent) => board.fault(Fault::Silent),
        }
    }

    /// Waits for the slot's next result; returns its job.
    async fn result(
        &mut self,
        round: usize,
        slot: usize,
        last: Option<JobId>,
    ) -> Result<JobId, Halt> {
        self.until(round, slot, |state| match state {
            SlotState::Done(result) if Some(result.job) != last => Some(result.job),
            _ => None,
        })
        .await
    }

    /// Waits until the slot's state gives an answer.
    async fn until<T>(
        &mut self,
        round: usize,
        slot: usize,
        answer: impl Fn(&SlotState) -> Option<T>,
    ) -> Result<T, Halt> {
        let look = async {
            loop {
                let found = {
                    let snapshot = self.snapshots.borrow_and_update();
                    snapshot
                        .slots
                        .get(slot)
                        .and_then(|view| answer(&view.state))
                };
                if let Some(found) = found {
                    return Ok(found);
                }
                if self.snapshots.changed().await.is_err() {
                    return Err(Halt::StationEnded { round });
                }
            }
        };
        tokio::time::timeout(PATIENCE, look)
            .await
            .unwrap_or(Err(Halt::Stuck {
                round,
                slot: slot + 1,
            }))
    }
}

/// An offset about the app's middle whose byte is programmed, so that a cell which stays FF shows.
fn programmed_byte() -> u32 {
    let app = app();
    let middle = app.len() / 2;
    let found = app[middle..].iter().position(|byte| *byte != 0xFF);
    (middle + found.unwrap_or(0)) as u32
}
