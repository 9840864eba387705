-- The same tables as on PostgreSQL; see there for the rules. Rows that may be large are stored apart from their keys, which
-- is what a table with row ids does.
CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL CONSTRAINT tasks_priority_check CHECK (priority BETWEEN 0 AND 2),
    state TEXT NOT NULL
        CONSTRAINT tasks_state_check CHECK (state IN ('waiting', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
    due_at TEXT NOT NULL,
    attempt INTEGER NOT NULL CONSTRAINT tasks_attempt_check CHECK (attempt >= 0),
    max_retries INTEGER NOT NULL CONSTRAINT tasks_max_retries_check CHECK (max_retries >= 0),
    crashes INTEGER NOT NULL CONSTRAINT tasks_crashes_check CHECK (crashes BETWEEN 0 AND 3),
    fence INTEGER NOT NULL,
    version INTEGER NOT NULL CONSTRAINT tasks_version_check CHECK (version >= 1),
    timeout_ms INTEGER NOT NULL CONSTRAINT tasks_timeout_check CHECK (timeout_ms BETWEEN 1 AND 86400000),
    chain_id TEXT,
    chain_position INTEGER,
    chain_length INTEGER,
    group_id TEXT,
    callback_of TEXT,
    unique_key TEXT,
    request_id TEXT NOT NULL,
    parent_id TEXT,
    session_id TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    cancel_requested_at TEXT,
    progress REAL CONSTRAINT tasks_progress_check CHECK (progress BETWEEN 0 AND 1),
    progress_note TEXT,
    reason TEXT,
    payload TEXT NOT NULL CONSTRAINT tasks_payload_check CHECK (json_valid(payload) AND length(CAST(payload AS BLOB)) <= 65536),
    result TEXT CONSTRAINT tasks_result_check CHECK (json_valid(result)),
    CONSTRAINT tasks_running_check CHECK ((state = 'running') = (session_id IS NOT NULL) AND (state <> 'running' OR started_at IS NOT NULL)),
    CONSTRAINT tasks_finished_check CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT tasks_waiting_check CHECK (state <> 'waiting' OR coalesce(chain_position, 0) > 0 OR callback_of IS NOT NULL),
    CONSTRAINT tasks_chain_check CHECK ((chain_id IS NULL) = (chain_position IS NULL) AND (chain_id IS NULL) = (chain_length IS NULL)),
    CONSTRAINT tasks_reason_check CHECK ((state IN ('failed', 'cancelled')) = (reason IS NOT NULL))
) STRICT;

CREATE INDEX tasks_queue_idx ON tasks (queue, priority, due_at, id) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX tasks_kind_unique_key_key ON tasks (kind, unique_key) WHERE unique_key IS NOT NULL AND finished_at IS NULL;
CREATE INDEX tasks_chain_idx ON tasks (chain_id, chain_position) WHERE chain_id IS NOT NULL;
CREATE INDEX tasks_group_idx ON tasks (group_id) WHERE group_id IS NOT NULL;
-- Those that were lost with their worker: few, and looked for at every poll.
CREATE INDEX tasks_suspect_idx ON tasks (queue, due_at) WHERE crashes > 0 AND finished_at IS NULL;
-- Those that failed or were cancelled, newest first.
CREATE INDEX tasks_unsuccessful_idx ON tasks (id) WHERE reason IS NOT NULL;

-- Counts down; its callback is freed at 0.
CREATE TABLE task_groups (
    id TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL CONSTRAINT task_groups_size_check CHECK (size >= 1),
    remaining INTEGER NOT NULL CONSTRAINT task_groups_remaining_check CHECK (remaining BETWEEN 0 AND size),
    callback_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What went wrong in the last runs of a task; written only when something did.
CREATE TABLE task_faults (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL CONSTRAINT task_faults_message_check CHECK (length(CAST(message AS BLOB)) <= 4096),
    at TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;

-- One life of one worker or beat. A worker's is leased: past expires_at it never revives, and its tasks are taken.
CREATE TABLE task_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL CONSTRAINT task_sessions_role_check CHECK (role IN ('worker', 'beat')),
    host TEXT NOT NULL,
    process INTEGER NOT NULL,
    queues TEXT NOT NULL,
    concurrency INTEGER NOT NULL,
    running INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    renewed_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    closed_at TEXT,
    claimed_at TEXT,
    finished_at TEXT,
    -- A worker that claims nothing until it is empty, for a task that was lost with another.
    quiet_since TEXT
) STRICT, WITHOUT ROWID;

-- Ends of runs by queue and minute, for the charts: reading them from the ledger would need an index on finished_at.
CREATE TABLE task_minutes (
    queue TEXT NOT NULL,
    minute TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    waited_us INTEGER NOT NULL,
    ran_us INTEGER NOT NULL,
    PRIMARY KEY (queue, minute)
) STRICT, WITHOUT ROWID;

-- How far each schedule is, with which timing, and when a beat last had it. Its row is the lock under which its slots are
-- fired.
CREATE TABLE schedules (
    name TEXT NOT NULL PRIMARY KEY,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    last_slot TEXT NOT NULL,
    seen_at TEXT
) STRICT, WITHOUT ROWID;

-- A slot fires once: its key is written together with its task.
CREATE TABLE schedule_fires (
    schedule TEXT NOT NULL,
    slot TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (schedule, slot)
) STRICT, WITHOUT ROWID;
