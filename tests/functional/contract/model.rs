//! The ledger and its repository against a model: the same commands, made by chance, are given to both, and after each the
//! answers are compared, and every now and then all that is stored.
//!
//! Commands follow from a seed alone, and every answer must be the model's: so both databases answer the same, to the last
//! fence. What happens at the same time is not the matter here but in `ledger` and in `tests/faults`.

mod command;
mod generator;
mod random;
mod reference;

use super::Store;
use command::Command;
use domain::{Cursor, Limit, Task, TaskId, TaskQuery};
use generator::Generator;
use plinth_tests::{Setup, on_both_stacks, times};
use reference::{Life, Reference};
use std::{collections::BTreeMap, fmt::Write};

on_both_stacks!(whatever_is_asked_the_answer_is_that_of_the_model);

/// How many commands before the failing one are told.
const TOLD: usize = 20;

/// After how many commands all that is stored is compared.
const LOOK: usize = 8;

async fn whatever_is_asked_the_answer_is_that_of_the_model(setup: Setup) {
    for seed in 1..=times(20, 200) as u64 {
        play(&setup, seed, times(200, 500)).await;
    }
}

/// So many commands on an empty database.
async fn play(setup: &Setup, seed: u64, length: usize) {
    let store = Store::new(setup).await;
    let (mut generator, mut reference) = (Generator::new(seed), Reference::default());
    let mut commands: Vec<Command> = Vec::new();
    for number in 1..=length {
        let command = generator.next(&reference);
        commands.push(command.clone());
        let (answer, expected) = (command.ask(&store).await, reference.answer(&command));
        assert!(answer == expected, "{}", tell(seed, &commands, &answer, &expected));
        generator.hear(&answer);
        if number % LOOK == 0 || number == length {
            let (stored, expected) = (Stored::of(&store, &reference).await, Stored::expected(&reference));
            if let Some((is, should)) = stored.difference(&expected) {
                panic!("{}", tell(seed, &commands, is, should));
            }
        }
    }
    store.database.close().await;
}

fn tell(seed: u64, commands: &[Command], is: impl std::fmt::Debug, should: impl std::fmt::Debug) -> String {
    let mut text =
        format!("seed {seed}, command {}: is\n{is:#?}\nand should be\n{should:#?}\nafter", commands.len());
    for (number, command) in commands.iter().enumerate().skip(commands.len().saturating_sub(TOLD)) {
        write!(text, "\n{:4}. {command:?}", number + 1).ok();
    }
    text
}

/// All that is stored, in words.
#[derive(Default)]
struct Stored {
    /// By what they are about.
    facts: BTreeMap<String, String>,
}

impl Stored {
    fn note(&mut self, about: impl std::fmt::Debug, fact: impl std::fmt::Debug) {
        self.facts.insert(format!("{about:?}"), format!("{fact:#?}"));
    }

    /// What the product tells; `reference` says only whom to ask about.
    async fn of(store: &Store, reference: &Reference) -> Self {
        let mut stored = Self::default();
        let tasks = list(store).await;
        let ids: Vec<TaskId> = reference.tasks.keys().copied().collect();
        for story in store.database.tasks().stories(&ids).await.expect("stories") {
            stored.note(story.task.id, &story);
        }
        stored.note("the list", tasks);
        for session in store.database.statistics().sessions().await.expect("sessions") {
            let life = Life { expires_at: session.expires_at, closed_at: session.closed_at };
            stored.note(session.id, life);
        }
        stored.note("groups", store.kept.count("task_groups").await);
        stored.note("faults", store.kept.count("task_faults").await);
        stored
    }

    fn expected(reference: &Reference) -> Self {
        let mut stored = Self::default();
        for id in reference.tasks.keys() {
            stored.note(id, reference.story(*id).expect("it is there"));
        }
        stored.note("the list", reference.list());
        for (id, life) in &reference.sessions {
            stored.note(id, life);
        }
        stored.note("groups", reference.count_of_groups());
        stored.note("faults", reference.count_of_faults());
        stored
    }

    /// The first fact that differs.
    fn difference<'a>(&'a self, expected: &'a Self) -> Option<(&'a str, &'a str)> {
        let abouts = self.facts.keys().chain(expected.facts.keys());
        let fact = |of: &'a Self, about: &String| of.facts.get(about).map_or("nothing", String::as_str);
        abouts.map(|about| (fact(self, about), fact(expected, about))).find(|(is, should)| is != should)
    }
}

/// Every task, page by page.
async fn list(store: &Store) -> Vec<Task> {
    let (mut tasks, mut cursor): (Vec<Task>, Option<Cursor<TaskId>>) = (Vec::new(), None);
    loop {
        let query = TaskQuery { limit: Limit::MAX, cursor, ..TaskQuery::default() };
        let page = store.database.tasks().list(&query).await.expect("a page");
        tasks.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return tasks,
        }
    }
}
