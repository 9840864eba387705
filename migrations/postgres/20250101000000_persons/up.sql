-- The names of constraints follow one rule, <table>_<columns>_key and <table>_<rule>_check, because the adapter maps
-- them to fields of the resource. COLLATE "C": text sorts by code point, as on SQLite, and a prefix is a range of the
-- index. There is no index on created_at: ids are UUIDv7, so the primary key has that order.
CREATE TABLE persons (
    id uuid NOT NULL CONSTRAINT persons_id_key PRIMARY KEY,
    name text COLLATE "C" NOT NULL CONSTRAINT persons_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    email text NOT NULL CONSTRAINT persons_email_check CHECK (char_length(email) BETWEEN 3 AND 254),
    email_key text COLLATE "C" NOT NULL CONSTRAINT persons_email_key_key UNIQUE,
    age integer NOT NULL CONSTRAINT persons_age_check CHECK (age BETWEEN 0 AND 150),
    version bigint NOT NULL CONSTRAINT persons_version_check CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE INDEX persons_name_id_idx ON persons (name, id);
