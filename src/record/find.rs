//! The newest jobs that fit a filter. Those of a slot or a lot are found by an index; of these (of the
//! whole record, where the filter has neither) the newest 100,000 are looked at for the rest of the filter,
//! so that what fits nothing is soon answered in a record of many years too. A text that is a whole MAC,
//! serial number or job id is found by an index as well, however old its jobs are.

use rusqlite::types::ToSql;
use rusqlite::{Connection, Row};

use super::{JobFilter, JobRow, row};
use crate::chip::Mac;
use crate::event::{Code, LotName, Outcome, SlotId};

/// Jobs that are looked at one by one.
const LOOKED_AT: u32 = 100_000;

/// Newest first.
pub fn newest(connection: &Connection, filter: &JobFilter) -> rusqlite::Result<Vec<JobRow>> {
    Search::new(filter, LOOKED_AT).jobs(connection)
}

/// A filter's values as SQL has them.
struct Search<'a> {
    most: u32,
    looked_at: u32,
    slot: Option<&'a str>,
    lot: Option<&'a str>,
    outcome: Option<&'static str>,
    code: Option<&'static str>,
    text: Option<Text>,
}

/// What someone typed.
struct Text {
    whole: String,
    part: String,
    mac: Option<String>,
}

impl Text {
    fn new(typed: &str) -> Option<Text> {
        let whole = typed.trim();
        (!whole.is_empty()).then(|| Text {
            whole: whole.to_owned(),
            part: whole.to_ascii_lowercase(),
            mac: Mac::parse(whole).map(|mac| mac.to_string()),
        })
    }
}

impl<'a> Search<'a> {
    fn new(filter: &'a JobFilter, looked_at: u32) -> Search<'a> {
        Search {
            most: filter.newest.min(JobFilter::MOST),
            looked_at,
            slot: filter.slot.as_ref().map(SlotId::as_str),
            lot: filter.lot.as_ref().map(LotName::as_str),
            outcome: filter.outcome.map(Outcome::name),
            code: filter.code.map(Code::word),
            text: filter.text.as_deref().and_then(Text::new),
        }
    }

    fn jobs(&self, connection: &Connection) -> rusqlite::Result<Vec<JobRow>> {
        let mut jobs = self.looked_through(connection)?;
        if let Some(text) = &self.text {
            for job in self.by_name(connection, text)? {
                if jobs.iter().all(|(number, _)| *number != job.0) {
                    jobs.push(job);
                }
            }
            jobs.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
            jobs.truncate(self.most as usize);
        }
        Ok(jobs.into_iter().map(|(_, job)| job).collect())
    }

    fn looked_through(&self, connection: &Connection) -> rusqlite::Result<Vec<(i64, JobRow)>> {
        let mut values: Vec<(&str, &dyn ToSql)> = Vec::new();
        let indexed = self.indexed(&mut values);
        let mut rest = self.rest(&mut values);
        if let Some(text) = &self.text {
            // without the colons as well: that is how many labels have it
            rest.push(
                "(instr(job.mac, :part) OR instr(replace(job.mac, ':', ''), :part)
                  OR instr(lower(job.serial), :part) OR instr(job.job, :part))",
            );
            values.push((":part", &text.part));
        }
        values.extend([
            (":looked_at", &self.looked_at as &dyn ToSql),
            (":most", &self.most),
        ]);
        let sql = format!(
            "SELECT job.* FROM (SELECT number FROM job {} ORDER BY number DESC LIMIT :looked_at) AS looked
             CROSS JOIN job ON job.number = looked.number {}
             ORDER BY looked.number DESC LIMIT :most",
            all_of(&indexed),
            all_of(&rest)
        );
        rows(connection, &sql, &values)
    }

