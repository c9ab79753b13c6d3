//! Who allowed what changes the line, and why; and how often a supervisor's PIN was typed wrong. Leaves out
//! who may (`station/dispatcher/warrants`) and when a name is locked (`station/lockout`).

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::row;

/// What a supervisor allowed, as it goes on record before it takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    pub warrant: WarrantId,
    /// In whose name.
    pub who: Arc<str>,
    pub how: Proof,
    /// Who is logged in where it was asked.
    pub terminal: Arc<str>,
    /// The ask's word on the socket.
    pub what: &'static str,
    /// The slot, lot, unit or bundle that it is about; `None`: the line.
    pub subject: Option<String>,
    pub why: Arc<str>,
    pub at: Timestamp,
}

/// A warrant's identity: a UUID version 7.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WarrantId(uuid::Uuid);

impl WarrantId {
    /// A new one at the wall clock's time.
    pub fn now() -> WarrantId {
        WarrantId(uuid::Uuid::now_v7())
    }
}

impl fmt::Display for WarrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for WarrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How it was known who allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Pin,
    Login,
}

impl Proof {
    const fn name(self) -> &'static str {
        match self {
            Proof::Pin => "pin",
            Proof::Login => "login",
        }
    }
}

/// Someone's wrong PINs since the last right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongPins {
    pub who: Arc<str>,
    /// Since the last lock.
    pub in_a_row: u32,
    /// How often they locked the name.
    pub locks: u32,
    /// When the last lock ends.
    pub locked_until: Option<Timestamp>,
}

/// Something to keep of warrants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarrantChange {
    /// By PIN: that person's wrong ones are forgotten.
    Allowed(Allowed),
    /// What was allowed was not done after all: the refusal's word.
    Refused {
        warrant: WarrantId,
        word: String,
    },
    WrongPin(WrongPins),
}

/// Writes a change down.
pub(super) fn change(
    connection: &Connection,
    station: &str,
    change: &WarrantChange,
) -> rusqlite::Result<()> {
    match change {
        WarrantChange::Allowed(allowed) => {
            if allowed.how == Proof::Pin {
                connection
                    .prepare_cached("DELETE FROM wrong_pin WHERE station = ?1 AND who = ?2")?
                    .execute([station, &allowed.who])?;
            }
            connection
                .prepare_cached(
                    "INSERT INTO warrant (warrant, station, who, how, terminal, what, subject, why, at_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    allowed.warrant.to_string(),
                    station,
                    allowed.who,
                    allowed.how.name(),
                    allowed.terminal,
                    allowed.what,
                    allowed.subject,
                    allowed.why,
                    allowed.at.as_millisecond(),
                ])?;
        }
        WarrantChange::Refused { warrant, word } => {
            connection
                .prepare_cached("UPDATE warrant SET refused = ?2 WHERE warrant = ?1")?
                .execute([&warrant.to_string(), word])?;
        }
        WarrantChange::WrongPin(wrong) => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO wrong_pin VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    station,
                    wrong.who,
                    wrong.in_a_row,
                    wrong.locks,
                    wrong.locked_until.map(Timestamp::as_millisecond),
                ])?;
        }
    }
    Ok(())
}

/// Of every supervisor of a station whose last PIN was a wrong one.
pub(super) fn wrong_pins(
    connection: &Connection,
    station: &str,
) -> rusqlite::Result<Vec<WrongPins>> {
    connection
        .prepare("SELECT * FROM wrong_pin WHERE station = ?1 ORDER BY who")?
        .query_map([station], |row| {
            Ok(WrongPins {
                who: row.get::<_, String>("who")?.into(),
                in_a_row: row.get("in_a_row")?,
                locks: row.get("locks")?,
                locked_until: match row.get::<_, Option<i64>>("locked_until_ms")? {
                    Some(_) => Some(row::time(row, "locked_until_ms")?),
                    None => None,
                },
            })
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::change::Change;
    use crate::record::testbench::{Bench, at};

    const STATION: &str = "bench 1";

    fn keep(bench: &mut Bench, change: WarrantChange) {
        let station = STATION.to_owned();
        bench.change(Change::Warrant { station, change }).unwrap();
    }

    fn allowed(who: &str, how: Proof) -> Allowed {
        Allowed {
            warrant: WarrantId::now(),
            who: who.into(),
            how,
            terminal: "line".into(),
            what: "free_slot",
            subject: Some("3".to_owned()),
            why: "new pins".into(),
            at: at("08:00:00"),
        }
    }

    fn wrong(who: &str, in_a_row: u32) -> WrongPins {
        WrongPins {
            who: who.into(),
            in_a_row,
            locks: 1,
            locked_until: Some(at("09:00:00")),
        }
    }

    #[test]
    fn wrong_pins_outlive_a_restart_until_a_right_one() {
        let mut bench = Bench::new();
        for change in [wrong("anna", 1), wrong("anna", 2), wrong("li", 4)] {
            keep(&mut bench, WarrantChange::WrongPin(change));
        }
        // a login says nothing of the PIN
        keep(
            &mut bench,
            WarrantChange::Allowed(allowed("li", Proof::Login)),
        );
        let (mut bench, _) = bench.reopen(at("08:30:00"));
        let known = bench.store.history(STATION).unwrap().wrong_pins;
        assert_eq!(known, [wrong("anna", 2), wrong("li", 4)]);
        assert_eq!(bench.store.history("bench 2").unwrap().wrong_pins, []);

        keep(
            &mut bench,
            WarrantChange::Allowed(allowed("anna", Proof::Pin)),
        );
        let known = bench.store.history(STATION).unwrap().wrong_pins;
        assert_eq!(known, [wrong("li", 4)]);
    }

    #[test]
    fn what_was_allowed_and_not_done_says_so() {
        let mut bench = Bench::new();
        let (one, two) = (allowed("anna", Proof::Pin), allowed("mei", Proof::Login));
        let warrant = one.warrant;
        for allowed in [one, two] {
            keep(&mut bench, WarrantChange::Allowed(allowed));
        }
        let word = "slot_runs".to_owned();
        keep(&mut bench, WarrantChange::Refused { warrant, word });
        let database = Connection::open(&bench.path).unwrap();
        let sql =
            "SELECT who || ' ' || how || ' ' || ifnull(refused, '-') FROM warrant ORDER BY number";
        let mut asked = database.prepare(sql).unwrap();
        let told = asked.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let told: Vec<String> = told.map(Result::unwrap).collect();
        assert_eq!(told, ["anna pin slot_runs", "mei login -"]);
    }
}
