//! What faces ask of the past: jobs, one job's story, the day as charts show it. One bounded channel to
//! whoever answers: a reader of the record in the daemon, its socket from elsewhere. Leaves out both.

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::event::JobId;
use crate::record::{Day, JobFilter, JobRow, Story};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The newest jobs that fit, newest first, at most so many.
    Jobs { newest: u32, filter: JobFilter },
    /// All that is known of one job.
    Job { job: JobId },
    /// Today.
    Day,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Jobs(Vec<JobRow>),
    /// `None`: there is none with this id.
    Job(Option<Box<Story>>),
    Day(Day),
}

/// Why nothing was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// The record cannot be read; why.
    #[error("{0}")]
    Unreadable(String),
    #[error("nobody answers")]
    Silent,
}

/// A question on its way, with a place for the answer.
#[derive(Debug)]
pub struct Enquiry {
    pub question: Question,
    pub answer: oneshot::Sender<Result<Found, NotFound>>,
}

/// The queue of questions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Enquirer {
    enquiries: mpsc::Sender<Enquiry>,
}

/// Questions that may wait; faces ask one at a time.
const QUEUE: usize = 16;

impl Enquirer {
    /// The queue, and the end of it that answers.
    pub fn new() -> (Enquirer, mpsc::Receiver<Enquiry>) {
        let (enquiries, asked) = mpsc::channel(QUEUE);
        (Enquirer { enquiries }, asked)
    }

    /// Asks if there is room in the queue.
    ///
    /// # Errors
    /// There is none now, or nobody answers any more.
    pub fn try_ask(
        &self,
        question: Question,
    ) -> Result<oneshot::Receiver<Result<Found, NotFound>>, NotFound> {
        let (answer, answered) = oneshot::channel();
        self.enquiries
            .try_send(Enquiry { question, answer })
            .map_err(|_| NotFound::Silent)?;
        Ok(answered)
    }
}
