//! What `adapter-diesel` owes its callers, on a real SQLite and a real PostgreSQL alike.
//!
//! `persons` and `lists` are the contract of `PersonRepository`: any implementation must pass. The others are about the
//! databases themselves: opening, migrating, health, and what happens when a server is slow, cut off or gone.

mod doorbell;
mod health;
mod imports;
mod ledger;
mod lists;
mod migrations;
mod model;
mod opening;
mod outages;
mod pages;
mod persons;
mod schedules;
mod statistics;
mod store;
mod tasks;
mod tls;

pub(crate) use store::{NOTHING, Rings, Store, at, silent};

/// Runs each function of a repository's contract on both databases, each time on an empty one of its own. `$port` is the
/// function of [`Store`] that answers the repository.
macro_rules! contract {
    ($port:ident: $($suite:ident::$test:ident),* $(,)?) => { $(
        mod $test {
            plinth_tests::one_test!(sqlite, Sqlite, on_a_store);
            plinth_tests::postgres_test!(postgres, on_a_store);

            async fn on_a_store(setup: plinth_tests::Setup) {
                let store = super::Store::new(&setup).await;
                super::$suite::$test(store.$port().as_ref()).await;
            }
        }
    )* };
}

contract!(persons:
    persons::what_is_inserted_is_found,
    persons::the_extremes_of_every_field_are_kept,
    persons::who_is_not_there_is_none,
    persons::an_address_is_taken_regardless_of_case,
    persons::a_change_to_the_address_of_another_is_a_conflict_and_changes_nothing,
    persons::everybody_may_change_the_case_of_the_own_address,
    persons::a_change_is_guarded_by_the_version,
    persons::of_two_changes_at_once_one_is_stale,
    persons::who_is_gone_cannot_be_changed,
    persons::a_deletion_is_guarded_by_the_version_and_frees_the_address,
    lists::an_empty_list_has_no_neighbours,
    lists::every_order_is_that_of_code_points_and_ids,
    lists::every_list_can_be_walked_both_ways,
    lists::a_prefix_is_found_whatever_its_characters,
    lists::an_address_is_found_regardless_of_case,
    lists::filters_and_cursors_go_together,
    lists::a_cursor_leads_on_when_its_person_is_gone,
);
