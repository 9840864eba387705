//! The contract of `Imports`: an upload, its rows, and persons out of them.

use super::{
    Store, at,
    persons::details,
    tasks::build::{alone, chain, id, task},
};
use application::{Claim, Error, ImportId, RowError, Settle, StagedRow, Tally, Then, Upload};
use domain::{NewTask, Person, PersonId, TaskId, TaskState};
use futures_util::future::join_all;
use plinth_tests::{PATIENCE, Setup, on_both_stacks, on_postgres, within};
use std::time::{Duration, Instant};
use uuid::Uuid;

on_both_stacks!(
    a_file_is_kept_in_its_pieces,
    what_follows_an_upload_is_written_with_it_or_not_at_all,
    rows_are_staged_in_the_place_of_others,
    a_hundred_thousand_rows_are_staged,
    others_write_while_rows_are_staged,
    a_worker_that_was_taken_for_dead_stages_nothing,
    persons_are_inserted_and_their_rows_marked,
    a_second_run_changes_nothing,
    an_address_that_is_taken_refuses_its_row,
    of_two_rows_with_one_address_the_first_is_inserted,
    whose_row_is_not_pending_is_left_alone,
    two_workers_at_once_insert_everybody_once,
    an_import_is_deleted_with_all_that_belongs_to_it,
    a_settled_task_that_was_lost_undoes_the_write,
    uploads_whose_tasks_are_gone_are_pruned,
    uploads_wait_until_their_tasks_have_ended,
);

on_postgres!(rows_belong_to_one_worker_until_it_has_committed);

fn import(number: u128) -> ImportId {
    ImportId(id(at(0), number))
}

fn upload(id: ImportId, chunks: Vec<Vec<u8>>) -> Upload {
    Upload { id, file_name: "ärzte.csv".to_owned(), chunks, now: at(0) }
}

/// In the line of that number, which is also its place among ids.
fn person(line: u32, email: &str) -> Person {
    let id = PersonId(Uuid::from_u128(0x7000 << 64 | u128::from(line)));
    Person::new(id, details(&format!("Ada {line}"), email, 36), at(i64::from(line)))
}

fn right(line: u32, email: &str) -> StagedRow {
    StagedRow::Right { line, person: person(line, email) }
}

fn wrong(line: u32) -> RowError {
    let message = "must be an e-mail address".to_owned();
    RowError { line, field: Some("email".to_owned()), code: "email".to_owned(), message }
}

fn email(line: u32) -> String {
    format!("Ada{line}@Example.com")
}

/// Stages so many rows that are right, from the second line of the file on.
async fn staged(store: &Store, id: ImportId, rows: u32) -> Vec<Person> {
    let rows: Vec<StagedRow> = (2..rows + 2).map(|line| right(line, &email(line))).collect();
    store.database.imports().stage(id, &rows, &Then::nothing()).await.expect("staged");
    let persons = |row: &StagedRow| match row {
        StagedRow::Right { person, .. } => person.clone(),
        StagedRow::Wrong(error) => panic!("{error:?}"),
    };
    rows.iter().map(persons).collect()
}

async fn tally(store: &Store, id: ImportId) -> Tally {
    store.database.imports().tally(id, 3).await.expect("counted")
}

fn counts(tally: &Tally) -> (u32, u32, u32) {
    (tally.inserted, tally.refused, tally.pending)
}

async fn a_file_is_kept_in_its_pieces(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let chunks: Vec<Vec<u8>> = vec![vec![0xff; Upload::CHUNK], (0..=255).collect(), b"\0'\\\n".to_vec()];
    imports.receive(&upload(import(1), chunks.clone()), &Then::nothing()).await.expect("received");
    imports.receive(&upload(import(2), vec![]), &Then::nothing()).await.expect("received");
    for (number, chunk) in (0..).zip(&chunks) {
        assert_eq!(imports.chunk(import(1), number).await.expect("read").as_ref(), Some(chunk));
    }
    for (id, number) in [(import(1), 3), (import(1), u32::MAX), (import(2), 0), (import(3), 0)] {
        assert_eq!(imports.chunk(id, number).await.expect("read"), None);
    }
}

