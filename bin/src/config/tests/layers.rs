//! Where values come from, and which of them wins.

use super::*;
use secrecy::ExposeSecret;

#[test]
fn nothing_has_to_be_configured() {
    let loaded = loaded(&[]);
    assert_eq!((loaded.config.env, loaded.config.http.port), (Environment::Dev, 5000));
    assert_eq!(
        serde_json::to_value(&loaded.config).unwrap(),
        serde_json::to_value(Config::default()).unwrap()
    );
    assert!(loaded.origins.is_empty() && loaded.warnings.is_empty());
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_dotenv_and_the_file() {
    let file =
        "http: {port: 1, root_path: /file, limits: {headers: 10}}\nlog: {level: error, queue_size: 100}\n";
    let folder = Folder::with(&[
        ("config.yml", file),
        (".env", "PORT=2\nLOG_LEVEL=debug\nAPP__HTTP__ROOT_PATH=/dotenv\n"),
    ]);
    let variables = [("APP_CONFIG", "config.yml"), ("PORT", "3"), ("LOG_LEVEL", "WARN")];
    let over = Override { key: "http.port", value: "4".to_owned(), flag: "--port" };
    let sources = Sources { directory: folder.0.clone(), overrides: vec![over], ..sources(&variables) };
    let Loaded { config, origins, .. } = Loaded::from(&sources).unwrap();
    assert_eq!(
        (config.http.port, config.http.root_path.as_str(), config.http.limits.headers),
        (4, "/dotenv", 10)
    );
    assert_eq!((config.log.level, config.log.queue_size), (adapter_telemetry::Level::Warning, 100));
    assert_eq!(origins["http.port"], "--port on the command line");
    assert_eq!(origins["log.level"], "LOG_LEVEL in the environment");
    assert_eq!(origins["http.root_path"], "APP__HTTP__ROOT_PATH in .env");
    assert_eq!(origins["log.queue_size"], "config.yml");
}

#[test]
fn customary_names_are_understood() {
    let variables = [
        ("HOST", "localhost"),
        ("PORT", "8080"),
        ("DATABASE_URL", "sqlite://x.db"),
        ("REDIS_URL", "redis://localhost/1"),
        ("SENTRY_DSN", "https://key@sentry.internal/1"),
        ("UPDATE_DB", "1"),
        ("RESET_DB", "false"),
    ];
    let config = loaded(&variables).config;
    assert_eq!(config.http.address().to_string(), "127.0.0.1:8080");
    assert_eq!(config.database.url.expose_secret(), "sqlite://x.db");
    assert_eq!(config.redis.url.unwrap().expose_secret(), "redis://localhost/1");
    assert!(
        config.sentry.dsn.is_some() && config.database.update_on_start && !config.database.reset_on_start
    );
}

#[test]
fn a_variable_is_read_as_what_its_key_is() {
    let config = loaded(&[
        ("APP__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.0.0/16"),
        ("APP__HTTP__TIMEOUTS__HEADER", "1500ms"),
        ("APP__SENTRY__SAMPLE_RATE", "0.5"),
        ("APP__HTTP__PUBLIC_URL", "https://api.example.com"),
    ])
    .config;
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.http.timeouts.header.as_millis(), 1500);
    assert!((config.sentry.sample_rate - 0.5).abs() < f32::EPSILON);
    assert_eq!(config.http.public_url.as_deref(), Some("https://api.example.com"));
}

#[test]
fn a_password_of_digits_stays_text() {
    let folder = Folder::with(&[("url", "redis://:0123@localhost/0\n")]);
    let config = loaded(&[("REDIS_URL_FILE", &folder.path("url"))]).config;
    assert_eq!(config.redis.url.unwrap().expose_secret(), "redis://:0123@localhost/0");
}

