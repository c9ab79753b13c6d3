//! Notices out of snapshots: each once and in order, and how many were missed. A snapshot carries
//! only the newest ones, so who is slow misses some.

use std::sync::Arc;

use tokio::sync::watch;

use crate::event::Notice;
use crate::station::Snapshot;

/// One thing that a face of lines has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Missed(u64),
    Notice(Arc<Notice>),
}

/// Follows the numbers of notices.
#[derive(Debug, Default)]
pub struct Feed {
    /// The number of the last one that was given out; 0 before the first.
    last: u64,
}

impl Feed {
    /// What is new in these notices.
    pub fn news(&mut self, notices: &[Arc<Notice>]) -> Vec<Item> {
        let mut items = Vec::new();
        for notice in notices {
            if notice.number <= self.last {
                continue;
            }
            let missed = notice.number - self.last - 1;
            if missed > 0 {
                items.push(Item::Missed(missed));
            }
            items.push(Item::Notice(Arc::clone(notice)));
            self.last = notice.number;
        }
        items
    }
}

/// Hands every item to `say`, until the station has ended; returns its last snapshot.
pub async fn follow<E>(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut say: impl AsyncFnMut(Vec<Item>) -> Result<(), E>,
) -> Result<Arc<Snapshot>, E> {
    let mut feed = Feed::default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::fixture;

    #[test]
    fn each_notice_comes_once_and_gaps_are_told() {
        let mut feed = Feed::default();
        let mut check = |numbers: &[u64], expected: &[&str]| {
            let notices: Vec<_> = numbers
                .iter()
                .map(|number| fixture::removed(*number))
                .collect();
            let told: Vec<String> = feed
                .news(&notices)
                .into_iter()
                .map(|item| match item {
                    Item::Missed(notices) => format!("missed {notices}"),
                    Item::Notice(notice) => notice.number.to_string(),
                })
                .collect();
            assert_eq!(told, expected);
        };
        check(&[1, 2], &["1", "2"]);
        check(&[1, 2, 3], &["3"]);
        check(&[3], &[]);
        check(&[7, 8], &["missed 3", "7", "8"]);
    }
}
