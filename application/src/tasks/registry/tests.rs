use super::*;
use crate::{kinds::add_one_year::AddOneYear, tasks::testing::Probe};

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
    let queue = QueueName::parse(AddOneYear::QUEUE).unwrap();
    assert_eq!(registry().queues(), [queue]);
    assert_eq!(registry().with::<Probe>(Arc::default()).queues().len(), 1, "named once");
}

#[test]
fn a_failure_tells_people_its_own_layer_and_the_log_all_of_them() {
    let error = Error::unavailable("the database", "connection refused");
    let failure = Failure::from(TaskError::from(error));
    assert_eq!(failure.remedy, Remedy::Retry);
    assert_eq!(failure.message, "the database is not available");
    assert_eq!(failure.chain, "the database is not available: connection refused");
}
