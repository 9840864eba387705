//! A birthday, as a task.

use crate::{PersonController, TaskContext, TaskError, TaskKind};
use domain::PersonId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Adds one year to the age of a person, exactly once: the person and the success of the task are one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOneYear {
    /// Whose birthday it is.
    pub person_id: Uuid,
}

/// How old the person is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthday {
    /// In years.
    pub age: u8,
}

impl TaskKind for AddOneYear {
    const NAME: &'static str = "ADD_ONE_YEAR";

    type Services = PersonController;
    type Output = Birthday;

    async fn run(self, ctx: TaskContext<PersonController>) -> Result<Birthday, TaskError> {
        let id = PersonId(self.person_id);
        let settled = |person: &domain::Person| ctx.settle(&Birthday { age: person.details().age.years() });
        let person = ctx.services.add_one_year(ctx.context(), id, settled).await?;
        Ok(Birthday { age: person.details().age.years() })
    }
}
