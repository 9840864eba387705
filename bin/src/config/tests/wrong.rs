//! What is said of what is wrong.

use super::*;

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let said = complaint(&[
        ("APP_ENV", "production"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "loud"),
        ("APP__HTTP__TIMEOUTS__HEADER", "soon"),
        ("APP__HTTP__ROOT_PATH", "api/"),
        ("APP__HTTP__LIMITS__HEADERS", "1"),
        ("DATABASE_URL", "mysql://x/y"),
        ("UPDATE_DB", "perhaps"),
        ("APP__SENTRY__SAMPLE_RATE", "2"),
        ("APP__LOG__FORMAT", "jsn"),
        ("TOKIO_WORKER_THREADS", "0"),
        ("HOST", "nowhere.example"),
        ("APP__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,nonsense"),
    ]);
    for part in [
        "the configuration has 13 errors:",
        r#"APP_ENV: must be dev, test or prod, not "production""#,
        "http.port: must be a whole number from 0 to 65535, not 70000 (PORT in the environment)",
        r#"log.level: must be one of trace, debug, info, warning, error, critical, not "loud" (LOG_LEVEL in the environment)"#,
        r#"http.timeouts.header: must be a duration such as 500ms, 10s or 5m, not "soon""#,
        "http.root_path: must be empty or a path",
        "http.limits.headers: must be from 8 to 96, not 1",
        "database.url: ",
        r#"database.update_on_start: must be true or false, not "perhaps" (UPDATE_DB in the environment)"#,
        "sentry.sample_rate: must be from 0.0 to 1.0, not 2.0",
        r#"log.format: must be one of auto, human, json, not "jsn"; did you mean json?"#,
        r#"TOKIO_WORKER_THREADS: must be a whole number from 1 to 1024, not "0""#,
        r#"http.host: is "nowhere.example": invalid IP address syntax"#,
        "http.trusted_proxies: ",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn an_unknown_key_is_told_with_what_was_meant() {
    let said = complaint(&[(
        "CONF",
        "http:\n  prot: 1\n  limits: {boddy_bytes: 1}\nlogging:\n  level: debug\nnonsense: 1\n",
    )]);
    for part in [
        "http.prot: is not known; did you mean http.port? (CONF)",
        "http.limits.boddy_bytes: is not known; did you mean http.limits.body_bytes?",
        "logging.level: is not known; did you mean log.level?",
        "nonsense: is not known; `plinth config reference` lists all keys",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(said.contains("has 4 errors"), "{said}");
    assert!(complaint(&[("CONF", "nonsense: {}")]).contains("nonsense: is not known"));
    let said = complaint(&[("APP__HTTP__PROT", "1"), ("APP_PORT", "1"), ("APP_CONFG", "x")]);
    for part in [
        "APP__HTTP__PROT: is set in the environment and means nothing; did you mean APP__HTTP__PORT, for http.port?",
        "APP_PORT: is set",
        "APP_CONFG: is set in the environment and means nothing; did you mean APP_CONFIG?",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn what_a_higher_layer_replaces_is_told_too() {
    let said = complaint(&[
        ("CONF", "http: {port: nonsense, limits: {headers: 1}}"),
        ("PORT", "1"),
        ("APP__HTTP__LIMITS__HEADERS", "9"),
    ]);
    assert!(
        said.contains("http.port: must be a whole number")
            && said.contains("http.limits.headers: must be from"),
        "{said}"
    );
    assert!(said.contains("has 2 errors"), "{said}");
}

#[test]
fn a_section_is_no_value_and_a_value_no_section() {
    let said = complaint(&[("CONF", "http: 5\nlog: {level: {nested: 1}}\nmonitor: [1]\n")]);
    for part in [
        "http: is a section",
        "log.level: must be one of trace, debug, info, warning, error, critical, not a section (CONF)",
        "monitor: is a section",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn what_is_empty_is_told() {
    let said = complaint(&[
        ("PORT", ""),
        ("DATABASE_URL", ""),
        ("APP_CONFIG", ""),
        ("APP__LOG__LEVEL", ""),
        ("CONF", "http:\n  host:\nredis:\n  url:\ndatabase:\n  application_name: ''\n"),
    ]);
    for part in [
        "PORT: is empty in the environment: give it a value or unset it",
        "DATABASE_URL: is empty",
        "APP_CONFIG: is empty",
        "APP__LOG__LEVEL: is empty",
        "http.host: is empty: give it a value or leave it out (CONF)",
        "database.application_name: is empty",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(!said.contains("redis.url"), "{said}"); // nothing is one of its values
}

#[test]
fn a_number_that_is_none_is_told_as_it_was_written() {
    for number in ["NaN", "inf", "-inf"] {
        let said = complaint(&[("APP__SENTRY__SAMPLE_RATE", number)]);
        let wrong = format!("sentry.sample_rate: must be a number from 0 to 1, not \"{number}\" (APP__");
        assert!(said.contains(&wrong), "{said}");
    }
    for (yaml, number) in [("1e999", "inf"), ("-1e999", "-inf")] {
        let said = complaint(&[("CONF", &format!("sentry: {{sample_rate: {yaml}}}"))]);
        let wrong = format!("sentry.sample_rate: must be a number from 0 to 1, not \"{number}\" (CONF)");
        assert!(said.contains(&wrong), "{said}");
    }
}

#[test]
fn a_duration_out_of_bounds_is_told_as_one() {
    let said = complaint(&[
        ("APP__DATABASE__LOCK_TIMEOUT", "0s"),
        ("APP__REDIS__CONNECT_TIMEOUT", "18446744073709551615s"),
        ("APP__DATABASE__READ_TIMEOUT", "90m"),
    ]);
    for part in [
        "database.lock_timeout: must be from 1ms to 1h, not 0s",
        "redis.connect_timeout: must be from 1ms to 1h, not ",
        "database.read_timeout: must be from 1ms to 1h, not 1h 30m",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(!said.contains("nanos"), "{said}");
}

#[test]
fn a_nul_is_told() {
    let said = complaint(&[("CONF", "http:\n  root_path: \"/a\\0b\"\n")]);
    assert!(said.contains("http.root_path: holds a NUL character (CONF)"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    assert!(complaint(&[("APP_CONFIG", "nowhere.yml")]).contains("APP_CONFIG: cannot be read: No such file"));
    assert!(complaint(&[("CONF", "a: [1")]).contains("CONF: is not YAML with keys on its top level"));
    assert!(complaint(&[("CONF", "- 1")]).contains("CONF: is not YAML with keys on its top level"));
    assert!(complaint(&[("CONF", "a: 1"), ("APP_CONFIG", "x")]).contains("keep one of them"));
}

#[test]
fn names_of_other_starters_are_told_with_ours() {
    let said = complaint(&[
        (
            "CONF",
            "SQLALCHEMY_DATABASE_URI: postgres://ada:canary@x\nCELERY_CONF:\n  BROKER_URL: redis://canary\nCELERY_RESULT_BACKEND: x\n",
        ),
        ("SQLALCHEMY_DATABASE_URI", "canary"),
    ]);
    for part in [
        "SQLALCHEMY_DATABASE_URI: belongs to another program; here it is DATABASE_URL",
        "CELERY_CONF.BROKER_URL: belongs to another program; here it is REDIS_URL",
        "CELERY_RESULT_BACKEND: belongs to another program",
        "has 4 errors",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn names_that_any_program_may_use_are_errors_in_a_file_and_warnings_in_the_environment() {
    let said =
        complaint(&[("CONF", "SECRET_KEY: canary\nDEBUG: true\nWEB_CONCURRENCY: 4\nAPP_MODULE: main:app\n")]);
    for part in [
        "SECRET_KEY: belongs to another program; nothing takes its place: there are no sessions to sign (CONF)",
        "DEBUG: belongs to another program; use APP_ENV=dev",
        "WEB_CONCURRENCY: belongs to another program; one process uses all processors",
        "APP_MODULE: belongs to another program; nothing takes its place",
        "has 4 errors",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(!said.contains("canary"), "{said}");
    let said = complaint(&[("APP_MODULE", "main:app")]);
    assert!(said.contains("APP_MODULE: belongs to another program; nothing takes its place"), "{said}");
    let warnings = loaded(&[("SECRET_KEY", "canary"), ("DEBUG", "1"), ("PATH", "/bin")]).warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0]
            .starts_with("SECRET_KEY is set in the environment and means nothing to this program: nothing")
    );
    assert!(!warnings.concat().contains("canary"), "{warnings:?}");
}

#[test]
fn a_secret_is_never_told() {
    let said = complaint(&[
        ("DATABASE_URL", "canary://canary:canary@canary"),
        ("REDIS_URL", "canary"),
        ("SENTRY_DSN", "canary"),
    ]);
    assert!(!said.contains("canary"), "{said}");
    for key in ["database.url", "redis.url", "sentry.dsn"] {
        assert!(said.contains(key), "no `{key}` in\n{said}");
    }
    let said = complaint(&[(
        "CONF",
        "database: {url: [canary]}\nredis: {url: {canary: 1}}\nsentry: {dsn: 7355608}\n",
    )]);
    assert!(!said.contains("[\"canary") && !said.contains("7355608"), "{said}");
}
