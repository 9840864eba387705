//! The schema: what Diesel's query builder and `plinth db new` know of the tables.
//!
//! It is written by hand, since some column types are ours; `Migrator::drift` compares it with a migrated database and a
//! test does so for both. Names of types are explained in `schema/description.rs`.

mod description;

pub(crate) use description::{Column, ColumnType, Table};

description::schema! {
    persons (id) {
        id -> Guid,
        name -> Text,
        email -> Text,
        email_key -> Text,
        age -> Integer,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }
    tasks (id) {
        id -> Guid,
        kind -> Text,
        queue -> Text,
        priority -> Integer,
        state -> Text,
        due_at -> Instant,
        attempt -> Integer,
        max_retries -> Integer,
        crashes -> Integer,
        fence -> BigInt,
        version -> BigInt,
        timeout_ms -> BigInt,
        chain_id -> Nullable<Guid>,
        chain_position -> Nullable<Integer>,
        chain_length -> Nullable<Integer>,
        group_id -> Nullable<Guid>,
        callback_of -> Nullable<Guid>,
        unique_key -> Nullable<Text>,
        request_id -> Text,
        parent_id -> Nullable<Guid>,
        session_id -> Nullable<Guid>,
        created_at -> Instant,
        started_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
        cancel_requested_at -> Nullable<Instant>,
        progress -> Nullable<Double>,
        progress_note -> Nullable<Text>,
        reason -> Nullable<Text>,
        payload -> Document,
        result -> Nullable<Document>,
    }
    task_groups (id) {
        id -> Guid,
        size -> Integer,
        remaining -> Integer,
        callback_id -> Guid,
    }
    task_faults (task_id, number) {
        task_id -> Guid,
        number -> Integer,
        attempt -> Integer,
        code -> Text,
        message -> Text,
        at -> Instant,
    }
    task_sessions (id) {
        id -> Guid,
        role -> Text,
        host -> Text,
        process -> BigInt,
        queues -> Text,
        concurrency -> Integer,
        running -> Integer,
        started_at -> Instant,
        renewed_at -> Instant,
        expires_at -> Instant,
        closed_at -> Nullable<Instant>,
        claimed_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
        quiet_since -> Nullable<Instant>,
    }
    task_minutes (queue, minute) {
        queue -> Text,
        minute -> Instant,
        succeeded -> BigInt,
        failed -> BigInt,
        retried -> BigInt,
        waited_us -> BigInt,
        ran_us -> BigInt,
    }
    schedules (name) {
        name -> Text,
        cron -> Text,
        time_zone -> Text,
        last_slot -> Instant,
        seen_at -> Nullable<Instant>,
    }
    schedule_fires (schedule, slot) {
        schedule -> Text,
        slot -> Instant,
        task_id -> Guid,
    }
    person_imports (id) {
        id -> Guid,
        file_name -> Text,
        created_at -> Instant,
    }
    person_import_chunks (import_id, number) {
        import_id -> Guid,
        number -> Integer,
        bytes -> Binary,
    }
    person_import_rows (import_id, line) {
        import_id -> Guid,
        line -> Integer,
        outcome -> Text,
        person_id -> Nullable<Guid>,
        name -> Nullable<Text>,
        email -> Nullable<Text>,
        age -> Nullable<Integer>,
        created_at -> Nullable<Instant>,
        field -> Nullable<Text>,
        code -> Nullable<Text>,
        message -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    tasks,
    task_groups,
    task_faults,
    task_sessions,
    schedule_fires,
    person_imports
);
