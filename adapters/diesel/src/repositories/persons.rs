//! Persons in the table `persons`.

use super::{Backend, Conn, Db, commit, insert_many, ledger, read, transaction, violated, write};
use crate::{
    error::{Conflict, Undone, failed},
    fragments::{beyond, constant, limited},
    schema::persons,
    types::{At, Id, sql::Guid},
};
use application::{Error, PersonRepository, Then};
use async_trait::async_trait;
use diesel::{QueryResult, prelude::*, sql_types::Text};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{
    Age, Cursor, Direction, EmailAddress, Page, Person, PersonDetails, PersonFilter, PersonId, PersonName,
    PersonOrder, PersonPosition, PersonQuery, PersonSort, Version,
};

/// The port on these connections.
pub(crate) struct Persons {
    pub(super) db: Db,
}

/// Nobody has the e-mail address of another person.
pub(super) const EMAIL_TAKEN: Conflict = Conflict {
    constraint: "persons_email_key_key",
    field: "email",
    code: "taken",
    message: "is the e-mail address of another person",
};

const CONFLICTS: [Conflict; 1] = [EMAIL_TAKEN];

/// Runs a statement that touches one person, or none if somebody else was faster, and `$then` with it. Without `$then` the
/// statement is its own transaction.
macro_rules! saved {
    ($db:expr, $then:expr, $conn:ident => $statement:expr) => {
        if $then.is_nothing() {
            write!($db, lease => { let $conn = &mut lease; $statement }).map_err(Undone::from).and_then(one)
        } else {
            commit!($db, $then, $conn => async { $statement.await.map_err(Undone::from).and_then(one) })
                .map(|((), _ids)| ())
        }
    };
}

#[async_trait]
impl PersonRepository for Persons {
    async fn list(&self, query: &PersonQuery) -> Result<Page<Person, PersonPosition>, Error> {
        const WHAT: &str = "cannot list persons";
        let rows = read!(self.db, conn => list(&mut conn, query)).map_err(|error| failed(WHAT, error))?;
        let persons: Result<Vec<Person>, _> = rows.into_iter().map(Person::try_from).collect();
        let persons = persons.map_err(|inconsistent| Error::internal(WHAT, inconsistent))?;
        let order = query.sort.order;
        Ok(Page::from_rows(persons, query.limit, query.cursor.as_ref(), |person| order.position(person)))
    }

    async fn find(&self, id: PersonId) -> Result<Option<Person>, Error> {
        const WHAT: &str = "cannot find a person";
        let row = read!(self.db, conn => find(&mut conn, id)).map_err(|error| failed(WHAT, error))?;
        row.map(Person::try_from).transpose().map_err(|inconsistent| Error::internal(WHAT, inconsistent))
    }

    async fn insert(&self, person: &Person, then: &Then) -> Result<(), Error> {
        let done = saved!(self.db, then, conn => insert(conn, person));
        done.map_err(|undone| undone.refused("cannot insert a person", violated, &CONFLICTS))
    }

    async fn update(&self, person: &Person, read: Version, then: &Then) -> Result<(), Error> {
        let done = saved!(self.db, then, conn => update(conn, person, read));
        done.map_err(|undone| undone.refused("cannot update a person", violated, &CONFLICTS))
    }

    async fn delete(&self, id: PersonId, read: Version, then: &Then) -> Result<(), Error> {
        let done = saved!(self.db, then, conn => delete(conn, id, read));
        done.map_err(|undone| undone.told("cannot delete a person"))
    }
}

/// Whoever touched no person was too late.
fn one(touched: usize) -> Result<(), Undone> {
    if touched == 0 { Err(Undone::Refused(Error::Stale { kind: "person" })) } else { Ok(()) }
}

/// The limit and at least one row more.
async fn list<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    query: &PersonQuery,
) -> QueryResult<Vec<PersonRow>> {
    let page = page(query).select(PersonRow::as_select());
    limited(page, query.limit.get() + 1).load(conn).await
}

/// The list in its order, leading away from the cursor.
pub(crate) fn page(query: &PersonQuery) -> Query<'_> {
    sorted(filtered(persons::table.into_boxed(), &query.filter), query.sort, query.cursor.as_ref())
}

async fn find<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    id: PersonId,
) -> QueryResult<Option<PersonRow>> {
    persons::table.find(Id(id.0)).select(PersonRow::as_select()).get_result(conn).await.optional()
}

/// 1.
async fn insert(conn: &mut Conn, person: &Person) -> QueryResult<usize> {
    diesel::insert_into(persons::table).values(PersonRow::from(person)).execute(conn).await
}

/// 1, or 0 if somebody else was faster.
async fn update(conn: &mut Conn, person: &Person, read: Version) -> QueryResult<usize> {
    let row = PersonRow::from(person);
    let person = persons::table.find(row.id).filter(persons::version.eq(read.number()));
    let update = diesel::update(person).set((
        persons::name.eq(row.name),
        persons::email.eq(row.email),
        persons::email_key.eq(row.email_key),
        persons::age.eq(row.age),
        persons::version.eq(row.version),
        persons::updated_at.eq(row.updated_at),
    ));
    constant(update).execute(conn).await
}

/// 1, or 0 if somebody else was faster.
async fn delete(conn: &mut Conn, id: PersonId, read: Version) -> QueryResult<usize> {
    diesel::delete(persons::table.find(Id(id.0)).filter(persons::version.eq(read.number())))
        .execute(conn)
        .await
}

