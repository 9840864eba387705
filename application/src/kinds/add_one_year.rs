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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MockPersonRepository,
        testing::{person, person_controller},
    };

    const ID: PersonId = PersonId(Uuid::from_u128(7));

    async fn run(persons: MockPersonRepository) -> Result<Birthday, TaskError> {
        AddOneYear { person_id: ID.0 }.run(TaskContext::for_test(person_controller(persons))).await
    }

    #[tokio::test]
    async fn the_new_age_and_the_success_are_one_write() {
        let mut persons = MockPersonRepository::new();
        persons.expect_find().once().returning(|_| Ok(Some(person(ID, "Ada", 36))));
        persons
            .expect_update()
            .withf(|person, _, then| {
                let result = then.settle.as_ref().map(|settle| settle.result.as_str());
                person.details().age.years() == 37 && result == Some(r#"{"age":37}"#)
            })
            .once()
            .returning(|_, _, _| Ok(()));
        assert_eq!(run(persons).await.unwrap(), Birthday { age: 37 });
    }

    #[tokio::test]
    async fn nobody_and_the_oldest_are_not_tried_again() {
        for found in [None, Some(person(ID, "Ada", 150))] {
            let mut persons = MockPersonRepository::new();
            persons.expect_find().once().return_once(|_| Ok(found));
            assert!(matches!(run(persons).await, Err(TaskError::Unrecoverable(_))));
        }
    }
}
