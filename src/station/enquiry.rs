//! What faces ask of the past: jobs, one job's story, the day as charts show it. One bounded channel to
//! whoever answers: in the daemon a task that reads the record (`answer`), from elsewhere the socket's
//! client. Leaves out the socket.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::event::JobId;
use crate::record::{Day, JobFilter, JobRow, Reader, RecordError, Story};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The newest jobs that fit, newest first.
    Jobs(JobFilter),
    /// All that is known of one job.
    Job { job: JobId },
    /// Today, by the clocks of the computer that has the record.
    Day,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    #[error("more is asked of the record than it can tell now")]
    Busy,
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

/// Questions that are looked up at once: a second one does not wait for a long one.
const MOST_READERS: usize = 2;

impl Enquirer {
    /// The queue, and the end of it that answers.
    pub fn new() -> (Enquirer, mpsc::Receiver<Enquiry>) {
        let (enquiries, asked) = mpsc::channel(QUEUE);
        (Enquirer { enquiries }, asked)
    }

    /// Asks if there is room in the queue. Who does not want the answer any more drops the receiver.
    ///
    /// # Errors
    /// There is none now, or nobody answers any more.
    pub fn try_ask(
        &self,
        question: Question,
    ) -> Result<oneshot::Receiver<Result<Found, NotFound>>, NotFound> {
        let (answer, answered) = oneshot::channel();
        match self.enquiries.try_send(Enquiry { question, answer }) {
            Ok(()) => Ok(answered),
            Err(mpsc::error::TrySendError::Full(_)) => Err(NotFound::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(NotFound::Silent),
        }
    }

    /// Asks, waiting for room in the queue and for the answer.
    ///
    /// # Errors
    /// The record cannot be read, or nobody answers.
    pub async fn ask(&self, question: Question) -> Result<Found, NotFound> {
        let (answer, answered) = oneshot::channel();
        let enquiry = Enquiry { question, answer };
        let asked = self.enquiries.send(enquiry).await;
        asked.map_err(|_| NotFound::Silent)?;
        answered.await.unwrap_or(Err(NotFound::Silent))
    }
}

/// Answers from the database at `path`, a few questions at a time off the workers, until nobody can ask
/// any more or `end`.
pub(super) async fn answer(
    path: Arc<Path>,
    mut enquiries: mpsc::Receiver<Enquiry>,
    end: CancellationToken,
) {
    let mut readers = JoinSet::new();
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            // a panic there has been printed by its thread, and drops the answer's sender
            Some(_) = readers.join_next(), if !readers.is_empty() => {}
            enquiry = enquiries.recv(), if readers.len() < MOST_READERS => {
                let Some(Enquiry { question, answer }) = enquiry else {
                    return;
                };
                // who asked may have gone on
                if !answer.is_closed() {
                    let path = path.clone();
                    readers.spawn_blocking(move || {
                        let found = look(&path, question);
                        let _ = answer.send(found.map_err(|error| NotFound::Unreadable(error.to_string())));
                    });
                }
            }
        }
    }
}

fn look(path: &Path, question: Question) -> Result<Found, RecordError> {
    let reader = Reader::open(path)?;
    Ok(match question {
        Question::Jobs(filter) => Found::Jobs(reader.newest(&filter)?),
        Question::Job { job } => Found::Job(reader.story(job)?.map(Box::new)),
        Question::Day => Found::Day(reader.day(Timestamp::now(), &TimeZone::system())?),
    })
}
