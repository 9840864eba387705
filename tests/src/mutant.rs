//! Mutants: a test counts only if it can fail. Here a test of this very binary is run once more, with a defect switched on in
//! the product, and must notice.

use crate::Output;
use std::{process::Stdio, time::Duration};

/// What is switched on in every process that a test starts, and in the parts of the product that it runs by itself.
const VARIABLE: &str = "TEST_FAILPOINTS";

/// The failpoints that this process was told to switch on.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings have no other source")]
pub fn mutants() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// Fails unless the test called `test` in this binary turns red with `mutant`.
pub async fn must_notice(test: &str, mutant: &str) {
    let program = std::env::current_exe().expect("this program is a file");
    let mut command = tokio::process::Command::new(program);
    command.args(["--exact", test, "--test-threads=1"]).env(VARIABLE, format!("{mutant}=return"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(240), command.output()).await;
    let ended = ended.expect("it ends").expect("it can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Output { code: ended.status.code(), stdout: text(&ended.stdout), stderr: text(&ended.stderr) };
    assert!(said.stdout.contains("running 1 test"), "there is no test {test}:\n{}", said.stdout);
    assert!(
        said.stdout.contains("1 failed"),
        "{test} does not notice {mutant}:\n{}\n{}",
        said.stdout,
        said.stderr
    );
}
