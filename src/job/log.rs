//! The log of one job, for whoever reads its record a year later: a line for everything that happened,
//! with the seconds since its start. Bounded; written for events, never for blocks. Leaves out what the
//! board's console said (`boot`) and what flashline's own diagnostic log is for.

use std::fmt;
use std::time::Duration;

use super::excerpt::Excerpt;

#[derive(Debug, Default)]
pub(super) struct JobLog {
    lines: Excerpt,
}

impl JobLog {
    /// Notes what happened this long after the job's start.
    pub(super) fn note(&mut self, at: Duration, what: fmt::Arguments<'_>) {
        let line = format!("{:>8.3} {what}", at.as_secs_f64());
        // a line is one happening, whatever a driver put into its message
        self.lines.push(&line.replace(['\n', '\r'], " "), 0);
    }

    pub(super) fn into_text(self) -> String {
        self.lines.into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_happening_with_its_time() {
        let mut log = JobLog::default();
        log.note(
            Duration::from_micros(1_234_567),
            format_args!("connect begins"),
        );
        log.note(Duration::from_secs(3600), format_args!("two\nlines"));
        assert_eq!(
            log.into_text(),
            "   1.235 connect begins\n3600.000 two lines\n"
        );
    }

    #[test]
    fn a_job_without_end_keeps_a_bounded_log() {
        let mut log = JobLog::default();
        for number in 0..100_000 {
            log.note(Duration::from_secs(number), format_args!("try {number}"));
        }
        let text = log.into_text();
        assert!(text.len() < (64 << 10) + 40, "{}", text.len());
        assert!(text.starts_with("   0.000 try 0\n") && text.ends_with(" try 99999\n"));
        assert!(text.contains(" lines left out]\n"));
    }
}
