-- Schema 6: lots, operators, golden boards, and the outcome SKIPPED. A CHECK cannot be altered: `job` is
-- built anew, as in schema 2.

CREATE TABLE lot (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    lot           TEXT NOT NULL UNIQUE,
    product       TEXT NOT NULL,
    version       TEXT NOT NULL,
    bundle_digest TEXT NOT NULL REFERENCES bundle (digest),
    customer_order TEXT,
    target        INTEGER NOT NULL CHECK (target > 0),
    state         TEXT NOT NULL CHECK (state IN ('approved', 'running', 'paused', 'ended')),
    first_article TEXT NOT NULL CHECK (first_article IN ('free', 'due', 'held', 'approved')),
    -- who paused it, and what that person may do
    paused_by     TEXT,
    paused_role   TEXT,
    entered_ms    INTEGER NOT NULL,

    CHECK ((state = 'paused') = (paused_by IS NOT NULL)),
    CHECK ((paused_by IS NULL) = (paused_role IS NULL))
) STRICT;

-- What was done with a lot, in order.
CREATE TABLE lot_event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    lot    TEXT NOT NULL REFERENCES lot (lot),
    what   TEXT NOT NULL CHECK (what IN ('approved', 'started', 'paused', 'ended', 'first_article_approved')),
    who    TEXT NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE job_new (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    job               TEXT NOT NULL UNIQUE,
    flashline_version TEXT NOT NULL,
    station           TEXT NOT NULL,
    slot              TEXT NOT NULL,
    place             TEXT NOT NULL,
    product           TEXT NOT NULL,
    version           TEXT NOT NULL,
    bundle_digest     TEXT NOT NULL REFERENCES bundle (digest),
    lot               TEXT REFERENCES lot (lot),
    operator          TEXT,
    started_ms        INTEGER NOT NULL,

    -- from the board's label
    serial            TEXT,

    -- the board: all NULL until it is identified; in Secure Download Mode most of it stays NULL
    mac               TEXT,
    mac_crc_holds     INTEGER,
    eui64             TEXT,
    chip              TEXT,
    revision          INTEGER,
    features          TEXT,
    crystal_mhz       INTEGER,
    flash_id          TEXT,
    flash_bytes       INTEGER,
    flash_encryption  INTEGER,
    secure_boot       INTEGER,
    download_locked   INTEGER,
    secure_download   INTEGER CHECK (secure_download IN (0, 1)),
    golden            TEXT CHECK (golden IN ('good', 'bad')),

    -- the verdict: NULL or 0 until the job is closed
    ended_ms          INTEGER,
    outcome           TEXT CHECK (outcome IN ('PASS', 'WRITTEN', 'FAIL', 'ERROR', 'ABORTED', 'SKIPPED')),
    code              TEXT,
    detail            TEXT NOT NULL DEFAULT '',
    attempts          INTEGER NOT NULL DEFAULT 0,
    block_retries     INTEGER NOT NULL DEFAULT 0,
    rate_retries      INTEGER NOT NULL DEFAULT 0,
    connection_retries INTEGER NOT NULL DEFAULT 0,
    written_by        TEXT,
    baud              INTEGER NOT NULL DEFAULT 0,
    bytes_written     INTEGER NOT NULL DEFAULT 0,
    bytes_skipped     INTEGER NOT NULL DEFAULT 0,
    flash_touched     INTEGER NOT NULL DEFAULT 0 CHECK (flash_touched IN (0, 1)),

    CHECK ((ended_ms IS NULL) = (outcome IS NULL)),
    CHECK ((outcome = 'PASS') = (code IS NULL)),
    CHECK ((chip IS NULL) = (secure_download IS NULL)),
    CHECK (chip IS NOT NULL OR mac IS NULL)
) STRICT;

INSERT INTO job_new (number, job, flashline_version, station, slot, place, product, version,
    bundle_digest, started_ms, serial, mac, mac_crc_holds, eui64, chip, revision, features, crystal_mhz,
    flash_id, flash_bytes, flash_encryption, secure_boot, download_locked, secure_download, ended_ms,
    outcome, code, detail, attempts, block_retries, rate_retries, connection_retries, written_by, baud,
    bytes_written, bytes_skipped, flash_touched)
SELECT number, job, flashline_version, station, slot, place, product, version,
    bundle_digest, started_ms, serial, mac, mac_crc_holds, eui64, chip, revision, features, crystal_mhz,
    flash_id, flash_bytes, flash_encryption, secure_boot, download_locked, secure_download, ended_ms,
    outcome, code, detail, attempts, block_retries, rate_retries, connection_retries, written_by, baud,
    bytes_written, bytes_skipped, flash_touched
FROM job;

-- a number is never given twice, whatever became of its row
DELETE FROM sqlite_sequence WHERE name = 'job_new';
INSERT INTO sqlite_sequence SELECT 'job_new', seq FROM sqlite_sequence WHERE name = 'job';

DROP TABLE job;
ALTER TABLE job_new RENAME TO job;

CREATE INDEX job_started ON job (started_ms);
CREATE INDEX job_mac ON job (mac, number) WHERE mac IS NOT NULL;
CREATE INDEX job_serial ON job (serial, number) WHERE serial IS NOT NULL;
CREATE INDEX job_slot ON job (slot, number);
CREATE INDEX job_lot ON job (lot, number) WHERE lot IS NOT NULL;
CREATE INDEX job_unclosed ON job (number) WHERE ended_ms IS NULL;