async fn what_follows_an_upload_is_written_with_it_or_not_at_all(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let then = chain(vec![task(1), task(2)]);
    imports.receive(&upload(import(1), vec![vec![1]]), &then).await.expect("received");
    assert_eq!(store.states(&[then.tasks[1].id]).await, [TaskState::Waiting]);
    assert_eq!(store.rung(), ["default"]);
    // The same task cannot be written twice.
    let refused = imports.receive(&upload(import(2), vec![vec![1]]), &then).await;
    assert!(matches!(refused, Err(Error::Internal { .. })), "{refused:?}");
    assert_eq!(imports.chunk(import(2), 0).await.expect("read"), None);
    assert_eq!(store.rung(), [""; 0]);
}

async fn rows_are_staged_in_the_place_of_others(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    staged(&store, import(1), 9).await;
    staged(&store, import(2), 2).await;
    let rows = [right(4, "b@b"), right(2, "Zoë@b".replace('ë', "e").as_str()), StagedRow::Wrong(wrong(3))];
    let whole = RowError { field: None, ..wrong(5) };
    let rows = [rows.to_vec(), vec![StagedRow::Wrong(whole.clone())]].concat();
    imports.stage(import(1), &rows, &Then::nothing()).await.expect("staged");
    let pending = imports.pending(import(1), 10).await.expect("read");
    assert_eq!(pending, [person(2, "Zoe@b"), person(4, "b@b")]);
    assert_eq!(imports.pending(import(1), 1).await.expect("read"), [person(2, "Zoe@b")]);
    let expected = Tally { inserted: 0, refused: 2, pending: 2, errors: vec![wrong(3), whole] };
    assert_eq!(tally(&store, import(1)).await, expected);
    assert_eq!(imports.tally(import(1), 1).await.expect("counted").errors, [wrong(3)]);
    assert_eq!(counts(&tally(&store, import(2)).await), (0, 0, 2));
    assert_eq!(tally(&store, import(3)).await, Tally::default());
}

async fn a_hundred_thousand_rows_are_staged(setup: Setup) {
    let store = Store::new(&setup).await;
    staged(&store, import(1), 100_000).await;
    assert_eq!(counts(&tally(&store, import(1)).await), (0, 0, 100_000));
    let imports = store.database.imports();
    let some = imports.pending(import(1), 5000).await.expect("read");
    assert_eq!(imports.insert(import(1), &some).await.expect("inserted"), 5000);
    assert_eq!(counts(&tally(&store, import(1)).await), (5000, 0, 95_000));
}

async fn others_write_while_rows_are_staged(setup: Setup) {
    let store = Store::new(&setup).await;
    let rows: Vec<StagedRow> = (2..50_002).map(|line| right(line, &email(line))).collect();
    let (imports, persons) = (store.database.imports(), store.persons());
    let staged = tokio::spawn(async move { imports.stage(import(1), &rows, &Then::nothing()).await });
    let (started, mut longest) = (Instant::now(), Duration::ZERO);
    for line in 500_000.. {
        let asked = Instant::now();
        persons.insert(&person(line, &email(line)), &Then::nothing()).await.expect("inserted");
        longest = longest.max(asked.elapsed());
        if staged.is_finished() {
            break;
        }
    }
    staged.await.expect("it has ended").expect("staged");
    let all = started.elapsed();
    assert!(longest * 2 < all, "one has waited for {longest:?} of {all:?}");
    assert_eq!(counts(&tally(&store, import(1)).await), (0, 0, 50_000));
}

async fn a_worker_that_was_taken_for_dead_stages_nothing(setup: Setup) {
    let store = Store::new(&setup).await;
    let (imports, worker) = (store.database.imports(), store.worker().await);
    let id = store.scheduled(&alone(task(1))).await[0];
    let claim = worker.claim_one(at(1)).await;
    staged(&store, import(1), 3).await;
    let lost = Claim { id, fence: claim.fence - 1 };
    let then =
        Then { settle: Some(Settle { claim: lost, result: "{}".to_owned(), at: at(2) }), ..Then::default() };
    let rows: Vec<StagedRow> = (2..2502).map(|line| right(line, &email(line))).collect();
    let stale = imports.stage(import(1), &rows, &then).await;
    assert!(matches!(stale, Err(Error::Stale { kind: "task" })), "{stale:?}");
    assert_eq!(counts(&tally(&store, import(1)).await), (0, 0, 3));
}

