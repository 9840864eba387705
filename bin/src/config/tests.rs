use super::*;
use std::fs;

mod files;
mod layers;
mod rules;
mod tasks;
mod wrong;

/// Sources that hold nothing but these variables.
fn sources(variables: &[(&str, &str)]) -> Sources {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { environment, directory: "/nonexistent".into(), ..Sources::default() }
}

fn loaded(variables: &[(&str, &str)]) -> Loaded {
    Loaded::from(&sources(variables)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is said of a wrong configuration.
fn complaint(variables: &[(&str, &str)]) -> String {
    Loaded::from(&sources(variables)).expect_err("something is wrong").to_string()
}

/// A folder of this test's own, removed when dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("plinth-config-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.0.join(name), text).unwrap());
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
        Loaded::from(&Sources { directory: self.0.clone(), ..sources(variables) })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
