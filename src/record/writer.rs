//! The handle that the house holds, and the one thread that writes. Requests queue in a bounded
//! channel; those that are waiting share a commit; each is answered after its commit.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use super::change::{self, Change, WriteOff};
use super::store::Store;
use super::{
    Approval, Came, Comer, History, LotChange, NewJob, RecordError, ServiceChange, Standing,
    WarrantChange, schema,
};
use crate::chip::Identity;
use crate::event::{Golden, JobId, SlotId, Unit};
use crate::job::Verdict;

/// Requests that may wait; a further one waits in its caller.
const QUEUE: usize = 256;

/// The open database. Cheap to clone; the writer thread ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Record {
    path: Arc<Path>,
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Change(Change, Answer<bool>),
    /// A change, answered with whether it changed anything, and where the line stands then at a moment.
    Told(Change, Timestamp, Answer<(bool, Standing)>),
    Standing(Answer<Standing>),
    BestRate {
        slot: SlotId,
        bundle_digest: [u8; 32],
        answer: Answer<Option<u32>>,
    },
    Comes(Comer, Answer<Came>),
    History {
        station: String,
        answer: Answer<History>,
    },
    Approved {
        manifest: String,
        answer: Answer<Option<String>>,
    },
    Check {
        reserve_bytes: u64,
        answer: Answer<()>,
    },
    End(oneshot::Sender<()>),
}

type Answer<T> = oneshot::Sender<Result<T, RecordError>>;

impl Record {
    /// Opens or creates the database: takes the lock (one process per database), migrates, closes
    /// jobs that an earlier process left open as INTERRUPTED. Returns how many those were.
    /// Blocks: call it before the runtime's work or on a blocking thread.
    pub fn open(path: &Path) -> Result<(Record, usize), RecordError> {
        let (store, interrupted) = Store::open(path, TimeZone::system(), Timestamp::now())?;
        let (requests, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || write(store, queue))
            .map_err(|error| RecordError::Open {
                path: path.to_owned(),
                why: format!("its writer thread: {error}"),
            })?;
        let record = Record {
            path: path.into(),
            requests,
        };
        Ok((record, interrupted))
    }

    /// The database.
    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// A job's row, at its arrival.
    pub async fn open_job(&self, job: NewJob) -> Result<(), RecordError> {
        self.ask(|answer| Request::Change(Change::Open(job), answer))
            .await
            .map(drop)
    }

    /// The board's identity, before anything is written to it. A job that is interrupted after this
    /// counts as one that touched its board's flash.
    /// `golden`: the board is one that never counts.
    pub async fn identify(
        &self,
        job: JobId,
        identity: Identity,
        golden: Option<Golden>,
    ) -> Result<(), RecordError> {
        let change = Change::Identify {
            job,
            identity,
            golden,
        };
        let found = self.ask(|answer| Request::Change(change, answer)).await?;
        found.then_some(()).ok_or_else(|| self.not_open(job))
    }

    /// The verdict, its steps and regions, in one commit; returns where the line stands after it.
    /// After an error the job is still open and may be closed again.
    pub async fn close_job(
        &self,
        job: JobId,
        verdict: Verdict,
        ended: Timestamp,
    ) -> Result<Standing, RecordError> {
        let change = Change::Close {
            job,
            verdict,
            ended,
        };
        let (closed, standing) = self
            .ask(|answer| Request::Told(change, ended, answer))
            .await?;
        closed.then_some(standing).ok_or_else(|| self.not_open(job))
    }

    /// Something is done with a lot; tells whether it could be, and where the line stands after it.
    pub async fn change_lot(&self, change: LotChange) -> Result<(bool, Standing), RecordError> {
        let at = change.at;
        let change = Change::Lot(change);
        self.ask(|answer| Request::Told(change, at, answer)).await
    }

    /// Where the line stands now.
    pub async fn standing(&self) -> Result<Standing, RecordError> {
        self.ask(Request::Standing).await
    }

    /// The rate at which the slot's next job with this bundle is best begun; `None` where no recent job
    /// tells.
    pub async fn best_rate(
        &self,
        slot: &SlotId,
        bundle_digest: [u8; 32],
    ) -> Result<Option<u32>, RecordError> {
        let slot = slot.clone();
        self.ask(|answer| Request::BestRate {
            slot,
            bundle_digest,
            answer,
        })
        .await
    }

    /// Whether a board may be tried, and is good already; leave that this takes is used up when it returns.
    pub async fn comes(&self, comer: Comer) -> Result<Came, RecordError> {
        self.ask(|answer| Request::Comes(comer, answer)).await
    }

