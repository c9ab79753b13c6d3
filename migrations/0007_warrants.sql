-- Schema 7: who allowed what changed the line, and why; how often a supervisor's PIN was typed wrong.

CREATE TABLE warrant (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    warrant  TEXT NOT NULL UNIQUE,
    station  TEXT NOT NULL,
    who      TEXT NOT NULL,
    how      TEXT NOT NULL CHECK (how IN ('pin', 'login')),
    terminal TEXT NOT NULL,
    what     TEXT NOT NULL,
    subject  TEXT,
    why      TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    refused  TEXT
) STRICT;

CREATE INDEX warrant_at ON warrant (station, at_ms);

-- Supervisors whose last PIN was a wrong one.
CREATE TABLE wrong_pin (
    station         TEXT NOT NULL,
    who             TEXT NOT NULL,
    in_a_row        INTEGER NOT NULL CHECK (in_a_row >= 0),
    locks           INTEGER NOT NULL CHECK (locks >= 0),
    locked_until_ms INTEGER,

    PRIMARY KEY (station, who)
) STRICT;
