//! `--since`: a date, a time, `today`, or a span back from now.

use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp, Zoned};

/// Why a period was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinceError {
    #[error(
        "'{0}' is no date, time or span: write today, 2026-11-02, 2026-11-02T14:30, \
         2026-11-02T14:30+08:00, 8h or 2d"
    )]
    NotUnderstood(String),
    #[error("'{0}' lies in the future")]
    Future(String),
}

/// The moment that the words mean at `now`. Dates and times without an offset are those of its zone;
/// a day in a span is a calendar day.
pub fn since(words: &str, now: &Zoned) -> Result<Timestamp, SinceError> {
    let words = words.trim();
    let start = moment(words, now).ok_or_else(|| SinceError::NotUnderstood(words.to_owned()))?;
    if start > now.timestamp() {
        return Err(SinceError::Future(words.to_owned()));
    }
    Ok(start)
}

fn moment(words: &str, now: &Zoned) -> Option<Timestamp> {
    let local = |time: DateTime| Some(time.to_zoned(now.time_zone().clone()).ok()?.timestamp());
    if words == "today" {
        return Some(now.start_of_day().ok()?.timestamp());
    }
    if let Ok(timestamp) = words.parse::<Timestamp>() {
        return Some(timestamp);
    }
    // jiff reads a date out of a longer text: the longer form first
    if let Ok(time) = words.parse::<DateTime>() {
        return local(time);
    }
    if let Ok(date) = words.parse::<Date>() {
        return local(date.to_datetime(jiff::civil::Time::midnight()));
    }
    let back: Span = words.parse().ok()?;
    Some(now.checked_sub(back.abs()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: &str) {
        // the clocks go back at 3:00 on 2026-10-25
        let now: Zoned = "2026-10-26T10:00[Europe/Berlin]".parse().unwrap();
        let told = match since(words, &now) {
            Ok(start) => start.to_zoned(now.time_zone().clone()).to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{words}");
    }

    #[test]
    fn what_people_write() {
        check("today", "2026-10-26T00:00:00+01:00[Europe/Berlin]");
        check("2026-10-24", "2026-10-24T00:00:00+02:00[Europe/Berlin]");
        check(
            "2026-10-24T14:30",
            "2026-10-24T14:30:00+02:00[Europe/Berlin]",
        );
        check(
            "2026-10-24 14:30",
            "2026-10-24T14:30:00+02:00[Europe/Berlin]",
        );
        check(
            "2026-10-24T14:30+08:00",
            "2026-10-24T08:30:00+02:00[Europe/Berlin]",
        );
        check(
            "2026-10-24T14:30Z",
            "2026-10-24T16:30:00+02:00[Europe/Berlin]",
        );
        check("8h", "2026-10-26T02:00:00+01:00[Europe/Berlin]");
        check("90m", "2026-10-26T08:30:00+01:00[Europe/Berlin]");
        check("1h 30m", "2026-10-26T08:30:00+01:00[Europe/Berlin]");
        check("1d", "2026-10-25T10:00:00+01:00[Europe/Berlin]");
        check("2d", "2026-10-24T10:00:00+02:00[Europe/Berlin]");
        check("1 week", "2026-10-19T10:00:00+02:00[Europe/Berlin]");
        check("2 days ago", "2026-10-24T10:00:00+02:00[Europe/Berlin]");
    }

    #[test]
    fn what_is_not_meant() {
        check(
            "tomorrow",
            &SinceError::NotUnderstood("tomorrow".into()).to_string(),
        );
        check("", &SinceError::NotUnderstood(String::new()).to_string());
        check("8", &SinceError::NotUnderstood("8".into()).to_string());
        check(
            "2026-13-01",
            &SinceError::NotUnderstood("2026-13-01".into()).to_string(),
        );
        check("2027-01-01", "'2027-01-01' lies in the future");
    }
}
