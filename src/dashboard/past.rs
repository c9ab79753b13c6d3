//! What the pages know of the past: what was asked of the record, what came, and what to ask next. A page asks
//! when it is opened and when jobs have ended since, and shows what it had until the answer is there.
//! Synchronous: `tui` carries the questions.

use super::course::Courses;
use super::view::{Page, View};
use crate::event::JobId;
use crate::record::{Day, JobFilter, JobRow, Jobs, Story};
use crate::station::enquiry::{Found, NotFound, Question};
use crate::station::{SlotState, Snapshot};

/// The answers.
#[derive(Debug, Default)]
pub struct Past {
    jobs: Kept<JobFilter, Vec<JobRow>>,
    story: Kept<JobId, Option<Box<Story>>>,
    day: Kept<(), Day>,
    /// The steps of the jobs at work.
    pub courses: Courses,
    /// What was asked and is not answered, and how the record was then.
    asked: Option<(Question, Stamp)>,
}

/// What is known of something.
#[derive(Debug, PartialEq)]
pub enum Known<'a, T> {
    /// The answer is on its way.
    NotYet,
    There(&'a T),
    Not(&'a NotFound),
}

/// Tells whether jobs have ended since: these counts change with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    jobs: Jobs,
    open_units: usize,
}

impl Stamp {
    fn of(snapshot: &Snapshot) -> Stamp {
        Stamp {
            jobs: snapshot.standing.today.jobs,
            open_units: snapshot.standing.open_units.len(),
        }
    }
}

/// The newest answer of one kind, and what it is the answer to.
#[derive(Debug)]
struct Kept<K, T> {
    to: Option<(K, Stamp)>,
    answer: Option<Result<T, NotFound>>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Kept<K, T> {
        Kept {
            to: None,
            answer: None,
        }
    }
}

impl<K: PartialEq, T> Kept<K, T> {
    fn is_of(&self, key: &K, stamp: Stamp) -> bool {
        let to = self.to.as_ref();
        to.is_some_and(|(of, at)| of == key && *at == stamp)
    }

    fn about(&self, key: &K) -> Known<'_, T> {
        let is_it = self.to.as_ref().is_some_and(|(of, _)| of == key);
        match &self.answer {
            Some(Ok(it)) if is_it => Known::There(it),
            Some(Err(why)) if is_it => Known::Not(why),
            _ => Known::NotYet,
        }
    }
}

impl Past {
    pub fn jobs(&self, filter: &JobFilter) -> Known<'_, Vec<JobRow>> {
        self.jobs.about(filter)
    }

    /// The rows that are there: none before they are.
    pub fn job_ids(&self, filter: &JobFilter) -> Vec<JobId> {
        match self.jobs(filter) {
            Known::There(rows) => rows.iter().map(|row| row.job).collect(),
            Known::NotYet | Known::Not(_) => Vec::new(),
        }
    }

    pub fn story(&self, job: JobId) -> Known<'_, Option<Box<Story>>> {
        self.story.about(&job)
    }

    pub fn day(&self) -> Known<'_, Day> {
        self.day.about(&())
    }

    /// What to ask now for the page on show; `None` where all is there or something is asked already.
    pub fn wanted(&mut self, view: &View, snapshot: &Snapshot) -> Option<Question> {
        if self.asked.is_some() {
            return None;
        }
        let stamp = Stamp::of(snapshot);
        let question = match view.page {
            Page::Jobs => {
                let filter = &view.filter;
                (!self.jobs.is_of(filter, stamp)).then(|| {
                    Question::Jobs(JobFilter {
                        newest: JobFilter::MOST,
                        ..filter.clone()
                    })
                })
            }
            Page::Charts => (!self.day.is_of(&(), stamp)).then_some(Question::Day),
            Page::Story(job) => self.story_of(job, stamp),
            Page::Detail => {
                let index = view.selected_index(snapshot)?;
                match &snapshot.slots[index].state {
                    SlotState::Done(result) => self.story_of(result.job, stamp),
                    _ => None,
                }
            }
            Page::Bench | Page::Lots | Page::Open | Page::Help | Page::Signs => None,
        };
        if let Some(question) = &question {
            self.asked = Some((question.clone(), stamp));
        }
        question
    }

    /// A closed job changes no more.
    fn story_of(&self, job: JobId, stamp: Stamp) -> Option<Question> {
        let is_closed = match self.story.about(&job) {
            Known::There(Some(story)) => story.row.ended.is_some(),
            _ => false,
        };
        (!is_closed && !self.story.is_of(&job, stamp)).then_some(Question::Job { job })
    }

    /// The answer to what was asked.
    pub fn found(&mut self, answer: Result<Found, NotFound>) {
        let Some((question, stamp)) = self.asked.take() else {
            return;
        };
        match question {
            Question::Jobs(filter) => {
                let filter = JobFilter {
                    newest: JobFilter::default().newest,
                    ..filter
                };
                self.jobs.to = Some((filter, stamp));
                self.jobs.answer = Some(answer.and_then(|found| match found {
                    Found::Jobs(rows) => Ok(rows),
                    _ => Err(NotFound::Silent),
                }));
            }
            Question::Job { job } => {
                self.story.to = Some((job, stamp));
                self.story.answer = Some(answer.and_then(|found| match found {
                    Found::Job(story) => Ok(story),
                    _ => Err(NotFound::Silent),
                }));
            }
            Question::Day => {
                self.day.to = Some(((), stamp));
                self.day.answer = Some(answer.and_then(|found| match found {
                    Found::Day(day) => Ok(day),
                    _ => Err(NotFound::Silent),
                }));
            }
        }
    }

    /// Asks again for what was not found: someone opened its page once more.
    pub fn forget_faults(&mut self) {
        if matches!(self.jobs.answer, Some(Err(_))) {
            self.jobs = Kept::default();
        }
        if matches!(self.story.answer, Some(Err(_))) {
            self.story = Kept::default();
        }
        if matches!(self.day.answer, Some(Err(_))) {
            self.day = Kept::default();
        }
    }
}

#[cfg(test)]
mod tests;
