//! Renders `docs/*.md` into the pages, the search index and the assets that `src/doc.rs` serves, so that the binary
//! carries its documentation and needs no file beside it.
//!
//! `docs/SUMMARY.md` decides which pages there are and in which order. Everything is written to `OUT_DIR/site`, and
//! `OUT_DIR/site.rs` embeds it.

mod highlight;
mod layout;
mod markdown;
mod search;
mod site;
mod summary;

use layout::Layout;
use site::Site;
use std::{error::Error, fs, path::Path};

#[expect(clippy::print_stdout, reason = "how a build script talks to Cargo")]
#[expect(clippy::disallowed_methods, reason = "how Cargo talks to a build script")]
fn main() -> Result<(), Box<dyn Error>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (docs, assets) = (home.join("../../docs"), home.join("assets/doc"));
    for path in [
        "../../docs",
        "../../ARCHITECTURE.md",
        "../../CONTRIBUTING.md",
        "../../CHANGELOG.md",
        "assets/doc",
        "assets/look.css",
        "build",
    ] {
        println!("cargo::rerun-if-changed={}", home.join(path).display());
    }
    let out = std::env::var("OUT_DIR")?;
    render(&docs, &assets, Path::new(&out))
}

fn render(docs: &Path, assets: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let summary = summary::parse(&fs::read_to_string(docs.join("SUMMARY.md"))?)?;
    let mut pages = Vec::new();
    for entry in summary.iter().flat_map(|section| &section.entries).filter(|entry| entry.is_page()) {
        let source =
            fs::read_to_string(docs.join(&entry.file)).map_err(|e| format!("docs/{}: {e}", entry.file))?;
        pages.push(markdown::render(entry, &source).map_err(|e| format!("docs/{}: {e}", entry.file))?);
    }
    let mut site = Site::new(&out.join("site"))?;
    let search = site.asset("search.json", &search::index(&pages))?;
    let mut names = vec![("search.json", search)];
    for name in ["doc.css", "doc.js", "swagger.css", "swagger.js", "icon.svg"] {
        let mut content = fs::read_to_string(assets.join(name))?;
        if name == "doc.css" {
            content.insert_str(0, &fs::read_to_string(assets.join("../look.css"))?);
        }
        names.push((name, site.asset(name, &content)?));
    }
    let layout = Layout::new(assets, summary, names)?;
    for (i, page) in pages.iter().enumerate() {
        let neighbours = (i.checked_sub(1).and_then(|i| pages.get(i)), pages.get(i + 1));
        site.page(&page.url, &layout.page(page, neighbours))?;
    }
    site.template("not_found", &layout.not_found())?;
    site.template("api", &layout.api())?;
    fs::write(out.join("site.rs"), site.embed())?;
    Ok(())
}
