//! The usual reasons for what needs a supervisor's leave: someone with gloves picks one and types none.

use super::dialog::Subject;
use crate::lang::Label;
use crate::station::Ask;

/// The reasons to pick from. Never empty.
pub fn usual(subject: &Subject) -> &'static [Label] {
    match subject {
        Subject::Bundle { .. } => &[Label::WhyRelease, Label::WhyCorrection, Label::WhyTrial],
        Subject::NewLot(_) => &[Label::WhyPlanned, Label::WhyRepeat, Label::WhyTrial],
        Subject::Ask(ask) => match ask {
            Ask::FreeSlot { .. } => &[
                Label::WhyPinsCleaned,
                Label::WhyCableSwapped,
                Label::WhyBadBoards,
                Label::WhyCheckedGood,
            ],
            Ask::FreeLine => &[
                Label::WhyCauseMended,
                Label::WhyBadBoards,
                Label::WhyBreakOver,
                Label::WhyCheckedGood,
            ],
            Ask::StartLot { .. } => &[Label::WhyCauseMended, Label::WhyBreakOver],
            Ask::ApproveFirstArticle { .. } => &[Label::WhyMeasuredGood, Label::WhyLookedGood],
            Ask::EndLot { .. } => &[
                Label::WhyLotDone,
                Label::WhyNoMoreBoards,
                Label::WhyOrderChanged,
            ],
            Ask::AllowRetest { .. } => &[
                Label::WhyRepaired,
                Label::WhyBenchWasBad,
                Label::WhyEngineering,
            ],
            Ask::WriteOff { .. } => &[Label::WhyBroken, Label::WhyLost, Label::WhyEngineering],
            _ => &[Label::WhyCheckedGood],
        },
    }
}
