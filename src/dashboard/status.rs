//! What a slot shows: its state reduced to the few kinds that are told apart from two metres away,
//! each with a word and a sign, so that no colour is needed to tell them.

use std::time::Duration;

use crate::event::{Code, Happening, Outcome, Waiting};
use crate::lang::Word;
use crate::station::{BoardView, ResultView, SlotOut, SlotState, SlotView};

/// The kinds of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Empty,
    Waiting,
    Working,
    /// The board passed before: someone is to say whether it is flashed again.
    Asking,
    PortLost,
    Passed,
    PassedAfterRetry,
    Written,
    /// The board was good already.
    Skipped,
    Failed,
    PulledTooEarly,
    BenchError,
    Stopped,
    LineStopped,
    Held,
    /// The slot takes no boards: it failed too many.
    Quarantined,
    /// The slot takes no boards: someone stopped it.
    SlotStopped,
}

impl Status {
    pub const ALL: [Status; 17] = [
        Status::Empty,
        Status::Waiting,
        Status::Working,
        Status::Asking,
        Status::Passed,
        Status::PassedAfterRetry,
        Status::Written,
        Status::Skipped,
        Status::Failed,
        Status::PulledTooEarly,
        Status::PortLost,
        Status::BenchError,
        Status::Stopped,
        Status::LineStopped,
        Status::Held,
        Status::Quarantined,
        Status::SlotStopped,
    ];

    /// That the slot is out of service shows once nothing else has to: not while a board is at work, nor
    /// over the result of one that is still to be taken out.
    pub fn of(slot: &SlotView) -> Status {
        let is_idle = match &slot.state {
            SlotState::Empty | SlotState::Waiting(_) | SlotState::Settling => true,
            SlotState::Done(result) => !result.present,
            _ => false,
        };
        match &slot.out {
            Some(out) if is_idle => Status::of_out(out),
            _ => Status::of_state(&slot.state),
        }
    }

    /// How a slot that is out of service is shown.
    pub fn of_out(out: &SlotOut) -> Status {
        match out {
            SlotOut::Quarantined { .. } => Status::Quarantined,
            SlotOut::Stopped { .. } => Status::SlotStopped,
        }
    }

    fn of_state(state: &SlotState) -> Status {
        match state {
            SlotState::Empty => Status::Empty,
            SlotState::Waiting(_) => Status::Waiting,
            SlotState::Working(board) if board.lost => Status::PortLost,
            SlotState::Working(board) if board.asks.is_some() => Status::Asking,
            SlotState::Settling | SlotState::Working(_) | SlotState::Recording(_) => {
                Status::Working
            }
            SlotState::Done(result) => Status::of_result(result),
            SlotState::Blocked { code } => match code {
                Code::SlotQuarantined => Status::Quarantined,
                Code::ManifestChangedOnDisk => Status::Waiting,
                code if is_the_operators(*code) => Status::Waiting,
                _ => Status::LineStopped,
            },
            SlotState::Held { .. } => Status::Held,
        }
    }

    fn of_result(result: &ResultView) -> Status {
        let again = result.attempts > 1 || result.retries > 0;
        Status::of_outcome(result.outcome, result.code, again)
    }

    /// How a job that ended is shown; `again` when something had to be tried again.
    pub fn of_outcome(outcome: Outcome, code: Option<Code>, again: bool) -> Status {
        match outcome {
            Outcome::Skipped => Status::Skipped,
            Outcome::Pass if again => Status::PassedAfterRetry,
            Outcome::Pass => Status::Passed,
            Outcome::Written => Status::Written,
            Outcome::Fail if code == Some(Code::Unplugged) => Status::PulledTooEarly,
            Outcome::Fail => Status::Failed,
            Outcome::Error if code.is_some_and(is_the_operators) => Status::Waiting,
            Outcome::Error => Status::BenchError,
            Outcome::Aborted => Status::Stopped,
        }
    }

    /// The kind that a notice belongs to, for its colour; `None` where it is only news.
    pub fn of_notice(what: &Happening) -> Option<Status> {
        match what {
            Happening::JobEnded {
                outcome,
                code,
                attempts,
                retries,
                ..
            } => Some(Status::of_outcome(
                *outcome,
                *code,
                *attempts > 1 || *retries > 0,
            )),
            Happening::Retried { .. } | Happening::PortLost { .. } => Some(Status::PortLost),
            Happening::BoardWaits { .. } | Happening::SwitchUnread { .. } => Some(Status::Waiting),
            Happening::AskedAgain => Some(Status::Asking),
            Happening::SlotHeld { .. } => Some(Status::Held),
            Happening::LineStopped { .. } | Happening::LineStoppedBy { .. } => {
                Some(Status::LineStopped)
            }
            Happening::SlotQuarantined { .. } => Some(Status::Quarantined),
            Happening::SlotStopped { .. } => Some(Status::SlotStopped),
            Happening::ManifestChanged { .. } | Happening::ManifestInvalid { .. } => {
                Some(Status::Waiting)
            }
            _ => None,
        }
    }

