-- Uploads wait here for the chain of tasks that imports them; the last one deletes all of it.
CREATE TABLE person_imports (
    id TEXT NOT NULL PRIMARY KEY,
    file_name TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The file, in pieces: no row and no statement is large.
CREATE TABLE person_import_chunks (
    import_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL CONSTRAINT person_import_chunks_bytes_check CHECK (length(bytes) <= 262144),
    PRIMARY KEY (import_id, number)
) STRICT;

-- What was read of the file. The id of each person is chosen here, so that inserting again inserts nobody twice.
CREATE TABLE person_import_rows (
    import_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    outcome TEXT NOT NULL
        CONSTRAINT person_import_rows_outcome_check CHECK (outcome IN ('pending', 'inserted', 'refused')),
    person_id TEXT,
    name TEXT,
    email TEXT,
    age INTEGER,
    created_at TEXT,
    field TEXT,
    code TEXT,
    message TEXT,
    PRIMARY KEY (import_id, line),
    CONSTRAINT person_import_rows_person_check CHECK (outcome = 'refused' OR
        (person_id IS NOT NULL AND name IS NOT NULL AND email IS NOT NULL AND age IS NOT NULL AND created_at IS NOT NULL)),
    CONSTRAINT person_import_rows_refused_check CHECK ((outcome = 'refused') = (code IS NOT NULL AND message IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX person_import_rows_pending_idx ON person_import_rows (import_id, line) WHERE outcome = 'pending';
