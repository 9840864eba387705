//! TLS to PostgreSQL, in the modes of libpq.

use super::{Rings, silent};
use adapter_diesel::{Database, DatabaseConfig, OpenError};
use plinth_tests::{Durability, Folder, Postgres, Setup, connect, on_postgres};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{path::PathBuf, sync::Arc, time::Duration};

on_postgres!(each_mode_checks_what_it_says);

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// Gives the server a certificate for `localhost`. The server writes the files itself: they must be its own.
async fn secure(server: &Postgres, issuer: &Issuer) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    let client = connect(&server.url("postgres")).await;
    for (file, pem) in [("server.key", key.serialize_pem()), ("server.crt", certificate.pem())] {
        let lines = format!("SELECT unnest(string_to_array('{}', E'\\n'))", pem.trim());
        let copy = format!("COPY ({lines}) TO PROGRAM 'umask 077; /bin/cat > {file}'");
        client.batch_execute(&copy).await.expect("written");
    }
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.expect("set");
    client.batch_execute("SELECT pg_reload_conf()").await.expect("reloaded");
    while !encrypted_by_default(server).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn encrypted_by_default(server: &Postgres) -> bool {
    let client = connect(&server.url("postgres")).await;
    client.query_one("SHOW ssl", &[]).await.expect("a row").get::<_, &str>(0) == "on"
}

/// Whether the session is encrypted, or why there is none.
async fn open(server: &Postgres, host: &str, query: &str) -> Result<bool, OpenError> {
    let url = format!("postgres://plinth@{host}:{}/postgres?{query}", server.port());
    let config = DatabaseConfig { url: url.as_str().into(), ..DatabaseConfig::default() };
    let database = Database::open(&config, Arc::new(Rings::default()), &silent()).await?;
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'plinth'";
    let client = connect(&server.url("postgres")).await;
    let encrypted = client.query_one(encrypted, &[]).await.expect("a row").get(0);
    database.close().await;
    drop(database);
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'plinth'";
    while client.query_one(sessions, &[]).await.expect("a row").get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(encrypted)
}

async fn each_mode_checks_what_it_says(_: Setup) {
    let (server, right, wrong) = (Postgres::start(Durability::None).await, issuer(), issuer());
    let folder = Folder::new();
    let root = |name: &str, issuer: &Issuer| -> PathBuf {
        let file = folder.path().join(name);
        std::fs::write(&file, issuer.pem()).expect("written");
        file
    };
    let (right_file, wrong_file) = (root("right.pem", &right), root("wrong.pem", &wrong));
    assert!(!open(&server, "127.0.0.1", "").await.expect("without TLS if need be"));
    secure(&server, &right).await;

    let with = |mode: &str, root: &PathBuf| format!("sslmode={mode}&sslrootcert={}", root.display());
    for (host, query) in [
        ("127.0.0.1", String::new()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", with("verify-ca", &right_file)),
        ("localhost", with("verify-full", &right_file)),
    ] {
        assert!(open(&server, host, &query).await.expect("opened"), "{query}");
    }
    assert!(!open(&server, "127.0.0.1", "sslmode=disable").await.expect("opened"));
    for (host, query, reason) in [
        ("127.0.0.1", with("verify-full", &right_file), "certificate"),
        ("localhost", with("verify-full", &wrong_file), "certificate"),
        ("localhost", with("verify-ca", &wrong_file), "certificate"),
        ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned(), "certificate"),
        ("localhost", with("verify-ca", &folder.path().join("missing.pem")), "missing.pem"),
    ] {
        let error = open(&server, host, &query).await.expect_err("refused").to_string();
        assert!(error.contains(reason), "{query}: {error}");
    }
}
