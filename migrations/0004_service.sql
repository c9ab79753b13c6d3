-- Schema 4: what is out of service, and who set it free.

-- A slot, or the line (slot IS NULL), that takes no boards until freed_ms. Someone stopped it (who), or so
-- many failures in a row did (failures, the last one with code).
CREATE TABLE out_of_service (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    station  TEXT NOT NULL,
    slot     TEXT,
    since_ms INTEGER NOT NULL,
    who      TEXT,
    failures INTEGER,
    code     TEXT,
    freed_by TEXT,
    freed_ms INTEGER,

    CHECK ((who IS NULL) = (code IS NOT NULL)),
    CHECK ((code IS NULL) = (failures IS NULL)),
    CHECK ((freed_by IS NULL) = (freed_ms IS NULL))
) STRICT;

CREATE INDEX out_of_service_now ON out_of_service (station, slot) WHERE freed_ms IS NULL;
