//! The search index: one entry per section of a page, as JSON that `doc.js` searches in the browser.

use crate::markdown::Page;
use std::fmt::Write as _;

/// `[{"u": url, "p": page, "h": heading, "t": text}, …]`.
pub(crate) fn index(pages: &[Page]) -> String {
    let mut json = String::from("[");
    for page in pages {
        for section in &page.sections {
            let anchor = if section.id.is_empty() { String::new() } else { format!("#{}", section.id) };
            let separator = if json.len() > 1 { ",\n" } else { "" };
            let _ = write!(
                json,
                "{separator}{{\"u\":{},\"p\":{},\"h\":{},\"t\":{}}}",
                string(&format!("{}{anchor}", page.url)),
                string(&page.title),
                string(&section.heading),
                string(&section.text)
            );
        }
    }
    json.push(']');
    json
}

fn string(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => json.push(' '),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
