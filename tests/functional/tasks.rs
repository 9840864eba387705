//! Background tasks as clients and operators meet them.

mod eager;
mod life;
mod lists;
mod v2;
