//! The decisions of the three tasks, over mocked ports.

use super::*;
use crate::{
    Clock, Error, MockBacklog, MockClock, MockDoorbell, MockIds, MockImports, MockTaskRepository, Scheduler,
    Tally, TaskController, testing::at,
};
use domain::{Age, EmailAddress, PersonDetails, PersonName};
use mockall::{Sequence, predicate::eq};
use std::sync::Arc;

const ID: ImportId = ImportId(Uuid::from_u128(7));

/// The run of a task, at second 0; ids of persons count from 1.
fn context(imports: MockImports) -> TaskContext<ImportController> {
    let mut ids = MockIds::new();
    let mut last = 0;
    ids.expect_next().with(eq(at(0))).returning(move |_| {
        last += 1;
        Uuid::from_u128(last)
    });
    let (clock, ids): (Arc<dyn Clock>, _) = (Arc::new(MockClock::new()), Arc::new(ids));
    let (tasks, doorbell) = (MockTaskRepository::new(), MockDoorbell::new());
    let tasks = Arc::new(TaskController::new(Arc::new(tasks), Arc::new(doorbell), clock.clone()));
    let scheduler = Arc::new(Scheduler::new(clock.clone(), ids.clone(), Arc::new(MockBacklog::new())));
    let controller = ImportController::new(Arc::new(imports), tasks, scheduler, clock, ids);
    TaskContext::for_test(Arc::new(controller))
}

fn progress(ctx: &TaskContext<ImportController>) -> (f64, String) {
    let progress = ctx.run.progress.borrow();
    progress.as_ref().map(|said| (said.fraction(), said.note().to_owned())).unwrap()
}

fn person(n: u32) -> Person {
    let (name, email) = (PersonName::parse("Ada"), EmailAddress::parse(&format!("{n}@b.c")));
    let details = PersonDetails { name: name.unwrap(), email: email.unwrap(), age: Age::new(36).unwrap() };
    Person::new(PersonId(Uuid::from_u128(n.into())), details, at(0))
}

fn persons(numbers: std::ops::RangeInclusive<u32>) -> Vec<Person> {
    numbers.map(person).collect()
}

/// An import whose file is this.
fn uploaded(chunks: &[&str]) -> MockImports {
    let mut imports = MockImports::new();
    let chunks: Vec<Vec<u8>> = chunks.iter().map(|chunk| chunk.as_bytes().to_vec()).collect();
    imports
        .expect_chunk()
        .withf(|id, _| *id == ID)
        .times(chunks.len() + 1)
        .returning(move |_, number| Ok(chunks.get(number as usize).cloned()));
    imports
}

async fn validate(ctx: TaskContext<ImportController>) -> Result<Validated, TaskError> {
    ValidatePersonsImport { import_id: ID.0 }.run(ctx).await
}

async fn insert(ctx: TaskContext<ImportController>) -> Result<Inserted, TaskError> {
    InsertPersonsImport { import_id: ID.0 }.run(ctx).await
}

