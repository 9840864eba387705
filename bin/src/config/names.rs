//! Names of queues in the configuration.

use domain::QueueName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a queue, checked when it is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Queue(pub(crate) QueueName);

impl TryFrom<String> for Queue {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        QueueName::parse(&name).map(Self).map_err(|violation| format!("{name:?} {}", violation.message))
    }
}

impl From<Queue> for String {
    fn from(Queue(name): Queue) -> Self {
        name.as_str().to_owned()
    }
}
