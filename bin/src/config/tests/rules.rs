//! The rules of production, and what is only warned of elsewhere.

use super::*;

const URL: &str = "postgres://ada:canary@db.internal/x";

#[test]
fn production_refuses_secrets_in_a_file_and_says_where_they_belong() {
    let file = format!(
        "database: {{url: '{URL}'}}\nredis: {{url: 'redis://cache/1'}}\nsentry: {{dsn: 'https://canary@s.internal/1'}}\n"
    );
    let folder = Folder::with(&[("config.yml", &file)]);
    let variables = |env| [("APP_CONFIG", "config.yml"), ("APP_ENV", env)];
    let said = folder.load(&variables("prod")).unwrap_err().to_string();
    assert!(said.contains("database.url: is a secret in a file, which APP_ENV=prod refuses: set DATABASE_URL or DATABASE_URL_FILE (config.yml)"), "{said}");
    assert!(said.contains("sentry.dsn: is a secret in a file") && said.contains("has 2 errors"), "{said}");
    for env in ["dev", "test"] {
        let warnings = folder.load(&variables(env)).unwrap().warnings;
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("set DATABASE_URL") && !warnings[0].contains("canary"), "{warnings:?}");
    }
}

#[test]
fn production_takes_secrets_from_the_environment_which_conf_is_part_of() {
    let conf = format!("database: {{url: '{URL}'}}\n");
    assert!(loaded(&[("APP_ENV", "prod"), ("CONF", &conf)]).warnings.is_empty());
    assert!(loaded(&[("APP_ENV", "prod"), ("DATABASE_URL", URL)]).warnings.is_empty());
}

#[test]
fn production_refuses_placeholders() {
    for placeholder in
        ["postgres://ada:changeme@db/x", "postgres://ada:password@db/x", "postgres://plinth:plinth@db/x"]
    {
        let said = complaint(&[("APP_ENV", "prod"), ("DATABASE_URL", placeholder)]);
        assert!(
            said.contains("database.url: is a placeholder") && said.contains("set DATABASE_URL to"),
            "{said}"
        );
        assert!(loaded(&[("DATABASE_URL", placeholder)]).warnings.is_empty());
    }
    loaded(&[("APP_ENV", "prod"), ("DATABASE_URL", "postgres://postgres@db/x")]); // no password is no placeholder
}

#[test]
fn production_refuses_to_drop_its_data() {
    let said = complaint(&[("APP_ENV", "prod"), ("RESET_DB", "1")]);
    assert!(
        said.contains("database.reset_on_start: is on, which APP_ENV=prod refuses")
            && said.contains("RESET_DB"),
        "{said}"
    );
    assert!(
        loaded(&[("APP_ENV", "prod"), ("RESET_DB", "0"), ("UPDATE_DB", "1")]).config.database.update_on_start
    );
}

/// The last second is what `adapter-diesel` waits beyond the server's own limit.
#[test]
fn by_default_a_database_that_hangs_is_unavailable_before_the_handler_is_out_of_time() {
    let Config { database, http, .. } = Config::default();
    let write = database.acquire_timeout + database.statement_timeout + std::time::Duration::from_secs(1);
    assert!(write < http.timeouts.handler, "{write:?}");
}

#[test]
fn an_address_that_others_can_reach_needs_an_environment() {
    for (name, host) in [("HOST", "0.0.0.0"), ("HOST", "::"), ("APP__MONITOR__HOST", "10.1.2.3")] {
        let said = complaint(&[(name, host)]);
        assert!(said.contains("say what this is with APP_ENV=dev, test or prod"), "{said}");
        for env in ["dev", "test", "prod"] {
            loaded(&[(name, host), ("APP_ENV", env)]);
        }
    }
    loaded(&[("HOST", "::1")]);
}

#[test]
fn what_is_shown_holds_no_secret_and_can_be_read_again() {
    let loaded_once = loaded(&[
        ("DATABASE_URL", URL),
        ("REDIS_URL", "redis://:canary@cache/1"),
        ("SENTRY_DSN", "https://canary@s.internal/1"),
        ("PORT", "1234"),
        ("APP__HTTP__TRUSTED_PROXIES", "10.0.0.0/8"),
    ]);
    let shown = show(&loaded_once);
    assert!(!shown.contains("canary"), "{shown}");
    for line in
        ["http:", "  port: 1234  # PORT in the environment", "  limits:", "    headers: 64  # default"]
    {
        assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
    }
    let without_secrets: String =
        shown.lines().filter(|line| !line.contains("***")).map(|line| format!("{line}\n")).collect();
    let again = loaded(&[("CONF", &without_secrets)]).config;
    assert_eq!(again.http, loaded_once.config.http);
}
