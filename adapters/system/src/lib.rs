//! The machine below: its clock and its randomness. The one place that may ask for either.

mod clock;
mod ids;
mod secret;

pub use clock::SystemClock;
pub use ids::SystemIds;
pub use secret::secret;
