//! What a state implies is checked by the databases too, whoever writes.

use super::{
    super::{
        Store,
        tasks::build::{alone, task},
    },
    Leased, second,
};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(a_state_that_contradicts_itself_is_refused);

/// Of a queued task first, then of a running one.
const QUEUED: [&str; 12] = [
    "state = 'running'",
    "state = 'running', session_id = id",
    "session_id = id",
    "state = 'succeeded'",
    "finished_at = created_at",
    "state = 'waiting'",
    "state = 'failed', finished_at = created_at",
    "state = 'cancelled', finished_at = created_at",
    "reason = 'cancelled'",
    "state = 'lost'",
    "priority = 3",
    "chain_id = id",
];
const RUNNING: [&str; 6] = [
    "session_id = NULL",
    "state = 'queued'",
    "started_at = NULL",
    "crashes = 4",
    "progress = 1.5",
    "attempt = -1",
];

async fn a_state_that_contradicts_itself_is_refused(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    for change in QUEUED {
        assert!(!store.kept.accepts(&format!("UPDATE tasks SET {change}")).await, "{change}");
    }
    Leased::open(&store, 1, second(0)).await.claim_one(second(1)).await;
    for change in RUNNING {
        assert!(!store.kept.accepts(&format!("UPDATE tasks SET {change}")).await, "{change}");
    }
    assert!(store.kept.accepts("UPDATE tasks SET progress = 1").await);
}
