//! The heart: what a person is, what a task may become, and nothing else.
//!
//! No I/O, no clock, no chance, no serde. Time and ids come in as arguments, wire formats live in the adapters.
//! Every value type is parsed once, at the edge, and cannot be wrong afterwards.

mod email_address;
mod invalid;
mod page;
mod person;
mod schedule;
mod task;
mod text;
mod version;
mod words;

pub use email_address::EmailAddress;
pub use invalid::{FieldError, Invalid, Violation};
pub use page::{Cursor, Direction, Limit, Page};
pub use person::{
    Age, NamePrefix, Person, PersonDetails, PersonFilter, PersonId, PersonName, PersonOrder, PersonPosition,
    PersonQuery, PersonSort, TooOld,
};
pub use schedule::{Misfire, Overlap, Schedule, ScheduleName, Timing};
pub use task::{
    EndReason, Fault, FaultCode, IllegalTransition, MAX_CRASHES, NewGroup, NewTask, Place, Priority,
    Progress, QueueName, RetryPolicy, SessionId, Standing, Task, TaskEvent, TaskFault, TaskFilter, TaskId,
    TaskLink, TaskQuery, TaskState, TaskStory, UniqueKey,
};
pub use version::Version;
