//! The dependency rule of `ARCHITECTURE.md`, the shape of files, and one stem per resource in every layer.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails must fail its test"
)]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Everything that the inner crates may depend on; whatever else they need comes in through a port.
const INNER: [(&str, &[&str]); 2] = [
    ("domain", &["chrono", "chrono-tz", "croner", "thiserror", "uuid"]),
    (
        "application",
        &[
            "async-trait",
            "chrono",
            "csv",
            "domain",
            "fail",
            "futures-util",
            "metrics",
            "mockall",
            "serde",
            "serde_json",
            "slog",
            "thiserror",
            "tokio",
            "tokio-util",
            "uuid",
        ],
    ),
];

/// Technologies and the one crate that knows each.
const OWNERS: [(&str, &[&str]); 5] = [
    (
        "adapter-http",
        &[
            "hyper",
            "hyper-util",
            "http-body",
            "minijinja",
            "multer",
            "tower",
            "tower-http",
            "utoipa",
            "utoipa-swagger-ui",
            "warp",
        ],
    ),
    (
        "adapter-diesel",
        &["bb8", "diesel", "diesel-async", "diesel_migrations", "libsqlite3-sys", "tokio-postgres"],
    ),
    ("adapter-redis", &["bb8-redis", "redis"]),
    (
        "adapter-telemetry",
        &["metrics-exporter-prometheus", "sentry", "sentry-slog", "slog-scope", "slog-stdlog"],
    ),
    ("plinth", &["clap", "config", "dotenvy"]),
];

/// Features that would let chance or the clock into the heart.
const IMPURE: [(&str, &[&str]); 2] = [("chrono", &["clock", "now"]), ("uuid", &["v1", "v4", "v6", "v7"])];

#[test]
fn dependencies_point_inwards_alone() {
    assert_eq!(violations(&workspace()), Vec::<String>::new());
}

#[test]
fn a_forbidden_edge_is_found() {
    for (from, to) in [
        ("domain", "serde"),
        ("domain", "tokio"),
        ("domain", "application"),
        ("application", "diesel"),
        ("application", "adapter-system"),
        ("adapter-http", "adapter-diesel"),
        ("adapter-http", "diesel"),
        ("adapter-redis", "plinth"),
        ("plinth", "warp"),
    ] {
        let mut crates = workspace();
        crates.get_mut(from).expect("a crate").push(Dependency { name: to.to_owned(), ..Default::default() });
        assert_eq!(violations(&crates), [format!("{from} -> {to}")]);
    }
}

#[test]
fn a_clock_in_the_heart_is_found() {
    let mut crates = workspace();
    let clock = Dependency { name: "chrono".to_owned(), features: vec!["clock".to_owned()] };
    crates.get_mut("domain").expect("a crate").push(clock);
    assert_eq!(violations(&crates), ["domain -> chrono/clock"]);
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let wrong: Vec<String> = sources().iter().filter_map(|file| shape(file)).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_turns_a_fault_test_red_is_there() {
    let files = rust_files(&root().join("tests/faults"));
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).expect("a file")).collect();
    let headers = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("//!"));
    let quoted = headers.flat_map(|line| line.split('`').skip(1).step_by(2));
    let folders = ["domain/", "application/", "adapters/", "bin/"];
    let paths = quoted.filter(|path| folders.iter().any(|folder| path.starts_with(folder)));
    let missing: Vec<&str> = paths.filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_resource_has_one_stem_in_every_layer() {
    let application = fs::read_dir(root().join("application/src")).expect("a folder").flatten();
    let resources: Vec<String> = application
        .filter(|file| {
            fs::read_to_string(file.path()).is_ok_and(|text| text.contains("Repository: Send + Sync"))
        })
        .map(|file| file.path().file_stem().expect("a file").to_string_lossy().into_owned())
        .collect();
    assert!(resources.contains(&"persons".to_owned()), "found {resources:?}");
    for resource in resources {
        let singular = resource.trim_end_matches('s');
        for file in [
            format!("domain/src/{singular}.rs"),
            format!("adapters/diesel/src/repositories/{resource}.rs"),
            format!("adapters/http/src/v1/{resource}.rs"),
            format!("tests/functional/contract/{resource}.rs"),
            format!("tests/functional/{resource}.rs"),
        ] {
            assert!(root().join(&file).is_file(), "{resource} has no {file}");
        }
    }
}