    /// Leave for one more try of a unit that failed `retest_limit` times in a row; `false`: it needs none.
    pub async fn allow_retest(
        &self,
        unit: Unit,
        retest_limit: u32,
        who: String,
    ) -> Result<bool, RecordError> {
        let at = Timestamp::now();
        let change = Change::AllowRetest {
            unit,
            retest_limit,
            who,
            at,
        };
        self.ask(|answer| Request::Change(change, answer)).await
    }

    /// Leave to flash a bundle from now on, with who gave it.
    pub async fn approve(&self, approval: Approval) -> Result<(), RecordError> {
        let change = Change::Approve(approval);
        self.ask(|answer| Request::Change(change, answer))
            .await
            .map(drop)
    }

    /// The digest, in lower-case hex, of the bundle that was approved last for the manifest at this path.
    pub async fn approved(&self, manifest: String) -> Result<Option<String>, RecordError> {
        self.ask(|answer| Request::Approved { manifest, answer })
            .await
    }

    /// Whether a job could be recorded now: a real write, in a row of its own, and at least
    /// `reserve_bytes` free on the disk.
    pub async fn check(&self, reserve_bytes: u64) -> Result<(), RecordError> {
        self.ask(|answer| Request::Check {
            reserve_bytes,
            answer,
        })
        .await
    }

    /// What takes no boards on a station from now on, or takes them again.
    pub async fn keep_service(
        &self,
        station: String,
        change: ServiceChange,
    ) -> Result<(), RecordError> {
        let change = Change::Service { station, change };
        self.ask(|answer| Request::Change(change, answer))
            .await
            .map(drop)
    }

    /// What was allowed on a station, or a wrong PIN there.
    pub async fn keep_warrant(
        &self,
        station: String,
        change: WarrantChange,
    ) -> Result<(), RecordError> {
        let change = Change::Warrant { station, change };
        self.ask(|answer| Request::Change(change, answer))
            .await
            .map(drop)
    }

    /// What a station has to know of its past when it starts.
    pub async fn history(&self, station: String) -> Result<History, RecordError> {
        self.ask(|answer| Request::History { station, answer })
            .await
    }

    /// Takes a unit off the open units, with who and why; `false` if it is not among them.
    pub async fn write_off(
        &self,
        unit: Unit,
        who: String,
        why: String,
    ) -> Result<bool, RecordError> {
        let at = Timestamp::now();
        let change = Change::WriteOff(WriteOff { unit, who, why, at });
        self.ask(|answer| Request::Change(change, answer)).await
    }

    /// The same from another process, while the daemon runs: one small transaction of its own, no
    /// lock. The daemon sees it at its next question. Blocks.
    pub fn write_off_beside(
        path: &Path,
        unit: &Unit,
        who: &str,
        why: &str,
    ) -> Result<bool, RecordError> {
        let mut connection = schema::open_beside(path)?;
        let change = Change::WriteOff(WriteOff {
            unit: unit.clone(),
            who: who.to_owned(),
            why: why.to_owned(),
            at: Timestamp::now(),
        });
        let applied = change::commit(&mut connection, &[&change])
            .map_err(|error| RecordError::writing(path, error))?;
        Ok(applied.iter().all(|applied| applied.changed))
    }

