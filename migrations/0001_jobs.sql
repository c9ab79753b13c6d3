-- Schema 1. docs/database.md has a sentence for every column.
-- Times are integers, milliseconds since 1970-01-01 UTC; durations within a job are microseconds.

PRAGMA application_id = 0x464C4C4E; -- 'FLLN'

-- A manifest's text, once per bundle: any job can be explained years later.
CREATE TABLE bundle (
    digest        TEXT PRIMARY KEY CHECK (length(digest) = 64),
    manifest_text TEXT NOT NULL,
    first_used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    job               TEXT NOT NULL UNIQUE,
    flashline_version TEXT NOT NULL,
    station           TEXT NOT NULL,
    slot              TEXT NOT NULL,
    place             TEXT NOT NULL,
    product           TEXT NOT NULL,
    version           TEXT NOT NULL,
    bundle_digest     TEXT NOT NULL REFERENCES bundle (digest),
    started_ms        INTEGER NOT NULL,

    -- the board: all NULL until it is identified
    mac               TEXT,
    mac_crc_holds     INTEGER,
    chip              TEXT,
    revision          INTEGER,
    crystal_mhz       INTEGER,
    flash_id          TEXT,
    flash_bytes       INTEGER,
    flash_encryption  INTEGER,
    secure_boot       INTEGER,
    download_locked   INTEGER,

    -- the verdict: NULL or 0 until the job is closed
    ended_ms          INTEGER,
    outcome           TEXT CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'ABORTED')),
    code              TEXT,
    detail            TEXT NOT NULL DEFAULT '',
    attempts          INTEGER NOT NULL DEFAULT 0,
    block_retries     INTEGER NOT NULL DEFAULT 0,
    rate_retries      INTEGER NOT NULL DEFAULT 0,
    connection_retries INTEGER NOT NULL DEFAULT 0,
    baud              INTEGER NOT NULL DEFAULT 0,
    bytes_written     INTEGER NOT NULL DEFAULT 0,
    flash_touched     INTEGER NOT NULL DEFAULT 0 CHECK (flash_touched IN (0, 1)),

    CHECK ((ended_ms IS NULL) = (outcome IS NULL)),
    CHECK ((outcome = 'PASS') = (code IS NULL)),
    CHECK ((mac IS NULL) = (chip IS NULL))
) STRICT;

CREATE INDEX job_started ON job (started_ms);
CREATE INDEX job_mac ON job (mac, number) WHERE mac IS NOT NULL;
CREATE INDEX job_unclosed ON job (number) WHERE ended_ms IS NULL;

CREATE TABLE step (
    job      INTEGER NOT NULL REFERENCES job (number),
    ordinal  INTEGER NOT NULL,
    step     TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    began_us INTEGER NOT NULL,
    took_us  INTEGER NOT NULL,
    code     TEXT,
    PRIMARY KEY (job, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE region (
    job            INTEGER NOT NULL REFERENCES job (number),
    ordinal        INTEGER NOT NULL,
    name           TEXT NOT NULL,
    flash_offset   INTEGER NOT NULL,
    size_bytes     INTEGER NOT NULL,
    file_sha256    TEXT NOT NULL,
    written_sha256 TEXT NOT NULL,
    found_md5      TEXT,
    PRIMARY KEY (job, ordinal)
) STRICT, WITHOUT ROWID;

-- Boards that were left half-worked: kept up to date in the commit that closes a job.
CREATE TABLE open_unit (
    mac TEXT PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES job (number)
) STRICT, WITHOUT ROWID;

CREATE TABLE write_off (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    mac    TEXT NOT NULL,
    job    INTEGER NOT NULL REFERENCES job (number),
    who    TEXT NOT NULL,
    why    TEXT NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;

-- One row, written to find out whether a job could be recorded now.
CREATE TABLE write_check (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms INTEGER NOT NULL
) STRICT;
