//! Every key there is, from the JSON schema of [`Config`](super::Config).

mod schema;

use super::load::value_at;
use serde_json::Value;
use std::sync::LazyLock;

/// One value that can be set; of a section whose name the user gives, such as a schedule, one for all such sections.
#[derive(Debug)]
pub(super) struct Key {
    /// Such as `http.limits.body_bytes` or `schedules.{name}.cron`.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    pub(super) default: Value,
    pub(super) description: String,
    /// Never shown, and not to be kept in a file.
    pub(super) secret: bool,
    /// Has no default that would do.
    pub(super) required: bool,
    /// Taken over by a running process on SIGHUP.
    pub(super) reloadable: bool,
    /// The value that production refuses.
    pub(super) development_only: Option<Value>,
}

/// What a value looks like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text,
    Duration,
    Whole {
        min: Option<i64>,
        max: Option<i64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Switch,
    Choice(Vec<String>),
    List,
    /// A whole number for each of some names.
    Numbers,
    /// Whatever JSON can say.
    Json,
}

/// A group of keys.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) path: String,
    pub(super) description: String,
}

/// Stands in a path for a name that the user gives.
pub(super) const NAME: &str = "{name}";

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

static SCHEMA: LazyLock<(Vec<Key>, Vec<Section>)> = LazyLock::new(schema::read);

/// All keys, section by section.
pub(super) fn keys() -> &'static [Key] {
    &SCHEMA.0
}

/// All sections, each before those inside it.
pub(super) fn sections() -> &'static [Section] {
    &SCHEMA.1
}

/// The key of this path, which may hold names.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    keys().iter().find(|key| matches(&key.path, path))
}

/// The section of this path.
pub(super) fn section(path: &str) -> Option<&'static Section> {
    sections().iter().find(|section| matches(&section.path, path))
}

/// The sections that this path leads through, the outermost first.
pub(super) fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').filter_map(|(dot, _)| path.get(..dot))
}

/// Every key with its path in this configuration: those of a section whose name the user gives once for each such
/// section.
pub(super) fn keys_in(config: &Value) -> Vec<(String, &'static Key)> {
    let same_family = |a: &Key, b: &Key| a.family().is_some() && a.family() == b.family();
    let groups = keys().chunk_by(same_family);
    let paths = groups.flat_map(|group| {
        let family = group.first().and_then(Key::family);
        let members = family.and_then(|family| value_at(config, family)?.as_object());
        let names: Vec<&str> = match family {
            None => vec![NAME],
            Some(_) => members.into_iter().flatten().map(|(name, _)| name.as_str()).collect(),
        };
        let path = |name: &&str, key: &'static Key| (key.path.replace(NAME, name), key);
        names.iter().flat_map(|name| group.iter().map(|key| path(name, key))).collect::<Vec<_>>()
    });
    paths.collect()
}

/// Whether a path is one of those that a pattern stands for.
fn matches(pattern: &str, path: &str) -> bool {
    let mut names = path.split('.');
    let fits = |part: &str| names.next().is_some_and(|name| part == name || part == NAME);
    pattern.split('.').all(fits) && names.next().is_none()
}

/// A pattern with the names that stand in the same place of `path`.
pub(super) fn with_names_of(pattern: &str, path: &str) -> String {
    let names = path.split('.').map(Some).chain(std::iter::repeat(None));
    let parts = pattern.split('.').zip(names);
    parts
        .map(|(part, name)| if part == NAME { name.unwrap_or(part) } else { part })
        .collect::<Vec<_>>()
        .join(".")
}

impl Key {
    /// Such as `schedules`, if what follows in the path is a name that the user gives.
    pub(super) fn family(&self) -> Option<&str> {
        self.path.split_once(NAME).map(|(family, _)| family.trim_end_matches('.'))
    }

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
            Self::Numbers => "names with a whole number for each; in a variable `a=1,b=2`".to_owned(),
            Self::Json => "a value of any form; in a variable JSON".to_owned(),
        }
    }

    /// Whether it has names of its own inside, which are no keys.
    pub(super) fn is_table(&self) -> bool {
        matches!(self, Self::Numbers | Self::Json)
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
            Self::Numbers => numbers(text),
            Self::Json => serde_json::from_str(text).ok(),
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

fn numbers(text: &str) -> Option<Value> {
    let pair = |pair: &str| {
        let (name, number) = pair.split_once('=')?;
        Some((name.trim().to_owned(), Value::from(number.trim().parse::<i64>().ok()?)))
    };
    text.split(',').map(pair).collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_knows_its_kind_default_and_names() {
        let port = find("http.port").unwrap();
        assert_eq!(port.kind, Kind::Whole { min: Some(0), max: Some(65535) });
        assert_eq!((port.default.as_i64(), port.best_variable()), (Some(5000), "PORT".to_owned()));
        let body = find("http.limits.body_bytes").unwrap();
        assert_eq!(body.variable(), "APP__HTTP__LIMITS__BODY_BYTES");
        assert_eq!(find("database.acquire_timeout").unwrap().kind, Kind::Duration);
        assert_eq!(find("tasks.backoff_base").unwrap().kind, Kind::Duration);
        assert_eq!(find("tasks.queue_concurrency").unwrap().kind, Kind::Numbers);
        let level = find("log.level").unwrap();
        assert!(matches!(&level.kind, Kind::Choice(choices) if choices.contains(&"debug".to_owned())));
        assert!(level.reloadable && !port.reloadable);
        assert!(find("database.url").unwrap().secret && find("sentry.dsn").unwrap().optional);
        assert_eq!(find("database.reset_on_start").unwrap().development_only, Some(json!(true)));
    }

    #[test]
    fn a_key_of_a_schedule_stands_for_that_of_every_schedule() {
        let cron = find("schedules.nightly.cron").unwrap();
        assert_eq!((cron.path.as_str(), cron.family()), ("schedules.{name}.cron", Some("schedules")));
        assert_eq!(cron.variable(), "APP__SCHEDULES__{NAME}__CRON");
        assert_eq!(find("schedules.nightly.payload").unwrap().kind, Kind::Json);
        for none in ["schedules.nightly", "schedules.cron", "schedules.a.b.cron", "schedules.nightly.cron.x"]
        {
            assert!(find(none).is_none(), "{none}");
        }
        assert_eq!(with_names_of(&cron.path, "schedules.a.crn"), "schedules.a.cron");
        let paths: Vec<String> = keys_in(&json!({"schedules": {"a": {}, "b": {}}}))
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| path.ends_with(".cron") || path.ends_with(".kind") || path == "http.port")
            .collect();
        let expected =
            ["http.port", "schedules.a.cron", "schedules.a.kind", "schedules.b.cron", "schedules.b.kind"];
        assert_eq!(paths, expected);
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
