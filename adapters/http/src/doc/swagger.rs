//! Swagger UI, whose files are inside the crate that brings it: nothing comes from another host.

use super::site::API;
use crate::file::{File, hash};
use bytes::Bytes;
use std::{borrow::Cow, sync::Arc};
use utoipa_swagger_ui::Config;

/// The files of Swagger UI that our page uses.
const NAMES: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

/// The assets, each with its hashed path below `/doc/`, and the page template with those paths filled in.
pub(super) fn load() -> (Vec<(String, File)>, String) {
    let mut template = API.to_owned();
    let assets = NAMES.map(|name| {
        let body = vendored(name);
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let path = format!("assets/{stem}.{}.{extension}", hash(&body));
        template = template.replace(&format!("{{{{{name}}}}}"), &path);
        (path, File::asset(name, body))
    });
    (Vec::from(assets), template)
}

/// The page for `version`, with a link to `other`; it stands one step below `/doc/`.
pub(super) fn page(template: &str, version: &str, other: &str) -> File {
    let html = template.replace("{{home}}", "../").replace("{{up}}", "../");
    let html = html.replace("{{version}}", version).replace("{{other}}", other);
    // The links of the navigation to this very page say so.
    let link = format!("href=\"../{version}/\"");
    File::api_page(html.replace(&link, &format!("{link} aria-current=\"page\"")))
}

/// Empty if the crate renames a file, which a test would notice.
fn vendored(name: &str) -> Bytes {
    match utoipa_swagger_ui::serve(name, Arc::new(Config::from("openapi.json"))) {
        Ok(Some(file)) => match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        },
        _ => Bytes::new(),
    }
}
