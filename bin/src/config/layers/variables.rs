//! Variables, from the environment or from `.env`, and what the command line sets.

use super::{
    Layer,
    file::{COMMON, FORMER},
    leaf,
};
use crate::config::{
    Config,
    keys::{Key, NAME, find, keys},
    problem::{Problems, nearest},
    sources::Sources,
};
use config::ValueKind;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Names that a file or we ourselves have given to sections, such as schedules. A variable is in capitals and knows no
/// hyphen, so `PRUNE_TASKS` leads to whichever of these it fits.
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn of(file: &Layer) -> Self {
        let given = match file.0.get("schedules").map(|schedules| &schedules.kind) {
            Some(ValueKind::Table(table)) => table.keys().cloned().collect(),
            _ => BTreeSet::new(),
        };
        let shipped = Config::default().schedules;
        Self(given.into_iter().chain(shipped.names().map(str::to_owned)).collect())
    }

    /// The name that `word`, a part of a variable, means: a new one has hyphens.
    fn meant(&self, word: &str) -> String {
        let new = word.to_lowercase().replace('_', "-");
        let known = self.0.iter().find(|name| name.replace('_', "-") == new);
        known.cloned().unwrap_or(new)
    }
}

/// A key, and how it is called here.
struct Addressed {
    key: &'static Key,
    path: String,
    variable: String,
}

/// Every key that a variable could set; those of named sections for each name that a variable holds.
fn addressed(environment: &BTreeMap<String, String>, names: &Names) -> Vec<Addressed> {
    let each = |key: &'static Key| {
        let pattern = key.variable();
        let Some((before, after)) = pattern.split_once(&NAME.to_uppercase()) else {
            return vec![Addressed { key, path: key.path.clone(), variable: pattern }];
        };
        let word = |variable: &str| {
            let word = variable.strip_prefix(before)?.strip_suffix(after)?;
            (!word.is_empty() && !word.contains("__")).then(|| word.to_owned())
        };
        let words = environment.keys().filter_map(|variable| Some((variable, word(variable)?)));
        let found = words.map(|(variable, word)| Addressed {
            key,
            path: key.path.replace(NAME, &names.meant(&word)),
            variable: variable.clone(),
        });
        found.collect()
    };
    keys().iter().flat_map(each).collect()
}

/// The pairs of `.env`.
pub(super) fn dotenv(sources: &Sources, problems: &mut Problems) -> BTreeMap<String, String> {
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

/// `place` is where they are, for messages: ` in .env`.
pub(super) fn layer(
    environment: &BTreeMap<String, String>,
    place: &str,
    names: &Names,
    problems: &mut Problems,
) -> Layer {
    let mut layer = Layer::default();
    let all = addressed(environment, names);
    for Addressed { key, path, variable } in &all {
        let names = [Some(variable.clone()), key.customary().map(str::to_owned)].into_iter().flatten();
        let names = names.flat_map(|name| {
            [name.clone(), format!("{name}_FILE")].into_iter().take(1 + usize::from(key.secret))
        });
        let set: Vec<String> = names.filter(|name| environment.contains_key(name)).collect();
        let [name] = set.as_slice() else {
            if !set.is_empty() {
                problems
                    .add(set.join(" and "), format!("set the same value, {path}: keep one of them{place}"));
            }
            continue;
        };
        let value = environment.get(name).map(String::as_str).unwrap_or_default();
        let Some(value) = value_of(key, name, value, place, problems) else { continue };
        let origin = format!("{name}{place}");
        layer.0.insert(path.clone(), leaf(&origin, &value));
    }
    unknown_variables(environment, place, &all, problems);
    layer
}

/// What may be meant for us and is not ours; other programs use these names too.
pub(super) fn warnings(environment: &BTreeMap<String, String>, place: &str) -> impl Iterator<Item = String> {
    let common = COMMON.into_iter().filter(|(name, _)| !name.starts_with("APP_"));
    let set = common.filter(|(name, _)| environment.contains_key(*name));
    set.map(move |(name, now)| format!("{name} is set{place} and means nothing to this program: {now}"))
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

/// What the command line sets.
pub(super) fn command_line(sources: &Sources) -> Layer {
    let pairs = sources.overrides.iter().filter_map(|given| {
        let key = find(given.key)?;
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

fn unknown_variables(
    environment: &BTreeMap<String, String>,
    place: &str,
    all: &[Addressed],
    problems: &mut Problems,
) {
    let ours: Vec<String> = all.iter().map(|known| known.variable.clone()).collect();
    let secret = |name: &str| {
        name.strip_suffix("_FILE")
            .is_some_and(|name| keys().iter().any(|key| key.secret && key.variable() == name))
    };
    for name in environment.keys().filter(|name| name.starts_with("APP_")) {
        if matches!(name.as_str(), "APP_ENV" | "APP_CONFIG") || ours.contains(name) || secret(name) {
            continue;
        }
        let known = ours.iter().map(String::as_str).chain(["APP_ENV", "APP_CONFIG"]);
        if let Some((former, now)) = COMMON.iter().find(|(former, _)| former == name) {
            problems.add(*former, format!("belongs to another program; {now}"));
            continue;
        }
        let near = nearest(name, known);
        let key = all.iter().find(|known| Some(known.variable.as_str()) == near);
        let hint = match (near, key) {
            (Some(near), Some(known)) => format!("; did you mean {near}, for {}?", known.path),
            (Some(near), None) => format!("; did you mean {near}?"),
            (None, _) => "; `plinth config reference` lists all variables".to_owned(),
        };
        problems.add(name, format!("is set{place} and means nothing{hint}"));
    }
    for (former, now) in FORMER {
        if environment.contains_key(former) {
            problems.add(former, format!("belongs to another program; {now}"));
        }
    }
}
