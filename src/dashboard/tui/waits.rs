//! What the dashboard's loop waits for beside snapshots and keys.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::Shutdown;
use crate::dashboard::view::From;
use crate::lang::Caption;
use crate::station::enquiry::{Found, NotFound};
use crate::station::{Answer, Ask, Asker, RequestRefused};

/// An answer that is waited for, and where it belongs.
pub struct Waited {
    pub from: From,
    pub answer: Answer,
}

impl Future for Waited {
    /// `None`: the station dropped the question.
    type Output = (From, Option<Result<(), RequestRefused>>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let from = self.from;
        let answer = Pin::new(&mut self.answer).poll(context);
        answer.map(|answer| (from, answer.ok()))
    }
}

/// Never where nothing is due.
pub async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// The answer about the past; never where none is waited for.
pub async fn found(
    enquiry: &mut Option<oneshot::Receiver<Result<Found, NotFound>>>,
) -> Result<Found, NotFound> {
    match enquiry {
        Some(answer) => answer.await.unwrap_or(Err(NotFound::Silent)),
        None => std::future::pending().await,
    }
}

/// Asks for the shutdown that is still to be asked; `None` where the station is gone.
pub async fn ask_shutdown(asker: &Asker, shutdown: Shutdown) -> Option<Answer> {
    match shutdown {
        Shutdown::ToAsk => asker.ask(Ask::Shutdown).await,
        Shutdown::NotAsked | Shutdown::Asked => std::future::pending().await,
    }
}

/// Returns when the caption is another one; never again when its sender is gone.
pub async fn caption_changed(caption: &mut Option<watch::Receiver<Option<Caption>>>) {
    if let Some(receiver) = caption
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