    fn by_name(
        &self,
        connection: &Connection,
        text: &Text,
    ) -> rusqlite::Result<Vec<(i64, JobRow)>> {
        let mut values: Vec<(&str, &dyn ToSql)> = Vec::new();
        let mut all = vec!["(job.mac = :mac OR job.serial = :whole OR job.job = :part)"];
        values.extend([
            (":mac", &text.mac as &dyn ToSql),
            (":whole", &text.whole),
            (":part", &text.part),
            (":most", &self.most),
        ]);
        // with the plus the names' own indexes are taken, not that of the slot or of the lot
        let others = self.indexed(&mut values).into_iter();
        let others: Vec<String> = others.map(|term| format!("+{term}")).collect();
        all.extend(others.iter().map(String::as_str));
        all.extend(self.rest(&mut values));
        let sql = format!(
            "SELECT * FROM job {} ORDER BY number DESC LIMIT :most",
            all_of(&all)
        );
        rows(connection, &sql, &values)
    }

    fn indexed<'s>(&'s self, values: &mut Vec<(&'static str, &'s dyn ToSql)>) -> Vec<&'static str> {
        let mut terms = Vec::new();
        if let Some(lot) = &self.lot {
            terms.push("job.lot = :lot");
            values.push((":lot", lot));
        }
        if let Some(slot) = &self.slot {
            terms.push("job.slot = :slot");
            values.push((":slot", slot));
        }
        terms
    }

    fn rest<'s>(&'s self, values: &mut Vec<(&'static str, &'s dyn ToSql)>) -> Vec<&'static str> {
        let mut terms = Vec::new();
        if let Some(outcome) = &self.outcome {
            terms.push("job.outcome = :outcome");
            values.push((":outcome", outcome));
        }
        if let Some(code) = &self.code {
            terms.push("job.code = :code");
            values.push((":code", code));
        }
        terms
    }
}

fn all_of(terms: &[&str]) -> String {
    if terms.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", terms.join(" AND "))
    }
}

