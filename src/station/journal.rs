//! Numbers notices and keeps the newest.

use std::collections::VecDeque;
use std::sync::Arc;

use super::slot::Now;
use crate::event::{Happening, JobId, Notice, SlotId};

/// How many notices a snapshot carries. A face that is stopped for longer than it takes to write this
/// many sees the gap in the numbers.
pub const KEPT_NOTICES: usize = 512;

/// The ring of notices.
#[derive(Debug, Default)]
pub struct Journal {
    last_number: u64,
    kept: VecDeque<Arc<Notice>>,
    shared: Option<Arc<[Arc<Notice>]>>,
}

impl Journal {
    /// Something happened to the line as a whole.
    pub fn line(&mut self, now: Now, what: Happening) {
        self.note(now, None, None, what);
    }

    /// Something happened at a slot, outside a job.
    pub fn slot(&mut self, now: Now, slot: &SlotId, what: Happening) {
        self.note(now, Some(slot), None, what);
    }

    /// Something happened in a job.
    pub fn job(&mut self, now: Now, slot: &SlotId, job: JobId, what: Happening) {
        self.note(now, Some(slot), Some(job), what);
    }

    /// The newest notices, oldest first; the same `Arc` until there is another.
    pub fn newest(&mut self) -> Arc<[Arc<Notice>]> {
        self.shared
            .get_or_insert_with(|| self.kept.iter().cloned().collect())
            .clone()
    }

    fn note(&mut self, now: Now, slot: Option<&SlotId>, job: Option<JobId>, what: Happening) {
        self.last_number += 1;
        tracing::info!(number = self.last_number, ?slot, ?job, ?what);
        if self.kept.len() == KEPT_NOTICES {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(Notice {
            number: self.last_number,
            at: now.wall,
            slot: slot.cloned(),
            job,
            what,
        }));
        self.shared = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gap_and_the_oldest_go_first() {
        let now = Now {
            steady: std::time::Instant::now(),
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut journal = Journal::default();
        for _ in 0..KEPT_NOTICES + 3 {
            journal.line(now, Happening::LineResumed);
        }
        let newest = journal.newest();
        let numbers: Vec<u64> = newest.iter().map(|notice| notice.number).collect();
        assert_eq!(numbers, (4..=KEPT_NOTICES as u64 + 3).collect::<Vec<_>>());
        assert!(Arc::ptr_eq(&newest, &journal.newest()));
    }
}
