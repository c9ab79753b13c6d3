//! What one job tells while it works, on its way to the dispatcher. Never waits: progress goes into a
//! watch, facts into the bounded channel.

use tokio::sync::{mpsc, watch};

use super::dispatcher::{Fact, Input};
use crate::event::{Code, JobId, Progress, SlotId, Step};
use crate::job::Reports;

/// Carries what one job tells into the dispatcher's channels.
pub struct JobReports {
    pub slot: SlotId,
    pub job: JobId,
    pub progress: watch::Sender<Progress>,
    pub inbox: mpsc::Sender<Input>,
}

impl JobReports {
    fn fact(&self, fact: Fact) {
        let input = Input::Fact {
            slot: self.slot.clone(),
            job: self.job,
            fact,
        };
        // a full channel costs a line on the screen; the count is in the verdict
        let _ = self.inbox.try_send(input);
    }
}

impl Reports for JobReports {
    fn progress(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }

    fn retried(&self, step: Step, code: Code, detail: &str, attempt: u32) {
        self.fact(Fact::Retried {
            step,
            code,
            detail: detail.to_owned(),
            attempt,
        });
    }

    fn port_lost(&self) {
        self.fact(Fact::PortLost);
    }
}
