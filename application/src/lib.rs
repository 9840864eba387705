//! The use cases, and the ports that they need.
//!
//! A controller is concrete and holds its ports as trait objects; each port stands beside the controller that consumes
//! it and speaks the language of the domain. Drivers, HTTP and SQL do not occur here.

mod clock;
mod context;
mod error;
pub mod faults;
mod health;
mod imports;
pub mod kinds;
mod persons;
mod schedules;
mod tasks;
#[cfg(test)]
mod testing;

pub use clock::{Chance, Clock, Ids};
pub use context::{Context, RequestId};
pub use error::{BoxError, Error};
pub use health::{Check, CheckStatus, Health, HealthController, HealthStatus, Probe, Unwell};
pub use imports::{ImportController, ImportId, Imports, RowError, StagedRow, Tally, Upload};
pub use persons::{PersonController, PersonPatch, PersonRepository};
pub use schedules::{Fired, Firing, ScheduleStatus, Schedules};
pub use tasks::{
    Cancellation, Expiry, Retention, TaskController, TaskRepository,
    doorbell::{Bell, Doorbell, DoorbellState, Hint},
    handler::{TaskContext, TaskError, TaskKind},
    ledger::{
        Claimed, Claiming, Finished, Minute, NewSession, Reclaimed, Renewal, Renewed, Role, Settled,
        Settlement, TaskLedger,
    },
    scheduler::{Backlog, Scheduler, Signature},
    statistics::{QueueDepth, Session, TaskStatistics},
    then::{Claim, Settle, Then},
};

#[cfg(any(test, feature = "mocks"))]
pub use {
    clock::{MockChance, MockClock, MockIds},
    health::MockProbe,
    imports::MockImports,
    persons::MockPersonRepository,
    schedules::MockSchedules,
    tasks::{
        MockTaskRepository,
        doorbell::{MockBell, MockDoorbell},
        ledger::MockTaskLedger,
        scheduler::MockBacklog,
        statistics::MockTaskStatistics,
    },
};
