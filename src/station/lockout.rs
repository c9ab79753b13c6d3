//! When too many wrong PINs in a row lock a name, and for how long. Leaves out whose they are and that
//! they are kept (`dispatcher/warrants`).

use std::time::{Duration, Instant};

use super::slot::Now;
use crate::record::WrongPins;

/// So many wrong ones in a row lock a name.
pub const WRONG_ONES: u32 = 5;
/// For so long, the first time; each further time twice as long.
pub const FIRST_LOCK: Duration = Duration::from_mins(5);
/// And never longer.
pub const LONGEST_LOCK: Duration = Duration::from_hours(1);

/// Someone's wrong PINs since the last right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Since the last lock.
    in_a_row: u32,
    locks: u32,
    until: Option<Instant>,
}

/// What a wrong PIN comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// So many more lock the name.
    Left(u32),
    /// It is locked for so long.
    Locked(Duration),
}

impl Lockout {
    /// As the record kept it. A clock that was set back makes no lock longer than it was meant to be.
    pub fn kept(wrong: &WrongPins, now: Now) -> Lockout {
        let lasts = wrong.locked_until.map(|until| {
            let left = until.duration_since(now.wall);
            let left = Duration::try_from(left).unwrap_or_default();
            left.min(lasting(wrong.locks))
        });
        Lockout {
            in_a_row: wrong.in_a_row,
            locks: wrong.locks,
            until: lasts.map(|left| now.steady + left),
        }
    }

    /// For the record.
    pub fn to_keep(self, who: &str, now: Now) -> WrongPins {
        WrongPins {
            who: who.into(),
            in_a_row: self.in_a_row,
            locks: self.locks,
            locked_until: self.left(now.steady).map(|left| now.wall + left),
        }
    }

    /// How much longer no PIN is taken.
    pub fn left(self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// One more wrong one.
    pub fn wrong(&mut self, now: Instant) -> Wrong {
        self.in_a_row += 1;
        if self.in_a_row < WRONG_ONES {
            return Wrong::Left(WRONG_ONES - self.in_a_row);
        }
        self.in_a_row = 0;
        self.locks = self.locks.saturating_add(1);
        let lasts = lasting(self.locks);
        self.until = Some(now + lasts);
        Wrong::Locked(lasts)
    }
}

/// How long the lock with this number, from 1, lasts.
fn lasting(lock: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(lock.saturating_sub(1));
    FIRST_LOCK.saturating_mul(doubled).min(LONGEST_LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        Now {
            steady: Instant::now(),
            wall: "2026-11-05T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn five_in_a_row_lock_and_each_lock_is_twice_as_long_up_to_an_hour() {
        let now = now().steady;
        let mut lockout = Lockout::default();
        for minutes in [5, 10, 20, 40, 60, 60] {
            for left in (1..WRONG_ONES).rev() {
                assert_eq!(lockout.wrong(now), Wrong::Left(left));
            }
            let lasts = Duration::from_secs(minutes * 60);
            assert_eq!(lockout.wrong(now), Wrong::Locked(lasts));
            assert_eq!(lockout.left(now), Some(lasts));
            let last = lasts - Duration::from_millis(1);
            assert_eq!(lockout.left(now + last), Some(Duration::from_millis(1)));
            assert_eq!(lockout.left(now + lasts), None);
        }
        let mut old = Lockout {
            locks: u32::MAX,
            ..Lockout::default()
        };
        for _ in 0..WRONG_ONES {
            old.wrong(now);
        }
        assert_eq!(old.left(now), Some(LONGEST_LOCK));
    }

    #[test]
    fn a_restart_changes_nothing_and_a_clock_that_was_set_back_little() {
        let now = now();
        let mut lockout = Lockout::default();
        for _ in 0..WRONG_ONES + 2 {
            lockout.wrong(now.steady);
        }
        let kept = lockout.to_keep("anna", now);
        assert_eq!((&*kept.who, kept.in_a_row, kept.locks), ("anna", 2, 1));
        assert_eq!(Lockout::kept(&kept, now), lockout);
        let check = |moved: i64, left: Option<u64>| {
            let wall = now.wall + jiff::SignedDuration::from_secs(moved);
            let again = Lockout::kept(&kept, Now { wall, ..now });
            assert_eq!(
                again.left(now.steady),
                left.map(Duration::from_secs),
                "{moved}"
            );
        };
        check(0, Some(300));
        check(299, Some(1));
        check(300, None);
        check(86_400, None);
        check(-86_400, Some(300));
    }
}
