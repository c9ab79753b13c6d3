//! A job's port: opened, waited for while another program has it, and found again after it was lost.
//! Leaves out whether it is worth another attempt (`ladder`).

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::JobError;
use super::super::session::ROM_BAUD;
use super::{Job, REOPEN_EACH};
use crate::port::{OpenError, Port};

/// How often a port that is open elsewhere is tried again: each try looks who has it.
const BUSY_EACH: Duration = Duration::from_millis(250);

/// How long a chip's own USB may be away: it starts first, and the host asks it who it is.
const REENUMERATION: Duration = Duration::from_secs(3);

impl Job {
    /// The first opening: what is not there now is the bench's fault, not the board's. One that another
    /// program has open is waited for, and told once.
    pub(in crate::job) async fn open(&mut self) -> Result<Box<dyn Port>, JobError> {
        let began = Instant::now();
        let mut told = false;
        while let Some(path) = self.path() {
            let error = match self.try_open(path).await {
                Err(error @ JobError::Open(OpenError::Busy { .. }))
                    if began.elapsed() < self.assignment.busy =>
                {
                    error
                }
                result => return result,
            };
            if !std::mem::replace(&mut told, true) {
                self.journal.waits(&error);
            }
            self.rest(BUSY_EACH).await?;
        }
        self.reopen(Instant::now()).await
    }

    /// Opens the port at the slot, under whatever name, until the grace since its loss is over.
    pub(super) async fn reopen(&mut self, since: Instant) -> Result<Box<dyn Port>, JobError> {
        let waited = match self.own_usb {
            true => self.assignment.grace.max(REENUMERATION),
            false => self.assignment.grace,
        };
        loop {
            let failed = match self.path() {
                Some(path) => match self.try_open(path).await {
                    Err(JobError::Open(error)) => Some(error),
                    result => return result,
                },
                None => None,
            };
            if since.elapsed() >= waited {
                return Err(match failed {
                    // the board is back and something else is in the way
                    Some(
                        error @ (OpenError::Busy { .. }
                        | OpenError::Denied { .. }
                        | OpenError::NotSerial { .. }),
                    ) => JobError::Open(error),
                    _ => JobError::Unplugged { waited },
                });
            }
            self.rest(REOPEN_EACH).await?;
        }
    }

    fn path(&mut self) -> Option<PathBuf> {
        let presence = self.assignment.presence.borrow_and_update();
        presence.as_ref().map(|info| info.path.clone())
    }

    async fn try_open(&mut self, path: PathBuf) -> Result<Box<dyn Port>, JobError> {
        let shown = path.display().to_string();
        let opening = self.ports.open(path, ROM_BAUD);
        let port = tokio::select! {
            reason = self.stop.asked() => return Err(JobError::Stopped(reason)),
            port = opening => port?,
        };
        self.journal.note(format_args!("{shown} is open"));
        Ok(port)
    }

    /// Waits for a change at the slot, or a moment.
    pub(super) async fn rest(&mut self, moment: Duration) -> Result<(), JobError> {
        let presence = &mut self.assignment.presence;
        let change = async {
            if presence.changed().await.is_err() {
                // nobody announces anything: the moment will pass
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            reason = self.stop.asked() => Err(JobError::Stopped(reason)),
            () = change => Ok(()),
            () = tokio::time::sleep(moment) => Ok(()),
        }
    }
}
