//! Writes and the tasks that follow them.

use super::{Generator, QUEUES, Reference, finished};
use crate::contract::tasks::build::{alone, chain, group, id, queue, task_at};
use application::{Settle, Then};
use chrono::TimeDelta;
use domain::{NewTask, Priority, TaskId, UniqueKey};

impl Generator {
    /// Some tasks; now and then the write is the work of a running one.
    pub(super) fn write(&mut self, reference: &Reference) -> Then {
        let tasks = self.tasks();
        if !self.random.percent(15) {
            return tasks;
        }
        let claim = self.claim(reference);
        let settle = Settle { claim, result: finished(claim).result, at: self.now };
        Then { settle: Some(settle), ..tasks }
    }

    /// Tasks by themselves, a chain, a group, or one after the other.
    pub(super) fn tasks(&mut self) -> Then {
        match self.random.below(10) {
            0..5 => self.alone(),
            5..7 => self.chain(),
            7..9 => self.group(),
            _ => self.alone().and(self.chain()).and(self.alone()).and(self.group()),
        }
    }

    fn alone(&mut self) -> Then {
        let unique = self.random.percent(50);
        let key = self.random.one(&["one", "two"]);
        let unique_key = unique.then(|| UniqueKey::parse(key).expect("a key"));
        alone(NewTask { unique_key, ..self.task() })
    }

    fn chain(&mut self) -> Then {
        let length = 1 + self.random.below(4);
        chain((0..length).map(|_| self.task()).collect())
    }

    fn group(&mut self) -> Then {
        let size = 1 + self.random.below(3);
        let members = (0..size).map(|_| self.task()).collect();
        group(members, self.task())
    }

    fn task(&mut self) -> NewTask {
        self.count += 1;
        // Not in the order in which they are made: it must not matter among those of one instant.
        let number = u128::from(self.random.below(1 << 12)) << 20 | self.count;
        let delay = if self.random.percent(30) { self.random.below(4_000) } else { 0 };
        NewTask {
            id: TaskId(id(self.now, number)),
            kind: self.random.one(&["GREET", "PART"]).to_owned(),
            queue: queue(self.random.one(&QUEUES)),
            priority: self.random.one(Priority::ALL),
            max_retries: self.random.below(3) as u32,
            due_at: self.now + TimeDelta::milliseconds(delay as i64),
            ..task_at(self.now, number)
        }
    }
}
