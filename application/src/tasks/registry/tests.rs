use super::*;
use crate::{
    MockPersonRepository,
    kinds::add_one_year::AddOneYear,
    tasks::testing::{Probe, queue},
    testing::person_controller,
};
use serde::{Deserialize, Serialize};

/// A kind that was copied from [`Probe`], with these differences.
macro_rules! copied {
    ($kind:ident, $($difference:tt)*) => {
        #[derive(Serialize, Deserialize)]
        struct $kind;
        impl TaskKind for $kind {
            $($difference)*
            type Services = ();
            type Output = ();
            async fn run(self, _: TaskContext<()>) -> Result<(), TaskError> {
                Ok(())
            }
        }
    };
}

copied! { SameName, const NAME: &'static str = Probe::NAME; }
copied! { NoQueue, const NAME: &'static str = "NO_QUEUE"; const QUEUE: &'static str = "no queue"; }
copied! { Endless, const NAME: &'static str = "ENDLESS"; const TIMEOUT: Duration = Duration::from_secs(86_401); }

fn registry() -> Registry {
    Registry::new().with::<Probe>(Arc::default())
}

#[test]
fn a_payload_from_outside_is_decoded_before_it_is_scheduled() {
    let signature = registry().signature(Probe::NAME, r#"{"say": "hello", "unknown": 1}"#).unwrap();
    assert_eq!(signature, Signature::of(&Probe::says("hello")).unwrap());
    let invalid = registry().signature(Probe::NAME, r#"{"say": 7}"#).unwrap_err();
    assert!(invalid.to_string().starts_with("payload: invalid type: integer `7`"), "{invalid}");
}

#[test]
fn an_unknown_kind_is_answered_with_those_that_are_known() {
    let invalid = registry().signature("NONSENSE", "{}").unwrap_err();
    assert_eq!(invalid.to_string(), "kind: must be one of PROBE");
}

#[test]
fn queues_are_those_of_the_kinds() {
    assert_eq!(registry().queues(), [queue("default")]);
    let two = registry().with::<AddOneYear>(person_controller(MockPersonRepository::new()));
    assert_eq!(two.queues().len(), 1, "named once");
    let known = KindReport {
        name: "PROBE",
        queue: "default",
        priority: Priority::Normal,
        max_retries: 3,
        timeout: Duration::from_secs(300),
    };
    assert_eq!(two.kinds().last(), Some(&known));
}

#[test]
#[should_panic(expected = "two kinds are called PROBE")]
fn two_kinds_of_the_same_name_are_noticed_at_once() {
    let _registry = registry().with::<SameName>(Arc::default());
}

#[test]
#[should_panic(expected = "NO_QUEUE is in a queue that cannot be")]
fn a_kind_has_a_queue_that_can_be() {
    let _registry = registry().with::<NoQueue>(Arc::default());
}

#[test]
#[should_panic(expected = "the time-out of ENDLESS is longer than a day")]
fn a_run_takes_a_day_at_most() {
    let _registry = registry().with::<Endless>(Arc::default());
}

#[test]
fn a_failure_tells_people_its_own_layer_and_the_log_all_of_them() {
    let error = Error::unavailable("the database", "connection refused");
    let failure = Failure::from(TaskError::from(error));
    assert_eq!(failure.remedy, Remedy::Retry);
    assert_eq!(failure.message, "the database is not available");
    assert_eq!(failure.chain, "the database is not available: connection refused");
}
