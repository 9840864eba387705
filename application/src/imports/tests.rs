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
    let pieces = vec![vec![1; Upload::CHUNK - 1], vec![2; Upload::CHUNK], vec![3; 3]];
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
    let controller = controller(MockImports::new(), MockTaskRepository::new(), backlog);
    let answer = controller.import_persons(&ctx(), String::new(), vec![b"x".to_vec()]).await;
    assert!(matches!(answer, Err(Error::TooMany { .. })));
}

#[test]
fn a_file_name_is_cut_to_what_can_be_kept() {
    let upload = |name: &str| Upload::new(ImportId(Uuid::nil()), name, &[], at(0));
    assert_eq!(upload(&"é".repeat(300)).file_name, "é".repeat(200));
    assert_eq!(upload("").chunks, Vec::<Vec<u8>>::new());
}
