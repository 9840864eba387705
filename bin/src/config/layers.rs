//! The layers under a configuration, merged: file < `.env` < environment < command line.

use super::{
    Environment,
    keys::{Key, keys},
    problem::{Problem, Problems, nearest},
    sources::Sources,
};
use config::{Config as Merger, FileFormat, Format, Map, Source, Value, ValueKind};
use std::{collections::BTreeMap, fs, path::Path};

/// One layer: values by path, each knowing where it came from.
#[derive(Debug, Clone, Default)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// What the layers say together.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// A tree of sections and values.
    pub(super) tree: serde_json::Value,
    /// Where each value of it came from, by path.
    pub(super) origins: BTreeMap<String, String>,
    /// The values of the file on disk, by path, even those that a higher layer replaces.
    pub(super) on_disk: BTreeMap<String, serde_json::Value>,
    /// How that file is called.
    pub(super) file: Option<String>,
}

/// Names of other starters, and what they are called here.
const FORMER: [(&str, &str); 5] = [
    ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL (in a file: database.url)"),
    ("CELERY_CONF.BROKER_URL", "REDIS_URL (in a file: redis.url); tasks themselves are kept in the database"),
    ("CELERY_CONF.CELERY_RESULT_BACKEND", "nothing: results are kept in the database"),
    ("CELERY_BROKER_URL", "REDIS_URL (in a file: redis.url); tasks themselves are kept in the database"),
    ("CELERY_RESULT_BACKEND", "nothing: results are kept in the database"),
];

/// Reads and merges all layers.
pub(super) fn merge(sources: &Sources, env: Environment, problems: &mut Problems) -> Merged {
    let mut merged = Merged::default();
    let file = file(sources, &mut merged, problems);
    let dotenv = if env == Environment::Dev { dotenv(sources, problems) } else { BTreeMap::new() };
    let layers = [
        file,
        variables(&dotenv, " in .env", problems),
        variables(&sources.environment, " in the environment", problems),
        command_line(sources),
    ];
    let merger = layers.into_iter().fold(Merger::builder(), |builder, layer| builder.add_source(layer));
    match merger.build() {
        Ok(built) => merged.tree = json(built.cache, "", &mut merged.origins),
        Err(error) => problems.add("configuration", error.to_string()),
    }
    merged
}

/// The text of a file on one line, as `CONF` takes it.
pub(crate) fn encode(text: &str) -> Result<String, Problems> {
    let parsed = FileFormat::Yaml.parse(None, text).map_err(|error| {
        let problem = Problem { subject: "file".to_owned(), message: error.to_string(), origin: None };
        Problems(vec![problem])
    })?;
    if text.contains('\\') {
        // Its own escapes would be taken for ours. JSON is YAML, has one line and needs none.
        let value = Value::new(None, ValueKind::Table(parsed));
        return Ok(json(value, "", &mut BTreeMap::new()).to_string());
    }
    Ok(text.trim_end().replace("\r\n", "\n").replace('\n', "\\n"))
}

fn file(sources: &Sources, merged: &mut Merged, problems: &mut Problems) -> Layer {
    let get = |name| sources.environment.get(name).filter(|value| !value.is_empty());
    for name in ["APP_CONFIG", "CONF"] {
        if sources.environment.get(name).is_some_and(String::is_empty) {
            problems.add(name, "is empty: give it a value or unset it");
        }
    }
    let (origin, text) = match (get("APP_CONFIG"), get("CONF")) {
        (Some(_), Some(_)) => {
            problems.add("CONF", "is set beside APP_CONFIG: keep one of them");
            return Layer::default();
        }
        (Some(path), None) => match fs::read_to_string(sources.directory.join(path)) {
            Ok(text) => {
                merged.file = Some(path.clone());
                (path.clone(), text)
            }
            Err(error) => {
                problems.add_from("APP_CONFIG", format!("cannot be read: {error}"), path);
                return Layer::default();
            }
        },
        (None, Some(text)) => ("CONF".to_owned(), decode(text)),
        (None, None) => return Layer::default(),
    };
    match FileFormat::Yaml.parse(Some(&origin), &text) {
        Ok(table) => {
            let table = without_former(table, problems);
            if merged.file.is_some() {
                let value = Value::new(None, ValueKind::Table(table.clone()));
                flatten(&json(value, "", &mut BTreeMap::new()), "", &mut merged.on_disk);
            }
            Layer(table)
        }
        Err(error) => {
            problems.add(origin, format!("is not YAML with keys on its top level: {error}"));
            Layer::default()
        }
    }
}

