//! Programs decide by the codes of violations, so each of them is on the page that explains errors.

use regex::Regex;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Of the table.
const HEADING: &str = "code";

#[test]
fn every_code_in_use_is_on_the_page_and_every_code_on_the_page_is_in_use() {
    let page = include_str!("../../../../../docs/errors.md");
    let used = used();
    let unexplained: Vec<_> = used.iter().filter(|code| !page.contains(&format!("`{code}`"))).collect();
    assert!(unexplained.is_empty(), "not in docs/errors.md: {unexplained:?}");
    let listed = Regex::new(r"(?m)^\| (`[a-z_`, ]+`) \|").unwrap();
    let rows = page.split_once("## 422 ").unwrap().1.split("\n## ").next().unwrap();
    let listed = listed.captures_iter(rows).flat_map(|row| row.extract::<1>().1[0].split(", "));
    let listed: BTreeSet<String> = listed.map(|code| code.trim_matches('`').to_owned()).collect();
    let unused: Vec<_> = listed.iter().filter(|code| *code != HEADING && !used.contains(*code)).collect();
    assert!(unused.is_empty(), "in docs/errors.md, and used nowhere: {unused:?}");
    assert!(used.len() >= 16 && listed.len() >= 14, "{used:?} {listed:?}");
}

/// The codes that the sources of the inner crates and of the adapters name, tests aside.
fn used() -> BTreeSet<String> {
    let argument = r"(?:[^,()]|\([^()]*\))+";
    let named = Regex::new(&format!(
        r#"(?:Violation::new\(|(?:Error::conflict|ApiError::field|Fault::new|Self::new)\({argument},|\bcode:)\s*"([a-z_]+)""#
    ));
    let named = named.unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = ["domain/src", "application/src", "adapters"].map(|folder| sources(&root.join(folder)));
    let texts = sources.into_iter().flatten().map(|file| fs::read_to_string(file).unwrap());
    let codes = texts.flat_map(|text| {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        named.captures_iter(code).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    });
    codes.collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true if path.ends_with("tests") => Vec::new(),
        true => sources(&path),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs")).collect()
}
