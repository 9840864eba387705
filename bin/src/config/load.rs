//! From merged layers to a [`Config`], or to everything that is wrong with it.

use super::{
    Config, Environment,
    keys::{Key, Kind, find, keys, sections},
    layers::{Layers, Tree, flatten},
    problem::{Problems, nearest},
    rules,
    sources::Sources,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{collections::BTreeMap, num::NonZeroUsize};

/// A configuration that may be used.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// Where each value that is not a default came from, by key.
    pub(crate) origins: BTreeMap<String, String>,
    /// What is allowed here and would not be in production, and what has no effect.
    pub(crate) warnings: Vec<String>,
    /// How many threads serve; as many as the process may use CPUs if nothing is said.
    pub(crate) worker_threads: Option<usize>,
}

impl Loaded {
    /// Reads, merges and checks.
    pub(crate) fn from(sources: &Sources) -> Result<Self, Problems> {
        let mut problems = sources.problems.clone();
        let env = environment(sources, &mut problems);
        let worker_threads = worker_threads(sources, &mut problems);
        let layers = Layers::read(sources, env.unwrap_or_default(), &mut problems);
        // Each by itself too: what is wrong is to be told even where a higher layer replaces it.
        for mut layer in layers.each() {
            let config = read(&mut layer, &mut problems);
            rules::fields(&config, &layer, &mut problems);
        }
        let mut merged = layers.merged();
        let mut config = read(&mut merged, &mut problems);
        config.env = env.unwrap_or_default();
        rules::check(&config, &layers, &merged, env.is_some(), &mut problems);
        if !problems.0.is_empty() {
            return Err(problems);
        }
        let warnings = rules::warnings(&config, &layers);
        Ok(Self { config, origins: merged.origins, warnings, worker_threads })
    }

    /// The keys whose values differ from those of `self` in `other`.
    pub(crate) fn changes(&self, other: &Self) -> Vec<Change> {
        let (before, after) = (self.exact(), other.exact());
        let changed = keys().iter().filter(|key| before.get(&key.path) != after.get(&key.path));
        changed.map(|key| Change { key: &key.path, reloadable: key.reloadable }).collect()
    }

    /// The values by path, secrets included: only to be compared.
    fn exact(&self) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        flatten(&serde_json::to_value(&self.config).unwrap_or_default(), "", &mut values);
        let secrets = rules::secrets(&self.config).into_iter();
        values.extend(secrets.map(|(key, secret)| (key.to_owned(), secret.expose_secret().into())));
        values
    }
}

/// A key that has another value than before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: &'static str,
    /// Whether a running process can take it over.
    pub(crate) reloadable: bool,
}

/// `None` if `APP_ENV` is not set.
fn environment(sources: &Sources, problems: &mut Problems) -> Option<Environment> {
    let text = sources.environment.get("APP_ENV")?;
    let env = Environment::parse(text);
    if env.is_none() {
        problems.add("APP_ENV", format!("must be dev, test or prod, not {text:?}"));
    }
    Some(env.unwrap_or_default())
}

fn worker_threads(sources: &Sources, problems: &mut Problems) -> Option<usize> {
    let text = sources.environment.get("TOKIO_WORKER_THREADS")?;
    let threads = text.parse::<NonZeroUsize>().ok().map(NonZeroUsize::get).filter(|threads| *threads <= 1024);
    if threads.is_none() {
        problems.add("TOKIO_WORKER_THREADS", format!("must be a whole number from 1 to 1024, not {text:?}"));
    }
    threads
}

/// What can be used, with defaults in place of what cannot.
fn read(tree: &mut Tree, problems: &mut Problems) -> Config {
    remove_unusable(tree, problems);
    deserialize(tree, problems)
}

const EMPTY: &str = "is empty: give it a value or leave it out";

