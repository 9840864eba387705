//! Where settings come from, which of them wins, and what is said of wrong ones.

use plinth_tests::{Folder, Setup, command, on_sqlite};
use std::fs;

on_sqlite!(
    the_environment_goes_before_the_file_and_the_command_line_before_both,
    a_file_may_come_as_text_in_a_variable,
    what_is_encoded_is_read_again,
    a_secret_may_come_from_a_file_of_its_own,
    secrets_are_not_shown,
    all_errors_are_told_at_once,
    an_unknown_key_is_told_with_what_was_meant,
    an_old_key_is_told_with_its_new_name,
    an_unknown_environment_is_refused,
    production_refuses_secrets_in_a_file,
    the_shipped_files_are_right,
);

async fn the_environment_goes_before_the_file_and_the_command_line_before_both(setup: Setup) {
    let folder = folder_with("config.yml", "http: {port: 1111, root_path: /file}\nlog: {level: error}\n");
    let show =
        command(setup.plinth(), &["config", "show"]).in_folder(folder.path()).env("APP_CONFIG", "config.yml");
    let shown = show.env("PORT", "2222").env("LOG_LEVEL", "DEBUG").run().await.succeeded();
    for line in ["port: 2222", "root_path: /file", "level: debug"] {
        assert!(shown.contains(line), "no `{line}` in\n{shown}");
    }
}

async fn a_file_may_come_as_text_in_a_variable(setup: Setup) {
    for text in ["http:\n  port: 3333\n", "http:\\n  port: 3333\\n", "{\"http\": {\"port\": 3333}}"] {
        let shown = command(setup.plinth(), &["config", "show"]).env("CONF", text).run().await.succeeded();
        assert!(shown.contains("port: 3333"), "{shown}");
    }
}

async fn what_is_encoded_is_read_again(setup: Setup) {
    let folder = folder_with("config.yml", "# a comment\nhttp:\n  root_path: \"/a\"\nlog:\n  level: error\n");
    let encode = command(setup.plinth(), &["config", "encode", "config.yml"]).in_folder(folder.path());
    let encoded = encode.run().await.succeeded();
    assert_eq!(encoded.trim_end().lines().count(), 1, "{encoded}");
    let shown =
        command(setup.plinth(), &["config", "show"]).env("CONF", encoded.trim_end()).run().await.succeeded();
    assert!(shown.contains("root_path: /a") && shown.contains("level: error"), "{shown}");
}

async fn a_secret_may_come_from_a_file_of_its_own(setup: Setup) {
    let database = setup.database().await;
    let folder = folder_with("url", &format!("{}\n", database.url()));
    let file = folder.path().join("url");
    let status = command(setup.plinth(), &["db", "status"]).env("DATABASE_URL_FILE", &file.to_string_lossy());
    let said = status.run().await.succeeded();
    assert!(!said.contains("pending"), "{said}");
    let missing = command(setup.plinth(), &["config", "check"]).env("DATABASE_URL_FILE", "/nowhere");
    let said = missing.run().await.failed();
    assert!(said.contains("DATABASE_URL_FILE") && said.contains("/nowhere"), "{said}");
    let both =
        command(setup.plinth(), &["config", "check"]).env("DATABASE_URL_FILE", &file.to_string_lossy());
    let said = both.env("DATABASE_URL", "sqlite://x.db").run().await.failed();
    assert!(said.contains("DATABASE_URL_FILE"), "{said}");
}

async fn secrets_are_not_shown(setup: Setup) {
    let show =
        command(setup.plinth(), &["config", "show"]).env("DATABASE_URL", "postgres://ada:canary@db/plinth");
    let show =
        show.env("REDIS_URL", "redis://:canary@redis/1").env("SENTRY_DSN", "https://canary@sentry.example/1");
    let shown = show.run().await.succeeded();
    assert!(!shown.contains("canary"), "{shown}");
    for wrong in [("DATABASE_URL", "canary://x"), ("REDIS_URL", "canary"), ("SENTRY_DSN", "canary")] {
        let said = command(setup.plinth(), &["config", "check"]).env(wrong.0, wrong.1).run().await.failed();
        assert!(!said.contains("canary"), "{said}");
    }
}

