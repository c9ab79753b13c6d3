//! Asking a job to stop. Reasons only escalate; a job looks at safe points (waiting for a reply),
//! never in the middle of a frame.

use tokio::sync::watch;

use crate::event::StopReason;

/// The side that asks.
#[derive(Debug)]
pub struct StopHandle {
    sender: watch::Sender<Option<StopReason>>,
}

/// The side that is asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop {
    receiver: watch::Receiver<Option<StopReason>>,
}

impl StopHandle {
    /// A fresh pair: nothing asked yet. A dropped handle asks nothing.
    pub fn new() -> (StopHandle, Stop) {
        let (sender, receiver) = watch::channel(None);
        (StopHandle { sender }, Stop { receiver })
    }

    /// Asks; a lesser reason than the one already given changes nothing.
    pub fn ask(&self, reason: StopReason) {
        self.sender.send_if_modified(|current| {
            let escalates = current.is_none_or(|given| reason > given);
            if escalates {
                *current = Some(reason);
            }
            escalates
        });
    }
}

impl Stop {
    /// Why to stop, if it was asked.
    pub fn reason(&self) -> Option<StopReason> {
        *self.receiver.borrow()
    }

    /// Waits until it is asked; for ever where the handle is gone.
    pub async fn asked(&mut self) -> StopReason {
        loop {
            if let Some(reason) = self.reason() {
                return reason;
            }
            if self.receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
