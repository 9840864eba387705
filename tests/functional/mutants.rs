//! Defects of a repository that its contract must notice. Each line runs a test once more with the defect switched on; those
//! of whole processes are in `tests/faults/mutants.rs`.

plinth_tests::mutants! {
    a_finish_under_any_fence_is_noticed:
        "no_fence_check", "contract::ledger::fences::a_claim_that_was_taken_over_writes_nothing::postgres";
    a_batch_under_any_fence_is_noticed:
        "no_fence_check", "contract::ledger::fences::in_a_batch_each_claim_stands_for_itself::postgres";
    any_fence_is_noticed_by_the_model:
        "no_fence_check", "contract::model::whatever_is_asked_the_answer_is_that_of_the_model::postgres";
    a_claim_without_a_session_is_noticed:
        "no_session_check", "contract::ledger::claims::only_a_session_that_is_alive_can_claim::postgres";
    a_dead_session_that_claims_is_noticed_by_the_model:
        "no_session_check", "contract::model::whatever_is_asked_the_answer_is_that_of_the_model::sqlite";
}
