//! The decisions of [`ImportController`], over mocked ports.

use super::*;
use crate::{
    MockBacklog, MockClock, MockDoorbell, MockIds, MockTaskRepository,
    testing::{at, ctx, story},
};
use domain::{Place, QueueName};
use mockall::predicate::eq;
use std::time::Duration;

/// At second 9; ids count from 1.
fn controller(imports: MockImports, tasks: MockTaskRepository, backlog: MockBacklog) -> ImportController {
    let (mut clock, mut ids) = (MockClock::new(), MockIds::new());
    clock.expect_now().return_const(at(9));
    let mut last = 0;
    ids.expect_next().with(eq(at(9))).returning(move |_| {
        last += 1;
        Uuid::from_u128(last)
    });
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(clock), Arc::new(ids));
    let tasks = TaskController::new(Arc::new(tasks), Arc::new(MockDoorbell::new()), clock.clone());
    let scheduler = Scheduler::new(clock.clone(), ids.clone(), Arc::new(backlog));
    ImportController::new(Arc::new(imports), Arc::new(tasks), Arc::new(scheduler), clock, ids)
}

fn file(pieces: &[&[u8]]) -> FileChunks {
    let mut chunks = FileChunks::default();
    pieces.iter().for_each(|piece| chunks.append(piece));
    chunks
}

/// The chain is that of the import, and each link is told which.
fn is_the_chain(then: &Then) -> bool {
    let chain = TaskId(Uuid::from_u128(1));
    let kinds = ["VALIDATE_PERSONS_IMPORT", "INSERT_PERSONS_IMPORT", "REPORT_PERSONS_IMPORT"];
    then.settle.is_none()
        && then.tasks.first().is_some_and(|first| first.id == chain)
        && then.tasks.iter().map(|task| task.kind.as_str()).eq(kinds)
        && (0..).zip(&then.tasks).all(|(position, task)| {
            task.place == Place::Link { chain, position, length: 3 }
                && task.queue == QueueName::parse("imports").unwrap()
                && task.payload == format!(r#"{{"import_id":"{}"}}"#, chain.0)
        })
}

#[tokio::test]
async fn a_file_and_the_chain_that_imports_it_are_one_write() {
    let (mut imports, mut tasks, mut backlog) =
        (MockImports::new(), MockTaskRepository::new(), MockBacklog::new());
    backlog.expect_admit().times(3).returning(|_| Ok(()));
    imports.expect_waiting().with(eq(1000)).once().returning(|_| Ok(999));
    let (sent, received) = std::sync::mpsc::channel();
    imports
        .expect_receive()
        .withf(|upload, then| {
            let sizes = upload.chunks.iter().map(Vec::len);
            upload.id == ImportId(Uuid::from_u128(1))
                && upload.now == at(9)
                && upload.file_name == "persons.csv"
                && sizes.eq([Upload::CHUNK, Upload::CHUNK, 2])
                && is_the_chain(then)
        })
        .once()
        .returning(move |_, then| {
            sent.send(then.tasks[2].clone()).unwrap();
            Ok(())
        });
    tasks.expect_stories().once().returning(move |ids| {
        let report = received.recv().unwrap();
        assert_eq!(ids, [report.id]);
        Ok(vec![story(report)])
    });
    let pieces = file(&[&[1; Upload::CHUNK - 1], &[2; Upload::CHUNK], &[], &[3; 3]]);
    let controller = controller(imports, tasks, backlog);
    let story = controller.import_persons(&ctx(), "per\0sons\n.csv".to_owned(), pieces).await.unwrap();
    assert_eq!(story.task.kind, "REPORT_PERSONS_IMPORT");
}

#[tokio::test]
async fn nothing_is_received_while_the_queue_is_full() {
    let mut backlog = MockBacklog::new();
    backlog.expect_admit().once().returning(|_| {
        Err(Error::TooMany { what: "the queue is full".to_owned(), retry_after: Duration::from_secs(1) })
    });
    let mut imports = MockImports::new();
    imports.expect_waiting().once().returning(|_| Ok(0));
    let controller = controller(imports, MockTaskRepository::new(), backlog);
    let answer = controller.import_persons(&ctx(), String::new(), file(&[b"x"])).await;
    assert!(matches!(answer, Err(Error::TooMany { .. })));
}

#[tokio::test]
async fn nothing_is_received_while_a_thousand_wait() {
    let mut imports = MockImports::new();
    imports.expect_waiting().with(eq(1000)).once().returning(|_| Ok(1000));
    let controller = controller(imports, MockTaskRepository::new(), MockBacklog::new());
    let answer = controller.import_persons(&ctx(), String::new(), file(&[b"x"])).await;
    assert!(matches!(answer, Err(Error::TooMany { .. })), "{answer:?}");
}

#[test]
fn a_file_is_cut_without_being_copied_again() {
    let chunks = file(&[&[1; 3 * Upload::CHUNK]]);
    let places: Vec<*const u8> = chunks.0.iter().map(|chunk| chunk.as_ptr()).collect();
    let upload = Upload::new(ImportId(Uuid::nil()), "", chunks, at(0));
    assert!(upload.chunks.iter().all(|chunk| chunk.len() == Upload::CHUNK));
    assert!(upload.chunks.iter().map(|chunk| chunk.as_ptr()).eq(places));
}

#[test]
fn a_file_name_is_cut_to_what_can_be_kept() {
    let upload = |name: &str| Upload::new(ImportId(Uuid::nil()), name, FileChunks::default(), at(0));
    assert_eq!(upload(&"é".repeat(300)).file_name, "é".repeat(200));
    assert_eq!(upload("").chunks, Vec::<Vec<u8>>::new());
}