#[tokio::test]
async fn what_is_read_is_staged_together_with_the_success() {
    let mut imports = uploaded(&["name,email,age\nAda,1@b", ".c,36\nBo,,1\n", "Ada,2@b.c,36"]);
    imports
        .expect_stage()
        .withf(|id, rows, then| {
            let settle = then.settle.as_ref().unwrap();
            let [
                StagedRow::Right { line: 2, person: ada },
                StagedRow::Wrong(bo),
                StagedRow::Right { line: 4, person: other },
            ] = rows
            else {
                return false;
            };
            *id == ID
                && [ada, other] == [&person(1), &person(2)]
                && (bo.line, bo.code.as_str()) == (3, "too_short")
                && settle.result == r#"{"rows":3,"right":2,"wrong":1}"#
                && settle.claim.fence == 1
        })
        .once()
        .returning(|_, _, _| Ok(()));
    assert_eq!(validate(context(imports)).await.unwrap(), Validated { rows: 3, right: 2, wrong: 1 });
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_tried_again() {
    let rows: String = (0..=100_000).map(|i| format!("A,{i}@b.c,1\n")).collect();
    for file in [" ", "name,email\nAda,a@b.c", &format!("name,email,age\n{rows}")] {
        let mut imports = uploaded(&[file]);
        imports.expect_delete().with(eq(ID), eq(Then::nothing())).once().returning(|_, _| Ok(()));
        let error = validate(context(imports)).await.unwrap_err();
        assert!(matches!(error, TaskError::Unrecoverable(_)), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_deleted_for_certain() {
    let mut imports = uploaded(&["nothing"]);
    imports.expect_delete().once().returning(|_, _| Err(Error::unavailable("the database", "gone")));
    let error = validate(context(imports)).await.unwrap_err();
    assert!(matches!(error, TaskError::Retry(_)), "{error}");
    // The worker was lost before it could say so, or somebody retries the task.
    let error = validate(context(uploaded(&[]))).await.unwrap_err();
    assert!(matches!(error, TaskError::Unrecoverable(_)), "{error}");
    assert!(error.to_string().contains("not kept any more"), "{error}");
}

#[tokio::test]
async fn reading_stops_when_asked_and_stages_nothing() {
    let rows: String = (0..1500).map(|i| format!("A,{i}@b.c,1\n")).collect();
    let ctx = context(uploaded(&["name,email,age\n", &rows]));
    ctx.run.cancel.cancel();
    let run = Arc::clone(&ctx.run);
    let services = Arc::clone(&ctx.services);
    assert!(matches!(validate(ctx).await, Err(TaskError::Retry(_))));
    let (fraction, note) = progress(&TaskContext { services, run });
    assert_eq!(note, "1,000 rows read");
    assert!((0.6..0.7).contains(&fraction), "{fraction}");
}

#[tokio::test]
async fn rows_are_inserted_in_batches_and_those_of_earlier_runs_count() {
    let mut imports = MockImports::new();
    let tally = Tally { inserted: 1000, refused: 100, pending: 700, errors: Vec::new() };
    imports.expect_tally().with(eq(ID), eq(0)).once().return_once(|_, _| Ok(tally));
    let mut order = Sequence::new();
    for (batch, inserted) in [(persons(1..=500), 499), (persons(501..=700), 200)] {
        let found = batch.clone();
        let pending = imports.expect_pending().with(eq(ID), eq(500)).once().in_sequence(&mut order);
        pending.return_once(|_, _| Ok(found));
        let written = imports.expect_insert().withf(move |id, persons| *id == ID && persons == batch);
        written.once().in_sequence(&mut order).return_once(move |_, _| Ok(inserted));
    }
    imports.expect_pending().once().in_sequence(&mut order).return_once(|_, _| Ok(Vec::new()));
    let ctx = context(imports);
    let again = TaskContext { services: Arc::clone(&ctx.services), run: Arc::clone(&ctx.run) };
    assert_eq!(insert(ctx).await.unwrap(), Inserted { inserted: 1699 });
    assert_eq!(progress(&again), (1.0, "1,800 of 1,800 rows".to_owned()));
}

#[tokio::test]
async fn inserting_stops_between_batches_when_asked() {
    let mut imports = MockImports::new();
    let tally = Tally { pending: 10_000, ..Tally::default() };
    imports.expect_tally().once().return_once(|_, _| Ok(tally));
    imports.expect_pending().once().returning(|_, _| Ok(persons(1..=500)));
    imports.expect_insert().once().returning(|_, _| Ok(500));
    let ctx = context(imports);
    ctx.run.cancel.cancel();
    let again = TaskContext { services: Arc::clone(&ctx.services), run: Arc::clone(&ctx.run) };
    assert!(matches!(insert(ctx).await, Err(TaskError::Retry(_))));
    assert_eq!(progress(&again), (0.05, "500 of 10,000 rows".to_owned()));
}

/// So many rows are wrong, and the texts about them have so many bytes.
async fn report(refused: u32, text: usize) -> ImportReport {
    let error = move |line| RowError {
        line,
        field: Some("age".to_owned()),
        code: "range".to_owned(),
        message: "m".repeat(text),
    };
    let mut imports = MockImports::new();
    imports.expect_tally().with(eq(ID), eq(1000)).once().return_once(move |_, limit| {
        let errors = (2..2 + refused.min(limit)).map(error).collect();
        Ok(Tally { inserted: 5, refused, pending: 0, errors })
    });
    let (sent, received) = std::sync::mpsc::channel();
    imports.expect_delete().withf(|id, _| *id == ID).once().returning(move |_, then| {
        sent.send(then.settle.as_ref().unwrap().result.clone()).unwrap();
        Ok(())
    });
    let report = ReportPersonsImport { import_id: ID.0 }.run(context(imports)).await.unwrap();
    let settled = received.recv().unwrap();
    assert_eq!(settled, serde_json::to_string(&report).unwrap());
    assert!(settled.len() < 256 * 1024, "{}", settled.len());
    report
}

#[tokio::test]
async fn the_report_is_committed_with_the_end_of_the_file() {
    let report = report(1, 4).await;
    let json = r#"{"rows":6,"inserted":5,"refused":1,"errors":[{"line":2,"field":"age","code":"range","message":"mmmm"}],"errors_omitted":0}"#;
    assert_eq!(serde_json::to_string(&report).unwrap(), json);
}

#[tokio::test]
async fn a_report_has_bounds() {
    let many = report(1500, 20).await;
    assert_eq!((many.rows, many.errors.len(), many.errors_omitted), (1505, 1000, 500));
    let long = report(1500, 300).await;
    assert_eq!((long.errors.len(), long.errors_omitted), (436, 1064));
}