/// Adds the person unless somebody has the e-mail address; 1 if it was added.
pub(crate) async fn insert_new(conn: &mut Conn, person: &Person) -> QueryResult<usize> {
    let row = PersonRow::from(person);
    diesel::insert_into(persons::table)
        .values(row)
        .on_conflict(persons::email_key)
        .do_nothing()
        .execute(conn)
        .await
}

/// Adds those whose ids are not there and whose e-mail addresses nobody has.
pub(super) async fn insert_all_new(conn: &mut Conn, persons: &[&Person]) -> QueryResult<()> {
    let rows: Vec<PersonRow> = persons.iter().copied().map(PersonRow::from).collect();
    insert_many!(conn, persons::table, rows, on_conflict_do_nothing)
}

/// Those of `ids` that are there.
pub(super) async fn present(conn: &mut Conn, ids: &[Id]) -> QueryResult<Vec<Id>> {
    persons::table.filter(persons::id.eq_any(ids)).select(persons::id).load(conn).await
}

/// The persons made last that the domain would not accept, or whose key is not that of their e-mail address.
pub(super) async fn inconsistent<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    newest: i64,
) -> QueryResult<usize> {
    let rows = persons::table.order(persons::id.desc()).limit(newest).select(PersonRow::as_select());
    let rows: Vec<PersonRow> = rows.load(conn).await?;
    let wrong = |row: PersonRow| {
        let key = row.email_key.clone();
        !Person::try_from(row).is_ok_and(|person| person.details().email.key() == key)
    };
    Ok(rows.into_iter().filter(|row| wrong(row.clone())).count())
}

pub(crate) type Query<'a> = persons::BoxedQuery<'a, Backend>;

fn filtered<'a>(mut rows: Query<'a>, filter: &PersonFilter) -> Query<'a> {
    if let Some(prefix) = &filter.name {
        rows = rows.filter(persons::name.ge(prefix.as_str().to_owned()));
        if let Some(end) = prefix.end() {
            rows = rows.filter(persons::name.lt(end));
        }
    }
    if let Some(email) = &filter.email {
        rows = rows.filter(persons::email_key.eq(email.key().to_owned()));
    }
    rows
}

/// The order, and the part of the list beyond the cursor: an index answers both.
fn sorted<'a>(mut rows: Query<'a>, sort: PersonSort, cursor: Option<&Cursor<PersonPosition>>) -> Query<'a> {
    let backwards = cursor.is_some_and(|cursor| cursor.direction == Direction::Before);
    let descending = sort.descending != backwards;
    if let Some(Cursor { position: PersonPosition { key, id }, .. }) = cursor {
        let (key, id) = (key.clone().unwrap_or_default(), Id(id.0));
        rows = match (sort.order, descending) {
            (PersonOrder::Created, false) => rows.filter(persons::id.gt(id)),
            (PersonOrder::Created, true) => rows.filter(persons::id.lt(id)),
            (PersonOrder::Name, _) => {
                let position = (key.into_sql::<Text>(), id.into_sql::<Guid>());
                rows.filter(beyond((persons::name, persons::id), position, descending))
            }
            // Nobody shares an e-mail address: there are no ties.
            (PersonOrder::Email, false) => rows.filter(persons::email_key.gt(key)),
            (PersonOrder::Email, true) => rows.filter(persons::email_key.lt(key)),
        };
    }
    match (sort.order, descending) {
        (PersonOrder::Created, false) => rows.order(persons::id.asc()),
        (PersonOrder::Created, true) => rows.order(persons::id.desc()),
        (PersonOrder::Name, false) => rows.order((persons::name.asc(), persons::id.asc())),
        (PersonOrder::Name, true) => rows.order((persons::name.desc(), persons::id.desc())),
        (PersonOrder::Email, false) => rows.order(persons::email_key.asc()),
        (PersonOrder::Email, true) => rows.order(persons::email_key.desc()),
    }
}

/// A row of `persons`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
// With defaults for absent values the text of an INSERT would vary, and Diesel would prepare it anew each time.
#[diesel(table_name = persons, treat_none_as_default_value = false)]
struct PersonRow {
    id: Id,
    name: String,
    email: String,
    email_key: String,
    age: i32,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Person> for PersonRow {
    fn from(person: &Person) -> Self {
        let PersonDetails { name, email, age } = person.details();
        Self {
            id: Id(person.id().0),
            name: name.as_str().to_owned(),
            email: email.as_str().to_owned(),
            email_key: email.key().to_owned(),
            age: i32::from(age.years()),
            version: person.version().number(),
            created_at: person.created_at().into(),
            updated_at: person.updated_at().into(),
        }
    }
}

impl TryFrom<PersonRow> for Person {
    type Error = Inconsistent;

    fn try_from(row: PersonRow) -> Result<Self, Inconsistent> {
        let id = PersonId(row.id.0);
        let in_column = |column| move |_| Inconsistent { id, column };
        let details = PersonDetails {
            name: PersonName::parse(&row.name).map_err(in_column("name"))?,
            email: EmailAddress::parse(&row.email).map_err(in_column("email"))?,
            age: Age::new(i64::from(row.age)).map_err(in_column("age"))?,
        };
        let version = Version::new(row.version).ok_or(Inconsistent { id, column: "version" })?;
        Ok(Self::restore(id, details, version, row.created_at.into(), row.updated_at.into()))
    }
}

/// The database holds what the domain does not allow.
#[derive(Debug, thiserror::Error)]
#[error("persons.{column} of {} breaks a rule", .id.0)]
struct Inconsistent {
    id: PersonId,
    column: &'static str,
}
