//! The configuration in force, for people: YAML that could be read again, with the origin of each value and without
//! secrets.

use super::{
    example::place,
    keys::{above, keys_in},
    layers::origin,
    load::{Loaded, value_at},
};
use adapter_telemetry::redact;
use config::{FileFormat, Format};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write};

/// See the module.
pub(crate) fn show(loaded: &Loaded) -> String {
    let values = serde_json::to_value(&loaded.config).unwrap_or_default();
    let mut out = format!("# APP_ENV is {}\n", loaded.config.env);
    let mut entered = BTreeSet::new();
    for (path, _) in keys_in(&values) {
        for section in above(&path).filter(|section| entered.insert((*section).to_owned())) {
            let (indent, name) = place(section);
            let _ = writeln!(out, "{indent}{name}:");
        }
        let value = value_at(&values, &path).cloned().unwrap_or_default();
        let value = match &value {
            Value::String(text) => scalar(&redact(text)),
            other => other.to_string(),
        };
        let (indent, name) = place(&path);
        let _ = writeln!(
            out,
            "{indent}{name}: {value}  # {}",
            origin(&loaded.origins, &path).unwrap_or("default")
        );
    }
    out
}

/// As YAML: bare where that reads back as the same text, in quotes otherwise.
pub(super) fn scalar(text: &str) -> String {
    let read = FileFormat::Yaml.parse(None, &format!("text: {text}")).ok();
    let read = read.and_then(|mut table| table.remove("text")?.into_string().ok());
    // Numbers and switches would be read as text here too, and as what they are by everybody else.
    let other = text.parse::<f64>().is_ok() || matches!(text, "true" | "false" | "null" | "~");
    if read.as_deref() == Some(text) && !other { text.to_owned() } else { Value::from(text).to_string() }
}
