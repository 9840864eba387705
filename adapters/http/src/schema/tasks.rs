//! Schemas of tasks: the words that there are, and what names may be made of.

use super::text;
use crate::tasks::MAX_KIND;
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Where a task stands.
pub(crate) struct TaskState;
/// Before which others of its queue a task runs.
pub(crate) struct Priority;
/// Why a task has ended without success.
pub(crate) struct EndReason;
/// How a run failed.
pub(crate) struct FaultCode;
/// What a task is in its group.
pub(crate) struct GroupRole;
/// The name of a kind.
pub(crate) struct TaskKind;
/// The name of a queue.
pub(crate) struct QueueName;
/// The id of a request.
pub(crate) struct RequestId;

impl GroupRole {
    /// Runs beside others.
    pub(crate) const MEMBER: &'static str = "member";
    /// Runs once all members have succeeded.
    pub(crate) const CALLBACK: &'static str = "callback";
}

impl PartialSchema for TaskState {
    fn schema() -> RefOr<Schema> {
        words(domain::TaskState::ALL.iter().map(|state| state.as_str()))
    }
}

impl PartialSchema for Priority {
    fn schema() -> RefOr<Schema> {
        words(domain::Priority::ALL.iter().map(|priority| priority.as_str()))
    }
}

impl PartialSchema for EndReason {
    fn schema() -> RefOr<Schema> {
        words(domain::EndReason::ALL.iter().map(|reason| reason.as_str()))
    }
}

impl PartialSchema for FaultCode {
    fn schema() -> RefOr<Schema> {
        words(domain::FaultCode::ALL.iter().map(|code| code.as_str()))
    }
}

impl PartialSchema for GroupRole {
    fn schema() -> RefOr<Schema> {
        words([Self::MEMBER, Self::CALLBACK])
    }
}

impl PartialSchema for TaskKind {
    fn schema() -> RefOr<Schema> {
        text("^[A-Za-z0-9_]+$", 1, MAX_KIND).examples([json!("ADD_ONE_YEAR")]).into()
    }
}

impl PartialSchema for QueueName {
    fn schema() -> RefOr<Schema> {
        let name = text("^[a-z][a-z0-9_-]*$", 1, domain::QueueName::MAX_LENGTH);
        name.examples([json!("default")]).into()
    }
}

impl PartialSchema for RequestId {
    fn schema() -> RefOr<Schema> {
        text("^[A-Za-z0-9._:-]+$", 1, application::RequestId::MAX_LENGTH).into()
    }
}

impl ToSchema for TaskState {}
impl ToSchema for Priority {}
impl ToSchema for EndReason {}
impl ToSchema for FaultCode {}
impl ToSchema for GroupRole {}
impl ToSchema for TaskKind {}
impl ToSchema for QueueName {}
impl ToSchema for RequestId {}

fn words(words: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}
