//! What surrounds a page: head, top bar, navigation, contents, and the links to its neighbours.

use crate::{
    highlight::escape,
    markdown::{Page, contents, up},
    summary::Section,
};
use std::{fmt::Write as _, fs, io, path::Path};

/// Where `/doc/` is, seen from the page. In templates these stay open until the server knows.
const UP: &str = "{{up}}";
/// The same as a whole link, which must not be empty.
const HOME: &str = "{{home}}";

/// The templates and what they share.
pub(crate) struct Layout {
    frame: String,
    article: String,
    not_found: String,
    api: String,
    sections: Vec<Section>,
    assets: Vec<(&'static str, String)>,
}

impl Layout {
    /// `assets` are pairs of a name and the hashed name that it is served under.
    pub(crate) fn new(
        folder: &Path,
        sections: Vec<Section>,
        assets: Vec<(&'static str, String)>,
    ) -> io::Result<Self> {
        let read = |name: &str| fs::read_to_string(folder.join(name));
        Ok(Self {
            frame: read("frame.html")?,
            article: read("article.html")?,
            not_found: read("not_found.html")?,
            api: read("api.html")?,
            sections,
            assets,
        })
    }

    /// A page between its neighbours.
    pub(crate) fn page(&self, page: &Page, (prev, next): (Option<&Page>, Option<&Page>)) -> String {
        let (list, up) = (contents(page), up(&page.url));
        let neighbour = |page: Option<&Page>, rel: &str, label: &str| {
            page.map_or_else(String::new, |page| {
                let href = if page.url.is_empty() { "./" } else { &page.url };
                format!(
                    "<a rel=\"{rel}\" href=\"{UP}{href}\"><small>{label}</small>{}</a>",
                    escape(&page.title)
                )
            })
        };
        let body = self
            .article
            .replace("{{nav}}", &self.nav(&page.url))
            .replace("{{contents}}", &list)
            .replace("{{has_contents}}", if list.is_empty() { "none" } else { "some" })
            .replace("{{prev}}", &neighbour(prev, "prev", "Previous"))
            .replace("{{next}}", &neighbour(next, "next", "Next"))
            .replace("{{article}}", &page.html);
        self.frame(&page.title, &page.description, "", &body)
            .replace(HOME, if up.is_empty() { "./" } else { &up })
            .replace(UP, &up)
    }

    /// What a browser gets for an unknown URL below `/doc/`.
    pub(crate) fn not_found(&self) -> String {
        self.frame("Page not found", "", "", &self.not_found.replace("{{nav}}", &self.nav("?")))
    }

    /// The interactive page of one API version; the server fills in `{{version}}` and `{{other}}`.
    pub(crate) fn api(&self) -> String {
        let style = format!(
            "<link rel=\"stylesheet\" href=\"{UP}{{{{swagger-ui.css}}}}\">\n<link rel=\"stylesheet\" href=\"{UP}{{{{swagger.css}}}}\">"
        );
        self.frame(
            "API {{version}}",
            "Every operation of the API, to read and to try.",
            &style,
            &self.api.replace("{{nav}}", &self.nav("?")),
        )
    }

    fn frame(&self, title: &str, description: &str, head: &str, body: &str) -> String {
        let mut html = self
            .frame
            .replace("{{title}}", &escape(title))
            .replace("{{description}}", &escape(description.trim()))
            .replace("{{head}}", head)
            .replace("{{release}}", env!("CARGO_PKG_VERSION"))
            .replace("{{body}}", body);
        for (name, hashed) in &self.assets {
            html = html.replace(&format!("{{{{{name}}}}}"), hashed);
        }
        html
    }

    fn nav(&self, current: &str) -> String {
        let mut html = String::new();
        for Section { title, entries } in &self.sections {
            let _ = write!(html, "<h2>{}</h2><ul>", escape(title));
            for entry in entries {
                let url = entry.url();
                let here = if url == current { " aria-current=\"page\"" } else { "" };
                let _ =
                    write!(html, "<li><a href=\"{}\"{here}>{}</a></li>", link(&url), escape(&entry.title));
            }
            html.push_str("</ul>");
        }
        html
    }
}

/// To the page at `url` below `/doc/`.
fn link(url: &str) -> String {
    if url.is_empty() { HOME.to_owned() } else { format!("{UP}{url}") }
}
