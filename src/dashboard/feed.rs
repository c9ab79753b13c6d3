//! Follows a station and hands on its notices.

use std::sync::Arc;

use tokio::sync::watch;

use crate::socket::{Feed, Item};
use crate::station::Snapshot;

/// Hands every item to `say`, until the station has ended; returns its last snapshot.
pub async fn follow<E>(
    mut feed: Feed,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut say: impl AsyncFnMut(Vec<Item>) -> Result<(), E>,
) -> Result<Arc<Snapshot>, E> {
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        say(feed.news(&snapshot.notices)).await?;
        if snapshots.changed().await.is_err() {
            // the station is gone: what it published last has been said, or is this one
            let last = Arc::clone(&snapshots.borrow());
            say(feed.news(&last.notices)).await?;
            return Ok(last);
        }
    }
}
