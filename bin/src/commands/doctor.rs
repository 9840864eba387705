//! `plinth doctor`: what is wrong with this installation, and what to do.

mod tasks;

use crate::{
    config::{Config, Environment, Loaded, Sources, placeholders},
    print,
};
use adapter_diesel::{Kind, Migrator};
use adapter_redis::Redis;
use adapter_system::SystemClock;
use chrono::TimeDelta;
use slog::{Discard, Logger, o};
use std::process::ExitCode;

/// Synchronised clocks differ by milliseconds, and where a leap second is smeared by half a second: beyond that one of
/// them is not synchronised, and what several processes have stamped is out of order by as much.
const SKEW_WARNING: TimeDelta = TimeDelta::seconds(1);

/// Beyond what anybody allows for: certificates and the tokens of other services are refused, and the logs of two hosts
/// do not tell any more what came first.
const SKEW_FAILING: TimeDelta = TimeDelta::seconds(30);

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
        let mut found = database(&loaded).await;
        found.push(redis(&loaded.config).await);
        found
    }));
    if let Err(error) = findings.iter().try_for_each(print::line) {
        return super::done(Err(error.into()));
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

async fn database(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let log = Logger::root(Discard, o!());
    let mut migrator = match Migrator::open_existing(&config.database, &log).await {
        Ok(Some(migrator)) => migrator,
        Ok(None) => {
            return vec![warning_of(
                "database",
                "its file does not exist yet; nothing was made",
                "starting makes and migrates it; if there should be data, check DATABASE_URL",
            )];
        }
        Err(error) => {
            return vec![failing(
                "database",
                super::chain(&error),
                "check DATABASE_URL, and that the server runs",
            )];
        }
    };
    let embedded = matches!(config.database.kind(), Ok(Kind::Sqlite));
    let migrated = migrations(&mut migrator, embedded).await;
    let at_head = migrated.verdict == Verdict::Well;
    let mut findings = vec![well("database", "reachable".to_owned()), migrated];
    findings.extend(settings(&mut migrator).await);
    if at_head {
        findings.extend(schema(&mut migrator).await);
        findings.extend(tasks::look(loaded).await);
    }
    findings.extend(clocks(&mut migrator).await);
    findings
}

/// The embedded database is migrated at start; PostgreSQL waits for an operator.
async fn migrations(migrator: &mut Migrator, embedded: bool) -> Finding {
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
        _ if embedded => {
            let advice = "starting applies them, as does `plinth db upgrade`";
            warning_of("migrations", &format!("{pending} pending"), advice)
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

async fn clocks(migrator: &mut Migrator) -> Option<Finding> {
    match migrator.clock_skew(&SystemClock).await {
        Ok(skew) => skew.map(clock),
        Err(error) => Some(failing("clock", super::chain(&error), "check the rights of the database user")),
    }
}

fn clock(skew: TimeDelta) -> Finding {
    let (seconds, advice) = (skew.as_seconds_f64(), "have both hosts set their clocks by NTP");
    let side = if skew < TimeDelta::zero() { "behind" } else { "ahead of" };
    let detail = format!("the database server is {:.1} s {side} this host", seconds.abs());
    match skew.abs() {
        skew if skew > SKEW_FAILING => failing("clock", detail, advice),
        skew if skew > SKEW_WARNING => warning_of("clock", &detail, advice),
        _ => well("clock", "as on the database server".to_owned()),
    }
}

async fn redis(config: &Config) -> Finding {
    let advice = "check REDIS_URL, and that Redis runs; without it the service is degraded";
    match Redis::open(&config.redis) {
        Ok(None) => well("redis", "not configured, not needed".to_owned()),
        Err(error) => failing("redis", super::chain(&error), advice),
        Ok(Some(redis)) => match redis.probe().check().await {
            Ok(detail) => well("redis", detail),
            Err(unwell) => failing("redis", super::chain(&unwell), advice),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_not_synchronised_is_told_and_one_far_off_fails() {
        for (milliseconds, verdict, detail) in [
            (0, Verdict::Well, "as on the database server"),
            (-900, Verdict::Well, "as on the database server"),
            (1_500, Verdict::Warning, "the database server is 1.5 s ahead of this host"),
            (-29_000, Verdict::Warning, "the database server is 29.0 s behind this host"),
            (-31_000, Verdict::Failing, "the database server is 31.0 s behind this host"),
        ] {
            let finding = clock(TimeDelta::milliseconds(milliseconds));
            assert!(finding.verdict == verdict, "{finding}");
            assert_eq!(finding.detail, detail);
        }
    }
}
