//! The page "Operations" names what the code has: every metric, and log lines by which failures are known.

use super::read;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "docs/operations.md";

#[test]
fn every_metric_is_on_the_page_and_no_other() {
    let exported: BTreeSet<String> = sources().iter().flat_map(|source| metrics(source, '"')).collect();
    let page = read(PAGE);
    let (_, list) = page.split_once("\n## Metrics\n").expect("a list of metrics");
    let rows =
        list.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<String> = rows.flat_map(|row| metrics(row, '`')).collect();
    assert_eq!(listed, exported);
}

#[test]
fn every_log_line_on_the_page_is_written_by_the_code() {
    let sources = sources().concat();
    let page = read(PAGE);
    let (_, failures) = page.split_once("### What failures look like").expect("a table of failures");
    let rows =
        failures.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    // What has blanks and is no command is something that is said.
    let said = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    for line in said.filter(|line| line.contains(' ') && !line.starts_with("plinth ")) {
        // "cannot {doing}" is put together.
        assert!(sources.contains(line.trim_start_matches("cannot ")), "nobody writes: {line}");
    }
}

/// Names of metrics in these quotes.
fn metrics(text: &str, quote: char) -> Vec<String> {
    const FAMILIES: [&str; 8] = ["http", "db", "task", "schedule", "doorbell", "clock", "log", "build"];
    let of_family = |word: &str| {
        let (family, rest) = word.strip_prefix("plinth_")?.split_once('_')?;
        Some(FAMILIES.contains(&family) && !rest.is_empty())
    };
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let words = text.split(quote).filter(is_name);
    words.filter(|word| of_family(word) == Some(true)).map(str::to_owned).collect()
}

/// The product's own code, without its tests.
fn sources() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["application/src", "adapters", "bin/src"].map(|folder| root.join(folder));
    let files = folders.iter().flat_map(|folder| rust_files(folder));
    files.map(|file| fs::read_to_string(file).expect("a source file")).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let is_test = |path: &Path| path.file_stem().is_some_and(|stem| stem == "tests");
    let own = entries.filter(|path| !is_test(path));
    own.flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path].into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect(),
    })
    .collect()
}
