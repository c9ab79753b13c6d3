//! When a dashboard rings its terminal: once for each new notice that calls for someone, and never for what
//! happened before it looked, or was told again after its daemon was lost.

use std::sync::Arc;

use crate::event::Notice;
use crate::settings::Alarm;

/// Listens to notices.
#[derive(Debug)]
pub struct Bell {
    on: Vec<Alarm>,
    /// What is newer is new. Not by number: those begin anew with each run of the station.
    newest: jiff::Timestamp,
}

/// What goes to the terminal beside a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    Silent,
    Once,
}

impl Bell {
    /// For these, from now on.
    pub fn new(on: Vec<Alarm>, now: jiff::Timestamp) -> Bell {
        Bell { on, newest: now }
    }

    /// Takes a snapshot's notices, oldest first. Several at once ring once.
    pub fn hear(&mut self, notices: &[Arc<Notice>]) -> Ring {
        let before = self.newest;
        let mut ring = Ring::Silent;
        for notice in notices.iter().rev().take_while(|notice| notice.at > before) {
            self.newest = self.newest.max(notice.at);
            if Alarm::of(&notice.what).is_some_and(|alarm| self.on.contains(&alarm)) {
                ring = Ring::Once;
            }
        }
        ring
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::event::{Code, Happening};

    #[test]
    fn each_new_notice_rings_once() {
        let removed = |number| fixture::removed(number);
        let out = |number| {
            let code = Code::NoSync;
            fixture::notice(
                number,
                Some("1"),
                Happening::SlotQuarantined { boards: 3, code },
            )
        };
        let begun = fixture::ago(30);
        let mut bell = Bell::new(vec![Alarm::Stop], begun);
        // notice n is 60 - n seconds old: the first two are from before
        let mut check = |notices: &[Arc<Notice>], expected| {
            assert_eq!(bell.hear(notices), expected, "{notices:?}");
        };
        let old = [out(10), out(30)];
        check(&old, Ring::Silent);
        let [one, two] = [out(31), removed(32)];
        let told = [out(30), one.clone(), two.clone()];
        check(&told, Ring::Once);
        check(&told, Ring::Silent);
        check(&[removed(33)], Ring::Silent);
        // told again by a daemon that came back
        check(&told, Ring::Silent);
        check(&[out(34), out(35)], Ring::Once);
        let mut deaf = Bell::new(vec![Alarm::Fail], begun);
        assert_eq!(deaf.hear(&told), Ring::Silent);
    }
}