    /// Waits until the writer has done everything, and ends it. Called once, at the end; what other
    /// handles ask later is refused.
    pub async fn close(self) {
        let (done, ended) = oneshot::channel();
        if self.requests.send(Request::End(done)).await.is_ok() {
            // an error means that the thread is gone as well
            let _ = ended.await;
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, RecordError> {
        let ended = || RecordError::Write {
            path: self.path.to_path_buf(),
            why: "the record is closed".to_owned(),
        };
        let (answer, answered) = oneshot::channel();
        self.requests
            .send(request(answer))
            .await
            .map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }

    fn not_open(&self, job: JobId) -> RecordError {
        RecordError::NotOpen {
            path: self.path.to_path_buf(),
            job,
        }
    }
}

/// The writer thread: to the last request, or to [`Request::End`].
fn write(mut store: Store, mut queue: mpsc::Receiver<Request>) {
    let mut waiting = Vec::with_capacity(QUEUE);
    while queue.blocking_recv_many(&mut waiting, QUEUE) > 0 {
        let mut requests = waiting.drain(..).peekable();
        while let Some(request) = requests.next() {
            match request {
                Request::Change(..) | Request::Told(..) => {
                    let mut batch = vec![request];
                    while let Some(next) = requests.next_if(|request| {
                        matches!(request, Request::Change(..) | Request::Told(..))
                    }) {
                        batch.push(next);
                    }
                    commit(&mut store, batch);
                }
                Request::Standing(answer) => {
                    tell(answer, Ok(store.standing(Timestamp::now())));
                }
                Request::BestRate {
                    slot,
                    bundle_digest,
                    answer,
                } => tell(
                    answer,
                    store.best_rate(&slot, &bundle_digest, Timestamp::now()),
                ),
                Request::Comes(comer, answer) => tell(answer, store.comes(&comer)),
                Request::History { station, answer } => tell(answer, store.history(&station)),
                Request::Approved { manifest, answer } => {
                    tell(answer, store.approved(&manifest));
                }
                Request::Check {
                    reserve_bytes,
                    answer,
                } => tell(answer, store.check(reserve_bytes, Timestamp::now())),
                Request::End(done) => {
                    drop(store);
                    let _ = done.send(());
                    return;
                }
            }
        }
    }
}

fn commit(store: &mut Store, batch: Vec<Request>) {
    let changes: Vec<&Change> = batch
        .iter()
        .filter_map(|request| match request {
            Request::Change(change, _) | Request::Told(change, ..) => Some(change),
            Request::Standing(_)
            | Request::BestRate { .. }
            | Request::Comes(..)
            | Request::History { .. }
            | Request::Approved { .. }
            | Request::Check { .. }
            | Request::End(_) => None,
        })
        .collect();
    let results = store.commit(&changes);
    for (request, result) in batch.into_iter().zip(results) {
        match request {
            Request::Change(_, answer) => tell(answer, result),
            Request::Told(_, at, answer) => {
                tell(answer, result.map(|changed| (changed, store.standing(at))));
            }
            Request::Standing(_)
            | Request::BestRate { .. }
            | Request::Comes(..)
            | Request::History { .. }
            | Request::Approved { .. }
            | Request::Check { .. }
            | Request::End(_) => {}
        }
    }
}

/// Answers; who asked may have gone, and the commit stands.
fn tell<T>(answer: Answer<T>, result: Result<T, RecordError>) {
    let _ = answer.send(result);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_job(slot: usize) -> NewJob {
        NewJob {
            job: JobId::now(),
            station: "bench 1".to_owned(),
            slot: SlotId::new(&slot.to_string()),
            place: "/dev/ttyUSB0".to_owned(),
            product: "thermostat".to_owned(),
            version: "1.4.0".to_owned(),
            bundle_digest: [0xAB; 32],
            serial: None,
            lot: None,
            operator: None,
            manifest_text: "".into(),
            started: Timestamp::now(),
        }
    }

    #[tokio::test]
    async fn many_slots_ask_at_once_and_each_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sqlite");
        let (record, interrupted) = Record::open(&path).unwrap();
        assert_eq!(interrupted, 0);

        let slots = (0..2 * QUEUE).map(|slot| {
            let record = record.clone();
            tokio::spawn(async move {
                let new = new_job(slot);
                let job = new.job;
                record.open_job(new).await.unwrap();
                record.check(0).await.unwrap();
                job
            })
        });
        let mut jobs = Vec::new();
        for slot in slots.collect::<Vec<_>>() {
            jobs.push(slot.await.unwrap());
        }
        let stranger = record.write_off(
            crate::chip::Mac([2; 6]).into(),
            "Mei".to_owned(),
            String::new(),
        );
        assert!(!stranger.await.unwrap());
        assert_eq!(record.standing().await.unwrap(), Standing::default());

        let second = Record::open(&path).unwrap_err();
        assert!(matches!(second, RecordError::Locked { .. }), "{second}");

        let left = record.clone();
        record.close().await;
        let late = left.standing().await.unwrap_err();
        assert!(late.to_string().contains("closed"), "{late}");
        let (_, interrupted) = Record::open(&path).unwrap();
        assert_eq!(interrupted, jobs.len());
    }

    #[tokio::test]
    async fn a_job_that_is_not_open_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (record, _) = Record::open(&folder.path().join("line.sqlite")).unwrap();
        let job = JobId::now();
        let verdict = Verdict {
            outcome: crate::event::Outcome::Pass,
            code: None,
            detail: String::new(),
            identity: None,
            attempts: 1,
            retries: crate::job::Retries::default(),
            baud: 0,
            bytes_written: 0,
            bytes_skipped: 0,
            boot: None,
            log: String::new(),
            written_by: None,
            steps: Vec::new(),
            regions: Vec::new(),
        };
        let refused = record.close_job(job, verdict, Timestamp::now()).await;
        let told = refused.unwrap_err().to_string();
        assert!(told.contains(&job.to_string()), "{told}");
    }
}
