-- The ledger of background tasks: the only record of what must run. Its layout decides its speed:
--   * From queued to running no indexed column and no predicate of an index changes, so that the update stays within its
--     page (HOT); the free half of each page is for that. Therefore nothing here is indexed by state or by session.
--   * Rows that wait for others are due at the end of time, so that they sort behind everything that can be claimed.
--   * Ids are UUIDv7: retention and "newest first" go by the primary key.
-- What a state implies is checked; which states follow each other is decided in domain/src/task/state.rs.
CREATE TABLE tasks (
    id uuid NOT NULL CONSTRAINT tasks_id_key PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    priority integer NOT NULL CONSTRAINT tasks_priority_check CHECK (priority BETWEEN 0 AND 2),
    state text COLLATE "C" NOT NULL
        CONSTRAINT tasks_state_check CHECK (state IN ('waiting', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
    due_at timestamptz NOT NULL,
    attempt integer NOT NULL CONSTRAINT tasks_attempt_check CHECK (attempt >= 0),
    max_retries integer NOT NULL CONSTRAINT tasks_max_retries_check CHECK (max_retries >= 0),
    crashes integer NOT NULL CONSTRAINT tasks_crashes_check CHECK (crashes BETWEEN 0 AND 3),
    fence bigint NOT NULL,
    version bigint NOT NULL CONSTRAINT tasks_version_check CHECK (version >= 1),
    timeout_ms bigint NOT NULL CONSTRAINT tasks_timeout_check CHECK (timeout_ms BETWEEN 1 AND 86400000),
    chain_id uuid,
    chain_position integer,
    chain_length integer,
    group_id uuid,
    callback_of uuid,
    unique_key text COLLATE "C",
    request_id text NOT NULL,
    parent_id uuid,
    session_id uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    cancel_requested_at timestamptz,
    progress double precision CONSTRAINT tasks_progress_check CHECK (progress BETWEEN 0 AND 1),
    progress_note text,
    reason text COLLATE "C",
    payload json NOT NULL CONSTRAINT tasks_payload_check CHECK (octet_length(payload::text) <= 65536),
    result json,
    CONSTRAINT tasks_running_check CHECK ((state = 'running') = (session_id IS NOT NULL) AND (state <> 'running' OR started_at IS NOT NULL)),
    CONSTRAINT tasks_finished_check CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT tasks_waiting_check CHECK (state <> 'waiting' OR coalesce(chain_position, 0) > 0 OR callback_of IS NOT NULL),
    CONSTRAINT tasks_chain_check CHECK ((chain_id IS NULL) = (chain_position IS NULL) AND (chain_id IS NULL) = (chain_length IS NULL)),
    CONSTRAINT tasks_reason_check CHECK ((state IN ('failed', 'cancelled')) = (reason IS NOT NULL))
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000
);

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
    id uuid NOT NULL CONSTRAINT task_groups_id_key PRIMARY KEY,
    size integer NOT NULL CONSTRAINT task_groups_size_check CHECK (size >= 1),
    remaining integer NOT NULL CONSTRAINT task_groups_remaining_check CHECK (remaining BETWEEN 0 AND size),
    callback_id uuid NOT NULL
);

-- What went wrong in the last runs of a task; written only when something did.
CREATE TABLE task_faults (
    task_id uuid NOT NULL,
    number integer NOT NULL,
    attempt integer NOT NULL,
    code text COLLATE "C" NOT NULL,
    message text NOT NULL CONSTRAINT task_faults_message_check CHECK (octet_length(message) <= 4096),
    at timestamptz NOT NULL,
    CONSTRAINT task_faults_task_id_number_key PRIMARY KEY (task_id, number)
);

-- One life of one worker or beat. A worker's is leased: past expires_at it never revives, and its tasks are taken.
CREATE TABLE task_sessions (
    id uuid NOT NULL CONSTRAINT task_sessions_id_key PRIMARY KEY,
    role text COLLATE "C" NOT NULL CONSTRAINT task_sessions_role_check CHECK (role IN ('worker', 'beat')),
    host text NOT NULL,
    process bigint NOT NULL,
    queues text NOT NULL,
    concurrency integer NOT NULL,
    running integer NOT NULL,
    started_at timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz,
    claimed_at timestamptz,
    finished_at timestamptz,
    -- A worker that claims nothing until it is empty, for a task that was lost with another.
    quiet_since timestamptz
) WITH (fillfactor = 50);

-- Ends of runs by queue and minute, for the charts: reading them from the ledger would need an index on finished_at.
CREATE TABLE task_minutes (
    queue text COLLATE "C" NOT NULL,
    minute timestamptz NOT NULL,
    succeeded bigint NOT NULL,
    failed bigint NOT NULL,
    retried bigint NOT NULL,
    waited_us bigint NOT NULL,
    ran_us bigint NOT NULL,
    CONSTRAINT task_minutes_queue_minute_key PRIMARY KEY (queue, minute)
);

-- How far each schedule is, with which timing, and when a beat last had it. Its row is the lock under which its slots are
-- fired.
CREATE TABLE schedules (
    name text COLLATE "C" NOT NULL CONSTRAINT schedules_name_key PRIMARY KEY,
    cron text NOT NULL,
    time_zone text NOT NULL,
    last_slot timestamptz NOT NULL,
    seen_at timestamptz
);

-- A slot fires once: its key is written together with its task.
CREATE TABLE schedule_fires (
    schedule text COLLATE "C" NOT NULL,
    slot timestamptz NOT NULL,
    task_id uuid NOT NULL,
    CONSTRAINT schedule_fires_schedule_slot_key PRIMARY KEY (schedule, slot)
);