    /// One cell, in fonts of every terminal or plain ASCII; no two results share one.
    pub const fn sign(self) -> &'static str {
        match self {
            Status::Empty => "-",
            Status::Waiting => "?",
            Status::Working => "▸",
            Status::Asking => "¿",
            Status::PortLost => "~",
            Status::Passed => "✔",
            Status::PassedAfterRetry => "↻",
            Status::Written => "≈",
            Status::Skipped => "=",
            Status::Failed => "✘",
            Status::PulledTooEarly => "^",
            Status::BenchError => "!",
            Status::Stopped => "■",
            Status::LineStopped => "‖",
            Status::Held => "#",
            Status::Quarantined => "Ø",
            Status::SlotStopped => "|",
        }
    }

    /// The word that names the kind; a slot at work shows its step instead.
    pub const fn word(self) -> Word {
        match self {
            Status::Empty => Word::Empty,
            Status::Waiting => Word::Waiting,
            Status::Working => Word::Working,
            Status::Asking => Word::Asking,
            Status::PortLost => Word::PortLost,
            Status::Passed => Word::Pass,
            Status::PassedAfterRetry => Word::PassAfterRetry,
            Status::Written => Word::WrittenOnly,
            Status::Skipped => Word::AlreadyDone,
            Status::Failed => Word::Fail,
            Status::PulledTooEarly => Word::PulledTooEarly,
            Status::BenchError => Word::BenchError,
            Status::Stopped => Word::Stopped,
            Status::LineStopped => Word::LineStopped,
            Status::Held => Word::Held,
            Status::Quarantined => Word::Quarantined,
            Status::SlotStopped => Word::SlotStopped,
        }
    }

    /// What is drawn in large letters where there is room; the same in both languages, as on every
    /// tester.
    pub const fn large(self) -> Option<&'static str> {
        match self {
            Status::Passed | Status::PassedAfterRetry => Some("PASS"),
            Status::Written => Some("WRITTEN"),
            Status::Skipped => Some("DONE"),
            Status::Asking => Some("AGAIN?"),
            Status::Failed | Status::PulledTooEarly => Some("FAIL"),
            Status::BenchError => Some("ERROR"),
            Status::Stopped => Some("STOP"),
            _ => None,
        }
    }
}

/// Neither board nor bench is bad: a jig waits for someone to take a board out, or to put one in.
fn is_the_operators(code: Code) -> bool {
    matches!(code, Code::NotRemoved | Code::NoBoard)
}

/// The board that a slot works on.
pub fn board(state: &SlotState) -> Option<&BoardView> {
    match state {
        SlotState::Working(board) | SlotState::Recording(board) => Some(board),
        _ => None,
    }
}

/// The code that a slot shows.
pub fn code(slot: &SlotView) -> Option<Code> {
    match (Status::of(slot), &slot.state) {
        (Status::Quarantined, _) => Some(Code::SlotQuarantined),
        (Status::SlotStopped, _) => None,
        (_, state) => state_code(state),
    }
}

fn state_code(state: &SlotState) -> Option<Code> {
    match state {
        SlotState::Done(result) => result.code,
        // what it advises is for who has an old bundle to go on with
        SlotState::Blocked {
            code: Code::ManifestChangedOnDisk,
        } => None,
        SlotState::Blocked { code } => Some(*code),
        _ => None,
    }
}

/// What the operator can do about a state that has no code.
pub fn hint(slot: &SlotView) -> Option<Word> {
    if Status::of(slot) == Status::SlotStopped {
        return Some(Word::SupervisorFrees);
    }
    match &slot.state {
        SlotState::Empty => Some(Word::PlugBoard),
        SlotState::Waiting(Waiting::PresentAtStart) => Some(Word::WaitsPresentAtStart),
        SlotState::Waiting(Waiting::Request) => Some(Word::WaitsForRequest),
        SlotState::Waiting(Waiting::Scan) => Some(Word::WaitsForScan),
        SlotState::Waiting(Waiting::SwitchClosed) => Some(Word::WaitsForSwitch),
        SlotState::Waiting(Waiting::SwitchUnread) => Some(Word::SwitchUnread),
        SlotState::Waiting(Waiting::Stopped) => Some(Word::WaitsForSupervisor),
        SlotState::Blocked {
            code: Code::ManifestChangedOnDisk,
        } => Some(Word::WaitsForApproval),
        SlotState::Waiting(Waiting::Operator) => Some(Word::WaitsForBadge),
        SlotState::Waiting(Waiting::Lot) => Some(Word::WaitsForLot),
        SlotState::Waiting(Waiting::LotPaused) => Some(Word::WaitsForPausedLot),
        SlotState::Waiting(Waiting::LotFull) => Some(Word::WaitsForNextLot),
        SlotState::Waiting(Waiting::FirstArticle) => Some(Word::WaitsForFirstArticle),
        SlotState::Waiting(Waiting::HubTurn) => Some(Word::WaitsForHub),
        SlotState::Working(board) if board.lost => Some(Word::PortMayComeBack),
        SlotState::Working(board) if board.asks.is_some() => Some(Word::AnswerAgain),
        SlotState::Held { .. } => Some(Word::GoesOnWhenFreed),
        SlotState::Done(result) if result.present => Some(Word::TakeOut),
        SlotState::Done(_) => Some(Word::PlugNext),
        _ => None,
    }
}

/// The job's time: to the second while it runs, so that the screen changes once a second, to the
/// tenth once it is over.
pub fn time(slot: &SlotView, now: jiff::Timestamp) -> Option<String> {
    match &slot.state {
        SlotState::Working(board) | SlotState::Recording(board) => {
            let elapsed = Duration::try_from(now.duration_since(board.started));
            // a clock that was set back shows no negative time
            Some(running(elapsed.unwrap_or_default()))
        }
        SlotState::Done(result) => Some(ended(result.took)),
        _ => None,
    }
}

fn running(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// How long something took, to the tenth of a second.
pub fn ended(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        _ => running(took),
    }
}
