//! Defects that the fault tests must notice. Each line runs a test once more against a product that has the defect.

use plinth_tests::must_notice;

/// (mutant, test)
macro_rules! mutants {
    ($($name:ident: $mutant:literal, $test:literal;)+) => { $(
        #[cfg(not(any(no_postgres, no_redis)))]
        #[tokio::test]
        async fn $name() {
            must_notice($test, $mutant).await;
        }
    )+ };
}

mutants! {
    a_task_that_is_finished_before_it_ran_is_noticed:
        "finish_before_run", "tasks::kills::killed_workers_lose_nothing::postgres";
    the_clock_of_a_host_is_noticed:
        "host_clock", "tasks::clocks::a_worker_whose_host_is_two_hours_ahead_harms_nobody::postgres";
    a_hint_before_the_commit_is_noticed:
        "hint_before_commit", "tasks::hints::a_hint_leads_to_its_task::postgres";
}
