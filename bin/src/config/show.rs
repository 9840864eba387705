//! The configuration in force, for people: YAML that could be read again, with the origin of each value and without
//! secrets.

use super::{
    example::place,
    keys::{keys, sections},
    load::{Loaded, value_at},
};
use adapter_telemetry::redact;
use config::{FileFormat, Format};
use serde_json::Value;
use std::fmt::Write;

/// See the module.
pub(crate) fn show(loaded: &Loaded) -> String {
    let values = serde_json::to_value(&loaded.config).unwrap_or_default();
    let mut out = format!("# APP_ENV is {}\n", loaded.config.env);
    let mut section = "";
    for key in keys() {
        let parent = key.path.rsplit_once('.').map_or("", |(parent, _)| parent);
        for above in sections() {
            let enters = parent == above.path || parent.starts_with(&format!("{}.", above.path));
            let was_in = section == above.path || section.starts_with(&format!("{}.", above.path));
            if enters && !was_in {
                let (indent, name) = place(&above.path);
                let _ = writeln!(out, "{indent}{name}:");
            }
        }
        section = parent;
        let value = value_at(&values, &key.path).cloned().unwrap_or_default();
        let value = match &value {
            Value::String(text) => scalar(&redact(text)),
            other => other.to_string(),
        };
        let origin = loaded.origins.get(&key.path).map_or("default", String::as_str);
        let (indent, name) = place(&key.path);
        let _ = writeln!(out, "{indent}{name}: {value}  # {origin}");
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
