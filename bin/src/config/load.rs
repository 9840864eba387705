//! From merged layers to a [`Config`], or to everything that is wrong with it.

use super::{
    Config, Environment,
    keys::{Key, Kind, above, find, keys, section, sections, with_names_of},
    layers::{Layers, Tree, flatten},
    problem::{Problems, nearest},
    rules,
    sources::Sources,
};
use domain::Invalid;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
};

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

    /// Whether the tasks of all schedules can be scheduled, those not in force included: `check` knows kinds and payloads.
    pub(crate) fn check_tasks(
        &self,
        check: impl Fn(&str, &str) -> Result<(), Invalid>,
    ) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let tree = Tree { origins: self.origins.clone(), ..Tree::default() };
        rules::schedules(self.config.schedules.impossible(check), &tree, &mut problems);
        if problems.0.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The keys whose values differ from those of `self` in `other`.
    pub(crate) fn changes(&self, other: &Self) -> Vec<Change> {
        let (before, after) = (self.exact(), other.exact());
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
        let reloadable = |path: &str| find(path).is_some_and(|key| key.reloadable);
        changed.map(|path| Change { key: path.clone(), reloadable: reloadable(path) }).collect()
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
    pub(crate) key: String,
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
    let shipped = serde_json::to_value(Config::default().schedules).unwrap_or_default();
    complete(&mut tree.values, "schedules", shipped);
    deserialize(tree, problems)
}

/// Sets what is not set: of schedules that are shipped, one key may be configured and the others not.
fn complete(tree: &mut Value, name: &str, shipped: Value) {
    let Some(section) = tree.as_object_mut() else { return };
    match shipped {
        Value::Object(inner) if !inner.is_empty() => {
            let below = section.entry(name).or_insert_with(|| Value::Object(serde_json::Map::new()));
            inner.into_iter().for_each(|(name, value)| complete(below, &name, value));
        }
        value => drop(section.entry(name).or_insert(value)),
    }
}

const EMPTY: &str = "is empty: give it a value or leave it out";

/// Removes what is not a key, what is empty and what holds a NUL, each with a problem.
fn remove_unusable(tree: &mut Tree, problems: &mut Problems) {
    let mut values = BTreeMap::new();
    flatten(&tree.values, "", &mut values);
    for (path, value) in &values {
        if let Some((above, key)) = above(path).find_map(|above| Some((above, find(above)?))) {
            let message = format!("must be {}, not a section", key.kind.expected());
            problems.add_from(above, message, tree.origins.get(path).cloned().unwrap_or_default());
            remove(&mut tree.values, above);
            continue;
        }
        let section = section(path).is_some();
        let message = match (find(path), value) {
            (None, Value::Null) if section || path.is_empty() => None,
            (None, Value::Object(_)) if section => continue,
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
    let known = keys().iter().map(|key| &key.path).chain(sections().iter().map(|section| &section.path));
    let known: Vec<String> = known.map(|known| with_names_of(known, path)).collect();
    match nearest(path, known.iter().map(String::as_str)).or_else(|| elsewhere(path)) {
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
    if !tree.values.is_object() {
        tree.values = Value::Object(serde_json::Map::new());
    }
    let mut values = BTreeMap::new();
    flatten(&tree.values, "", &mut values);
    // Each round removes one value, so that the next one can find the next error.
    for _ in 0..=values.len() {
        let error = match serde_path_to_error::deserialize::<_, Config>(&tree.values) {
            Ok(config) => return config,
            Err(error) => error,
        };
        let place = error.path().to_string();
        let path = place.split('[').next().unwrap_or_default();
        let found = above(path).chain([path]).find_map(|path| Some((path, find(path)?)));
        let Some((path, key)) = found else {
            problems.add(path, error.inner().to_string());
            return Config::default();
        };
        let value = value_at(&tree.values, path).cloned().unwrap_or_default();
        let origin = tree.origin(path).unwrap_or_default().to_owned();
        problems.add_from(path, expected(key, &value, &error.inner().to_string()), origin);
        remove(&mut tree.values, path);
    }
    Config::default()
}

fn expected(key: &Key, value: &Value, why: &str) -> String {
    let found = if key.secret { String::new() } else { format!(", not {value}") };
    match &key.kind {
        // Only the type itself knows which text it takes.
        Kind::Text if value.is_string() => format!("is {value}: {why}"),
        Kind::List if value.is_array() => format!("is {value}: {why}"),
        Kind::Numbers if value.is_object() => format!("is {value}: {why}"),
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
