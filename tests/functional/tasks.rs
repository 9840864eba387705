//! Background tasks as clients and operators meet them.

mod drain;
mod eager;
mod life;
mod lists;
mod v2;

#[path = "../examples/adding_a_task/functional.rs"]
mod example;
