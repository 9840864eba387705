//! What version 2 says of tasks.

use super::super::PageBody;
use crate::{
    reply::Instant,
    schema,
    tasks::{self, Listing, due_at, result},
};
use domain::{Place, Progress, Task, TaskFault, TaskLink, TaskStory};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A task. Its payload is not told, for it may be private.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(in crate::v2) struct TaskBody<'a> {
    id: Uuid,
    /// What it does.
    #[schema(example = "ADD_ONE_YEAR")]
    kind: &'a str,
    /// Where it waits for a worker.
    #[schema(example = "default")]
    queue: &'a str,
    #[schema(value_type = schema::Priority)]
    priority: &'static str,
    #[schema(value_type = schema::TaskState)]
    status: &'static str,
    /// Runs begun, without those that were given back.
    attempt: u32,
    /// Runs after the first that errors may use up.
    max_retries: u32,
    /// How far it says it is.
    #[schema(required = true, minimum = 0, maximum = 100)]
    progress_percent: Option<u8>,
    /// What it says it is at.
    #[schema(required = true)]
    progress_note: Option<&'a str>,
    /// What it has answered, once it has succeeded.
    #[schema(required = true, value_type = Option<serde_json::Value>)]
    data: Option<&'a RawValue>,
    /// What went wrong in its last runs, oldest first; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<FaultBody>)]
    errors: Option<Vec<FaultBody<'a>>>,
    /// Why it has ended without success.
    #[schema(required = true, value_type = Option<schema::EndReason>)]
    reason: Option<&'static str>,
    /// The chain that it is a link of.
    #[schema(required = true)]
    chain: Option<ChainBody<'a>>,
    /// The group that it belongs to.
    #[schema(required = true)]
    group: Option<GroupBody<'a>>,
    /// The request that it comes from.
    #[schema(value_type = schema::RequestId)]
    request_id: &'a str,
    /// Whether somebody wants it to end.
    cancel_requested: bool,
    meta: Meta,
}

/// What the service says of it.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskMeta)]
struct Meta {
    /// Grows with each change.
    #[schema(minimum = 1)]
    version: i64,
    /// Not before then; null while it waits for others.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    due_at: Option<Instant>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Instant,
    /// When its last run began.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    started_at: Option<Instant>,
    /// When it has ended.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    finished_at: Option<Instant>,
}

/// What went wrong in a run.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskError)]
struct FaultBody<'a> {
    /// In which run, from 1.
    attempt: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Instant,
    #[schema(value_type = schema::FaultCode)]
    code: &'static str,
    message: &'a str,
}

/// Tasks that run one after the other.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskChain)]
struct ChainBody<'a> {
    /// What all its links share.
    id: Uuid,
    /// Which link the task is, from 0.
    position: u32,
    /// How many links there are.
    length: u32,
    /// All of them, in order; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<LinkBody>)]
    links: Option<Vec<LinkBody<'a>>>,
}

/// Tasks that run side by side, and one that runs once all have succeeded.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskGroup)]
struct GroupBody<'a> {
    /// What all of them share.
    id: Uuid,
    /// What the task is in it.
    #[schema(value_type = schema::GroupRole)]
    role: &'static str,
    /// The members, and the callback; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<LinkBody>)]
    links: Option<Vec<LinkBody<'a>>>,
}

/// One of the tasks that belong together.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskLink)]
struct LinkBody<'a> {
    id: Uuid,
    kind: &'a str,
    #[schema(value_type = schema::TaskState)]
    status: &'static str,
    #[schema(required = true, minimum = 0, maximum = 100)]
    progress_percent: Option<u8>,
    #[schema(format = "uri-reference")]
    url: String,
}

/// A page of tasks.
#[derive(Serialize, ToSchema)]
#[schema(as = Tasks)]
pub(super) struct TasksBody<'a> {
    pub(super) items: Vec<TaskBody<'a>>,
    pub(super) page: PageBody,
}

