//! The use cases, and the ports that they need.
//!
//! A controller is concrete and holds its ports as trait objects; each port stands beside the controller that consumes
//! it and speaks the language of the domain. Drivers, HTTP and SQL do not occur here.

mod clock;
mod context;
mod error;
mod health;
mod persons;

pub use clock::{Clock, Ids};
pub use context::{Context, RequestId};
pub use error::{BoxError, Error};
pub use health::{Check, CheckStatus, Health, HealthController, HealthStatus, Probe, Unwell};
pub use persons::{PersonController, PersonPatch, PersonRepository};

#[cfg(any(test, feature = "mocks"))]
pub use {
    clock::{MockClock, MockIds},
    health::MockProbe,
    persons::MockPersonRepository,
};
