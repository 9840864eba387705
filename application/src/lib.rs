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
pub use error::{BoxError, Error, chain};
pub use health::{Check, CheckStatus, Health, HealthController, HealthStatus, Probe, Unwell};
pub use imports::{FileChunks, ImportController, ImportId, Imports, RowError, StagedRow, Tally, Upload};
pub use persons::{PersonController, PersonPatch, PersonRepository};
pub use schedules::{
    BeatController, BeatPorts, BeatProgress, BeatSettings, Fired, Firing, ScheduleReport, ScheduleStatus,
    Schedules, UNSEEN,
};
pub use tasks::{
    Cancellation, Expiry, Retention, TaskController, TaskRepository,
    doorbell::{Bell, Doorbell, DoorbellState, Hint},
    gauge::QueueGauge,
    handler::{TaskContext, TaskError, TaskKind},
    ledger::{
        Claimed, Claiming, Finished, Lost, Minute, NewSession, Reclaimed, Renewal, Renewed, Role, Settled,
        Settlement, TaskLedger,
    },
    metrics::describe as describe_metrics,
    registry::{KindReport, Registry},
    scheduler::{Backlog, Scheduler, Signature},
    settings::WorkerSettings,
    statistics::{QueueDepth, SessionStatus, TaskStatistics},
    then::{Claim, Settle, Then},
    watch::TaskWatch,
    worker::{Worker, WorkerPorts, WorkerProgress},
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