async fn all_errors_are_told_at_once(setup: Setup) {
    let wrong = command(setup.plinth(), &["config", "check"]).env("PORT", "70000").env("LOG_LEVEL", "loud");
    let wrong = wrong.env("APP__HTTP__TIMEOUTS__HEADER", "soon").env("APP__HTTP__ROOT_PATH", "api/");
    let said = wrong.env("DATABASE_URL", "mysql://x/y").run().await.failed();
    for subject in ["http.port", "log.level", "http.timeouts.header", "http.root_path", "database.url"] {
        assert!(said.contains(subject), "no `{subject}` in\n{said}");
    }
    let api = command(setup.plinth(), &["api"]).env("PORT", "70000").env("LOG_LEVEL", "loud").run().await;
    let said = api.failed();
    assert!(said.contains("http.port") && said.contains("log.level"), "{said}");
}

async fn an_unknown_key_is_told_with_what_was_meant(setup: Setup) {
    let said = command(setup.plinth(), &["config", "check"]).env("APP__HTTP__PROT", "1").run().await.failed();
    assert!(said.contains("APP__HTTP__PROT") && said.contains("http.port"), "{said}");
    let folder = folder_with("config.yml", "http:\n  prot: 1\n");
    let check = command(setup.plinth(), &["config", "check"]).in_folder(folder.path());
    let said = check.env("APP_CONFIG", "config.yml").run().await.failed();
    assert!(said.contains("http.prot") && said.contains("config.yml"), "{said}");
    let check = command(setup.plinth(), &["config", "check"]).env("APP_CONFIG", "nowhere.yml");
    let said = check.run().await.failed();
    assert!(said.contains("nowhere.yml"), "{said}");
}

async fn an_old_key_is_told_with_its_new_name(setup: Setup) {
    let folder = folder_with("config.yml", "SQLALCHEMY_DATABASE_URI: postgres://x\n");
    let check = command(setup.plinth(), &["config", "check"]).in_folder(folder.path());
    let said = check.env("APP_CONFIG", "config.yml").run().await.failed();
    assert!(said.contains("DATABASE_URL"), "{said}");
}

async fn an_unknown_environment_is_refused(setup: Setup) {
    let said =
        command(setup.plinth(), &["config", "check"]).env("APP_ENV", "production").run().await.failed();
    assert!(said.contains("APP_ENV") && said.contains("prod"), "{said}");
}

async fn production_refuses_secrets_in_a_file(setup: Setup) {
    let text = "database:\n  url: postgres://ada:canary@db.example.com/plinth?sslmode=verify-full\n";
    let folder = folder_with("config.yml", text);
    let check = |env: &str| {
        let check = command(setup.plinth(), &["config", "check"]).in_folder(folder.path());
        check.env("APP_CONFIG", "config.yml").env("APP_ENV", env).run()
    };
    let said = check("prod").await.failed();
    assert!(said.contains("DATABASE_URL") && !said.contains("canary"), "{said}");
    check("test").await.succeeded();
    let encoded = command(setup.plinth(), &["config", "check"]).env("APP_ENV", "prod").env("CONF", text);
    encoded.run().await.succeeded();
}

async fn the_shipped_files_are_right(setup: Setup) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    for (file, environment) in
        [("config-dev.yml", "dev"), ("config-test.yml", "test"), ("config-example.yml", "test")]
    {
        let check = command(setup.plinth(), &["config", "check"]).in_folder(root).env("APP_CONFIG", file);
        check.env("APP_ENV", environment).run().await.succeeded();
    }
}

fn folder_with(name: &str, text: &str) -> Folder {
    let folder = Folder::new();
    fs::write(folder.path().join(name), text).expect("a file");
    folder
}
