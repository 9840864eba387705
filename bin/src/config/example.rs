//! A configuration file that sets every key to its default.

use super::{
    Config,
    keys::{Key, Kind, above, keys_in, section},
    load::value_at,
    show::scalar,
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write};

/// The greatest length of a line.
const WIDTH: usize = 110;

const INTRODUCTION: &str = "Every setting with its default. Copy what you change into a file of your own and name that in \
    APP_CONFIG. docs/configuration.md says where else settings may come from. Secrets belong in the environment.";

/// A schedule beside the shipped one, to be uncommented.
const SCHEDULE: &str = "
  # Another one, for example:
  #nightly-check:
  #  cron: 30 4 * * mon-fri
  #  time_zone: Europe/Berlin
  #  kind: WAIT_FOR_SERVERS
  #  payload: {servers: ['127.0.0.1:5432']}
  #  misfire: skip
  #  overlap: skip
";

/// YAML.
pub(crate) fn example() -> String {
    let mut out = String::new();
    comment(&mut out, "", INTRODUCTION);
    let mut entered = BTreeSet::new();
    let config = serde_json::to_value(Config::default()).unwrap_or_default();
    for (path, key) in keys_in(&config) {
        if entered.contains("schedules") && !path.starts_with("schedules.") && !out.contains(SCHEDULE) {
            out.push_str(SCHEDULE);
        }
        for above in above(&path).filter(|above| entered.insert((*above).to_owned())) {
            let (indent, name) = place(above);
            out.push('\n');
            comment(&mut out, &indent, section(above).map_or("", |section| &section.description));
            let _ = writeln!(out, "{indent}{name}:");
        }
        entry(&mut out, &path, key, value_at(&config, &path).unwrap_or(&key.default));
    }
    out
}

fn entry(out: &mut String, path: &str, key: &Key, value: &Value) {
    let (indent, name) = place(path);
    let mut about = key.description.clone();
    if let Kind::Choice(choices) = &key.kind {
        let _ = write!(about, " One of {}.", choices.join(", "));
    }
    if let Some(variable) = key.customary() {
        let _ = write!(about, " Variable: {variable}.");
    }
    comment(out, &indent, &about);
    let value = match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    };
    let _ = writeln!(out, "{indent}{name}: {value}");
}

/// The indentation and the name under which a path stands in YAML.
pub(super) fn place(path: &str) -> (String, &str) {
    let (parents, name) =
        path.rsplit_once('.').map_or((0, path), |(parent, name)| (parent.split('.').count(), name));
    ("  ".repeat(parents), name)
}

fn comment(out: &mut String, indent: &str, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + "# ".len() + line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(out, "{indent}# {line}");
            line.clear();
        }
        line.extend([if line.is_empty() { "" } else { " " }, word]);
    }
    let _ = writeln!(out, "{indent}# {line}");
}