#[test]
fn the_text_of_a_file_may_be_in_a_variable() {
    for text in ["http:\n  port: 1234\n", "http:\\n  port: 1234\\n", r#"{"http": {"port": 1234}}"#] {
        assert_eq!(loaded(&[("CONF", text)]).config.http.port, 1234, "{text:?}");
    }
    assert_eq!(loaded(&[("CONF", "\u{feff}http: {port: 1234}")]).config.http.port, 1234);
    assert_eq!(loaded(&[("CONF", "# nothing\n")]).config.http.port, 5000);
    assert_eq!(loaded(&[("CONF", "http: {}\n")]).config.http.port, 5000);
    assert_eq!(loaded(&[("CONF", "http:\nlog:\n")]).config.http.port, 5000);
}

#[test]
fn what_is_encoded_means_the_same() {
    let escapes = "http:\n  root_path: \"/a\\x62\"\n  trusted_proxies:\n    - 10.0.0.0/8\n";
    for text in ["# comment\nhttp:\n  root_path: /ab\n  trusted_proxies: [10.0.0.0/8]\n", escapes] {
        let line = encode(text).unwrap();
        assert!(!line.contains('\n'), "{line:?}");
        let config = loaded(&[("CONF", &line)]).config;
        assert_eq!((config.http.root_path.as_str(), config.http.trusted_proxies.len()), ("/ab", 1));
    }
    assert!(encode("- a list\n").is_err());
}

#[test]
fn dotenv_is_for_development_only() {
    let folder = Folder::with(&[(".env", "PORT=1\n")]);
    assert_eq!(folder.load(&[]).unwrap().config.http.port, 1);
    assert_eq!(folder.load(&[("APP_ENV", "test")]).unwrap().config.http.port, 5000);
    assert_eq!(folder.load(&[("APP_ENV", "prod")]).unwrap().config.http.port, 5000);
    let folder = Folder::with(&[(".env", "APP_ENV=prod\nCONF=x\n")]);
    let said = folder.load(&[]).unwrap_err().to_string();
    assert!(
        said.contains("APP_ENV: can only be dev") && said.contains("CONF: must be set in the environment"),
        "{said}"
    );
}

#[test]
fn a_secret_may_come_from_a_file_of_its_own() {
    let folder = Folder::with(&[("url", "postgres://ada:p@localhost/x\n"), ("empty", "\n")]);
    for name in ["DATABASE_URL_FILE", "APP__DATABASE__URL_FILE"] {
        let config = loaded(&[(name, &folder.path("url")), ("APP_ENV", "prod")]).config;
        assert_eq!(config.database.url.expose_secret(), "postgres://ada:p@localhost/x");
    }
    let url = folder.path("url");
    let said = complaint(&[("DATABASE_URL_FILE", &url), ("DATABASE_URL", "sqlite://x.db")]);
    assert!(said.contains("DATABASE_URL and DATABASE_URL_FILE: set the same value, database.url"), "{said}");
    assert!(complaint(&[("DATABASE_URL_FILE", "/nowhere")]).contains("names /nowhere, which cannot be read"));
    assert!(complaint(&[("DATABASE_URL_FILE", &folder.path("empty"))]).contains("which is empty"));
}

#[test]
fn every_secret_of_the_schema_is_known_as_one() {
    let all = [("REDIS_URL", "redis://localhost"), ("SENTRY_DSN", "https://key@sentry.internal/1")];
    let known: Vec<&str> =
        super::super::rules::secrets(&loaded(&all).config).iter().map(|(key, _)| *key).collect();
    let declared = super::super::keys::keys().iter().filter(|key| key.secret).map(|key| key.path.as_str());
    assert_eq!(known, declared.collect::<Vec<_>>());
}

#[test]
fn changes_are_found_by_name_and_secrets_by_value() {
    let before = loaded(&[("DATABASE_URL", "postgres://ada:one@localhost/x")]);
    let variables = [("DATABASE_URL", "postgres://ada:two@localhost/x"), ("LOG_LEVEL", "debug")];
    let changes = before.changes(&loaded(&variables));
    let found: Vec<(&str, bool)> =
        changes.iter().map(|change| (change.key.as_str(), change.reloadable)).collect();
    assert_eq!(found, [("database.url", false), ("log.level", true)]);
    assert!(before.changes(&before).is_empty());
}
