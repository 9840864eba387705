//! The schema: what Diesel's query builder and `plinth db new` know of the tables.
//!
//! It is written by hand, since two column types are ours; `Migrator::drift` compares it with a migrated database and a
//! test does so for both. Names of types are explained in `schema/description.rs`.

mod description;

pub(crate) use description::{Column, ColumnType, Table};

description::schema! {
    persons (id) {
        id -> Guid,
        name -> Text,
        email -> Text,
        email_key -> Text,
        age -> Integer,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }
}
