//! Background tasks and schedules: what they are configured with, and what is said of what is wrong.

use super::*;
use serde_json::json;
use std::time::Duration;

#[test]
fn the_durations_of_a_worker_fit_together() {
    let said = complaint(&[
        ("APP__TASKS__LEASE", "40s"),
        ("APP__TASKS__CONCURRENCY", "0"),
        ("APP__TASKS__BACKOFF_BASE", "20m"),
        ("APP__TASKS__BACKOFF_CAP", "10m"),
        ("APP__TASKS__POLL", "2m"),
        ("APP__TASKS__RETENTION__FAILED", "0s"),
    ]);
    for part in [
        "tasks.renewal: must be at most a third of tasks.lease, 13s 333ms 333us 333ns, not 15s (default)",
        "tasks.concurrency: must be from 1 to 1000, not 0",
        "tasks.backoff_base: must be at most tasks.backoff_cap, 10m, not 20m",
        "tasks.poll: must be from 10ms to 1m, not 2m",
        "tasks.retention.failed: must be from 1s to 3650days, not 0s",
        "has 5 errors",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    let said = complaint(&[("APP__TASKS__MARGIN", "45s")]);
    let margin = "tasks.margin: must be less than tasks.lease without tasks.renewal, 45s, not 45s (APP__TASKS__MARGIN in the environment)";
    assert!(said.contains(margin), "{said}");
}

#[test]
fn what_is_said_of_backoff_goes_before_what_kinds_say() {
    let backoff = |variables: &[(&str, &str)]| {
        let tasks = loaded(variables).config.tasks;
        (tasks.backoff_base, tasks.backoff_cap)
    };
    assert_eq!(backoff(&[]), (None, None));
    let base = Some(Duration::from_secs(900));
    assert_eq!(backoff(&[("APP__TASKS__BACKOFF_BASE", "15m")]), (base, None), "each by itself");
}

#[test]
fn queues_are_named_in_order_and_limited_by_name() {
    let tasks = loaded(&[
        ("APP__TASKS__QUEUES", "mail, default"),
        ("APP__TASKS__QUEUE_CONCURRENCY", "mail=2,default=8"),
    ])
    .config
    .tasks;
    let names: Vec<&str> = tasks.queues.iter().map(|queue| queue.0.as_str()).collect();
    assert_eq!(names, ["mail", "default"]);
    let limits = |tasks: &TasksConfig| serde_json::to_value(&tasks.queue_concurrency).unwrap();
    assert_eq!(limits(&tasks), json!({"default": 8, "mail": 2}));
    let tasks = loaded(&[("CONF", "tasks: {queue_concurrency: {mail: 2}}")]).config.tasks;
    assert_eq!(limits(&tasks), json!({"mail": 2}));
    for (name, value, wrong) in [
        ("QUEUES", "Mail", r#"tasks.queues: is ["Mail"]: "Mail" must be 1 to 50 of a-z"#),
        ("QUEUES", "mail,mail", "tasks.queues: must name each queue once"),
        ("QUEUE_CONCURRENCY", "mail", "tasks.queue_concurrency: must be names with a whole number for each"),
        ("QUEUE_CONCURRENCY", "mail=0", "tasks.queue_concurrency: must have a whole number from 1 to 1000"),
        ("QUEUE_CONCURRENCY", "MAIL=1", "tasks.queue_concurrency: is "),
    ] {
        let said = complaint(&[(&format!("APP__TASKS__{name}"), value)]);
        assert!(said.contains(wrong) && said.contains("has 1 error"), "no `{wrong}` in\n{said}");
    }
}

#[test]
fn production_refuses_eager_tasks() {
    let variables = |env| [("APP_ENV", env), ("APP__TASKS__MODE", "eager")];
    assert_eq!(loaded(&variables("test")).config.tasks.mode, Mode::Eager);
    let said = complaint(&variables("prod"));
    assert!(said.contains("tasks.mode: is eager, which APP_ENV=prod refuses"), "{said}");
}

#[test]
fn the_shipped_schedule_is_configured_key_by_key() {
    let enabled = |variables: &[(&str, &str)]| loaded(variables).config.schedules.enabled();
    let shipped = &enabled(&[])[0];
    assert_eq!((shipped.name.as_str(), shipped.timing.cron()), ("prune-tasks", "17 3 * * *".to_owned()));
    assert_eq!((shipped.kind.as_str(), shipped.payload.as_str()), ("PRUNE_TASKS", "{}"));
    for name in ["APP__SCHEDULES__PRUNE_TASKS__CRON", "APP__SCHEDULES__PRUNE_TASKS__TIME_ZONE"] {
        let value = if name.ends_with("CRON") { "0 * * * *" } else { "Europe/Berlin" };
        let schedules = enabled(&[(name, value)]);
        let (cron, zone) = (schedules[0].timing.cron(), schedules[0].timing.zone());
        assert!(schedules.len() == 1 && (cron == value || zone == value), "{cron} {zone}");
    }
    assert!(enabled(&[("CONF", "schedules: {prune-tasks: {enabled: false}}")]).is_empty());
    for nothing in
        ["schedules:", "schedules: {}", "schedules: {prune-tasks: }", "schedules: {prune-tasks: {}}"]
    {
        assert_eq!(enabled(&[("CONF", nothing)]).len(), 1, "{nothing}");
    }
}

#[test]
fn a_schedule_is_made_of_file_and_environment() {
    let file = "schedules:\n  night_ly:\n    cron: 30 4 * * mon-fri\n    kind: ADD_ONE_YEAR\n    payload: {person_id: 1}\n    misfire: catch_up\n";
    let Loaded { config, origins, .. } = loaded(&[
        ("CONF", file),
        ("APP__SCHEDULES__NIGHT_LY__TIME_ZONE", "Asia/Tokyo"),
        ("APP__SCHEDULES__HOURLY_CHECK__CRON", "0 * * * *"),
        ("APP__SCHEDULES__HOURLY_CHECK__KIND", "WAIT_FOR_SERVERS"),
        ("APP__SCHEDULES__HOURLY_CHECK__PAYLOAD", r#"{"servers": ["db:5432"]}"#),
    ]);
    let schedules = config.schedules.enabled();
    let names: Vec<&str> = schedules.iter().map(|schedule| schedule.name.as_str()).collect();
    assert_eq!(names, ["hourly-check", "night_ly", "prune-tasks"]);
    assert_eq!(schedules[0].payload, r#"{"servers":["db:5432"]}"#);
    assert_eq!((schedules[1].timing.zone(), schedules[1].misfire), ("Asia/Tokyo", domain::Misfire::CatchUp));
    assert_eq!(schedules[1].payload, r#"{"person_id":1}"#);
    assert_eq!(
        origins["schedules.night_ly.time_zone"],
        "APP__SCHEDULES__NIGHT_LY__TIME_ZONE in the environment"
    );
}

#[test]
fn everything_that_is_wrong_with_schedules_is_told_at_once() {
    let file = "schedules:\n  a: {cron: 61 * * * *, kind: X}\n  b: {time_zone: Mars/Olympus, kind: X, cron: '@daily'}\n  c: {}\n  D: {kind: X, cron: 0 0 * * *}\n  e: {kind: X, cron: 0 0 30 2 *, misfire: often}\n  f: 5\n  g: {crn: 1, cron: 0 0 * * *, kind: X}\n";
    let said = complaint(&[
        ("CONF", file),
        ("APP__SCHEDULES__H__CRN", "x"),
        ("APP__SCHEDULES__A__OVERLAP", "maybe"),
    ]);
    for part in [
        "schedules.a.cron: must be a cron expression, such as `0 3 * * *` for three in the morning: ",
        "schedules.b.time_zone: must be a name of the IANA time zone database, such as Europe/Berlin, not \"Mars/Olympus\" (CONF)",
        "schedules.c.cron: is missing",
        "schedules.c.kind: is missing",
        "schedules.D: is the name of a schedule, which must be 1 to 50 of a-z",
        "schedules.e.cron: must be a time that comes, not \"0 0 30 2 *\" (CONF)",
        "schedules.e.misfire: must be one of run_once, skip, catch_up, not \"often\" (CONF)",
        "schedules.f: is a section",
        "schedules.g.crn: is not known; did you mean schedules.g.cron? (CONF)",
        "APP__SCHEDULES__H__CRN: is set in the environment and means nothing",
        "schedules.a.overlap: must be one of allow, skip, queue_one, not \"maybe\" (APP__SCHEDULES__A__OVERLAP",
        "has 11 errors",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn schedules_are_shown_and_change_by_name() {
    let before = loaded(&[("CONF", "schedules: {a: {kind: X, cron: 0 0 * * *}}")]);
    let shown = show(&before);
    for line in [
        "schedules:",
        "  a:",
        "    cron: 0 0 * * *  # CONF",
        "    payload: {}  # default",
        "  prune-tasks:",
        "    kind: PRUNE_TASKS  # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
    }
    assert_eq!(loaded(&[("CONF", &shown)]).config.schedules, before.config.schedules);
    let after =
        loaded(&[("CONF", "schedules: {a: {kind: X, cron: 0 1 * * *}, prune-tasks: {enabled: false}}")]);
    let changes = before.changes(&after);
    let found: Vec<(&str, bool)> =
        changes.iter().map(|change| (change.key.as_str(), change.reloadable)).collect();
    assert_eq!(found, [("schedules.a.cron", true), ("schedules.prune-tasks.enabled", true)]);
}
