-- :count tasks that have succeeded long ago, like one that has just succeeded.
INSERT INTO tasks (id, kind, queue, priority, state, due_at, attempt, max_retries, crashes, fence, version, timeout_ms,
    request_id, created_at, started_at, finished_at, payload, result)
SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, kind, queue, priority, state,
    due_at, attempt, max_retries, crashes, fence, version, timeout_ms, request_id, created_at, started_at, finished_at, payload, result
FROM (SELECT * FROM tasks WHERE state = 'succeeded' LIMIT 1) AS model, generate_series(1, :count) AS n;
