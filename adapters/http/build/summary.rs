//! `docs/SUMMARY.md`: the sections and pages of the documentation, in the order of the navigation.

/// A heading of the navigation.
pub(crate) struct Section {
    /// As it is shown.
    pub(crate) title: String,
    /// Its pages.
    pub(crate) entries: Vec<Entry>,
}

/// One page.
#[derive(Clone)]
pub(crate) struct Entry {
    /// As the navigation shows it.
    pub(crate) title: String,
    /// Seen from `docs/`, such as `adr/0001-hexagonal-workspace.md` or `../ARCHITECTURE.md`; or a URL of the
    /// service, such as `/doc/v1/`.
    pub(crate) file: String,
}

impl Entry {
    /// Whether it is a page of ours, and not a URL that somebody else answers.
    pub(crate) fn is_page(&self) -> bool {
        !self.file.starts_with('/')
    }

    /// Below `/doc/`: the file without `.md`, and nothing for the index.
    pub(crate) fn url(&self) -> String {
        url_of(&self.file)
    }
}

/// The page of a file. Those at the top of the repository are in capitals there, as is the custom.
pub(crate) fn url_of(file: &str) -> String {
    let stem = file.strip_suffix(".md").unwrap_or(file);
    match (stem.strip_prefix("../"), stem.strip_prefix("/doc/")) {
        (Some(name), _) => name.to_lowercase(),
        (_, Some(url)) => url.to_owned(),
        _ if stem == "index" => String::new(),
        _ => stem.to_owned(),
    }
}

/// Sections are `## Title`, pages are `- [Title](file.md)`; other lines are for readers of the file.
pub(crate) fn parse(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.trim().to_owned(), entries: Vec::new() });
        } else if let Some(link) = line.strip_prefix("- [") {
            let entry = link
                .strip_suffix(')')
                .and_then(|link| link.split_once("]("))
                .map(|(title, file)| Entry { title: title.to_owned(), file: file.to_owned() })
                .ok_or_else(|| format!("docs/SUMMARY.md: not a link to a page: {line}"))?;
            let section = sections.last_mut().ok_or("docs/SUMMARY.md: a page before the first section")?;
            section.entries.push(entry);
        }
    }
    Ok(sections)
}
