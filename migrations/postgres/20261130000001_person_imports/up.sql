-- Uploads wait here for the chain of tasks that imports them; the last one deletes all of it.
CREATE TABLE person_imports (
    id uuid NOT NULL CONSTRAINT person_imports_id_key PRIMARY KEY,
    file_name text NOT NULL,
    created_at timestamptz NOT NULL
);

-- The file, in pieces: no row and no statement is large.
CREATE TABLE person_import_chunks (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    bytes bytea NOT NULL CONSTRAINT person_import_chunks_bytes_check CHECK (octet_length(bytes) <= 262144),
    CONSTRAINT person_import_chunks_import_id_number_key PRIMARY KEY (import_id, number)
);

-- What was read of the file. The id of each person is chosen here, so that inserting again inserts nobody twice.
CREATE TABLE person_import_rows (
    import_id uuid NOT NULL,
    line integer NOT NULL,
    outcome text COLLATE "C" NOT NULL
        CONSTRAINT person_import_rows_outcome_check CHECK (outcome IN ('pending', 'inserted', 'refused')),
    person_id uuid,
    name text,
    email text,
    age integer,
    created_at timestamptz,
    field text,
    code text,
    message text,
    CONSTRAINT person_import_rows_import_id_line_key PRIMARY KEY (import_id, line),
    CONSTRAINT person_import_rows_person_check CHECK (outcome = 'refused' OR
        (person_id IS NOT NULL AND name IS NOT NULL AND email IS NOT NULL AND age IS NOT NULL AND created_at IS NOT NULL)),
    CONSTRAINT person_import_rows_refused_check CHECK ((outcome = 'refused') = (code IS NOT NULL AND message IS NOT NULL))
);

CREATE INDEX person_import_rows_pending_idx ON person_import_rows (import_id, line) WHERE outcome = 'pending';
