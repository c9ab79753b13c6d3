-- Schema 5: who approved which bundle.

CREATE TABLE approval (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    manifest      TEXT NOT NULL,
    bundle_digest TEXT NOT NULL REFERENCES bundle (digest),
    product       TEXT NOT NULL,
    version       TEXT NOT NULL,
    who           TEXT NOT NULL,
    how           TEXT NOT NULL CHECK (how IN ('first', 'start', 'asked')),
    at_ms         INTEGER NOT NULL
) STRICT;

CREATE INDEX approval_manifest ON approval (manifest, number);