/// A further version of the API is bodies and headers alone: whatever use case v2 calls, v1 calls too.
#[test]
fn v2_needs_no_use_case_of_its_own() {
    let persons = fs::read_to_string(root().join("application/src/persons.rs")).expect("a source file");
    let use_cases: BTreeSet<&str> = persons
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub async fn ")?.split('(').next())
        .collect();
    let calls = |module: &str| -> BTreeSet<&str> {
        let text = all_text(&root().join(module));
        use_cases.iter().copied().filter(|case| text.contains(&format!(".{case}("))).collect()
    };
    let [v1, v2] = ["v1", "v2"].map(|version| calls(&format!("adapters/http/src/{version}")));
    // What takes place in a task is called by its kind, and v1 calls what schedules it.
    let in_tasks = calls("application/src/kinds");
    let uncalled: Vec<&&str> =
        use_cases.iter().filter(|case| !v1.contains(*case) && !in_tasks.contains(*case)).collect();
    assert!(uncalled.is_empty(), "neither v1 nor a task calls {uncalled:?}");
    assert!(!v2.is_empty() && v2.is_subset(&v1));
    assert!(!persons.contains("v1") && !persons.contains("v2"), "use cases know no version");
}

type Crates = BTreeMap<String, Vec<Dependency>>;

#[derive(Debug, Clone, Default)]
struct Dependency {
    name: String,
    features: Vec<String>,
}

/// The forbidden edges among `crates`, as `from -> to`.
fn violations(crates: &Crates) -> Vec<String> {
    let mut found = Vec::new();
    for (from, dependencies) in crates {
        for to in dependencies {
            if !is_allowed(from, &to.name) {
                found.push(format!("{from} -> {}", to.name));
            }
            found.extend(impure(from, to).map(|feature| format!("{from} -> {}/{feature}", to.name)));
        }
    }
    found
}

fn is_allowed(from: &str, to: &str) -> bool {
    if let Some((_, allowed)) = INNER.iter().find(|(inner, _)| *inner == from) {
        return allowed.contains(&to);
    }
    let is_outer = to.starts_with("adapter-") || to == "plinth";
    if is_outer && from.starts_with("adapter-") {
        return false;
    }
    OWNERS.iter().all(|(owner, technologies)| *owner == from || !technologies.contains(&to))
}

fn impure<'d>(from: &str, to: &'d Dependency) -> impl Iterator<Item = &'d String> {
    let inner = INNER.iter().any(|(inner, _)| *inner == from);
    let (_, forbidden) =
        IMPURE.iter().find(|(name, _)| inner && *name == to.name).copied().unwrap_or_default();
    to.features.iter().filter(|feature| forbidden.contains(&feature.as_str()))
}

/// The crates of the workspace and what their code needs, as `cargo metadata` tells it. Not `plinth-tests`, which may
/// know everything, nor what only tests need.
fn workspace() -> Crates {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--no-deps", "--format-version=1"]).current_dir(root());
    let told = cargo.output().expect("cargo runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").iter().map(text).collect();
    let dependencies = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let needed = dependencies.filter(|dependency| dependency["kind"] != "dev");
        needed.map(|d| Dependency { name: text(&d["name"]), features: list(&d["features"]) }).collect()
    };
    let crates = packages.iter().map(|package| (text(&package["name"]), dependencies(package)));
    crates.filter(|(name, _)| name != "plinth-tests").collect()
}

/// What is wrong with the shape of a source file.
fn shape(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).expect("a source file");
    let documented = text.starts_with("//! ") || file.file_name().is_some_and(|name| name == "tests.rs");
    let lines = text.lines().count();
    match documented {
        false => Some(format!("{} does not begin with what it is", file.display())),
        true if lines > 400 => Some(format!("{} has {lines} lines", file.display())),
        true => None,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bin lies in the workspace").to_owned()
}

fn sources() -> Vec<PathBuf> {
    let folders = ["domain", "application", "adapters", "bin", "tests"];
    folders.iter().flat_map(|folder| rust_files(&root().join(folder))).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.flatten().map(|entry| entry.path());
    let files = paths.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The text of `module.rs` and of all files in `module/`.
fn all_text(module: &Path) -> String {
    let mut files = if module.is_dir() { rust_files(module) } else { Vec::new() };
    files.push(module.with_extension("rs"));
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
}
