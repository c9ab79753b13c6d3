//! How fast a job goes and how long it still takes, as far as that can be told: of a step with a length by
//! what it has done so far, else by the day's median. Leaves out the words.

use std::time::Duration;

use crate::event::Step;
use crate::station::BoardView;

/// What can be told of a job at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Flash bytes, in the step of now.
    pub bytes_per_second: Option<u64>,
    /// To the end of the write or, before and after it, of the job.
    pub left: Option<Duration>,
}

/// A step that is younger tells nothing yet.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// Nor does one that has done less: its first blocks are still on their way.
const LEAST_BYTES: u64 = 16 << 10;

/// The pace of a board; `median` is what the day's jobs took.
pub fn pace(board: &BoardView, median: Option<Duration>, now: jiff::Timestamp) -> Pace {
    if board.lost || board.asks.is_some() {
        return Pace::default();
    }
    let since = |then: jiff::Timestamp| Duration::try_from(now.duration_since(then)).ok();
    let progress = &board.progress;
    let done = progress.done_bytes.saturating_sub(board.step_from_bytes);
    let took = since(board.step_began).filter(|took| *took >= LEAST_TIME);
    let bytes_per_second = took
        .filter(|_| progress.total_bytes > 0 && done >= LEAST_BYTES)
        .map(|took| (done as f64 / took.as_secs_f64()) as u64)
        .filter(|rate| *rate > 0);
    let to_do = progress.total_bytes.saturating_sub(progress.done_bytes);
    let of_write = bytes_per_second
        .filter(|_| progress.step == Step::Write)
        .map(|rate| Duration::from_secs_f64(to_do as f64 / rate as f64));
    // a job that takes longer than most has no end in sight
    let of_job = since(board.started)
        .and_then(|took| median?.checked_sub(took))
        .filter(|left| !left.is_zero());
    Pace {
        bytes_per_second,
        left: of_write.or(of_job),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::station::SlotState;

    fn board(step: Step, age_ms: i64, from: u64, done: u64, total: u64) -> BoardView {
        let SlotState::Working(mut board) = fixture::working(4) else {
            unreachable!()
        };
        board.progress.step = step;
        board.progress.done_bytes = done;
        board.progress.total_bytes = total;
        board.step_began = fixture::now() - jiff::SignedDuration::from_millis(age_ms);
        board.step_from_bytes = from;
        board
    }

    #[test]
    fn nothing_is_told_before_it_can_be() {
        let median = Some(Duration::from_secs(10));
        let check = |board: BoardView, median, rate, left_seconds: Option<u64>| {
            let pace = pace(&board, median, fixture::now());
            assert_eq!(pace.bytes_per_second, rate);
            assert_eq!(pace.left, left_seconds.map(Duration::from_secs));
        };
        let write = |age, from, done| board(Step::Write, age, from, done, 1_000_000);
        check(write(5_000, 0, 500_000), None, Some(100_000), Some(5));
        // the median has no say once the write tells
        check(write(5_000, 0, 500_000), median, Some(100_000), Some(5));
        // too young, too little, nothing of its own yet: the job is 7 s old
        check(write(900, 0, 500_000), None, None, None);
        check(write(900, 0, 500_000), median, None, Some(3));
        check(write(5_000, 0, 10_000), None, None, None);
        check(write(5_000, 500_000, 500_000), None, None, None);
        // an attempt that went on in the middle
        check(write(2_000, 500_000, 700_000), None, Some(100_000), Some(3));
        check(write(5_000, 0, 1_000_000), None, Some(200_000), Some(0));
        // before and after the write
        check(board(Step::Connect, 5_000, 0, 0, 0), None, None, None);
        check(board(Step::Connect, 5_000, 0, 0, 0), median, None, Some(3));
        let verify = board(Step::Verify, 2_000, 0, 400_000, 1_000_000);
        check(verify.clone(), None, Some(200_000), None);
        // longer than most
        check(verify, Some(Duration::from_secs(7)), Some(200_000), None);
        // a clock that was set back
        check(write(-3_000, 0, 500_000), None, None, None);
        let mut lost = write(5_000, 0, 500_000);
        lost.lost = true;
        check(lost, median, None, None);
    }
}