/// Removes what is not a key, what is empty and what holds a NUL, each with a problem.
fn remove_unusable(tree: &mut Tree, problems: &mut Problems) {
    let mut values = BTreeMap::new();
    flatten(&tree.values, "", &mut values);
    for (path, value) in &values {
        if let Some(key) = keys().iter().find(|key| path.starts_with(&format!("{}.", key.path))) {
            let message = format!("must be {}, not a section", key.kind.expected());
            problems.add_from(&key.path, message, tree.origins.get(path).cloned().unwrap_or_default());
            remove(&mut tree.values, &key.path);
            continue;
        }
        let section = sections().iter().any(|section| section.path == *path);
        let message = match (find(path), value) {
            (None, Value::Null) if section || path.is_empty() => None,
            (None, Value::Object(_)) if section => None,
            (None, _) if section => Some("is a section: its keys belong below it".to_owned()),
            (None, _) => Some(unknown(path)),
            (Some(key), Value::Null) if key.optional => None,
            (Some(_), Value::Null) => Some(EMPTY.to_owned()),
            (Some(key), Value::String(text)) if text.is_empty() && key.default != *value => {
                Some(EMPTY.to_owned())
            }
            (Some(_), Value::String(text)) if text.contains('\0') => Some("holds a NUL character".to_owned()),
            (Some(_), _) => continue,
        };
        if let Some(message) = message {
            problems.add_from(path, message, tree.origins.get(path).cloned().unwrap_or_default());
        }
        remove(&mut tree.values, path);
    }
}

fn unknown(path: &str) -> String {
    let known = keys().iter().map(|key| key.path.as_str()).chain(sections().iter().map(|s| s.path.as_str()));
    match nearest(path, known).or_else(|| elsewhere(path)) {
        Some(near) => format!("is not known; did you mean {near}?"),
        None => "is not known; `plinth config reference` lists all keys".to_owned(),
    }
}

/// A key of the same name in another section.
fn elsewhere(path: &str) -> Option<&'static str> {
    let name = |path: &str| path.rsplit('.').next().map(str::to_owned);
    let mut same = keys().iter().filter(|key| name(&key.path) == name(path)).map(|key| key.path.as_str());
    same.next().filter(|_| same.next().is_none())
}

fn deserialize(tree: &mut Tree, problems: &mut Problems) -> Config {
    // Each round removes one value, so that the next one can find the next error.
    for _ in 0..=keys().len() {
        if !tree.values.is_object() {
            tree.values = Value::Object(serde_json::Map::new());
        }
        let error = match serde_path_to_error::deserialize::<_, Config>(&tree.values) {
            Ok(config) => return config,
            Err(error) => error,
        };
        let path = error.path().to_string();
        let key = keys().iter().find(|key| path == key.path || path.starts_with(&format!("{}[", key.path)));
        let Some(key) = key else {
            problems.add(path, error.inner().to_string());
            return Config::default();
        };
        let value = value_at(&tree.values, &key.path).cloned().unwrap_or_default();
        let origin = tree.origins.get(&key.path).cloned().unwrap_or_default();
        problems.add_from(&key.path, expected(key, &value, &error.inner().to_string()), origin);
        remove(&mut tree.values, &key.path);
    }
    Config::default()
}

fn expected(key: &Key, value: &Value, why: &str) -> String {
    let found = if key.secret { String::new() } else { format!(", not {value}") };
    match &key.kind {
        // Only the type itself knows which text it takes.
        Kind::Text if value.is_string() => format!("is {value}: {why}"),
        Kind::List if value.is_array() => format!("is {value}: {why}"),
        Kind::Choice(choices) => {
            let near = value.as_str().and_then(|text| nearest(text, choices.iter().map(String::as_str)));
            let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            format!("must be {}{found}{hint}", key.kind.expected())
        }
        kind => format!("must be {}{found}", kind.expected()),
    }
}

/// The value at `path`.
pub(super) fn value_at<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(tree, |tree, name| tree.get(name))
}

/// Removes a value, and the sections that are empty without it.
fn remove(tree: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut names = parent.split('.').filter(|name| !name.is_empty());
    let section = names.try_fold(&mut *tree, |tree, name| tree.get_mut(name));
    let Some(section) = section.and_then(Value::as_object_mut) else { return };
    section.remove(name);
    if section.is_empty() && !parent.is_empty() {
        remove(tree, parent);
    }
}
