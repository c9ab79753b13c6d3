//! Notices out of snapshots: each once and in order, and how many were missed. A snapshot carries
//! only the newest ones, so who is slow misses some.

use std::sync::Arc;

use crate::event::Notice;

/// One thing to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Missed(u64),
    Notice(Arc<Notice>),
}

/// Follows the numbers of notices.
#[derive(Debug)]
pub struct Feed {
    /// The number of the last one that was given out; `None`: the first one may have any number.
    last: Option<u64>,
}

impl Feed {
    /// For who was there from the station's start on.
    pub fn from_the_start() -> Feed {
        Feed { last: Some(0) }
    }

    /// For who comes later: what was before is not missed.
    pub fn from_the_first_told() -> Feed {
        Feed { last: None }
    }

    /// What is new in these notices.
    pub fn news(&mut self, notices: &[Arc<Notice>]) -> Vec<Item> {
        let mut items = Vec::new();
        for notice in notices {
            let before = notice.number.saturating_sub(1);
            let missed = match self.last {
                Some(last) if last > before => continue,
                Some(last) => before - last,
                None => 0,
            };
            if missed > 0 {
                items.push(Item::Missed(missed));
            }
            items.push(Item::Notice(Arc::clone(notice)));
            self.last = Some(notice.number);
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::fixture;

    fn check(mut feed: Feed, steps: &[(&[u64], &[&str])]) {
        for (numbers, expected) in steps {
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
            assert_eq!(told, *expected);
        }
    }

    #[test]
    fn each_notice_comes_once_and_gaps_are_told() {
        check(
            Feed::from_the_start(),
            &[
                (&[1, 2], &["1", "2"]),
                (&[1, 2, 3], &["3"]),
                (&[3], &[]),
                (&[7, 8], &["missed 3", "7", "8"]),
            ],
        );
        check(Feed::from_the_start(), &[(&[4], &["missed 3", "4"])]);
        check(
            Feed::from_the_first_told(),
            &[(&[4], &["4"]), (&[4, 6], &["missed 1", "6"])],
        );
    }
}
