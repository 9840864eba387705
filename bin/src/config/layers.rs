//! The layers under a configuration: file < `.env` < environment < command line.

mod file;
mod variables;

pub(crate) use file::encode;

use super::{Environment, keys::find, problem::Problems, sources::Sources};
use config::{Config as Merger, Map, Source, Value, ValueKind};
use std::collections::BTreeMap;

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

/// All layers, the lowest first.
pub(super) struct Layers {
    layers: [Layer; 4],
    /// How the file on disk is called, if there is one.
    pub(super) file: Option<String>,
    /// Variables that may have been meant for us.
    pub(super) warnings: Vec<String>,
}

/// Values, and where each came from.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Sections and values.
    pub(super) values: serde_json::Value,
    /// By path.
    pub(super) origins: BTreeMap<String, String>,
}

impl Tree {
    /// See [`origin`].
    pub(super) fn origin(&self, path: &str) -> Option<&str> {
        origin(&self.origins, path)
    }
}

/// Where the value at `path` came from, or if it is a table the first value inside; `None` if it is a default.
pub(super) fn origin<'o>(origins: &'o BTreeMap<String, String>, path: &str) -> Option<&'o str> {
    let inside = format!("{path}.");
    let below = || origins.range(inside.clone()..).next().filter(|(inner, _)| inner.starts_with(&inside));
    origins.get(path).or_else(|| below().map(|(_, origin)| origin)).map(String::as_str)
}

impl Layers {
    /// Reads all.
    pub(super) fn read(sources: &Sources, env: Environment, problems: &mut Problems) -> Self {
        let (file, name) = file::read(sources, problems);
        let dotenv =
            if env == Environment::Dev { variables::dotenv(sources, problems) } else { BTreeMap::new() };
        let variables = [(&dotenv, " in .env"), (&sources.environment, " in the environment")];
        let names = variables::Names::of(&file);
        let warnings =
            variables.iter().flat_map(|(pairs, place)| variables::warnings(pairs, place)).collect();
        let [dotenv, environment] =
            variables.map(|(pairs, place)| variables::layer(pairs, place, &names, problems));
        let layers = [file, dotenv, environment, variables::command_line(sources)];
        Self { layers, file: name, warnings }
    }

    /// Each by itself.
    pub(super) fn each(&self) -> impl Iterator<Item = Tree> {
        self.layers.iter().map(|layer| merge(std::slice::from_ref(layer)))
    }

    /// What they say together.
    pub(super) fn merged(&self) -> Tree {
        merge(&self.layers)
    }

    /// The values of the file on disk by path, even those that a higher layer replaces.
    pub(super) fn on_disk(&self) -> BTreeMap<String, serde_json::Value> {
        let mut values = BTreeMap::new();
        if let ([file, ..], Some(_)) = (&self.layers, &self.file) {
            flatten(&merge(std::slice::from_ref(file)).values, "", &mut values);
        }
        values
    }
}

fn merge(layers: &[Layer]) -> Tree {
    let merger = layers.iter().fold(Merger::builder(), |builder, layer| builder.add_source(layer.clone()));
    let mut tree = Tree::default();
    // Layers that are in memory cannot fail to be collected.
    if let Ok(built) = merger.build() {
        tree.values = json(built.cache, "", &mut tree.origins);
    }
    tree
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
        serde_json::Value::Object(table) => {
            ValueKind::Table(table.iter().map(|(name, item)| (name.clone(), leaf(origin, item))).collect())
        }
        serde_json::Value::Null => ValueKind::Nil,
        serde_json::Value::String(text) => ValueKind::String(text.clone()),
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
        // JSON has no form for infinity, which is what 1e999 is; as text it is told, as null it would pass for empty.
        ValueKind::Float(number) if !number.is_finite() => number.to_string().into(),
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

/// The values of a tree by path. A section without any is one itself, and a key may have a table for its value.
pub(super) fn flatten(tree: &serde_json::Value, path: &str, out: &mut BTreeMap<String, serde_json::Value>) {
    let is_value = find(path).is_some_and(|key| key.kind.is_table());
    match tree.as_object().filter(|_| !is_value) {
        Some(section) if !section.is_empty() || path.is_empty() => {
            for (name, value) in section {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, &path, out);
            }
        }
        _ => drop(out.insert(path.to_owned(), tree.clone())),
    }
}
