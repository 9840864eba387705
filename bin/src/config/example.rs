//! A configuration file that sets every key to its default.

use super::{
    keys::{Key, Kind, keys, sections},
    show::scalar,
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write};

/// The greatest length of a line.
const WIDTH: usize = 110;

const INTRODUCTION: &str = "Every setting with its default. Copy what you change into a file of your own and name that in \
    APP_CONFIG. docs/configuration.md says where else settings may come from. Secrets belong in the environment.";

/// YAML.
pub(crate) fn example() -> String {
    let mut out = String::new();
    comment(&mut out, "", INTRODUCTION);
    let mut entered = BTreeSet::new();
    for key in keys() {
        for section in sections().iter().filter(|section| key.path.starts_with(&format!("{}.", section.path)))
        {
            if entered.insert(&section.path) {
                let (indent, name) = place(&section.path);
                out.push('\n');
                comment(&mut out, &indent, &section.description);
                let _ = writeln!(out, "{indent}{name}:");
            }
        }
        entry(&mut out, key);
    }
    out
}

fn entry(out: &mut String, key: &Key) {
    let (indent, name) = place(&key.path);
    let mut about = key.description.clone();
    if let Kind::Choice(choices) = &key.kind {
        let _ = write!(about, " One of {}.", choices.join(", "));
    }
    if let Some(variable) = key.customary() {
        let _ = write!(about, " Variable: {variable}.");
    }
    comment(out, &indent, &about);
    let value = match &key.default {
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
