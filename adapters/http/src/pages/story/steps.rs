//! The tasks that belong together: the links of a chain, or the members and the callback of a group.

use crate::pages::{
    rows::Bar,
    words::{count, plural},
};
use domain::{Place, TaskId, TaskLink, TaskState, TaskStory};
use serde::Serialize;

/// See the module.
#[derive(Debug, Serialize)]
pub(super) struct Steps {
    heading: &'static str,
    summary: String,
    /// One after the other, or side by side.
    ordered: bool,
    links: Vec<Step>,
    /// How many are not shown.
    omitted: usize,
}

#[derive(Debug, Serialize)]
struct Step {
    id: String,
    kind: String,
    state: &'static str,
    progress: Option<Bar>,
    /// Whether the page is about it.
    here: bool,
    /// From 1, in a chain.
    number: usize,
    callback: bool,
}

/// A group may have thousands of members.
const SHOWN: usize = 60;

impl Steps {
    /// None if the task is alone.
    pub(super) fn new(story: &TaskStory) -> Option<Self> {
        let ordered = match story.task.place {
            Place::Alone => return None,
            Place::Link { .. } => true,
            Place::Member { .. } | Place::Callback { .. } => false,
        };
        let links = &story.links;
        let done = links.iter().filter(|link| link.state == TaskState::Succeeded).count() as u64;
        let of = if ordered {
            plural(links.len() as u64, "step", "steps")
        } else {
            plural(links.len() as u64, "task", "tasks")
        };
        let steps = links.iter().enumerate().map(|(i, link)| {
            let callback = !ordered && i + 1 == links.len();
            Step::new(link, i + 1, story.task.id, callback)
        });
        let shown: Vec<Step> = steps
            .enumerate()
            .filter(|(i, step)| *i < SHOWN || step.here || step.callback)
            .map(|(_, step)| step)
            .collect();
        Some(Self {
            heading: if ordered { "Chain" } else { "Group" },
            summary: format!("{} of {of} succeeded", count(done)),
            ordered,
            omitted: links.len() - shown.len(),
            links: shown,
        })
    }
}

impl Step {
    fn new(link: &TaskLink, number: usize, here: TaskId, callback: bool) -> Self {
        let running = link.state == TaskState::Running;
        Self {
            id: link.id.0.to_string(),
            kind: link.kind.clone(),
            state: link.state.as_str(),
            progress: link.progress.as_ref().filter(|_| running).map(Bar::from),
            here: link.id == here,
            number,
            callback,
        }
    }
}