async fn persons_are_inserted_and_their_rows_marked(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let persons = staged(&store, import(1), 10).await;
    let first = imports.pending(import(1), 4).await.expect("read");
    assert_eq!(first, persons[..4]);
    assert_eq!(imports.insert(import(1), &first).await.expect("inserted"), 4);
    assert_eq!(imports.pending(import(1), 4).await.expect("read"), persons[4..8]);
    // Not in the order of the lines, and not the first.
    let others = [persons[9].clone(), persons[7].clone()];
    assert_eq!(imports.insert(import(1), &others).await.expect("inserted"), 2);
    assert_eq!(counts(&tally(&store, import(1)).await), (6, 0, 4));
    for (place, person) in persons.iter().enumerate() {
        let found = store.persons().find(person.id()).await.expect("an answer");
        assert_eq!(found.as_ref(), [0, 1, 2, 3, 7, 9].contains(&place).then_some(person));
    }
    assert_eq!(imports.insert(import(1), &[]).await.expect("inserted"), 0);
}

async fn a_second_run_changes_nothing(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    store.persons().insert(&person(99, &email(3)), &Then::nothing()).await.expect("inserted");
    let persons = staged(&store, import(1), 3).await;
    assert_eq!(imports.insert(import(1), &persons).await.expect("inserted"), 2);
    let once = tally(&store, import(1)).await;
    // The address is free by now, but the row has its answer.
    let (id, read) = (person(99, &email(3)).id(), domain::Version::FIRST);
    store.persons().delete(id, read, &Then::nothing()).await.expect("deleted");
    assert_eq!(imports.insert(import(1), &persons).await.expect("inserted"), 0);
    assert_eq!(tally(&store, import(1)).await, once);
    assert_eq!(store.kept.count("persons").await, 2);
}

async fn an_address_that_is_taken_refuses_its_row(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let taken = person(99, &email(3).to_uppercase());
    store.persons().insert(&taken, &Then::nothing()).await.expect("inserted");
    let persons = staged(&store, import(1), 3).await;
    assert_eq!(imports.insert(import(1), &persons).await.expect("inserted"), 2);
    let message = "is the e-mail address of another person".to_owned();
    let error = RowError { line: 3, field: Some("email".to_owned()), code: "taken".to_owned(), message };
    let expected = Tally { inserted: 2, refused: 1, pending: 0, errors: vec![error] };
    assert_eq!(tally(&store, import(1)).await, expected);
    assert_eq!(store.persons().find(taken.id()).await.expect("an answer"), Some(taken));
    assert_eq!(store.persons().find(persons[1].id()).await.expect("an answer"), None);
}

async fn of_two_rows_with_one_address_the_first_is_inserted(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let rows = [right(2, "a@b"), right(3, "A@B"), right(4, "c@d")];
    imports.stage(import(1), &rows, &Then::nothing()).await.expect("staged");
    let persons = imports.pending(import(1), 9).await.expect("read");
    assert_eq!(imports.insert(import(1), &persons).await.expect("inserted"), 2);
    let tally = tally(&store, import(1)).await;
    assert_eq!((counts(&tally), tally.errors[0].line), ((2, 1, 0), 3));
}

async fn whose_row_is_not_pending_is_left_alone(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let persons = staged(&store, import(1), 2).await;
    assert_eq!(imports.insert(import(1), &persons[..1]).await.expect("inserted"), 1);
    let ada = &persons[0];
    store.persons().delete(ada.id(), ada.version(), &Then::nothing()).await.expect("deleted");
    assert_eq!(imports.insert(import(1), &persons[..1]).await.expect("inserted"), 0);
    assert_eq!(imports.insert(import(2), &persons).await.expect("inserted"), 0);
    imports.delete(import(1), &Then::nothing()).await.expect("deleted");
    assert_eq!(imports.insert(import(1), &persons).await.expect("inserted"), 0);
    assert_eq!(store.kept.count("persons").await, 0);
}

async fn two_workers_at_once_insert_everybody_once(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let persons = staged(&store, import(1), 300).await;
    for some in persons.chunks(50) {
        let marked = join_all((0..4).map(|_| imports.insert(import(1), some))).await;
        let marked: u32 = marked.into_iter().map(|marked| marked.expect("inserted")).sum();
        assert_eq!(marked, 50);
    }
    assert_eq!(counts(&tally(&store, import(1)).await), (300, 0, 0));
    assert_eq!(store.kept.count("persons").await, 300);
}

/// Else one that is slow could insert a person whom somebody has deleted, after another has inserted it.
async fn rows_belong_to_one_worker_until_it_has_committed(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    let persons = staged(&store, import(1), 3).await;
    let hold = store.kept.hold_writes().await;
    let insert = tokio::spawn({
        let imports = store.database.imports();
        let some = persons[..2].to_vec();
        async move { imports.insert(import(1), &some).await }
    });
    let blocked = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    within(PATIENCE, "the insert waits", async || store.kept.count(blocked).await == 1).await;
    let free = "(SELECT line FROM person_import_rows FOR UPDATE SKIP LOCKED) AS free";
    assert_eq!(store.kept.count(free).await, 1);
    drop(hold);
    assert_eq!(insert.await.expect("it has ended").expect("inserted"), 2);
    assert_eq!(imports.insert(import(1), &persons).await.expect("inserted"), 1);
}

