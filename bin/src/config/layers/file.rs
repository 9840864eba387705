//! The file that `APP_CONFIG` names, or its text in `CONF`.

use super::{Layer, json};
use crate::config::{problem::Problems, sources::Sources};
use config::{FileFormat, Format, Map, Value, ValueKind};
use std::{collections::BTreeMap, error::Error, fs};

const BROKER: &str =
    "here it is REDIS_URL (in a file: redis.url), which only wakes workers: the database holds the tasks";
const RESULTS: &str = "nothing takes its place: the database keeps what tasks answer";

/// Names of other starters, and what to use instead: errors in a file and in the environment.
pub(super) const FORMER: [(&str, &str); 5] = [
    ("SQLALCHEMY_DATABASE_URI", "here it is DATABASE_URL (in a file: database.url)"),
    ("CELERY_CONF.BROKER_URL", BROKER),
    ("CELERY_CONF.CELERY_RESULT_BACKEND", RESULTS),
    ("CELERY_BROKER_URL", BROKER),
    ("CELERY_RESULT_BACKEND", RESULTS),
];

/// The same of names that any program may use: errors in a file, which is ours alone, and warnings in the environment.
/// `APP_MODULE` is an error there too, since all of `APP_…` is ours.
pub(super) const COMMON: [(&str, &str); 7] = [
    ("SECRET_KEY", "nothing takes its place: there are no sessions to sign"),
    ("DEBUG", "use APP_ENV=dev on a developer's machine, and LOG_LEVEL=debug for more log lines"),
    ("FLASK_DEBUG", "use APP_ENV=dev on a developer's machine, and LOG_LEVEL=debug for more log lines"),
    ("FLASK_ENV", "here it is APP_ENV: dev, test or prod"),
    (
        "APP_MODULE",
        "nothing takes its place: the command says what runs, such as `plinth api` or `plinth worker`",
    ),
    ("WEB_CONCURRENCY", "one process uses all processors; TOKIO_WORKER_THREADS says how many threads serve"),
    ("FORWARDED_ALLOW_IPS", "here it is http.trusted_proxies (variable: APP__HTTP__TRUSTED_PROXIES)"),
];

/// The layer, and how the file on disk is called if there is one.
pub(super) fn read(sources: &Sources, problems: &mut Problems) -> (Layer, Option<String>) {
    let (origin, text, on_disk) = match text(sources, problems) {
        Some(found) => found,
        None => return (Layer::default(), None),
    };
    // Some editors put a byte order mark in front.
    let layer = match FileFormat::Yaml.parse(Some(&origin), text.trim_start_matches('\u{feff}')) {
        Ok(table) => Layer(without_former(table, problems)),
        Err(error) => {
            problems.add(origin.clone(), format!("is not YAML with keys on its top level: {error}"));
            Layer::default()
        }
    };
    (layer, on_disk.then_some(origin))
}

/// What to call it, its text, and whether it is a file on disk.
fn text(sources: &Sources, problems: &mut Problems) -> Option<(String, String, bool)> {
    let get = |name| sources.environment.get(name).filter(|value| !value.is_empty());
    for name in ["APP_CONFIG", "CONF"] {
        if sources.environment.get(name).is_some_and(String::is_empty) {
            problems.add(name, "is empty: give it a value or unset it");
        }
    }
    match (get("APP_CONFIG"), get("CONF")) {
        (Some(_), Some(_)) => problems.add("CONF", "is set beside APP_CONFIG: keep one of them"),
        (None, Some(text)) => return Some(("CONF".to_owned(), decode(text), false)),
        (Some(path), None) => match fs::read_to_string(sources.directory.join(path)) {
            Ok(text) => return Some((path.clone(), text, true)),
            Err(error) => problems.add_from("APP_CONFIG", format!("cannot be read: {error}"), path),
        },
        (None, None) => {}
    }
    None
}

/// The text of a file on one line, as `CONF` takes it.
pub(crate) fn encode(text: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let parsed = FileFormat::Yaml.parse(None, text)?;
    if text.contains('\\') {
        // Its own escapes would be taken for ours. JSON is YAML, has one line and needs none.
        let value = Value::new(None, ValueKind::Table(parsed));
        return Ok(json(value, "", &mut BTreeMap::new()).to_string());
    }
    Ok(text.trim_end().replace("\r\n", "\n").replace('\n', "\\n"))
}

/// `CONF` holds the text as it is, or on one line with `\n` for the end of a line.
fn decode(text: &str) -> String {
    let one_line = !text.contains('\n') && !text.trim_start().starts_with('{');
    if one_line { text.replace("\\n", "\n") } else { text.to_owned() }
}

fn without_former(mut table: Map<String, Value>, problems: &mut Problems) -> Map<String, Value> {
    let former = || FORMER.into_iter().chain(COMMON);
    for (former, now) in former() {
        let (section, name) = former.split_once('.').unwrap_or((former, ""));
        let value = match table.get(section) {
            Some(value) if name.is_empty() => Some(value),
            Some(Value { kind: ValueKind::Table(inner), .. }) => inner.get(name),
            _ => table.get(former),
        };
        if let Some(value) = value {
            let origin = value.origin().unwrap_or_default().to_owned();
            problems.add_from(former, format!("belongs to another program; {now}"), origin);
        }
    }
    table.retain(|key, _| !former().any(|(former, _)| former.split('.').next() == Some(key)));
    table
}
