//! The files that are shipped agree with the program.

use super::{
    super::{
        keys::keys_in,
        layers::{Layers, flatten},
        load::value_at,
    },
    *,
};
use std::path::{Path, PathBuf};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)
}

#[test]
fn the_example_holds_every_key_with_its_default() {
    let text = fs::read_to_string(shipped("config-example.yml")).unwrap();
    let mut found = std::collections::BTreeMap::new();
    let layers = Layers::read(&sources(&[("CONF", &text)]), Environment::Dev, &mut Problems::default());
    flatten(&layers.merged().values, "", &mut found);
    let default = serde_json::to_value(Config::default()).unwrap();
    for (path, _) in keys_in(&default) {
        let value = found.remove(&path).unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(Some(&value), value_at(&default, &path), "{path}");
    }
    assert!(found.is_empty(), "not known: {found:?}");
    let Loaded { config, .. } = loaded(&[("CONF", &text)]);
    assert_eq!(serde_json::to_value(config).unwrap(), serde_json::to_value(Config::default()).unwrap());
}

#[test]
fn the_files_of_dev_and_test_are_valid() {
    for (file, env) in
        [("config-dev.yml", "dev"), ("config-test.yml", "test"), ("config-example.yml", "prod")]
    {
        let path = shipped(file).to_str().unwrap().to_owned();
        assert!(loaded(&[("APP_CONFIG", &path), ("APP_ENV", env)]).warnings.is_empty(), "{file}");
    }
}

#[test]
fn the_dotenv_example_names_only_what_exists() {
    let text = fs::read_to_string(shipped(".env.example")).unwrap();
    // What is commented out is meant to be uncommented.
    let assignment = |line: &&str| {
        line.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let lines = text.lines().map(|line| line.trim_start_matches("# ").trim_start_matches('#'));
    let all: String = lines.filter(assignment).map(|line| format!("{line}\n")).collect();
    assert!(all.contains("DATABASE_URL="));
    let folder = Folder::with(&[(".env", &all)]);
    folder.load(&[]).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn the_example_is_up_to_date() {
    let file = fs::read_to_string(shipped("config-example.yml")).unwrap();
    assert!(file == example(), "it differs: run `plinth config example > config-example.yml`");
}

#[test]
fn what_the_example_holds_as_a_comment_is_right_too() {
    let example = example();
    let (_, comment) = example.split_once("for example:\n").unwrap();
    let (comment, _) = comment.split_once("\n\n").unwrap();
    let uncommented = format!("schedules:\n{}", comment.replace("  #", "  "));
    assert_eq!(loaded(&[("CONF", &uncommented)]).config.schedules.enabled().len(), 2, "{uncommented}");
}

#[test]
fn the_reference_page_is_up_to_date() {
    let page = fs::read_to_string(shipped("docs/configuration.md")).unwrap();
    assert!(page == reference(), "it differs: run `plinth config reference > docs/configuration.md`");
}
