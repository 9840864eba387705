//! The kinds of tasks, a file each. A further one is a file here and a line of registration in `bin/src/wire.rs`.

pub mod add_one_year;
mod count;
// What `docs/adding-a-task.md` adds: compiled and tested, and not part of the product.
#[cfg(any(test, feature = "faults"))]
#[path = "../../tests/examples/adding_a_task/shorten_name.rs"]
pub mod example;
pub mod import_persons;
pub mod prune_tasks;
pub mod wait_for_servers;
