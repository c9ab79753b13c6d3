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
