//! Every figure is explained, and there from the start.

use crate::{
    HttpConfig, Server,
    testing::{services, untouched},
};
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use std::{collections::BTreeSet, sync::Mutex};
use tokio_util::sync::CancellationToken;

/// Keeps names alone.
#[derive(Default)]
struct Names {
    described: Mutex<BTreeSet<String>>,
    registered: Mutex<BTreeSet<String>>,
}

impl Names {
    fn described(&self, name: &KeyName) {
        self.described.lock().unwrap().insert(name.as_str().to_owned());
    }

    fn registered(&self, key: &Key) {
        self.registered.lock().unwrap().insert(key.name().to_owned());
    }
}

impl Recorder for Names {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described(&name);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described(&name);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described(&name);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.registered(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.registered(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.registered(key);
        Histogram::noop()
    }
}

#[tokio::test]
async fn every_figure_is_described_and_registered_before_the_first_request() {
    let names = Names::default();
    let _recording = set_default_local_recorder(&names);
    let config = HttpConfig::default();
    let app = crate::public(&config, &services(untouched()));
    let server = Server::bind("127.0.0.1:0", app, &config).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    server.run(stop).await;
    let described = names.described.lock().unwrap();
    assert_eq!(*described, *names.registered.lock().unwrap());
    assert_eq!(described.len(), 8);
}
