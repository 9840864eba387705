//! A shorter name, as a task.

use crate::{PersonController, PersonPatch, TaskContext, TaskError, TaskKind};
use domain::{PersonId, PersonName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Cuts the name of a person to its first word. Doing it twice changes nothing, so that a second run does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortenName {
    /// Whose name.
    pub person_id: Uuid,
}

/// What the person is called now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortened {
    /// One word.
    pub name: String,
}

impl TaskKind for ShortenName {
    const NAME: &'static str = "SHORTEN_NAME";

    type Services = PersonController;
    type Output = Shortened;

    async fn run(self, ctx: TaskContext<PersonController>) -> Result<Shortened, TaskError> {
        let id = PersonId(self.person_id);
        let person = ctx.services.get(ctx.context(), id).await?; // gone: unrecoverable
        let word = person.details().name.as_str().split(' ').next().unwrap_or_default();
        let name = PersonName::parse(word).map_err(|wrong| TaskError::unrecoverable(wrong.message))?;
        let patch = PersonPatch { name: Some(name), ..PersonPatch::default() };
        ctx.services.patch(ctx.context(), id, Some(person.version()), patch).await?; // stale: tried again
        Ok(Shortened { name: word.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MockPersonRepository, testing};
    use domain::{Person, Version};
    use mockall::predicate::eq;

    const ID: PersonId = PersonId(Uuid::from_u128(7));

    fn ada(name: &str) -> Person {
        testing::person(ID, name, 36)
    }

    async fn shortened(persons: MockPersonRepository) -> Shortened {
        let ctx = TaskContext::for_test(testing::person_controller(persons));
        ShortenName { person_id: ID.0 }.run(ctx).await.unwrap()
    }

    #[tokio::test]
    async fn a_name_is_cut_to_its_first_word() {
        let mut persons = MockPersonRepository::new();
        persons.expect_find().with(eq(ID)).times(2).returning(|_| Ok(Some(ada("Ada Lovelace"))));
        persons
            .expect_update()
            .withf(|person, read, then| {
                person.details().name.as_str() == "Ada" && *read == Version::FIRST && then.is_nothing()
            })
            .once()
            .returning(|_, _, _| Ok(()));
        assert_eq!(shortened(persons).await, Shortened { name: "Ada".to_owned() });
    }

    #[tokio::test]
    async fn a_second_run_writes_nothing() {
        let mut persons = MockPersonRepository::new();
        persons.expect_find().with(eq(ID)).times(2).returning(|_| Ok(Some(ada("Ada"))));
        persons.expect_update().never();
        assert_eq!(shortened(persons).await, Shortened { name: "Ada".to_owned() });
    }
}