/// `CONF` holds the text as it is, or on one line with `\n` for the end of a line.
fn decode(text: &str) -> String {
    let one_line = !text.contains('\n') && !text.trim_start().starts_with('{');
    if one_line { text.replace("\\n", "\n") } else { text.to_owned() }
}

fn without_former(mut table: Map<String, Value>, problems: &mut Problems) -> Map<String, Value> {
    for (former, now) in FORMER {
        let (section, name) = former.split_once('.').unwrap_or((former, ""));
        let value = match table.get(section) {
            Some(value) if name.is_empty() => Some(value),
            Some(Value { kind: ValueKind::Table(inner), .. }) => inner.get(name),
            _ => table.get(former),
        };
        if let Some(value) = value {
            let origin = value.origin().unwrap_or_default().to_owned();
            problems.add_from(former, format!("belongs to another program; here it is {now}"), origin);
        }
    }
    table.retain(|key, _| !FORMER.iter().any(|(former, _)| former.split('.').next() == Some(key)));
    table
}

fn dotenv(sources: &Sources, problems: &mut Problems) -> BTreeMap<String, String> {
    let path = sources.directory.join(".env");
    let pairs = match dotenvy::from_path_iter(&path) {
        Ok(pairs) => pairs.collect::<Result<BTreeMap<_, _>, _>>(),
        Err(error) if error.not_found() => return BTreeMap::new(),
        Err(error) => Err(error),
    };
    let pairs = pairs.unwrap_or_else(|error| {
        problems.add(".env", format!("cannot be read: {error}"));
        BTreeMap::new()
    });
    for (name, why) in [
        ("APP_CONFIG", "must be set in the environment"),
        ("CONF", "must be set in the environment"),
        ("TOKIO_WORKER_THREADS", "must be set in the environment"),
    ] {
        if pairs.contains_key(name) {
            problems.add_from(name, why, ".env");
        }
    }
    match pairs.get("APP_ENV").map(String::as_str) {
        None | Some("dev") => {}
        Some(_) => problems.add_from("APP_ENV", "can only be dev here: the file is for development", ".env"),
    }
    pairs
}

fn variables(environment: &BTreeMap<String, String>, place: &str, problems: &mut Problems) -> Layer {
    let mut layer = Layer::default();
    for key in keys() {
        let names = [Some(key.variable()), key.customary().map(str::to_owned)].into_iter().flatten();
        let names = names.flat_map(|name| {
            [name.clone(), format!("{name}_FILE")].into_iter().take(1 + usize::from(key.secret))
        });
        let set: Vec<String> = names.filter(|name| environment.contains_key(name)).collect();
        let [name] = set.as_slice() else {
            if !set.is_empty() {
                problems.add(
                    set.join(" and "),
                    format!("set the same value, {}: keep one of them{place}", key.path),
                );
            }
            continue;
        };
        let value = environment.get(name).map(String::as_str).unwrap_or_default();
        let Some(value) = value_of(key, name, value, place, problems) else { continue };
        let origin = format!("{name}{place}");
        layer.0.insert(key.path.clone(), leaf(&origin, &value));
    }
    unknown_variables(environment, place, problems);
    layer
}

/// What the variable means; for `*_FILE` what is in the file.
fn value_of(
    key: &Key,
    name: &str,
    value: &str,
    place: &str,
    problems: &mut Problems,
) -> Option<serde_json::Value> {
    if value.is_empty() {
        problems.add(name, format!("is empty{place}: give it a value or unset it"));
        return None;
    }
    let file = name.strip_suffix("_FILE").filter(|_| key.secret);
    let text = match file {
        None => value.to_owned(),
        Some(_) => match fs::read_to_string(Path::new(value)) {
            Ok(text) => text.trim_end_matches(['\n', '\r']).to_owned(),
            Err(error) => {
                problems.add(name, format!("names {value}, which cannot be read: {error}"));
                return None;
            }
        },
    };
    if text.is_empty() {
        problems.add(name, format!("names {value}, which is empty"));
        return None;
    }
    Some(parse(key, &text))
}

