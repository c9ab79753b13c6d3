-- Schema 8: leave to try a unit once more that failed as often as it may.

CREATE TABLE retest_leave (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    unit   TEXT NOT NULL,
    who    TEXT NOT NULL,
    at_ms  INTEGER NOT NULL,
    -- the job that used it up
    job    INTEGER REFERENCES job (number)
) STRICT;

CREATE INDEX retest_leave_unused ON retest_leave (unit, number) WHERE job IS NULL;
