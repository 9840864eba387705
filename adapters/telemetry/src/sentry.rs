//! Error reports to Sentry: panics, and everything that is logged as an error.
//!
//! A report is put together on the thread that logs and sent by another; when Sentry is slow or gone reports are
//! dropped, and nobody waits.

use crate::{
    SentryConfig, panics,
    redact::{HIDDEN, is_secret, redact},
};
use secrecy::ExposeSecret;
use sentry::{
    ClientInitGuard, ClientOptions, Hub, Level, TransportFactory, TransportOptions,
    integrations::backtrace::current_stacktrace,
    protocol::{Event, Exception, Mechanism, Value},
    transports::UreqHttpTransportOptions,
};
use slog::{OwnedKVList, Record};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How long sending one report may take, and how long the end of the process waits for all.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Reports are sent while this lives; dropping it sends those that wait, for two seconds at most.
pub struct Sentry {
    guard: Option<ClientInitGuard>,
}

/// The report of panics is put together here too, and not by Sentry's own hook: that one waits until it is sent.
impl Sentry {
    /// `None` if no DSN is configured. To be called on the main thread before any other exists: what Sentry calls a
    /// hub is inherited from it. `release` and `environment` go with every report.
    pub fn start(config: &SentryConfig, release: &str, environment: &str) -> Option<Self> {
        let dsn = config.dsn.as_ref()?.expose_secret().parse().ok()?;
        let mut options = ClientOptions::new()
            .release(release.to_owned())
            .environment(environment.to_owned())
            .sample_rate(config.sample_rate)
            .shutdown_timeout(TIMEOUT)
            .transport(TimedTransport)
            .before_send(|event| Some(without_secrets(event)));
        options.dsn = Some(dsn);
        Some(Self { guard: Some(sentry::init(options)) })
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let (done, sent) = mpsc::channel();
        // On a thread of its own: Sentry's flush has a time-out, but waits without one for room in its own queue.
        let closing = thread::Builder::new().name("sentry-close".to_owned()).spawn(move || {
            drop(guard);
            let _ = done.send(());
        });
        if closing.is_ok() {
            let _ = sent.recv_timeout(TIMEOUT);
        }
    }
}

/// Reports `record` if it is an error and Sentry is on.
pub(crate) fn report(record: &Record<'_>, values: &OwnedKVList) {
    if !record.level().is_at_least(slog::Level::Error) || Hub::current().client().is_none() {
        return;
    }
    let mut event = sentry_slog::event_from_record(record, values);
    if let Some(id) = event.extra.remove("request_id").as_ref().and_then(Value::as_str) {
        event.tags.insert("request_id".to_owned(), id.to_owned());
    }
    if record.tag() == panics::TAG {
        event.level = Level::Fatal;
        event.exception = vec![Exception {
            ty: "panic".to_owned(),
            value: event.message.take(),
            mechanism: Some(Mechanism {
                ty: "panic".to_owned(),
                handled: Some(false),
                ..Mechanism::default()
            }),
            stacktrace: current_stacktrace(),
            ..Exception::default()
        }]
        .into();
    }
    sentry::capture_event(event);
}

fn without_secrets(mut event: Event<'static>) -> Event<'static> {
    for text in event.message.iter_mut().chain(event.exception.iter_mut().filter_map(|e| e.value.as_mut())) {
        *text = redact(text).into_owned();
    }
    for (key, value) in &mut event.extra {
        hide(key, value);
    }
    event
}

fn hide(key: &str, value: &mut Value) {
    match value {
        _ if is_secret(key) => *value = HIDDEN.into(),
        Value::String(text) => *text = redact(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(key, item)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, field)| hide(key, field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Sentry's HTTP transport with time-outs, which it has none of its own: one connection that never answers would hold up
/// every later report.
struct TimedTransport;

impl TransportFactory for TimedTransport {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn sentry::Transport> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().new_agent();
        Arc::new(UreqHttpTransportOptions::from(options).with_agent(agent).build())
    }
}
