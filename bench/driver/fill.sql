-- :rows persons, made a second apart from the start of 2026: ids are valid UUIDv7 (48 bits of time, version 7, variant 2)
-- in the order of creation, as the service would have made them.
INSERT INTO persons (id, name, email, email_key, age, version, created_at, updated_at)
SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0')
           || '7' || substr(hash, 1, 3) || substr('89ab', 1 + i % 4, 1) || substr(hash, 4, 15))::uuid,
       'Person number ' || i,
       'Person.' || i || '@example.com',
       'person.' || i || '@example.com',
       i % 100, 1, made, made
FROM (SELECT i, md5(i::text) AS hash, timestamptz '2026-01-01 00:00:00Z' + i * interval '1 second' AS made
      FROM generate_series(1, :rows) AS i) AS numbers;

-- So that nothing of this is left to be done during a measurement.
VACUUM (ANALYZE) persons;
CHECKPOINT;
