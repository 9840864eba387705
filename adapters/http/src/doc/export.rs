//! The guide as files for a folder, which a browser opens without a server.

use super::site;

/// The pages and their assets, each with its path in the folder. The interactive pages of the API are not among them:
/// they need a service to talk to.
pub fn guide() -> Vec<(String, String)> {
    let pages = site::PAGES.iter().map(|(path, _, html)| (file_name(path), with_file_names(html)));
    let assets = site::ASSETS.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    pages.chain(assets).collect()
}

fn file_name(path: &str) -> String {
    format!("{}.html", if path.is_empty() { "index" } else { path })
}

/// `html` with its links to pages leading to files.
fn with_file_names(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 4096);
    for (i, part) in html.split(" href=\"").enumerate() {
        if i == 0 {
            out.push_str(part);
            continue;
        }
        let (target, rest) = part.split_once('"').unwrap_or((part, ""));
        let (path, anchor) = target.find('#').map_or((target, ""), |at| target.split_at(at));
        let below = path.trim_start_matches("../");
        let up = path.strip_suffix(below).unwrap_or_default();
        let page = below.strip_suffix("./").unwrap_or(below);
        let known = !path.is_empty() && site::PAGES.iter().any(|(known, ..)| *known == page);
        match known {
            true => out.push_str(&format!(" href=\"{up}{}{anchor}\"{rest}", file_name(page))),
            false => out.push_str(&format!(" href=\"{target}\"{rest}")),
        }
    }
    out
}