impl<'a> From<&'a Task> for TaskBody<'a> {
    /// As it stands in a list.
    fn from(task: &'a Task) -> Self {
        let (chain, group) = place(task.place);
        Self {
            id: task.id.0,
            kind: &task.kind,
            queue: task.queue.as_str(),
            priority: task.priority.as_str(),
            status: task.standing.state.as_str(),
            attempt: task.standing.attempt,
            max_retries: task.standing.max_retries,
            progress_percent: task.progress.as_ref().map(percent),
            progress_note: task.progress.as_ref().map(Progress::note),
            data: result(task),
            errors: None,
            reason: task.reason.map(|reason| reason.as_str()),
            chain,
            group,
            request_id: &task.request_id,
            cancel_requested: task.standing.cancel_requested,
            meta: Meta {
                version: task.version.number(),
                due_at: due_at(task),
                created_at: Instant(task.created_at),
                started_at: task.started_at.map(Instant),
                finished_at: task.finished_at.map(Instant),
            },
        }
    }
}

impl<'a> TaskBody<'a> {
    /// With all that belongs to it. `urls` stands before the id in the URL of a task.
    pub(super) fn of(story: &'a TaskStory, urls: &str) -> Self {
        let mut body = Self::from(&story.task);
        let links = || Some(story.links.iter().map(|link| LinkBody::new(link, urls)).collect());
        if let Some(chain) = &mut body.chain {
            chain.links = links();
        }
        if let Some(group) = &mut body.group {
            group.links = links();
        }
        body.errors = Some(story.faults.iter().map(FaultBody::from).collect());
        body
    }
}

fn place<'a>(place: Place) -> (Option<ChainBody<'a>>, Option<GroupBody<'a>>) {
    let group = |id, role| (None, Some(GroupBody { id, role, links: None }));
    match place {
        Place::Alone => (None, None),
        Place::Link { chain, position, length } => {
            (Some(ChainBody { id: chain.0, position, length, links: None }), None)
        }
        Place::Member { group: id } => group(id, schema::GroupRole::MEMBER),
        Place::Callback { group: id } => group(id, schema::GroupRole::CALLBACK),
    }
}

fn percent(progress: &Progress) -> u8 {
    (progress.fraction() * 100.0).round() as u8 // 0 to 100
}

impl<'a> From<&'a TaskFault> for FaultBody<'a> {
    fn from(TaskFault { attempt, at, fault }: &'a TaskFault) -> Self {
        Self { attempt: *attempt, at: Instant(*at), code: fault.code.as_str(), message: tasks::told(fault) }
    }
}

impl<'a> LinkBody<'a> {
    fn new(link: &'a TaskLink, urls: &str) -> Self {
        Self {
            id: link.id.0,
            kind: &link.kind,
            status: link.state.as_str(),
            progress_percent: link.progress.as_ref().map(percent),
            url: format!("{urls}{}", link.id.0),
        }
    }
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// How many tasks at most.
    #[param(inline, required = false, value_type = schema::Limit)]
    limit: Option<String>,
    /// No parameter to be made up: it comes with `next` and `prev`, so the document does not list it.
    #[param(ignore)]
    cursor: Option<String>,
    /// Only tasks of this status.
    #[param(inline, required = false, value_type = schema::TaskState)]
    status: Option<String>,
    /// Only tasks of this kind.
    #[param(inline, required = false, value_type = schema::TaskKind)]
    kind: Option<String>,
    /// Only tasks in this queue.
    #[param(inline, required = false, value_type = schema::QueueName)]
    queue: Option<String>,
    /// Only tasks that come from the request with this id.
    #[param(inline, required = false, value_type = schema::RequestId)]
    request_id: Option<String>,
}

impl From<ListParams> for Listing {
    fn from(ListParams { limit, cursor, status: state, kind, queue, request_id }: ListParams) -> Self {
        Self { limit, cursor, state, kind, queue, request_id }
    }
}