fn command_line(sources: &Sources) -> Layer {
    let pairs = sources.overrides.iter().filter_map(|given| {
        let key = super::keys::find(given.key)?;
        let origin = format!("{} on the command line", given.flag);
        Some((given.key.to_owned(), leaf(&origin, &parse(key, &given.value))))
    });
    Layer(pairs.collect())
}

fn parse(key: &Key, text: &str) -> serde_json::Value {
    // The one name that everybody types where an address is asked for.
    let text = if key.path.ends_with(".host") && text == "localhost" { "127.0.0.1" } else { text };
    key.kind.parse(text)
}

fn unknown_variables(environment: &BTreeMap<String, String>, place: &str, problems: &mut Problems) {
    let ours: Vec<String> = keys().iter().map(Key::variable).collect();
    let secret = |name: &str| {
        name.strip_suffix("_FILE")
            .is_some_and(|name| keys().iter().any(|key| key.secret && key.variable() == name))
    };
    for name in environment.keys().filter(|name| name.starts_with("APP_")) {
        if matches!(name.as_str(), "APP_ENV" | "APP_CONFIG") || ours.contains(name) || secret(name) {
            continue;
        }
        let known = ours.iter().map(String::as_str).chain(["APP_ENV", "APP_CONFIG"]);
        let near = nearest(name, known);
        let key = keys().iter().find(|key| Some(key.variable().as_str()) == near);
        let hint = match (near, key) {
            (Some(near), Some(key)) => format!("; did you mean {near}, for {}?", key.path),
            (Some(near), None) => format!("; did you mean {near}?"),
            (None, _) => "; `plinth config reference` lists all variables".to_owned(),
        };
        problems.add(name, format!("is set{place} and means nothing{hint}"));
    }
    for (former, now) in FORMER {
        if environment.contains_key(former) {
            problems.add(former, format!("belongs to another program; here it is {now}"));
        }
    }
}

fn leaf(origin: &str, value: &serde_json::Value) -> Value {
    let kind = match value {
        serde_json::Value::Bool(switch) => ValueKind::Boolean(*switch),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => ValueKind::I64(whole),
            None => ValueKind::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::Array(items) => {
            ValueKind::Array(items.iter().map(|item| leaf(origin, item)).collect())
        }
        other => ValueKind::String(other.as_str().unwrap_or_default().to_owned()),
    };
    Value::new(Some(&origin.to_owned()), kind)
}

/// As JSON, noting in `origins` where each value came from.
fn json(value: Value, path: &str, origins: &mut BTreeMap<String, String>) -> serde_json::Value {
    if let (Some(origin), false) = (value.origin(), matches!(value.kind, ValueKind::Table(_))) {
        origins.insert(path.to_owned(), origin.to_owned());
    }
    match value.kind {
        ValueKind::Nil => serde_json::Value::Null,
        ValueKind::Boolean(switch) => switch.into(),
        ValueKind::I64(whole) => whole.into(),
        ValueKind::U64(whole) => whole.into(),
        ValueKind::I128(whole) => i64::try_from(whole).map_or(serde_json::Value::Null, Into::into),
        ValueKind::U128(whole) => u64::try_from(whole).map_or(serde_json::Value::Null, Into::into),
        ValueKind::Float(number) => number.into(),
        ValueKind::String(text) => text.into(),
        ValueKind::Array(items) => {
            items.into_iter().map(|item| json(item, "", &mut BTreeMap::new())).collect()
        }
        ValueKind::Table(table) => table
            .into_iter()
            .map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let value = json(value, &path, origins);
                (name, value)
            })
            .collect(),
    }
}

/// The values of a tree by path.
pub(super) fn flatten(tree: &serde_json::Value, path: &str, out: &mut BTreeMap<String, serde_json::Value>) {
    match tree.as_object() {
        Some(section) => {
            for (name, value) in section {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, &path, out);
            }
        }
        None => drop(out.insert(path.to_owned(), tree.clone())),
    }
}
