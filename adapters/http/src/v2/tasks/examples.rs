//! Tasks in examples of answers.

use crate::schema::EXAMPLE_ID;
use serde_json::{Value, json};

/// A task in this state.
pub(in crate::v2) fn example(state: &str) -> Value {
    let only = |wanted: &str, value: Value| if state == wanted { value } else { Value::Null };
    json!({
        "id": EXAMPLE_ID, "kind": "ADD_ONE_YEAR", "queue": "default", "priority": "normal", "status": state,
        "attempt": u8::from(state == "running"), "max_retries": 3,
        "progress_percent": only("running", json!(40)), "progress_note": only("running", json!("fetched")),
        "data": null, "errors": [], "reason": only("cancelled", json!("cancelled")), "chain": null, "group": null,
        "request_id": EXAMPLE_ID, "cancel_requested": false,
        "meta": {
            "version": if state == "queued" { 1 } else { 2 },
            "due_at": "2026-11-30T12:00:00.000000Z", "created_at": "2026-11-30T12:00:00.000000Z",
            "started_at": only("running", json!("2026-11-30T12:00:01.000000Z")),
            "finished_at": only("cancelled", json!("2026-11-30T12:00:01.000000Z")),
        },
    })
}

/// A task as it stands in a list.
pub(super) fn example_in_list() -> Value {
    let mut task = example("queued");
    if let Value::Object(members) = &mut task {
        members.remove("errors");
    }
    task
}

/// One event of a stream.
pub(super) fn example_of_event() -> Value {
    json!({"id": "2", "event": "task", "data": example("running").to_string()})
}
