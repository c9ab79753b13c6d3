//! How fast good units come: the rule, and the moments that it is reckoned from. For a lot and for the whole
//! line alike.
//!
//! Looked at is the last hour of work, backwards from the newest good unit: whoever looks in the break sees
//! the speed of before it. A pause longer than [`BREAK`] is no work, and its time does not count. Nor do the
//! units of the first go after it: the boards of many slots end together, and how long those were worked on
//! is not known.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

/// As much work is looked at.
const WINDOW: Duration = Duration::from_secs(3600);
/// Nobody worked where no good unit came for longer than this.
const BREAK: Duration = Duration::from_secs(20 * 60);
/// Fewer units tell no speed.
const LEAST_UNITS: u32 = 5;
/// Less work tells no speed: the boards of one go end together.
const LEAST_WORK: Duration = Duration::from_secs(5 * 60);

/// When units became good: as many as the rule looks at.
#[derive(Debug, Default)]
pub struct Speed {
    /// Oldest first.
    good: VecDeque<Timestamp>,
}

impl Speed {
    /// A unit became good.
    pub fn add(&mut self, at: Timestamp) {
        let later = self.good.iter().rev().take_while(|known| **known > at);
        let index = self.good.len() - later.count();
        self.good.insert(index, at);
        // now and then is enough, and costs the less
        if self.good.len().is_multiple_of(1024) {
            let needed = Window::of(&self.good).looked_at;
            self.good.drain(..self.good.len() - needed);
        }
    }

    /// Good units per hour of work; `None` where too few tell.
    pub fn per_hour(&self) -> Option<f64> {
        per_hour(&self.good)
    }
}

/// Good units per hour of work, by the moments at which they became good, oldest first; `None` where too
/// few tell.
fn per_hour(good: &VecDeque<Timestamp>) -> Option<f64> {
    let Window { units, work, .. } = Window::of(good);
    let tells = units >= LEAST_UNITS && work >= LEAST_WORK;
    tells.then(|| f64::from(units) * 3600.0 / work.as_secs_f64())
}

/// The last hour of work.
struct Window {
    /// Units whose time of work is known: that since the unit before.
    units: u32,
    work: Duration,
    /// How many of the moments were needed to tell.
    looked_at: usize,
}

impl Window {
    fn of(good: &VecDeque<Timestamp>) -> Window {
        let mut window = Window {
            units: 0,
            work: Duration::ZERO,
            looked_at: good.len().min(1),
        };
        // of the work since the last break: the longest gap, and what its oldest units add that came closer
        // together than half of that
        let (mut longest, mut first_go) = (Duration::ZERO, (0, Duration::ZERO));
        let newest_first = good.iter().rev();
        for (later, earlier) in newest_first.clone().zip(newest_first.skip(1)) {
            if window.work >= WINDOW {
                return window;
            }
            window.looked_at += 1;
            // in order, so never negative
            let gap = Duration::try_from(later.duration_since(*earlier)).unwrap_or_default();
            if gap > BREAK {
                window.leave_out(first_go);
                (longest, first_go) = (Duration::ZERO, (0, Duration::ZERO));
                continue;
            }
            window.units += 1;
            window.work += gap;
            longest = longest.max(gap);
            first_go = if gap * 2 < longest {
                (first_go.0 + 1, first_go.1 + gap)
            } else {
                (0, Duration::ZERO)
            };
        }
        window.leave_out(first_go);
        window
    }

    fn leave_out(&mut self, (units, work): (u32, Duration)) {
        self.units -= units;
        self.work -= work;
    }
}

/// Until so many more are good at that speed.
pub fn to_go(units: u64, per_hour: Option<f64>) -> Option<Duration> {
    let seconds = units as f64 * 3600.0 / per_hour?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A first good unit, and each next one so many seconds later.
    fn speed(gaps: impl IntoIterator<Item = i64>) -> Speed {
        let mut speed = Speed::default();
        let mut at = 0;
        for gap in std::iter::once(0).chain(gaps) {
            at += gap;
            speed.add(Timestamp::from_second(at).unwrap());
        }
        speed
    }

    #[track_caller]
    fn check(gaps: impl IntoIterator<Item = i64>, expected: Option<f64>) {
        assert_eq!(speed(gaps).per_hour(), expected);
    }

    #[test]
    fn the_last_hour_of_work_tells() {
        // one a minute, however long
        check([60; 10], Some(60.0));
        check([60; 500], Some(60.0));
        // only the last hour: it was twice as fast before
        check([30; 200].into_iter().chain([60; 60]), Some(60.0));
        // eight at once, every four minutes
        let go = [240, 0, 0, 0, 0, 0, 0, 0];
        check(go.into_iter().cycle().take(160), Some(120.0));
        // a shift's first goes, and those after a break: eight boards end together
        let go = [0, 0, 0, 0, 0, 0, 0, 240];
        check(go.into_iter().cycle().take(31), Some(120.0));
        let after_lunch = [2400, 0, 0, 0, 0, 0, 0, 0];
        let lunch = go.into_iter().cycle().take(23).chain(after_lunch);
        check(lunch.chain([240, 0, 0, 0, 0, 0, 0, 0]), Some(120.0));
        // lunch, and a night, are no work
        check(
            [60; 10].into_iter().chain([2400]).chain([60; 5]),
            Some(60.0),
        );
        check([60; 10].into_iter().chain([40_000]), Some(60.0));
    }

    #[test]
    fn too_few_tell_nothing() {
        check([], None);
        check([300; 4], None);
        // all of one go
        check([0; 63], None);
        check([10; 20], None);
        // each after a break
        check([3600; 20], None);
    }

    #[test]
    fn what_is_long_over_is_forgotten_and_order_does_not_matter() {
        let long = speed([10; 5000]);
        assert!(long.good.len() < 2048, "{}", long.good.len());
        assert_eq!(long.per_hour(), Some(360.0));
        let mut mixed = Speed::default();
        for second in [600, 0, 480, 240, 120, 360] {
            mixed.add(Timestamp::from_second(second).unwrap());
        }
        assert_eq!(mixed.per_hour(), Some(30.0));
    }

    #[test]
    fn how_long_it_takes_to_the_target() {
        assert_eq!(to_go(30, Some(60.0)), Some(Duration::from_secs(1800)));
        assert_eq!(to_go(0, Some(60.0)), Some(Duration::ZERO));
        assert_eq!(to_go(30, None), None);
        assert_eq!(to_go(30, Some(0.0)), None);
    }
}
