//! `plinth doctor`: what is wrong with this installation, and what to do.

use crate::{
    config::{Config, Environment, Loaded, Sources, placeholders},
    print,
};
use adapter_diesel::{Kind, Migrator};
use adapter_redis::Redis;
use slog::{Discard, Logger, o};
use std::process::ExitCode;

/// What one look has found.
struct Finding {
    about: &'static str,
    verdict: Verdict,
    detail: String,
    advice: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Well,
    Warning,
    Failing,
}

pub(super) fn run(sources: &Sources) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let runtime = match super::runtime(&loaded) {
        Ok(runtime) => runtime,
        Err(error) => return super::done(Err(error.into())),
    };
    let mut findings = configuration(&loaded);
    findings.extend(runtime.block_on(async {
        let mut found = database(&loaded.config).await;
        found.push(redis(&loaded.config).await);
        found
    }));
    for finding in &findings {
        print::line(finding);
    }
    let failing = findings.iter().any(|finding| finding.verdict == Verdict::Failing);
    if failing { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn configuration(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let mut findings = vec![well("configuration", format!("valid for {}", config.env))];
    let warnings = loaded.warnings.iter();
    findings
        .extend(warnings.map(|warning| warning_of("configuration", warning, "see docs/configuration.md")));
    let weak = placeholders(config);
    if weak.is_empty() {
        findings.push(well("secrets", "no placeholders".to_owned()));
    }
    findings.extend(weak.iter().map(|key| {
        warning_of(
            "secrets",
            &format!("{key} is a placeholder"),
            "replace it; `plinth secret` makes a good one",
        )
    }));
    if config.env == Environment::Prod && matches!(config.database.kind(), Ok(Kind::Sqlite)) {
        let detail = "the embedded database serves one process on one host";
        findings.push(warning_of(
            "database",
            detail,
            "set DATABASE_URL to PostgreSQL for more, and back up its file",
        ));
    }
    findings
}

async fn database(config: &Config) -> Vec<Finding> {
    let log = Logger::root(Discard, o!());
    let mut migrator = match Migrator::open(&config.database, &log).await {
        Ok(migrator) => migrator,
        Err(error) => {
            return vec![failing(
                "database",
                super::chain(&error),
                "check DATABASE_URL, and that the server runs",
            )];
        }
    };
    let mut findings = vec![well("database", "reachable".to_owned()), migrations(&mut migrator).await];
    findings.extend(settings(&mut migrator).await);
    if findings.iter().all(|finding| finding.verdict == Verdict::Well) {
        findings.extend(schema(&mut migrator).await);
    }
    findings
}

async fn migrations(migrator: &mut Migrator) -> Finding {
    let all = match migrator.status().await {
        Ok(all) => all,
        Err(error) => {
            return failing("migrations", super::chain(&error), "check the rights of the database user");
        }
    };
    let pending = all.iter().filter(|migration| !migration.applied).count();
    let unknown = all.iter().filter(|migration| !migration.known).count();
    match (pending, unknown) {
        (0, 0) => well("migrations", format!("all {} applied", all.len())),
        (0, _) => {
            failing("migrations", format!("{unknown} are not known to this version"), "run a newer version")
        }
        _ => failing("migrations", format!("{pending} pending"), "run `plinth db upgrade`"),
    }
}

/// Of the server, not of ours.
async fn settings(migrator: &mut Migrator) -> Vec<Finding> {
    match migrator.advice().await {
        Ok(advice) => advice.iter().map(|advice| warning_of("database", advice, "")).collect(),
        Err(error) => {
            vec![failing("database", super::chain(&error), "check the rights of the database user")]
        }
    }
}

/// Only of use where all migrations are applied.
async fn schema(migrator: &mut Migrator) -> Vec<Finding> {
    match migrator.drift().await {
        Ok(differences) if differences.is_empty() => {
            vec![well("schema", "as the migrations made it".to_owned())]
        }
        Ok(differences) => {
            let advice = "somebody has changed it by hand: bring it back, or write a migration";
            differences.iter().map(|difference| warning_of("schema", difference, advice)).collect()
        }
        Err(error) => {
            vec![failing("schema", super::chain(&error), "check the rights of the database user")]
        }
    }
}

async fn redis(config: &Config) -> Finding {
    let advice = "check REDIS_URL, and that Redis runs; without it the service is degraded";
    match Redis::open(&config.redis) {
        Ok(None) => well("redis", "not configured, not needed".to_owned()),
        Err(error) => failing("redis", super::chain(&error), advice),
        Ok(Some(redis)) => match redis.probe().check().await {
            Ok(detail) => well("redis", detail),
            Err(error) => failing("redis", super::chain(&error), advice),
        },
    }
}

fn well(about: &'static str, detail: String) -> Finding {
    Finding { about, verdict: Verdict::Well, detail, advice: String::new() }
}

fn warning_of(about: &'static str, detail: &str, advice: &str) -> Finding {
    Finding { about, verdict: Verdict::Warning, detail: detail.to_owned(), advice: advice.to_owned() }
}

fn failing(about: &'static str, detail: String, advice: &str) -> Finding {
    Finding { about, verdict: Verdict::Failing, detail, advice: advice.to_owned() }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = match self.verdict {
            Verdict::Well => "ok",
            Verdict::Warning => "warning",
            Verdict::Failing => "FAILING",
        };
        write!(f, "{verdict:<8} {:<14} {}", self.about, self.detail)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n         {:<14} -> {}", "", self.advice) }
    }
}
