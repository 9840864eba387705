//! Style sheet, script and icon of the pages, each under a name that changes with its content.

use crate::file::{File, hash};
use http::{HeaderMap, StatusCode};

const STYLE: &str =
    concat!(include_str!("../../assets/look.css"), include_str!("../../assets/pages/pages.css"));
const SCRIPT: &str = include_str!("../../assets/pages/pages.js");
const ICON: &str = include_str!("../../assets/doc/icon.svg");

/// See the module.
pub(super) struct Assets {
    files: Vec<(String, File)>,
}

impl Assets {
    pub(super) fn new() -> Self {
        let files = [("pages", "css", STYLE), ("pages", "js", SCRIPT), ("icon", "svg", ICON)];
        let files = files.map(|(stem, extension, content)| {
            let name = format!("{stem}.{}.{extension}", hash(content.as_bytes()));
            let file = File::asset(&name, content);
            (name, file)
        });
        Self { files: files.into() }
    }

    /// The name of the file with this extension.
    pub(super) fn name(&self, extension: &str) -> &str {
        let known = self.files.iter().find(|(name, _)| name.rsplit('.').next() == Some(extension));
        known.map_or("", |(name, _)| name)
    }

    /// The file called `name`, if there is one.
    pub(super) fn answer(&self, name: &str, request: &HeaderMap) -> Option<crate::route::Response> {
        let (_, file) = self.files.iter().find(|(known, _)| known == name)?;
        Some(file.answer(StatusCode::OK, request))
    }
}
