//! The pages as they are served: complete, connected, and from this host alone.

use super::*;
use http_body_util::BodyExt as _;
use std::{collections::BTreeSet, fs, path::Path};

fn doc(root_path: &str) -> Doc {
    Doc::new(root_path, vec![("v1", "{\"v\":1}".to_owned()), ("v2", "{\"v\":2}".to_owned())])
}

fn headers(fields: &[(http::HeaderName, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The values of `attribute`, such as `href`.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    html.split(&format!(" {attribute}=\"")).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

/// Where `link` leads from the page at `/doc/{from}`, as a path and an anchor.
fn resolve(from: &str, link: &str) -> (String, String) {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let base = format!("/doc/{from}");
    if path.is_empty() || path.starts_with('/') {
        return (if path.is_empty() { base } else { path.to_owned() }, anchor.to_owned());
    }
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    (parts.join("/"), anchor.to_owned())
}

fn html_files(doc: &Doc) -> impl Iterator<Item = (&str, &str)> {
    let pages = doc.files.iter().filter(|(path, _)| !path.contains('.'));
    pages.map(|(path, file)| (path.as_str(), file.text())).chain([("not/found", doc.not_found.text())])
}

#[test]
fn every_page_has_one_heading_and_a_title_and_no_place_left_open() {
    let doc = doc("");
    for (path, html) in html_files(&doc) {
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert!(html.contains(" · Plinth</title>"), "{path}");
        assert!(!html.contains("{{"), "{path}");
    }
}

#[test]
fn every_link_leads_to_a_page_and_every_anchor_to_a_place() {
    let doc = doc("/api");
    for (path, html) in html_files(&doc) {
        for link in
            values(html, "href").into_iter().chain(values(html, "src")).chain(values(html, "data-search"))
        {
            if link.contains("://") {
                continue;
            }
            let (target, anchor) = resolve(path, link);
            let target = target.strip_prefix("/api").unwrap_or(&target);
            let Some(below) = target.strip_prefix("/doc/") else {
                assert_eq!(target, "/openapi.json", "{link} on {path}");
                continue;
            };
            let own = (below == "not/found").then_some(&doc.not_found);
            let file = own.or_else(|| doc.files.get(below)).unwrap_or_else(|| panic!("{link} on {path}"));
            let place = format!(" id=\"{anchor}\"");
            assert!(anchor.is_empty() || file.text().contains(&place), "{link} on {path}");
        }
    }
}

#[test]
fn every_file_of_the_documentation_is_in_the_navigation() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let files = |folder: &str, prefix: &str| -> Vec<String> {
        let entries =
            fs::read_dir(docs.join(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        entries.filter_map(|name| name.strip_suffix(".md").map(|stem| format!("{prefix}{stem}"))).collect()
    };
    let doc = doc("");
    let index = doc.files[""].text();
    let linked: BTreeSet<&str> = values(index, "href").into_iter().collect();
    for name in files("", "").iter().chain(&files("adr", "adr/")) {
        let page = if name == "index" { "./" } else { name };
        assert!(name == "SUMMARY" || linked.contains(page), "docs/{name}.md is not in docs/SUMMARY.md");
    }
}

#[test]
fn nothing_is_loaded_from_another_host_and_no_script_or_style_is_inline() {
    let doc = doc("");
    for (path, html) in html_files(&doc) {
        for source in values(html, "src") {
            assert!(!source.contains("//"), "{source} on {path}");
        }
        for link in html.split("<link ").skip(1) {
            assert!(!values(&format!(" {link}"), "href")[0].contains("//"), "{path}");
        }
        assert!(values(html, "style").is_empty() && !html.contains("<style"), "{path}");
        assert_eq!(html.matches("<script").count(), html.matches("<script src=").count(), "{path}");
    }
    for (name, css) in site::ASSETS.iter().filter(|(name, _)| name.ends_with(".css")) {
        assert!(!css.contains("url(") && !css.contains("@import"), "{name}");
    }
}

#[tokio::test]
async fn a_page_that_the_client_has_is_304_and_an_asset_is_kept_for_ever() {
    let doc = doc("");
    let page = doc.answer("errors", &HeaderMap::new()).unwrap();
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
    let tag = page.headers()[header::ETAG].to_str().unwrap().to_owned();
    let again = doc.answer("errors", &headers(&[(header::IF_NONE_MATCH, &format!("\"x\", {tag}"))])).unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()[header::ETAG], tag);
    assert!(text(again).await.is_empty());
    let other = doc.answer("errors", &headers(&[(header::IF_NONE_MATCH, "W/\"other\"")])).unwrap();
    assert_eq!(other.status(), StatusCode::OK);

    let (name, css) = site::ASSETS.iter().find(|(name, _)| name.ends_with(".css")).unwrap();
    let asset = doc.answer(name, &HeaderMap::new()).unwrap();
    assert_eq!(asset.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(asset.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(text(asset).await, *css);
}

#[test]
fn two_pages_do_not_share_a_tag() {
    let tags: BTreeSet<&str> = site::PAGES.iter().map(|(_, tag, _)| *tag).collect();
    assert_eq!(tags.len(), site::PAGES.len());
}

#[test]
fn a_url_with_a_slash_too_many_or_too_few_leads_to_the_page_under_the_root_path() {
    let doc = doc("/api");
    for (path, location) in [("v1", "/api/doc/v1/"), ("errors/", "/api/doc/errors")] {
        let response = doc.answer(path, &HeaderMap::new()).unwrap();
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(response.headers()[header::LOCATION], location);
    }
    assert_eq!(doc.moved("").headers()[header::LOCATION], "/api/doc/");
}

#[tokio::test]
async fn an_unknown_page_is_a_page_for_browsers_and_a_problem_for_programs() {
    let doc = doc("/api");
    let browser = headers(&[(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")]);
    let page = doc.answer("no/such/page", &browser).unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(text(page).await.contains("href=\"/api/doc/\""));
    assert!(doc.answer("no/such/page", &headers(&[(header::ACCEPT, "*/*")])).is_err());
}

#[tokio::test]
async fn each_version_has_its_document_and_a_page_that_loads_it() {
    let doc = doc("");
    assert_eq!(text(doc.answer("v1/openapi.json", &HeaderMap::new()).unwrap()).await, "{\"v\":1}");
    assert_eq!(text(doc.answer(&doc.newest, &HeaderMap::new()).unwrap()).await, "{\"v\":2}");
    let page = doc.answer("v1/", &HeaderMap::new()).unwrap();
    assert!(page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src 'self';"));
    let html = text(page).await;
    assert!(html.contains("data-document=\"openapi.json\"") && html.contains("API v1"));
    for path in doc.files.keys().filter(|path| path.contains("swagger-ui")) {
        assert!(doc.files[path].text().len() > 10_000, "{path} is empty");
    }
}

#[test]
fn every_link_of_the_readme_leads_to_a_file() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for name in ["README.md", "SECURITY.md"] {
        let text = fs::read_to_string(top.join(name)).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0) {
            let path = link.split('#').next().unwrap();
            assert!(link.contains("://") || top.join(path).exists(), "{link} in {name}");
        }
    }
}

#[test]
fn every_problem_that_an_operation_documents_is_explained() {
    let doc = doc("");
    let errors = doc.files["errors"].text();
    let documents = ["v1", "v2"].map(|version| crate::openapi(version).unwrap().to_json().unwrap());
    let slugs: BTreeSet<&str> = documents
        .iter()
        .flat_map(|json| json.split("/doc/errors#").skip(1))
        .map(|rest| rest.split_once('"').unwrap().0)
        .collect();
    assert!(slugs.len() > 10, "{slugs:?}");
    for slug in slugs {
        assert!(errors.contains(&format!(" id=\"{slug}\"")), "docs/errors.md does not explain {slug}");
    }
}

#[test]
fn the_exported_guide_links_files() {
    let files: BTreeSet<String> = guide().into_iter().map(|(name, _)| name).collect();
    for (name, html) in guide().iter().filter(|(name, _)| name.ends_with(".html")) {
        for link in values(html, "href").into_iter().filter(|link| !link.contains("://")) {
            let (target, _) = resolve(name, link);
            let target = target.strip_prefix("/doc/").unwrap_or(&target);
            let needs_a_service =
                target.starts_with('/') || target.starts_with("v1/") || target.starts_with("v2/");
            assert!(needs_a_service || files.contains(target), "{link} in {name}");
        }
    }
}