async fn an_import_is_deleted_with_all_that_belongs_to_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    for number in [1, 2] {
        let upload = upload(import(number), vec![vec![1], vec![2]]);
        imports.receive(&upload, &Then::nothing()).await.expect("received");
        staged(&store, import(number), 3).await;
    }
    let then = alone(task(1));
    imports.delete(import(1), &then).await.expect("deleted");
    assert_eq!(store.states(&[then.tasks[0].id]).await, [TaskState::Queued]);
    for (table, rows) in [("person_imports", 1), ("person_import_chunks", 2), ("person_import_rows", 3)] {
        assert_eq!(store.kept.count(table).await, rows, "{table}");
    }
    imports.delete(import(1), &Then::nothing()).await.expect("it is gone already");
}

async fn a_settled_task_that_was_lost_undoes_the_write(setup: Setup) {
    let store = Store::new(&setup).await;
    let (imports, worker) = (store.database.imports(), store.worker().await);
    let id = store.scheduled(&alone(task(1))).await[0];
    let claim = worker.claim_one(at(1)).await;
    let settle = |fence| Settle { claim: Claim { id, fence }, result: "{\"rows\": 1}".to_owned(), at: at(2) };
    let then = |fence| Then { settle: Some(settle(fence)), ..Then::default() };
    let rows = [right(2, "a@b")];
    let stale = imports.stage(import(1), &rows, &then(claim.fence - 1)).await;
    assert!(matches!(stale, Err(Error::Stale { kind: "task" })), "{stale:?}");
    assert_eq!(tally(&store, import(1)).await, Tally::default());
    imports.stage(import(1), &rows, &then(claim.fence)).await.expect("staged");
    assert_eq!(counts(&tally(&store, import(1)).await), (0, 0, 1));
    let task = store.task(id).await;
    assert_eq!((task.standing.state, task.result.as_deref()), (TaskState::Succeeded, Some("{\"rows\": 1}")));
}

async fn uploads_whose_tasks_are_gone_are_pruned(setup: Setup) {
    let store = Store::new(&setup).await;
    let imports = store.database.imports();
    for number in 1..5 {
        let first = NewTask { id: TaskId(import(number).0), ..task(number) };
        let then = if number == 2 { chain(vec![first, task(90)]) } else { Then::nothing() };
        let upload = Upload { now: at(number as i64), ..upload(import(number), vec![vec![1]]) };
        imports.receive(&upload, &then).await.expect("received");
        staged(&store, import(number), 1).await;
    }
    assert_eq!(imports.prune(at(1), 9).await.expect("pruned"), 0);
    assert_eq!(imports.prune(at(4), 1).await.expect("pruned"), 1);
    assert_eq!(imports.prune(at(4), 9).await.expect("pruned"), 1);
    assert_eq!(imports.prune(at(4), 9).await.expect("pruned"), 0);
    for number in 1..5 {
        let chunk = imports.chunk(import(number), 0).await.expect("read");
        assert_eq!(chunk.is_some(), [2, 4].contains(&number), "{number}");
    }
    assert_eq!(store.kept.count("person_import_rows").await, 2);
}

async fn uploads_wait_until_their_tasks_have_ended(setup: Setup) {
    let store = Store::new(&setup).await;
    let (imports, worker) = (store.database.imports(), store.worker().await);
    assert_eq!(imports.waiting(9).await.expect("counted"), 0);
    for number in 1..5 {
        let first = NewTask { id: TaskId(import(number).0), ..task(number) };
        let then = if number == 4 { Then::nothing() } else { chain(vec![first, task(90 + number)]) };
        imports.receive(&upload(import(number), vec![vec![1]]), &then).await.expect("received");
    }
    assert_eq!(imports.waiting(9).await.expect("counted"), 3);
    assert_eq!(imports.waiting(2).await.expect("counted"), 2);
    for link in 0..2 {
        for claimed in worker.claim(9, at(1)).await {
            worker.succeed(claimed.claim, at(1)).await;
        }
        assert_eq!(imports.waiting(9).await.expect("counted"), [3, 0][link]);
    }
}
