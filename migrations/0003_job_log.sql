-- Schema 3: a log for each job, apart from its row: most questions do not want it.

CREATE TABLE job_log (
    job        INTEGER PRIMARY KEY REFERENCES job (number),
    text_bytes INTEGER NOT NULL,
    deflated   BLOB NOT NULL
) STRICT;