fn rows(
    connection: &Connection,
    sql: &str,
    values: &[(&str, &dyn ToSql)],
) -> rusqlite::Result<Vec<(i64, JobRow)>> {
    let numbered = |row: &Row<'_>| Ok((row.get("number")?, row::job_row(row)?));
    let mut statement = connection.prepare(sql)?;
    statement.query_map(values, numbered)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{JobId, Serial};
    use crate::record::NewJob;
    use crate::record::change::Change;
    use crate::record::testbench::{Bench, at, board, new_job, verdict};

    /// One job after the other; the last one runs.
    fn history() -> (Bench, Vec<JobId>) {
        let mut bench = Bench::new();
        let mut jobs = Vec::new();
        let arrivals = [
            ("3", Some(Code::NoReply), 0xA1, None),
            ("3", None, 0xA1, Some("Li-17")),
            ("7", Some(Code::VerifyMismatch), 0xB2, None),
            ("7", None, 0xB2, None),
        ];
        for (hour, (slot, code, last, serial)) in (8..).zip(arrivals) {
            let started = at(&format!("{hour:02}:00:00"));
            let new = NewJob {
                serial: serial.and_then(Serial::parse),
                ..new_job(slot, started)
            };
            let job = new.job;
            bench.change(Change::Open(new)).unwrap();
            let verdict = verdict(code, Some(board(last)));
            let ended = started;
            bench
                .change(Change::Close {
                    job,
                    verdict,
                    ended,
                })
                .unwrap();
            jobs.push(job);
        }
        let running = new_job("7", at("12:00:00"));
        jobs.push(running.job);
        bench.change(Change::Open(running)).unwrap();
        (bench, jobs)
    }

    fn filter() -> JobFilter {
        JobFilter::default()
    }

    #[test]
    fn each_part_of_a_filter_alone_and_with_others() {
        let (bench, jobs) = history();
        let connection = Connection::open(&bench.path).unwrap();
        let check = |filter: JobFilter, expected: &[usize]| {
            let rows = newest(&connection, &filter).unwrap();
            let found: Vec<_> = rows.iter().map(|row| row.job).collect();
            let expected: Vec<_> = expected.iter().map(|index| jobs[*index]).collect();
            assert_eq!(found, expected, "{filter:?}");
        };
        let text = |text: &str| JobFilter {
            text: Some(text.to_owned()),
            ..filter()
        };
        let slot = |slot: &str| JobFilter {
            slot: Some(SlotId::new(slot)),
            ..filter()
        };
        check(filter(), &[4, 3, 2, 1, 0]);
        check(
            JobFilter {
                newest: 2,
                ..filter()
            },
            &[4, 3],
        );
        check(slot("3"), &[1, 0]);
        let outcome = Some(Outcome::Fail);
        check(
            JobFilter {
                outcome,
                ..filter()
            },
            &[2, 0],
        );
        check(
            JobFilter {
                outcome,
                ..slot("7")
            },
            &[2],
        );
        let outcome = Some(Outcome::Skipped);
        check(
            JobFilter {
                outcome,
                ..slot("7")
            },
            &[],
        );
        let code = Some(Code::NoReply);
        check(JobFilter { code, ..filter() }, &[0]);
        let lot = LotName::parse("L-1");
        check(JobFilter { lot, ..filter() }, &[]);
        check(text("  "), &[4, 3, 2, 1, 0]);
        // parts of a MAC with a colon, or so long, are never part of a job's random id
        check(text("00:a1"), &[1, 0]);
        check(text("AC40000A1"), &[1, 0]);
        check(text("24:0A:C4:00:00:A1"), &[1, 0]);
        check(text("240ac40000b2"), &[3, 2]);
        check(text("li-1"), &[1]);
        check(text(&jobs[4].to_string()), &[4]);
        check(text(&jobs[4].to_string().to_uppercase()[20..]), &[4]);
        check(text("%"), &[]);
        check(text("' OR 1"), &[]);
        let both = JobFilter {
            outcome: Some(Outcome::Pass),
            ..text(":b2")
        };
        check(both, &[3]);
        check(
            JobFilter {
                newest: 1,
                ..text("24:0a")
            },
            &[3],
        );
    }

    /// The oldest is found by what has an index, and not by what is looked for job by job.
    #[test]
    fn only_the_newest_are_looked_at_one_by_one() {
        let (bench, jobs) = history();
        let connection = Connection::open(&bench.path).unwrap();
        let check = |filter: JobFilter, found: bool| {
            let rows = Search::new(&filter, 2).jobs(&connection).unwrap();
            let oldest = rows.iter().any(|row| row.job == jobs[0]);
            assert_eq!(oldest, found, "{filter:?}");
        };
        let code = Some(Code::NoReply);
        check(JobFilter { code, ..filter() }, false);
        let slot = Some(SlotId::new("3"));
        check(
            JobFilter {
                code,
                slot,
                ..filter()
            },
            true,
        );
        for (text, found) in [("00:a1", false), ("24:0a:c4:00:00:a1", true)] {
            let text = Some(text.to_owned());
            check(JobFilter { text, ..filter() }, found);
        }
    }

    #[test]
    fn a_slot_and_a_whole_mac_are_found_by_their_indexes() {
        let (bench, _) = history();
        let connection = Connection::open(&bench.path).unwrap();
        let plan = |condition: &str| -> String {
            let sql = format!(
                "EXPLAIN QUERY PLAN SELECT number FROM job WHERE {condition} ORDER BY number DESC"
            );
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>("detail"));
            rows.unwrap().map(Result::unwrap).collect()
        };
        let check =
            |condition, index| assert!(plan(condition).contains(index), "{}", plan(condition));
        check("slot = '3'", "job_slot");
        check("lot = 'L-1'", "job_lot");
        let named = plan("(mac = 'x' OR serial = 'y' OR job = 'z')");
        assert!(!named.contains("SCAN"), "{named}");
        for other in ["+slot = '3'", "+lot = 'L-1'"] {
            let named = plan(&format!(
                "(mac = 'x' OR serial = 'y' OR job = 'z') AND {other}"
            ));
            assert!(named.contains("MULTI-INDEX OR"), "{named}");
        }
    }
}
