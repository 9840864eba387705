//! Tasks in examples of answers.

use crate::schema::EXAMPLE_ID;
use serde_json::{Value, json};

/// A task in this state.
pub(in crate::v1) fn example(state: &str) -> Value {
    let mut task = example_in_list();
    task["state"] = json!(state);
    task["errors"] = json!([]);
    match state {
        "running" => {
            task["attempt"] = json!(1);
            task["progress"] = json!({"fraction": 0.4, "note": "fetched"});
            task["version"] = json!(3);
            task["started_at"] = json!("2026-11-30T12:00:01.000000Z");
        }
        "cancelled" => {
            task["reason"] = json!("cancelled");
            task["version"] = json!(2);
            task["finished_at"] = json!("2026-11-30T12:00:01.000000Z");
        }
        _ => {}
    }
    task
}

/// A task as it stands in a list.
pub(super) fn example_in_list() -> Value {
    json!({
        "id": EXAMPLE_ID, "kind": "ADD_ONE_YEAR", "queue": "default", "priority": "normal", "state": "queued",
        "attempt": 0, "max_retries": 3, "progress": null, "result": null, "reason": null, "chain": null,
        "group": null, "request_id": EXAMPLE_ID, "cancel_requested": false, "version": 1,
        "due_at": "2026-11-30T12:00:00.000000Z", "created_at": "2026-11-30T12:00:00.000000Z",
        "started_at": null, "finished_at": null,
    })
}

/// A stream with one event.
pub(super) fn example_of_events() -> String {
    format!("retry: 2000\n\nid: 3\nevent: task\ndata: {}\n\n", example("running"))
}
