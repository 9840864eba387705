//! Many tasks, against a model: the same tasks in memory, filtered by hand.

use super::{
    super::{Store, at},
    build::{alone, chain, queue, task},
};
use application::Cancellation;
use domain::{Cursor, Direction, Limit, NewTask, Page, Task, TaskFilter, TaskId, TaskQuery, TaskState};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    an_empty_list_of_tasks_has_no_neighbours,
    tasks_are_listed_from_the_newest,
    every_list_of_tasks_can_be_walked_both_ways,
);

/// Some in each state, of two kinds, in two queues, of two requests, not in the order of their ids; as they are then.
async fn populate(store: &Store) -> Vec<Task> {
    let varied = |number: u128| NewTask {
        kind: ["GREET", "PART"][number as usize % 2].to_owned(),
        queue: queue(["default", "mail"][number as usize / 2 % 2]),
        request_id: ["one", "other"][number as usize / 4 % 2].to_owned(),
        ..task(number * 7 % 41 + 1)
    };
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.extend(store.scheduled(&alone(varied(number))).await);
    }
    let worker = store.worker().await;
    for (number, claimed) in worker.claim(22, at(1)).await.into_iter().enumerate() {
        match number % 4 {
            0 => {}
            1 => drop(worker.fail(claimed.claim, at(2)).await),
            _ => drop(worker.succeed(claimed.claim, at(2)).await),
        }
    }
    ids.extend(store.scheduled(&chain((30..36).map(varied).collect())).await);
    for number in [3, 24, 26, 33] {
        let cancelled = store.database.tasks().cancel(ids[number], at(3)).await;
        assert!(matches!(cancelled, Ok(Cancellation::Done) | Err(_)), "{cancelled:?}");
    }
    let mut all = Vec::new();
    for id in ids {
        all.push(store.task(id).await);
    }
    all
}

fn filters() -> Vec<TaskFilter> {
    let mut filters = vec![TaskFilter::default()];
    filters
        .extend(TaskState::ALL.iter().map(|state| TaskFilter { state: Some(*state), ..Default::default() }));
    filters.push(TaskFilter { kind: Some("PART".to_owned()), ..Default::default() });
    filters.push(TaskFilter { kind: Some("NONE".to_owned()), ..Default::default() });
    filters.push(TaskFilter { queue: Some(queue("mail")), ..Default::default() });
    filters.push(TaskFilter { request_id: Some("other".to_owned()), ..Default::default() });
    filters.push(TaskFilter {
        state: Some(TaskState::Succeeded),
        kind: Some("GREET".to_owned()),
        queue: Some(queue("default")),
        request_id: Some("one".to_owned()),
    });
    filters
}

fn expected(all: &[Task], filter: &TaskFilter) -> Vec<Task> {
    let wanted = |task: &&Task| {
        filter.state.is_none_or(|state| state == task.standing.state)
            && filter.kind.as_ref().is_none_or(|kind| *kind == task.kind)
            && filter.queue.as_ref().is_none_or(|queue| *queue == task.queue)
            && filter.request_id.as_ref().is_none_or(|id| *id == task.request_id)
    };
    let mut list: Vec<Task> = all.iter().filter(wanted).cloned().collect();
    list.sort_by_key(|task| std::cmp::Reverse(task.id));
    list
}

async fn page(
    store: &Store,
    filter: &TaskFilter,
    limit: i64,
    cursor: Option<Cursor<TaskId>>,
) -> Page<Task, TaskId> {
    let limit = Limit::new(limit).expect("a limit");
    let query = TaskQuery { filter: filter.clone(), limit, cursor };
    store.database.tasks().list(&query).await.expect("a page")
}

async fn an_empty_list_of_tasks_has_no_neighbours(setup: Setup) {
    let store = Store::new(&setup).await;
    for filter in filters() {
        let page = page(&store, &filter, 20, None).await;
        assert_eq!(page, Page { items: vec![], next: None, prev: None });
    }
}

async fn tasks_are_listed_from_the_newest(setup: Setup) {
    let store = Store::new(&setup).await;
    let all = populate(&store).await;
    for state in TaskState::ALL {
        assert!(all.iter().any(|task| task.standing.state == *state), "none is {}", state.as_str());
    }
    for filter in filters() {
        assert_eq!(page(&store, &filter, 100, None).await.items, expected(&all, &filter), "{filter:?}");
    }
}

async fn every_list_of_tasks_can_be_walked_both_ways(setup: Setup) {
    let store = Store::new(&setup).await;
    let all = populate(&store).await;
    for filter in filters() {
        for limit in [1, 5, 36] {
            let list = expected(&all, &filter);
            let mut forth = vec![page(&store, &filter, limit, None).await];
            while let Some(next) = forth.last().and_then(|page| page.next.clone()) {
                assert_eq!(next.direction, Direction::After);
                forth.push(page(&store, &filter, limit, Some(next)).await);
                assert!(forth.len() <= all.len(), "the list does not end");
            }
            let mut back = vec![forth.last().expect("a page").clone()];
            while let Some(prev) = back[0].prev.clone() {
                back.insert(0, page(&store, &filter, limit, Some(prev)).await);
            }
            for pages in [&forth, &back] {
                let items: Vec<Task> = pages.iter().flat_map(|page| page.items.clone()).collect();
                assert_eq!(items, list, "{filter:?} by {limit}");
            }
        }
    }
}
