//! Persons out of an upload.

use super::{Conn, Outcome, for_update, persons, rows};
use crate::{error::Undone, types::Id};
use diesel::{QueryResult, prelude::*};
use diesel_async::RunQueryDsl;
use domain::Person;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How many persons go into one statement: eight values each, of which SQLite takes 32,766.
const BATCH: usize = 1000;

/// How many rows were marked inserted.
pub(super) async fn insert(conn: &mut Conn, import: Id, persons: &[Person]) -> Result<u32, Undone> {
    let mut inserted = 0;
    for batch in persons.chunks(BATCH) {
        inserted += insert_batch(conn, import, batch).await?;
    }
    Ok(u32::try_from(inserted).unwrap_or(u32::MAX))
}

/// Whoever has the id afterwards is there, by this call or by one before; whose id is not there, somebody else has the address.
async fn insert_batch(conn: &mut Conn, import: Id, persons: &[Person]) -> QueryResult<usize> {
    let pending = pending(conn, import, persons).await?;
    let new: Vec<&Person> = pending.iter().map(|(_, person)| *person).collect();
    persons::insert_all_new(conn, &new).await?;
    let ids: Vec<Id> = new.iter().map(|person| Id(person.id().0)).collect();
    let there = persons::present(conn, &ids).await?;
    let there: HashSet<Uuid> = there.into_iter().map(|id| id.0).collect();
    let (right, wrong): (Vec<_>, Vec<_>) =
        pending.iter().partition(|(_, person)| there.contains(&person.id().0));
    let lines = |rows: Vec<&(i32, &Person)>| rows.into_iter().map(|(line, _)| *line).collect::<Vec<i32>>();
    let (right, wrong) = (lines(right), lines(wrong));
    let still = || rows::import_id.eq(import).and(rows::outcome.eq(Outcome::PENDING));
    if !wrong.is_empty() {
        let taken = (
            rows::outcome.eq(Outcome::REFUSED),
            rows::field.eq(persons::EMAIL_TAKEN.field),
            rows::code.eq(persons::EMAIL_TAKEN.code),
            rows::message.eq(persons::EMAIL_TAKEN.message),
        );
        let wrong = rows::table.filter(still().and(rows::line.eq_any(wrong)));
        diesel::update(wrong).set(taken).execute(conn).await?;
    }
    let right = rows::table.filter(still().and(rows::line.eq_any(right)));
    diesel::update(right).set(rows::outcome.eq(Outcome::INSERTED)).execute(conn).await
}

/// Those of `persons` whose rows are pending, with their lines. They are locked: whoever comes second at the same rows waits, and
/// finds that they are not pending any more. Persons that were asked for as pending are all among the first so many rows;
/// others are looked for up to the end.
async fn pending<'p>(
    conn: &mut Conn,
    import: Id,
    persons: &'p [Person],
) -> QueryResult<Vec<(i32, &'p Person)>> {
    let mut missing: HashMap<Uuid, &Person> = persons.iter().map(|person| (person.id().0, person)).collect();
    let mut found = Vec::with_capacity(persons.len());
    let mut last = i32::MIN;
    while !missing.is_empty() {
        let page = rows::table
            .filter(
                rows::import_id.eq(import).and(rows::outcome.eq(Outcome::PENDING)).and(rows::line.gt(last)),
            )
            .order(rows::line)
            .limit(i64::try_from(persons.len()).unwrap_or(i64::MAX))
            .select((rows::line, rows::person_id));
        let page: Vec<(i32, Option<Id>)> = for_update!(page).load(conn).await?;
        let Some((end, _)) = page.last() else { break };
        last = *end;
        for (line, id) in page {
            if let Some(person) = id.and_then(|id| missing.remove(&id.0)) {
                found.push((line, person));
            }
        }
    }
    Ok(found)
}
