//! Rules beyond the type of a value: the sections' own (`validator`), and those of production.

use super::{
    Config, Environment,
    keys::{find, keys},
    layers::{Layers, Tree},
    load::value_at,
    problem::Problems,
    schedules::Wrong,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::{net::IpAddr, time::Duration};
use url::Url;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

/// Words in a secret that somebody was to replace.
const PLACEHOLDERS: [&str; 6] =
    ["changeme", "change-me", "change_me", "placeholder", "replaceme", "replace-me"];

/// Passwords that are the first to be tried.
const WELL_KNOWN: [&str; 10] =
    ["password", "passwd", "secret", "postgres", "plinth", "admin", "root", "test", "123456", "12345678"];

/// A rule over several values of a section is kept under this name by validator.
const WHOLE: &str = "__all__";

/// Adds every value that breaks a rule of its own. What several values have to keep together is for [`check`].
pub(super) fn fields(config: &Config, tree: &Tree, problems: &mut Problems) {
    if let Err(errors) = config.validate() {
        sections_own(&errors, "", false, tree, problems);
    }
    schedules(config.schedules.wrong(), tree, problems);
}

/// Adds what is wrong with schedules.
pub(super) fn schedules(wrong: Vec<Wrong>, tree: &Tree, problems: &mut Problems) {
    for (name, key, message) in wrong {
        let section = format!("schedules.{name}");
        add(&key.map_or(section.clone(), |key| format!("{section}.{key}")), message, tree, problems);
    }
}

/// Adds everything that breaks a rule. `declared`: whether `APP_ENV` is set.
pub(super) fn check(
    config: &Config,
    layers: &Layers,
    merged: &Tree,
    declared: bool,
    problems: &mut Problems,
) {
    if let Err(errors) = config.validate() {
        sections_own(&errors, "", true, merged, problems);
    }
    schedules(config.schedules.wrong(), merged, problems);
    schedules(config.schedules.missing(), merged, problems);
    if config.env == Environment::Prod {
        production(config, layers, merged, problems);
    }
    let open = [("http.host", config.http.host), ("monitor.host", config.monitor.host)];
    for (key, host) in open.into_iter().filter(|(_, host)| !declared && !host.is_loopback()) {
        let message =
            format!("is {host}, which others can reach: say what this is with APP_ENV=dev, test or prod");
        add(key, message, merged, problems);
    }
}

/// What is allowed outside production only, or not wise.
pub(super) fn warnings(config: &Config, layers: &Layers) -> Vec<String> {
    let mut warnings = layers.warnings.clone();
    for (path, variable) in secrets_on_disk(layers) {
        let file = layers.file.as_deref().unwrap_or_default();
        warnings.push(format!("{path} holds a secret in {file}; production refuses that: set {variable}"));
    }
    let others_can_reach = |host: IpAddr| !host.is_loopback();
    if config.env == Environment::Prod && others_can_reach(config.monitor.host) {
        warnings.push(
            "monitor.host is an address that others can reach; its answers are not for the public".to_owned(),
        );
    }
    warnings
}

/// Secrets whose values look like nobody has set them. Also for `plinth doctor`.
pub(crate) fn placeholders(config: &Config) -> Vec<&'static str> {
    secrets(config)
        .into_iter()
        .filter(|(_, secret)| is_placeholder(secret.expose_secret()))
        .map(|(key, _)| key)
        .collect()
}

fn production(config: &Config, layers: &Layers, merged: &Tree, problems: &mut Problems) {
    for key in placeholders(config) {
        let variable = find(key).map(|key| key.best_variable()).unwrap_or_default();
        let message =
            format!("is a placeholder, which APP_ENV=prod refuses: set {variable} to a secret of your own");
        add(key, message, merged, problems);
    }
    for (path, variable) in secrets_on_disk(layers) {
        let message =
            format!("is a secret in a file, which APP_ENV=prod refuses: set {variable} or {variable}_FILE");
        problems.add_from(path, message, layers.file.clone().unwrap_or_default());
    }
    for key in keys() {
        let value = key.development_only.as_ref();
        if value.is_some() && value_at(&merged.values, &key.path) == value {
            let found = value.and_then(Value::as_str).unwrap_or("on");
            let message = format!("is {found}, which APP_ENV=prod refuses: it is for development and tests");
            add(&key.path, message, merged, problems);
        }
    }
}

