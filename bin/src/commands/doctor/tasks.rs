//! What `plinth doctor` says of tasks: who runs them, whether any wait for nobody, and the schedules.

use super::{Finding, failing, warning_of, well};
use crate::{commands::chain, config::Loaded, wire::Core};
use adapter_diesel::Kind;
use application::{Error, QueueDepth, Role, SessionStatus};
use chrono::{DateTime, TimeDelta, Utc};
use slog::{Discard, Logger, o};

/// Workers look for tasks each second; what is due for so long has found nobody.
const LONG: TimeDelta = TimeDelta::seconds(60);

/// Only of use where all migrations are applied.
pub(super) async fn look(loaded: &Loaded) -> Vec<Finding> {
    let core = match Core::visit(&loaded.config, &Logger::root(Discard, o!())).await {
        Ok(core) => core,
        Err(error) => {
            return vec![failing("tasks", chain(error.as_ref()), "check the rights of the database user")];
        }
    };
    let mut findings = match sessions(loaded, &core).await {
        Ok(findings) => findings,
        Err(error) => vec![failing("tasks", chain(&error), "check the rights of the database user")],
    };
    let strange = core.strange_queues(&loaded.config);
    findings.extend(strange.iter().map(|told| warning_of("tasks", told, "`plinth task kinds` lists them")));
    if core.redis.is_none() && matches!(loaded.config.database.kind(), Ok(Kind::Postgres)) {
        let detail = "without Redis workers in other processes find tasks by looking, a second later at most";
        findings.push(well("hints", detail.to_owned()));
    }
    core.close().await;
    findings
}

/// What may be wrong with those who run tasks and schedules.
async fn sessions(loaded: &Loaded, core: &Core) -> Result<Vec<Finding>, Error> {
    let (now, statistics) = (core.clock.now(), core.database.statistics());
    let sessions = statistics.sessions().await?;
    let beats = sessions.iter().any(|session| session.role == Role::Beat && is_alive(session, now));
    let mut findings = schedules(loaded, core, beats);
    findings.push(verdict(&statistics.depths(now).await?, &sessions, now));
    findings.extend(lost(&sessions, now));
    Ok(findings)
}

fn is_alive(session: &SessionStatus, now: DateTime<Utc>) -> bool {
    session.closed_at.is_none() && session.expires_at > now
}

/// Workers that have ended without a word.
fn lost(sessions: &[SessionStatus], now: DateTime<Utc>) -> Option<Finding> {
    let lost = sessions.iter().filter(|session| session.role == Role::Worker && session.closed_at.is_none());
    let lost = lost.filter(|session| !is_alive(session, now));
    let names: Vec<String> = lost.map(|session| format!("{}:{}", session.host, session.process)).collect();
    let detail = format!("workers lost: {}; others take over their tasks", names.join(", "));
    (!names.is_empty()).then(|| warning_of("tasks", &detail, "see why they ended, and start them again"))
}

fn schedules(loaded: &Loaded, core: &Core, beats: bool) -> Vec<Finding> {
    let advice = "correct it: a start and a reload refuse it";
    if let Err(problems) =
        loaded.check_tasks(|kind, payload| core.registry.signature(kind, payload).map(drop))
    {
        return problems.iter().map(|problem| failing("schedules", problem.to_string(), advice)).collect();
    }
    let (now, schedules) = (core.clock.now(), loaded.config.schedules.enabled());
    let next =
        schedules.iter().filter_map(|schedule| Some((schedule.timing.next(now)?, schedule.name.as_str())));
    let detail = match next.min() {
        None => "none in force".to_owned(),
        Some((at, name)) => {
            format!("{} in force; the next is {name}, {}", schedules.len(), crate::commands::task::time(at))
        }
    };
    if !beats && !schedules.is_empty() {
        let detail = format!("{detail}; and no beat is alive");
        return vec![warning_of("schedules", &detail, "start `plinth beat`, or `plinth`")];
    }
    vec![well("schedules", detail)]
}

fn verdict(depths: &[QueueDepth], sessions: &[SessionStatus], now: DateTime<Utc>) -> Finding {
    let is_working = |session: &&SessionStatus| session.role == Role::Worker && is_alive(session, now);
    let workers: Vec<&SessionStatus> = sessions.iter().filter(is_working).collect();
    let unserved = |depth: &&QueueDepth| {
        let late = depth.oldest_due.is_some_and(|due| now - due > LONG);
        late && !workers.iter().any(|worker| worker.queues.contains(&depth.queue))
    };
    let queues: Vec<&str> = depths.iter().filter(unserved).map(|depth| depth.queue.as_str()).collect();
    if !queues.is_empty() {
        let detail = format!("due for more than a minute, and no worker takes from: {}", queues.join(", "));
        return warning_of("tasks", &detail, "start `plinth worker`, or `plinth`; see tasks.queues");
    }
    let (queued, running) = depths
        .iter()
        .fold((0, 0), |(queued, running), depth| (queued + depth.queued, running + depth.running));
    well("tasks", format!("{queued} queued, {running} running, workers alive: {}", workers.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Verdict;
    use domain::{QueueName, SessionId};

    fn queue(name: &str) -> QueueName {
        QueueName::parse(name).unwrap()
    }

    #[test]
    fn a_queue_that_nobody_takes_from_is_told() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let depth = |name, due: TimeDelta| QueueDepth {
            queue: queue(name),
            queued: 2,
            running: 0,
            waiting: 0,
            oldest_due: Some(now - due),
        };
        let session = |expires_at| SessionStatus {
            id: SessionId(uuid::Uuid::nil()),
            role: Role::Worker,
            host: "here".to_owned(),
            process: 1,
            queues: vec![queue("mail")],
            concurrency: 16,
            running: 0,
            started_at: now,
            renewed_at: now,
            expires_at,
            closed_at: None,
            claimed_at: None,
            finished_at: None,
        };
        let late = [depth("mail", TimeDelta::seconds(61)), depth("default", TimeDelta::seconds(59))];
        let dead = verdict(&late, &[session(now)], now);
        assert!(dead.verdict == Verdict::Warning && dead.detail.ends_with("takes from: mail"), "{dead}");
        let alive = verdict(&late, &[session(now + TimeDelta::seconds(1))], now);
        assert!(alive.verdict == Verdict::Well, "{alive}");
        assert_eq!(alive.detail, "4 queued, 0 running, workers alive: 1");
        let told = lost(&[session(now)], now).expect("a finding");
        assert!(told.verdict == Verdict::Warning && told.detail.contains("lost: here:1;"), "{told}");
        assert!(lost(&[session(now + TimeDelta::seconds(1))], now).is_none());
    }
}
