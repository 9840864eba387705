//! What both versions of the API say of tasks in the same way: ids, lists, entity tags, streams of events.

mod listing;

pub(crate) use listing::{Listing, MAX_KIND, ORDER};

use crate::{
    Services,
    events::{Event, last_event_id},
    extract::{EntityTag, id},
    problem::ApiError,
    reply::{self, Instant},
    route::{Request, Response, Tag},
    schema,
};
use application::{Error, TaskController, TaskWatch};
use domain::{Fault, FaultCode, Task, TaskId, TaskState, TaskStory, Version};
use futures_util::{StreamExt as _, stream};
use serde_json::value::RawValue;
use std::{future::ready, sync::Arc};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr, Schema,
        path::{Parameter, ParameterIn},
        schema::Type,
    },
};

/// What the documents say of tasks.
pub(crate) const TAG: Tag =
    Tag { name: "tasks", description: "Work that goes on after a request is answered." };

/// Whose id is in a path.
pub(crate) struct TaskPath;

impl IntoParams for TaskPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![schema::id("The task's id.")]
    }
}

/// One event of a stream, as the documents have it.
pub(crate) struct TaskEvent;

impl PartialSchema for TaskEvent {
    fn schema() -> RefOr<Schema> {
        let text = |what: &str| -> Object {
            ObjectBuilder::new().schema_type(Type::String).description(Some(what)).into()
        };
        ObjectBuilder::new()
            .property("id", text("Grows with each change: what `Last-Event-ID` names."))
            .property("event", text("Always `task`."))
            .property("data", text("The task as it is then: JSON, as `GET` of the task answers it."))
            .required("id")
            .required("event")
            .required("data")
            .into()
    }
}

impl ToSchema for TaskEvent {}

/// What clients are told of a fault. The words of a panic, and of a payload that cannot be decoded, were written for
/// developers and may quote anything: they are in the log and on the internal listener alone.
pub(crate) fn told(fault: &Fault) -> &str {
    match fault.code {
        FaultCode::Panic => "the handler panicked",
        FaultCode::Undecodable => "the payload is not one of its kind",
        _ => &fault.message,
    }
}

/// What the routes need.
#[derive(Clone)]
pub(crate) struct Tasks {
    pub(crate) controller: Arc<TaskController>,
    pub(crate) watch: Arc<TaskWatch>,
}

impl From<&Services> for Tasks {
    fn from(services: &Services) -> Self {
        Self { controller: services.tasks.clone(), watch: services.watch.clone() }
    }
}

impl Tasks {
    /// The task of the path as it changes, until it has ended: as `event` makes events of it, which have its revision for
    /// their id. A client that has seen the last one is told to stay away (204), for browsers come back else for ever.
    pub(crate) async fn events(
        self,
        request: Request,
        error: fn(Error) -> ApiError,
        event: impl Fn(&TaskStory) -> Event + Send + 'static,
    ) -> Result<Response, ApiError> {
        let id = task_id(&request)?;
        let story = self.controller.get(&request.context(), id).await.map_err(error)?;
        let revision = story.revision();
        let is_new = last_event_id(request.headers()) != Some(revision);
        let has_ended = story.task.standing.state.is_terminal();
        if has_ended && !is_new {
            return Ok(reply::no_content());
        }
        let first = stream::iter(is_new.then_some(Ok(story)));
        let later = (!has_ended).then(|| self.watch.follow(id, Some(revision)));
        let stories = first.chain(stream::iter(later).flatten());
        let call = request.call().clone();
        let events = stories.scan((), move |(), story| {
            // The stream ends, the client comes back, and is told then what is wrong.
            let story = story.map_err(|failed| error(failed).log(request.call()));
            ready(story.ok().map(|story| event(&story)))
        });
        call.edge.streams.answer(call.client, events)
    }
}

/// The id of a task in a path.
pub(crate) fn task_id(request: &Request) -> Result<TaskId, ApiError> {
    id(request).map(TaskId)
}

/// The entity tag of a task with all that belongs to it.
pub(crate) fn tag(story: &TaskStory) -> EntityTag {
    EntityTag(Version::new(story.total_version()).unwrap_or(Version::FIRST))
}

/// When the task may run; none while it waits for others, for it has no time of its own then.
pub(crate) fn due_at(task: &Task) -> Option<Instant> {
    (task.standing.state != TaskState::Waiting).then_some(Instant(task.due_at))
}

/// What the task has answered, as it was stored.
pub(crate) fn result(task: &Task) -> Option<&RawValue> {
    // What is no JSON cannot have been stored.
    task.result.as_deref().and_then(|json| serde_json::from_str(json).ok())
}