/// The secrets that are set, by key.
pub(super) fn secrets(config: &Config) -> Vec<(&'static str, &SecretString)> {
    let optional = [("redis.url", &config.redis.url), ("sentry.dsn", &config.sentry.dsn)];
    let optional = optional.into_iter().filter_map(|(key, secret)| Some((key, secret.as_ref()?)));
    [("database.url", &config.database.url)].into_iter().chain(optional).collect()
}

fn is_placeholder(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let password = Url::parse(&lower).ok().and_then(|url| url.password().map(str::to_owned));
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || password.is_some_and(|password| WELL_KNOWN.contains(&password.as_str()))
}

/// Secrets that stand in the file, with the variables that they belong in. A URL without a password is none.
fn secrets_on_disk(layers: &Layers) -> Vec<(&'static str, String)> {
    let values = layers.on_disk();
    let on_disk = |path: &str| values.get(path).and_then(Value::as_str);
    let secret = |text: &str| match Url::parse(text) {
        Ok(url) if url.scheme().starts_with("http") => true, // a DSN is a secret as a whole
        Ok(url) => url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"),
        Err(_) => true,
    };
    let found = keys().iter().filter(|key| key.secret && on_disk(&key.path).is_some_and(secret));
    found.map(|key| (key.path.as_str(), key.best_variable())).collect()
}

fn sections_own(errors: &ValidationErrors, path: &str, whole: bool, tree: &Tree, problems: &mut Problems) {
    let mut fields: Vec<_> = errors.errors().iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    for (name, kind) in fields {
        let below = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match kind {
            ValidationErrorsKind::Struct(inner) => sections_own(inner, &below, whole, tree, problems),
            ValidationErrorsKind::List(items) => {
                for (i, inner) in items {
                    sections_own(inner, &format!("{below}[{i}]"), whole, tree, problems);
                }
            }
            ValidationErrorsKind::Field(_) if name == WHOLE && !whole => {}
            ValidationErrorsKind::Field(errors) => {
                for error in errors {
                    // A rule over a whole section names the key that it is about in its code.
                    let key = if name == WHOLE { format!("{path}.{}", error.code) } else { below.clone() };
                    add(&key, message(&key, error), tree, problems);
                }
            }
        }
    }
}

fn message(key: &str, error: &ValidationError) -> String {
    let param = |name: &str| error.params.get(name).map(written);
    let known = find(key);
    let found = match (known.is_some_and(|key| key.secret), param("value")) {
        (false, Some(value)) => format!(", not {value}"),
        _ => String::new(),
    };
    match (&error.message, error.code.as_ref(), param("min"), param("max")) {
        (Some(message), ..) => format!("{message}{found}"),
        (None, "range", Some(min), Some(max)) => format!("must be from {min} to {max}{found}"),
        (None, "range", Some(min), None) => format!("must be at least {min}{found}"),
        (None, "range", None, Some(max)) => format!("must be at most {max}{found}"),
        (None, "length", Some(min), Some(max)) => format!("must have from {min} to {max} characters{found}"),
        (None, code, ..) => format!("breaks the rule `{code}`{found}"),
    }
}

/// A value as it is written in a file; validator has durations in two fields.
fn written(value: &Value) -> String {
    match Duration::deserialize(value) {
        Ok(duration) => humantime::format_duration(duration).to_string(),
        Err(_) => value.to_string(),
    }
}

fn add(key: &str, message: String, tree: &Tree, problems: &mut Problems) {
    problems.add_from(key, message, tree.origin(key).unwrap_or("default"));
}
