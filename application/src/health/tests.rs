use super::*;

/// A probe that answers `result` each time.
fn probe(name: &'static str, required: bool, result: Result<&'static str, &'static str>) -> Arc<dyn Probe> {
    let mut probe = MockProbe::new();
    probe.expect_name().return_const(name);
    probe.expect_required().return_const(required);
    probe.expect_check().returning(move || {
        result.map(str::to_owned).map_err(|_| Error::unavailable("the database", "connection refused").into())
    });
    Arc::new(probe)
}

struct Silent;
#[async_trait]
impl Probe for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }
    fn required(&self) -> bool {
        true
    }
    async fn check(&self) -> Result<String, Unwell> {
        std::future::pending().await
    }
}

async fn status(probes: Vec<Arc<dyn Probe>>) -> HealthStatus {
    HealthController::new(probes, Duration::from_secs(1)).report().await.status
}

#[tokio::test]
async fn only_a_required_probe_takes_the_service_down() {
    assert_eq!(status(vec![]).await, HealthStatus::Ok);
    assert_eq!(status(vec![probe("db", true, Ok("reachable"))]).await, HealthStatus::Ok);
    let optional = probe("redis", false, Err(""));
    assert_eq!(status(vec![optional.clone(), probe("db", true, Ok(""))]).await, HealthStatus::Degraded);
    assert_eq!(status(vec![probe("db", true, Err("")), optional]).await, HealthStatus::Down);
}

#[tokio::test]
async fn a_failing_check_tells_this_layer_and_not_the_driver() {
    let health = HealthController::new(vec![probe("db", true, Err(""))], Duration::from_secs(1));
    assert_eq!(health.check("db").await.unwrap().detail, "the database is not available");
    assert!(matches!(health.check("nonsense").await, Err(Error::NotFound { kind: "check", .. })));
}

#[tokio::test(start_paused = true)]
async fn a_silent_dependency_is_down_at_the_deadline() {
    let health = HealthController::new(vec![Arc::new(Silent)], Duration::from_secs(2));
    let check = health.check("silent").await.unwrap();
    assert_eq!((check.status, check.detail.as_str()), (CheckStatus::Down, "no answer within 2000 ms"));
}

#[tokio::test]
async fn a_stopping_process_is_not_ready() {
    let health = HealthController::new(vec![probe("db", true, Ok(""))], Duration::from_secs(1));
    health.stop();
    assert_eq!(health.report().await.status, HealthStatus::Down);
}
