-- The same table as on PostgreSQL; see there for the rules. STRICT: SQLite then keeps to the types. WITHOUT ROWID: rows
-- are stored in the order of their ids. Instants are RFC 3339 in UTC with six digits of fraction, so that their order
-- as text is their order in time.
CREATE TABLE persons (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL CONSTRAINT persons_name_check CHECK (length(name) BETWEEN 1 AND 200),
    email TEXT NOT NULL CONSTRAINT persons_email_check CHECK (length(email) BETWEEN 3 AND 254),
    email_key TEXT NOT NULL UNIQUE,
    age INTEGER NOT NULL CONSTRAINT persons_age_check CHECK (age BETWEEN 0 AND 150),
    version INTEGER NOT NULL CONSTRAINT persons_version_check CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX persons_name_id_idx ON persons (name, id);
