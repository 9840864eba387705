//! Clients that write without end and remember, outside of the database, what was acknowledged.

use plinth_tests::{Client, TestApp, person};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// What the clients have been told. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    acknowledged: Arc<Mutex<BTreeMap<String, Value>>>,
    count: watch::Sender<usize>,
    /// Answers that neither acknowledge a write nor say 503.
    unexpected: Arc<Mutex<Vec<String>>>,
}

/// Clients at work; they end when dropped.
pub(crate) struct Writers(#[expect(dead_code, reason = "aborts its tasks when dropped")] JoinSet<()>);

impl Journal {
    /// How many writes were acknowledged.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Until this many writes were acknowledged.
    pub(crate) async fn reaches(&self, count: usize) {
        let mut counts = self.count.subscribe();
        let reached =
            tokio::time::timeout(plinth_tests::PATIENCE, counts.wait_for(|now| *now >= count)).await;
        assert!(reached.is_ok(), "{} of {count} writes, {:?}", self.count(), self.unexpected());
    }

    /// Answers that should not have been.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        self.unexpected.lock().expect("nobody panics with it").clone()
    }

    /// Lost = acknowledged - readable. There must be none, and nothing that nobody has sent.
    pub(crate) async fn all_readable(&self, app: &TestApp) {
        let mut missing = self.acknowledged.lock().expect("nobody panics with it").clone();
        let mut next = Some("/v1/persons?limit=100".to_owned());
        while let Some(url) = next {
            let page = app.get(&url).await.expect(200).json();
            for person in page["objects"].as_array().expect("objects") {
                let written = missing.remove(person["id"].as_str().expect("an id"));
                assert!(
                    written.is_none_or(|written| written == *person),
                    "{person} is not what was acknowledged"
                );
                assert_eq!(person["name"], "Ada Lovelace", "somebody whom nobody has sent");
            }
            next = page["next"].as_str().map(str::to_owned);
        }
        assert!(missing.is_empty(), "lost {} of {}: {missing:?}", missing.len(), self.count());
    }

    fn note(&self, answer: Result<(u16, Value), String>) {
        match answer {
            Ok((201, person)) => {
                let id = person["id"].as_str().expect("an id").to_owned();
                self.acknowledged.lock().expect("nobody panics with it").insert(id, person);
                self.count.send_modify(|count| *count += 1);
            }
            Ok((503, _)) => {}
            Ok((status, body)) => self.keep(format!("{status} {body}")),
            Err(error) => self.keep(error),
        }
    }

    fn keep(&self, answer: String) {
        self.unexpected.lock().expect("nobody panics with it").push(answer);
    }
}

/// `clients` clients that write to `app`, about twenty times a second each.
pub(crate) fn write(app: &TestApp, journal: &Journal, clients: usize) -> Writers {
    let mut writers = JoinSet::new();
    for _ in 0..clients {
        writers.spawn(write_forever(app.client.clone(), journal.clone()));
    }
    Writers(writers)
}

async fn write_forever(client: Client, journal: Journal) {
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    loop {
        pace.tick().await;
        let sent = client.request("POST", "/v1/persons").json(&person(json!({}))).send().await;
        journal.note(match sent {
            Ok(reply) if reply.status == 201 => Ok((201, reply.json())),
            Ok(reply) => Ok((reply.status, Value::from(reply.text()))),
            Err(error) => Err(format!("{error:?}")),
        });
    }
}
