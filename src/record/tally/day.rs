//! A day's figures as charts want them, of the same units as every other figure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Tally;
use crate::event::SlotId;
use crate::record::{Day, Hour, SlotDay};

impl Tally {
    /// By the hours of a zone's clocks, from the first hour with a unit to the last: the tally must be of
    /// about a day.
    pub fn day(&self, zone: &TimeZone) -> Day {
        Day {
            hours: self.hours(zone),
            failures: self.failures(),
            slots: self.slots(),
        }
    }

    fn hours(&self, zone: &TimeZone) -> Vec<Hour> {
        let began = self.units.values().map(|unit| unit.first_started);
        let (Some(first), Some(last)) = (began.clone().min(), began.max()) else {
            return Vec::new();
        };
        let mut hours = Vec::new();
        let mut from = full_hour_before(first, zone);
        while from <= last {
            hours.push(Hour {
                from,
                units: 0,
                first_pass: 0,
                passed: 0,
            });
            from = full_hour_after(from, zone);
        }
        for unit in self.units.values() {
            let index = hours.partition_point(|hour| hour.from <= unit.first_started);
            // none began before the first hour
            if let Some(hour) = index.checked_sub(1).and_then(|index| hours.get_mut(index)) {
                hour.units += 1;
                hour.first_pass += u64::from(unit.first_pass);
                hour.passed += u64::from(unit.is_good());
            }
        }
        hours
    }

    /// By name.
    fn slots(&self) -> Vec<SlotDay> {
        let mut slots: BTreeMap<&SlotId, SlotDay> = BTreeMap::new();
        for unit in self.units.values() {
            let day = day_of(&mut slots, &unit.first_slot);
            day.units += 1;
            day.first_pass += u64::from(unit.first_pass);
        }
        for (slot, jobs) in &self.no_contact {
            day_of(&mut slots, slot).no_contact += jobs;
        }
        slots.into_values().collect()
    }
}

fn day_of<'a, 'b>(
    slots: &'a mut BTreeMap<&'b SlotId, SlotDay>,
    slot: &'b SlotId,
) -> &'a mut SlotDay {
    slots.entry(slot).or_insert_with(|| SlotDay {
        slot: slot.clone(),
        units: 0,
        first_pass: 0,
        no_contact: 0,
    })
}

/// When the hour on the clock began. Where clocks are changed by part of an hour, it may have begun at
/// the change.
fn full_hour_before(at: Timestamp, zone: &TimeZone) -> Timestamp {
    let clock = at.to_zoned(zone.clone());
    let since = i64::from(clock.minute()) * 60 + i64::from(clock.second());
    Timestamp::from_second(at.as_second() - since).unwrap_or(at)
}

/// When the clock shows the next full hour, or is changed instead of showing it.
fn full_hour_after(from: Timestamp, zone: &TimeZone) -> Timestamp {
    let clock = from.to_zoned(zone.clone());
    let since = i64::from(clock.minute()) * 60 + i64::from(clock.second());
    Timestamp::from_second(from.as_second() + 3600 - since).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Mac;
    use crate::event::{Code, Outcome};
    use crate::record::tally::ClosedJob;

    /// A board's job: its start, slot, board (`None`: no contact) and code (`None`: PASS).
    type Arrival = (&'static str, &'static str, Option<u8>, Option<Code>);

    fn day(arrivals: &[Arrival], zone: &str) -> Day {
        let mut tally = Tally::default();
        for (number, &(started, slot, board, code)) in (1..).zip(arrivals) {
            let started = started.parse().unwrap();
            tally.add(&ClosedJob {
                number,
                slot: SlotId::new(slot),
                started,
                unit: board.map(|last| Mac([2, 0, 0, 0, 0, last]).into()),
                lot: None,
                golden: None,
                outcome: code.map_or(Outcome::Pass, Code::outcome),
                code,
                flash_touched: true,
                attempts: 1,
                took_ms: 9000,
                ended: started,
            });
        }
        tally.day(&TimeZone::get(zone).unwrap())
    }

    #[track_caller]
    fn check_hours(arrivals: &[Arrival], zone: &str, expected: &[(&str, u64)]) {
        let hours = day(arrivals, zone).hours.into_iter();
        let found: Vec<_> = hours
            .map(|hour| {
                let from = hour.from.to_zoned(TimeZone::get(zone).unwrap());
                (from.strftime("%H:%M%:z").to_string(), hour.units)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(at, units)| (at.to_string(), *units))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn hours_have_no_gap_and_are_the_clocks() {
        let at = |started| (started, "1", None, None);
        let board = |started, board| (started, "1", Some(board), None);
        check_hours(&[], "UTC", &[]);
        // nothing that counts
        check_hours(&[at("2026-11-02T08:00:00Z")], "UTC", &[]);
        check_hours(
            &[
                board("2026-11-02T08:00:00Z", 1),
                board("2026-11-02T08:59:59.999Z", 2),
                board("2026-11-02T11:00:00Z", 3),
            ],
            "UTC",
            &[
                ("08:00+00:00", 2),
                ("09:00+00:00", 0),
                ("10:00+00:00", 0),
                ("11:00+00:00", 1),
            ],
        );
        // half an hour off
        check_hours(
            &[board("2026-11-02T08:29:00Z", 1)],
            "Asia/Kolkata",
            &[("13:00+05:30", 1)],
        );
        // an hour that is there twice, and one that is not there
        check_hours(
            &[
                board("2026-10-25T00:30:00Z", 1),
                board("2026-10-25T01:30:00Z", 2),
            ],
            "Europe/Berlin",
            &[("02:00+02:00", 1), ("02:00+01:00", 1)],
        );
        check_hours(
            &[
                board("2026-03-29T00:30:00Z", 1),
                board("2026-03-29T01:30:00Z", 2),
            ],
            "Europe/Berlin",
            &[("01:00+01:00", 1), ("03:00+02:00", 1)],
        );
        // clocks that are set by half an hour
        check_hours(
            &[
                board("2026-04-04T14:10:00Z", 1),
                board("2026-04-04T15:40:00Z", 2),
            ],
            "Australia/Lord_Howe",
            &[("01:00+11:00", 1), ("01:30+10:30", 0), ("02:00+10:30", 1)],
        );
    }

    #[test]
    fn a_unit_counts_where_and_when_it_came_first() {
        let fail = Some(Code::VerifyMismatch);
        let told = day(
            &[
                ("2026-11-02T08:10:00Z", "1", Some(1), fail),
                ("2026-11-02T09:10:00Z", "2", Some(1), None),
                ("2026-11-02T09:20:00Z", "2", Some(2), None),
                ("2026-11-02T09:30:00Z", "10", None, Some(Code::NoSync)),
                ("2026-11-02T09:40:00Z", "2", None, Some(Code::NoSync)),
            ],
            "UTC",
        );
        let hours: Vec<_> = (told.hours.iter())
            .map(|hour| (hour.units, hour.first_pass, hour.passed))
            .collect();
        assert_eq!(hours, [(1, 0, 1), (1, 1, 1)]);
        let slots: Vec<_> = (told.slots.iter())
            .map(|day| (day.slot.as_str(), day.units, day.first_pass, day.no_contact))
            .collect();
        assert_eq!(slots, [("1", 1, 0, 0), ("10", 0, 0, 1), ("2", 1, 1, 1)]);
        assert_eq!(
            told.failures,
            [(Code::NoSync, 2), (Code::VerifyMismatch, 1)]
        );
    }
}
