//! Every key there is, from the JSON schema of [`Config`].

use super::Config;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::sync::LazyLock;

/// One value that can be set.
#[derive(Debug)]
pub(super) struct Key {
    /// Such as `http.limits.body_bytes`.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    pub(super) default: Value,
    pub(super) description: String,
    /// Never shown, and not to be kept in a file.
    pub(super) secret: bool,
    /// Taken over by a running process on SIGHUP.
    pub(super) reloadable: bool,
    /// Refused in production unless it is off.
    pub(super) development_only: bool,
}

/// What a value looks like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text,
    Duration,
    Whole { min: Option<i64>, max: Option<i64> },
    Number { min: Option<f64>, max: Option<f64> },
    Switch,
    Choice(Vec<String>),
    List,
}

/// A group of keys.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) path: String,
    pub(super) description: String,
}

/// Names that other programs have made customary, beside `APP__SECTION__KEY`.
const CUSTOMARY: [(&str, &str); 8] = [
    ("http.host", "HOST"),
    ("http.port", "PORT"),
    ("database.url", "DATABASE_URL"),
    ("database.update_on_start", "UPDATE_DB"),
    ("database.reset_on_start", "RESET_DB"),
    ("redis.url", "REDIS_URL"),
    ("log.level", "LOG_LEVEL"),
    ("sentry.dsn", "SENTRY_DSN"),
];

/// All keys, section by section.
pub(super) fn keys() -> &'static [Key] {
    &SCHEMA.0
}

/// All sections, each before those inside it.
pub(super) fn sections() -> &'static [Section] {
    &SCHEMA.1
}

/// The key of this path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.path == path)
}

impl Key {
    /// Such as `APP__HTTP__PORT`.
    pub(super) fn variable(&self) -> String {
        format!("APP__{}", self.path.replace('.', "__").to_uppercase())
    }

    /// Such as `PORT`.
    pub(super) fn customary(&self) -> Option<&'static str> {
        CUSTOMARY.iter().find(|(path, _)| *path == self.path).map(|(_, name)| *name)
    }

    /// The variable to recommend.
    pub(super) fn best_variable(&self) -> String {
        self.customary().map_or_else(|| self.variable(), str::to_owned)
    }
}

impl Kind {
    /// Completes "must be …".
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Duration => "a duration such as 500ms, 10s or 5m".to_owned(),
            Self::Whole { min, max } => format!("a whole number{}", range(*min, *max)),
            Self::Number { min, max } => format!("a number{}", range(*min, *max)),
            Self::Switch => "true or false".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::List => "a list; in a variable its items are separated by commas".to_owned(),
        }
    }

    /// The value that `text`, from a variable or the command line, means. What it cannot mean stays text, for the
    /// reader to complain of.
    pub(super) fn parse(&self, text: &str) -> Value {
        let parsed = match self {
            Self::Whole { .. } => text.parse::<i64>().ok().map(Value::from),
            Self::Number { .. } => {
                text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
            }
            Self::Switch => switch(text).map(Value::from),
            Self::List => Some(text.split(',').map(|item| Value::from(item.trim())).collect()),
            Self::Text | Self::Duration | Self::Choice(_) => None,
        };
        parsed.unwrap_or_else(|| Value::from(text))
    }
}

fn range<T: ToString>(min: Option<T>, max: Option<T>) -> String {
    match (min.map(|m| m.to_string()), max.map(|m| m.to_string())) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" from {min}"),
        (None, Some(max)) => format!(" up to {max}"),
        (None, None) => String::new(),
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

static SCHEMA: LazyLock<(Vec<Key>, Vec<Section>)> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Config>();
    let (mut keys, mut sections) = (Vec::new(), Vec::new());
    collect(schema.as_value(), "", &mut keys, &mut sections);
    (keys, sections)
});

fn collect(schema: &Value, path: &str, keys: &mut Vec<Key>, sections: &mut Vec<Section>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let description = text(property, "description");
        if property.get("properties").is_some() {
            sections.push(Section { path: path.clone(), description });
            collect(property, &path, keys, sections);
        } else {
            keys.push(key(path, description, property));
        }
    }
}

fn key(path: String, description: String, schema: &Value) -> Key {
    let flag = |name| schema.get(name) == Some(&Value::Bool(true));
    let default = schema.get("default").cloned().unwrap_or_default();
    Key {
        kind: kind(schema, &default),
        optional: types(schema).contains(&"null"),
        default,
        path,
        description,
        secret: flag("x-secret"),
        reloadable: flag("x-reloadable"),
        development_only: flag("x-development-only"),
    }
}

fn kind(schema: &Value, default: &Value) -> Kind {
    let choices = choices(schema);
    if !choices.is_empty() {
        return Kind::Choice(choices);
    }
    let bound = |name| schema.get(name);
    match types(schema).first().copied() {
        Some("integer") => Kind::Whole {
            min: bound("minimum").and_then(Value::as_i64),
            max: bound("maximum").and_then(Value::as_i64),
        },
        Some("number") => Kind::Number {
            min: bound("minimum").and_then(Value::as_f64),
            max: bound("maximum").and_then(Value::as_f64),
        },
        Some("boolean") => Kind::Switch,
        Some("array") => Kind::List,
        // The schema of a duration is that of text; only its default tells.
        _ if default.as_str().is_some_and(|text| humantime::parse_duration(text).is_ok()) => Kind::Duration,
        _ => Kind::Text,
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// An enum whose variants are documented is a `oneOf` of constants, another one an `enum`.
fn choices(schema: &Value) -> Vec<String> {
    let list = |name| schema.get(name).and_then(Value::as_array).into_iter().flatten();
    let documented = list("oneOf").flat_map(|one| match one.get("const") {
        Some(constant) => vec![constant],
        None => one.get("enum").and_then(Value::as_array).into_iter().flatten().collect(),
    });
    let names = documented.chain(list("enum")).filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// On one line: a doc comment is broken where its source is.
fn text(schema: &Value, name: &str) -> String {
    schema.get(name).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_knows_its_kind_default_and_names() {
        let port = find("http.port").unwrap();
        assert_eq!(port.kind, Kind::Whole { min: Some(0), max: Some(65535) });
        assert_eq!((port.default.as_i64(), port.best_variable()), (Some(5000), "PORT".to_owned()));
        let body = find("http.limits.body_bytes").unwrap();
        assert_eq!(body.variable(), "APP__HTTP__LIMITS__BODY_BYTES");
        assert_eq!(find("database.acquire_timeout").unwrap().kind, Kind::Duration);
        let level = find("log.level").unwrap();
        assert!(matches!(&level.kind, Kind::Choice(choices) if choices.contains(&"debug".to_owned())));
        assert!(level.reloadable && !port.reloadable);
        assert!(find("database.url").unwrap().secret && find("sentry.dsn").unwrap().optional);
        assert!(find("database.reset_on_start").unwrap().development_only);
    }

    #[test]
    fn every_key_is_described_and_every_customary_name_leads_to_one() {
        for key in keys() {
            assert!(!key.description.is_empty(), "{} has no description", key.path);
            assert!(key.optional || !key.default.is_null(), "{} has no default", key.path);
        }
        for (path, _) in CUSTOMARY {
            assert!(find(path).is_some(), "{path}");
        }
    }
}
