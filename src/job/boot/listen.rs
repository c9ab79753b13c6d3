//! The console of a port, read for the judge until he has heard enough.

use tokio::time::Instant;

use super::judge::{Judge, Stage};
use crate::event::Step;
use crate::job::error::JobError;
use crate::job::journal::Journal;
use crate::job::ladder::Answer;
use crate::job::reset::Started;
use crate::port::Link;

/// A boot check under way. It outlives its connection where the console is the chip's own USB, which
/// goes away and comes back while the chip starts.
pub(in crate::job) struct Listening {
    pub(in crate::job) judge: Judge,
    pub(in crate::job) started: Started,
    /// The console is on the chip's own USB.
    pub(in crate::job) own_usb: bool,
}

impl Listening {
    /// Listens to the end of the check. The rate is the console's already, or is set now.
    pub(in crate::job) async fn listen(
        &mut self,
        link: &mut Link,
        journal: &mut Journal,
    ) -> Result<(), JobError> {
        let mark = journal.begin(Step::Boot);
        journal.rate(self.judge.baud());
        let result = self.hear_out(link).await;
        journal.end(mark, &result);
        result
    }

    async fn hear_out(&mut self, link: &mut Link) -> Result<(), JobError> {
        let baud = self.judge.baud();
        let failed = |error| {
            JobError::from_link(error, |source| JobError::Command {
                baud,
                answer: Answer::Same,
                source,
            })
        };
        link.listen_at(baud).await.map_err(failed)?;
        loop {
            match self.judge.poll(Instant::now().into_std()) {
                Stage::Listen { until } => {
                    let heard = link.hear(Instant::from_std(until)).await.map_err(failed)?;
                    self.judge.feed(&heard, Instant::now().into_std());
                }
                Stage::Done(end) => {
                    return end.map_err(|source| JobError::Boot {
                        started: self.started,
                        source,
                    });
                }
            }
        }
    }
}
