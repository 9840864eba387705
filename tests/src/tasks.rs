//! Tasks as a client follows them.

use crate::{TestApp, command};
use serde_json::Value;

/// One server-sent event (WHATWG HTML, section 9.2).
#[derive(Debug, Clone)]
pub struct Event {
    /// What a client would resume from.
    pub id: i64,
    /// The whole task.
    pub task: Value,
}

impl TestApp {
    /// Every event about the task at `location` until it has ended.
    pub async fn events(&self, location: &str) -> Vec<Event> {
        let stream = self.get(&format!("{location}/events")).await.expect(200);
        assert_eq!(stream.header("content-type"), Some("text/event-stream"), "{stream}");
        Event::parse(&stream.text())
    }

    /// A task of this kind, scheduled from the command line beside the application, once it has ended.
    pub async fn run_task(&self, kind: &str, payload: &Value) -> Value {
        let run = command(self.plinth(), &["task", "run", kind, &payload.to_string()]);
        let id = run.env("DATABASE_URL", self.database().url()).run().await.succeeded();
        self.ended_task(&format!("/v1/tasks/{}", id.trim())).await
    }

    /// The task at `location` once it has ended.
    pub async fn ended_task(&self, location: &str) -> Value {
        let last = self.events(location).await.pop();
        last.unwrap_or_else(|| panic!("no event about {location}")).task
    }
}

impl Event {
    /// All events of a stream. Comments and the advice on reconnecting are none.
    pub fn parse(stream: &str) -> Vec<Self> {
        let fields = |block: &str, name: &str| {
            let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            lines.collect::<Vec<_>>().join("\n")
        };
        let blocks = stream.split("\n\n").filter(|block| block.lines().any(|line| line.starts_with("data:")));
        let event = |block| Self {
            id: fields(block, "id").parse().unwrap_or_else(|_| panic!("no id: {block}")),
            task: serde_json::from_str(&fields(block, "data")).unwrap_or_else(|_| panic!("no JSON: {block}")),
        };
        blocks.map(event).collect()
    }
}
