-- Schema 2: the outcome WRITTEN, boards that hide their MAC, what was skipped, read back and heard.
-- A CHECK cannot be altered: `job` is built anew (sqlite.org/lang_altertable.html, "Making Other Kinds
-- Of Table Schema Changes"), with foreign keys off and checked before the commit.

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

    -- the verdict: NULL or 0 until the job is closed
    ended_ms          INTEGER,
    outcome           TEXT CHECK (outcome IN ('PASS', 'WRITTEN', 'FAIL', 'ERROR', 'ABORTED')),
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
    bundle_digest, started_ms, mac, mac_crc_holds, chip, revision, crystal_mhz, flash_id, flash_bytes,
    flash_encryption, secure_boot, download_locked, secure_download, ended_ms, outcome, code, detail,
    attempts, block_retries, rate_retries, connection_retries, baud, bytes_written, flash_touched)
SELECT number, job, flashline_version, station, slot, place, product, version,
    bundle_digest, started_ms, mac, mac_crc_holds, chip, revision, crystal_mhz, flash_id, flash_bytes,
    flash_encryption, secure_boot, download_locked, iif(chip IS NULL, NULL, 0), ended_ms, outcome, code,
    detail, attempts, block_retries, rate_retries, connection_retries, baud, bytes_written, flash_touched
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
CREATE INDEX job_unclosed ON job (number) WHERE ended_ms IS NULL;

ALTER TABLE region ADD COLUMN found_sha256 TEXT;
ALTER TABLE region ADD COLUMN skipped_bytes INTEGER NOT NULL DEFAULT 0;

-- What a board said after its reset.
CREATE TABLE boot_log (
    job  INTEGER PRIMARY KEY REFERENCES job (number),
    text TEXT NOT NULL
) STRICT;

CREATE TABLE measurement (
    job     INTEGER NOT NULL REFERENCES job (number),
    ordinal INTEGER NOT NULL,
    name    TEXT NOT NULL,
    value   REAL,
    unit    TEXT NOT NULL,
    low     REAL,
    high    REAL,
    PRIMARY KEY (job, ordinal)
) STRICT, WITHOUT ROWID;

-- A unit is a MAC or, where the chip hides that, 'serial:' and the serial.
ALTER TABLE open_unit RENAME COLUMN mac TO unit;
ALTER TABLE write_off RENAME COLUMN mac TO unit;
