//! Redis, where hints, caches and limits that several processes share can be kept. The service works without it, so
//! nothing here may stop a start or fail a request.

mod config;
mod doorbell;
mod pool;

pub use config::RedisConfig;
pub use doorbell::RedisDoorbell;
pub use pool::{OpenError, Redis};
