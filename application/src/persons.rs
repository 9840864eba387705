//! Persons: list, create, get, replace, patch, delete, and one more year, now or by a task.
//!
//! The rules of a person are in `domain/src/person.rs`; this decides what is loaded and written when.

use crate::{
    Clock, Context, Error, Ids, Scheduler, Signature, TaskController, Then, kinds::add_one_year::AddOneYear,
};
use async_trait::async_trait;
use domain::{
    Age, EmailAddress, Page, Person, PersonDetails, PersonId, PersonName, PersonPosition, PersonQuery,
    TaskStory, Version,
};
use std::sync::Arc;

/// How often a write without an expected version is tried while others are faster. Of those who write at once one
/// succeeds in each round, so that a hundred may.
const ATTEMPTS: u32 = 100;

/// Where persons are kept. Each implementation is proven by the contract suite in `tests/functional/contract`.
///
/// A write commits `then` in its own transaction; `Stale` of a task if that settles one whose claim is lost.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait PersonRepository: Send + Sync {
    /// The page that `query` describes.
    async fn list(&self, query: &PersonQuery) -> Result<Page<Person, PersonPosition>, Error>;

    /// `None` if there is none, or none any more.
    async fn find(&self, id: PersonId) -> Result<Option<Person>, Error>;

    /// `Conflict` on `email` if another person has the address already.
    async fn insert(&self, person: &Person, then: &Then) -> Result<(), Error>;

    /// Writes `person` over the stored one of version `read`. `Stale` if that is not the stored version, or the person
    /// is gone; `Conflict` on `email` as for `insert`.
    async fn update(&self, person: &Person, read: Version, then: &Then) -> Result<(), Error>;

    /// Deletes the person of version `read`. `Stale` as for `update`.
    async fn delete(&self, id: PersonId, read: Version, then: &Then) -> Result<(), Error>;
}

/// The use cases. `expected`, where it occurs, is the version that the caller has seen: if it is given, anything else
/// is `Stale`; if it is `None`, the change is made to whatever is stored, again from the start if somebody else is faster.
pub struct PersonController {
    persons: Arc<dyn PersonRepository>,
    tasks: Arc<TaskController>,
    scheduler: Arc<Scheduler>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

/// New values of some fields; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonPatch {
    /// See [`PersonDetails::name`].
    pub name: Option<PersonName>,
    /// See [`PersonDetails::email`].
    pub email: Option<EmailAddress>,
    /// See [`PersonDetails::age`].
    pub age: Option<Age>,
}

impl PersonController {
    /// Over these ports.
    pub fn new(
        persons: Arc<dyn PersonRepository>,
        tasks: Arc<TaskController>,
        scheduler: Arc<Scheduler>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { persons, tasks, scheduler, clock, ids }
    }

    /// The page that `query` describes.
    pub async fn list(
        &self,
        _ctx: &Context,
        query: &PersonQuery,
    ) -> Result<Page<Person, PersonPosition>, Error> {
        self.persons.list(query).await
    }

    /// `NotFound` if there is none.
    pub async fn get(&self, _ctx: &Context, id: PersonId) -> Result<Person, Error> {
        self.persons.find(id).await?.ok_or_else(|| Error::not_found("person", id.0))
    }

    /// `Conflict` if the e-mail address is taken.
    pub async fn create(&self, ctx: &Context, details: PersonDetails) -> Result<Person, Error> {
        let now = self.clock.now();
        let person = Person::new(PersonId(self.ids.next(now)), details, now);
        self.persons.insert(&person, &Then::nothing()).await?;
        slog::debug!(ctx.log, "person created"; "person_id" => %person.id().0);
        Ok(person)
    }

    /// All details anew.
    pub async fn replace(
        &self,
        ctx: &Context,
        id: PersonId,
        expected: Option<Version>,
        details: PersonDetails,
    ) -> Result<Person, Error> {
        until_written(expected, || async {
            let mut person = self.load(ctx, id, expected).await?;
            let read = person.version();
            person.replace(details.clone(), self.clock.now());
            self.persons.update(&person, read, &Then::nothing()).await?;
            Ok(person)
        })
        .await
    }

    /// Some details anew. A patch that says nothing new writes nothing, so that repeating it is free.
    pub async fn patch(
        &self,
        ctx: &Context,
        id: PersonId,
        expected: Option<Version>,
        patch: PersonPatch,
    ) -> Result<Person, Error> {
        until_written(expected, || async {
            let mut person = self.load(ctx, id, expected).await?;
            let read = person.version();
            let details = patch.clone().over(person.details());
            if details != *person.details() {
                person.replace(details, self.clock.now());
                self.persons.update(&person, read, &Then::nothing()).await?;
            }
            Ok(person)
        })
        .await
    }

    /// `NotFound` if there is none.
    pub async fn delete(&self, ctx: &Context, id: PersonId, expected: Option<Version>) -> Result<(), Error> {
        until_written(expected, || async {
            let person = self.load(ctx, id, expected).await?;
            self.persons.delete(id, person.version(), &Then::nothing()).await
        })
        .await
    }

    /// Schedules a birthday; the task answers the new age. `NotFound` if there is no such person.
    pub async fn schedule_add_one_year(&self, ctx: &Context, id: PersonId) -> Result<TaskStory, Error> {
        self.get(ctx, id).await?;
        let task = Signature::of(&AddOneYear { person_id: id.0 })?;
        self.tasks.schedule_one(ctx, &self.scheduler.schedule_task(ctx, task)?).await
    }

    /// A birthday; what `then` makes of the person is committed with it. `Conflict` on `age` at the greatest age.
    pub async fn add_one_year(
        &self,
        ctx: &Context,
        id: PersonId,
        then: impl Fn(&Person) -> Result<Then, Error>,
    ) -> Result<Person, Error> {
        until_written(None, || async {
            let mut person = self.get(ctx, id).await?;
            let read = person.version();
            person
                .add_one_year(self.clock.now())
                .map_err(|too_old| Error::conflict("age", "range", too_old.to_string()))?;
            self.persons.update(&person, read, &then(&person)?).await?;
            Ok(person)
        })
        .await
    }

    async fn load(&self, ctx: &Context, id: PersonId, expected: Option<Version>) -> Result<Person, Error> {
        let person = self.get(ctx, id).await?;
        match expected {
            Some(expected) if expected != person.version() => Err(Error::Stale { kind: "person" }),
            _ => Ok(person),
        }
    }
}

/// What `attempt` answers; while it is `Stale` and the caller has named no version, what it answers next.
async fn until_written<T, F>(expected: Option<Version>, attempt: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut left = if expected.is_some() { 1 } else { ATTEMPTS };
    loop {
        left -= 1;
        match attempt().await {
            // A task whose claim is lost stays lost.
            Err(Error::Stale { kind: "person" }) if left > 0 => {}
            result => return result,
        }
    }
}

impl PersonPatch {
    fn over(self, details: &PersonDetails) -> PersonDetails {
        PersonDetails {
            name: self.name.unwrap_or_else(|| details.name.clone()),
            email: self.email.unwrap_or_else(|| details.email.clone()),
            age: self.age.unwrap_or(details.age),
        }
    }
}

#[cfg(test)]
mod tests;
