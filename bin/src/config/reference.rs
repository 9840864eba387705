//! The page that documents every key, from the structs themselves.

use super::keys::{Key, NAME, keys, sections};
use serde_json::Value;
use std::fmt::Write;

const INTRODUCTION: &str = include_str!("reference.md");

/// Markdown.
pub(crate) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in sections() {
        let inside = |key: &&Key| key.path.rsplit_once('.').is_some_and(|(parent, _)| parent == section.path);
        let heading = match section.path.contains(NAME) {
            true => format!("`{}`", section.path),
            false => section.path.clone(),
        };
        let _ = write!(page, "\n## {heading}\n\n{}\n", section.description);
        for key in keys().iter().filter(inside) {
            let _ = write!(page, "\n{}", entry(key));
        }
    }
    page
}

fn entry(key: &Key) -> String {
    let mut variables: Vec<String> = key.customary().into_iter().map(str::to_owned).collect();
    variables.push(key.variable());
    if key.secret {
        variables.push(format!("{}_FILE", key.best_variable()));
    }
    let variables = variables.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let default = match &key.default {
        _ if key.required => "none; it has to be given".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    };
    let mut entry = format!("### `{}`\n\n{}\n\n", key.path, key.description);
    let _ = writeln!(entry, "- Variable: {variables}");
    let _ = writeln!(entry, "- Type: {}{}", key.kind.expected(), if key.secret { "; a secret" } else { "" });
    let _ = writeln!(entry, "- Default: {default}");
    if key.reloadable {
        let _ = writeln!(entry, "- Taken over on SIGHUP");
    }
    entry
}
