//! Writes the rendered files, and the Rust source that embeds them.

use std::{
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hasher as _},
    io,
    path::{Path, PathBuf},
};

/// Files below one folder, and the list of them.
pub(crate) struct Site {
    folder: PathBuf,
    pages: String,
    assets: String,
    templates: String,
}

impl Site {
    /// An empty folder.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            pages: String::new(),
            assets: String::new(),
            templates: String::new(),
        })
    }

    /// Adds an asset under a name that changes with its content, so that it can be cached for ever; answers that name.
    pub(crate) fn asset(&mut self, name: &str, content: &str) -> io::Result<String> {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let hashed = format!("assets/{stem}.{}.{extension}", hash(content));
        let path = self.write(&hashed, content)?;
        let _ = writeln!(self.assets, "    ({hashed:?}, include_str!({path:?})),");
        Ok(hashed)
    }

    /// Adds a page at `url`.
    pub(crate) fn page(&mut self, url: &str, html: &str) -> io::Result<()> {
        let path = self.write(&format!("{}.html", if url.is_empty() { "index" } else { url }), html)?;
        let _ = writeln!(self.pages, "    ({url:?}, {:?}, include_str!({path:?})),", hash(html));
        Ok(())
    }

    /// Adds what becomes a page at run time.
    pub(crate) fn template(&mut self, name: &str, html: &str) -> io::Result<()> {
        let path = self.write(&format!("{name}.template"), html)?;
        let _ = writeln!(
            self.templates,
            "/// Made from `assets/doc/{name}.html`.\npub(super) const {}: &str = include_str!({path:?});",
            name.to_uppercase()
        );
        Ok(())
    }

    /// The source that embeds everything.
    pub(crate) fn embed(&self) -> String {
        format!(
            "/// Path below `/doc/`, hash of the content, content.\n\
             pub(super) const PAGES: &[(&str, &str, &str)] = &[\n{}];\n\
             /// Path below `/doc/`, hash included, and content.\n\
             pub(super) const ASSETS: &[(&str, &str)] = &[\n{}];\n{}",
            self.pages, self.assets, self.templates
        )
    }

    fn write(&self, name: &str, content: &str) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, content)?;
        Ok(path)
    }
}

fn hash(content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(content.as_bytes());
    format!("{:016x}", hasher.finish())
}
