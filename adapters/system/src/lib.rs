//! The machine below: its clock, its randomness, its network. The one place that may ask for any of them. And hints that
//! stay within the process.

mod chance;
mod clock;
mod database_clock;
mod doorbell;
mod ids;
mod secret;
mod tcp;

pub use chance::SystemChance;
pub use clock::SystemClock;
pub use database_clock::DatabaseClock;
pub use doorbell::LocalDoorbell;
pub use ids::SystemIds;
pub use secret::secret;
pub use tcp::TcpServers;
