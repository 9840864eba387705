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
        Clock, MockBacklog, MockClock, MockDoorbell, MockIds, MockPersonRepository, MockTaskRepository,
        Scheduler, TaskController, testing::at,
    };
    use domain::{Age, EmailAddress, Person, PersonDetails, PersonName};
    use std::sync::Arc;

    const ID: PersonId = PersonId(Uuid::from_u128(7));

    fn stored(age: i64) -> Person {
        let (name, email) = (PersonName::parse("Ada"), EmailAddress::parse("ada@example.com"));
        let details =
            PersonDetails { name: name.unwrap(), email: email.unwrap(), age: Age::new(age).unwrap() };
        Person::new(ID, details, at(0))
    }

    async fn run(persons: MockPersonRepository) -> Result<Birthday, TaskError> {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(at(0));
        let (clock, ids): (Arc<dyn Clock>, _) = (Arc::new(clock), Arc::new(MockIds::new()));
        let (tasks, doorbell) = (MockTaskRepository::new(), MockDoorbell::new());
        let tasks = Arc::new(TaskController::new(Arc::new(tasks), Arc::new(doorbell), clock.clone()));
        let scheduler = Scheduler::new(clock.clone(), ids.clone(), Arc::new(MockBacklog::new()));
        let controller = PersonController::new(Arc::new(persons), tasks, Arc::new(scheduler), clock, ids);
        AddOneYear { person_id: ID.0 }.run(TaskContext::for_test(Arc::new(controller))).await
    }

    #[tokio::test]
    async fn the_new_age_and_the_success_are_one_write() {
        let mut persons = MockPersonRepository::new();
        persons.expect_find().once().returning(|_| Ok(Some(stored(36))));
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
        for person in [None, Some(stored(150))] {
            let mut persons = MockPersonRepository::new();
            persons.expect_find().once().return_once(|_| Ok(person));
            assert!(matches!(run(persons).await, Err(TaskError::Unrecoverable(_))));
        }
    }
}
