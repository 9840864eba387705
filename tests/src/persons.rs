//! Persons to send, by exception: valid as they are, and each with an address of its own.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A body for v1, with `changes` over it; a change to `null` is sent as `null`.
pub fn person(changes: Value) -> Value {
    let number = next();
    over(json!({"name": "Ada Lovelace", "email": format!("ada{number}@example.com"), "age": 36}), changes)
}

/// A body for v2, as [`person`].
pub fn person_v2(changes: Value) -> Value {
    let number = next();
    over(
        json!({"full_name": "Ada Lovelace", "email": format!("ada{number}@example.com"), "age": 36}),
        changes,
    )
}

/// `body` without the member `name`.
pub fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().expect("an object").remove(name);
    body
}

fn over(mut body: Value, changes: Value) -> Value {
    let members = body.as_object_mut().expect("an object");
    members.extend(changes.as_object().cloned().unwrap_or_default());
    body
}

fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}
