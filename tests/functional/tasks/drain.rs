//! `plinth worker --drain`: whatever is due is run, and then the worker ends.

use plinth_tests::{Setup, command, on_both_stacks, person};
use serde_json::json;

on_both_stacks!(a_drain_runs_what_is_due_and_ends);

async fn a_drain_runs_what_is_due_and_ends(setup: Setup) {
    let app = setup.clone().start().await; // an API alone: nobody takes tasks
    let ada = app.person(&person(json!({"age": 36}))).await;
    let ada = format!("/v1/persons/{}", ada["id"].as_str().expect("an id"));
    for _ in 0..3 {
        app.client.request("POST", &format!("{ada}/add-one-year")).await.expect(202);
    }
    // On SQLite one process serves at a time.
    let database = app.stop().await.expect("its database");
    let drain = command(setup.plinth(), &["worker", "--drain"]).env("DATABASE_URL", database.url());
    drain.env("APP__MONITOR__PORT", "0").run().await.succeeded();
    let app = setup.start_on(database.url()).await;
    assert_eq!(app.get(&ada).await.expect(200).json()["age"], 39);
    assert_eq!(
        app.get("/v1/tasks?state=succeeded").await.expect(200).json()["objects"].as_array().map(Vec::len),
        Some(3)
    );
}
