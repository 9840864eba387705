//! Defects that the fault tests must notice. Each line runs a test once more against a product that has the defect; those that
//! a repository has alone are in `tests/functional/mutants.rs`.

plinth_tests::mutants! {
    a_task_that_is_finished_before_it_ran_is_noticed:
        "finish_before_run", "tasks::kills::killed_workers_lose_nothing::postgres";
    the_clock_of_a_host_is_noticed:
        "host_clock", "tasks::clocks::a_worker_whose_host_is_two_hours_ahead_harms_nobody::postgres";
    a_hint_before_the_commit_is_noticed:
        "hint_before_commit", "tasks::hints::a_hint_leads_to_its_task::postgres";
    a_fleet_that_waits_for_one_task_is_noticed:
        "everybody_is_quiet", "tasks::suspects::one_busy_worker_waits_for_what_was_lost_and_the_others_go_on::postgres";
}
