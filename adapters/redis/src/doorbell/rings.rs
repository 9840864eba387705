//! What is to be published: bounded, and equal rings are one entry.

use super::{DROPPED, KEPT, channel_of, list_of};
use crate::RedisConfig;
use domain::{QueueName, TaskId};
use metrics::counter;
use redis::Pipeline;
use std::collections::BTreeMap;

/// Entries that wait at the same time.
const LIMIT: usize = 1024;

/// Rings and cancels since the last time that something was published.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rings {
    queues: BTreeMap<QueueName, usize>,
    cancels: Vec<TaskId>,
}

impl Rings {
    pub(super) fn ring(&mut self, queue: &QueueName) {
        if let Some(count) = self.queues.get_mut(queue) {
            *count = (*count + 1).min(KEPT);
        } else if self.has_room() {
            self.queues.insert(queue.clone(), 1);
        } else {
            dropped(1);
        }
    }

    pub(super) fn cancel(&mut self, task: TaskId) {
        match self.has_room() {
            true => self.cancels.push(task),
            false => dropped(1),
        }
    }

    /// Gives up all of them: once the server is back they say what workers have found out by themselves.
    pub(super) fn drop(self) {
        dropped(self.queues.values().sum::<usize>() + self.cancels.len());
    }

    /// As commands. No transaction, which would wake nobody before its end.
    pub(super) fn commands(&self, config: &RedisConfig) -> Pipeline {
        let mut commands = Pipeline::new();
        for (queue, count) in &self.queues {
            let list = list_of(config, queue);
            commands.cmd("LPUSH").arg(&list).arg(vec![1; *count]).ignore();
            commands.cmd("LTRIM").arg(&list).arg(0).arg(KEPT - 1).ignore();
        }
        for task in &self.cancels {
            commands.cmd("PUBLISH").arg(channel_of(config)).arg(task.0.to_string()).ignore();
        }
        commands
    }

    fn has_room(&self) -> bool {
        self.queues.len() + self.cancels.len() < LIMIT
    }
}

fn dropped(hints: usize) {
    counter!(DROPPED).increment(hints as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn queue(name: &str) -> QueueName {
        QueueName::parse(name).unwrap()
    }

    #[test]
    fn equal_rings_are_one_command() {
        let mut rings = Rings::default();
        rings.ring(&queue("mail"));
        rings.ring(&queue("default"));
        rings.ring(&queue("mail"));
        rings.cancel(TaskId(Uuid::nil()));
        let packed =
            String::from_utf8(rings.commands(&RedisConfig::default()).get_packed_pipeline()).unwrap();
        let words: Vec<&str> = packed.lines().filter(|line| !line.starts_with(['*', '$'])).collect();
        let expected = "LPUSH plinth:doorbell:default 1 LTRIM plinth:doorbell:default 0 99 \
                        LPUSH plinth:doorbell:mail 1 1 LTRIM plinth:doorbell:mail 0 99 \
                        PUBLISH plinth:cancel 00000000-0000-0000-0000-000000000000";
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut rings = Rings::default();
        (0..2 * LIMIT as u128).for_each(|n| rings.cancel(TaskId(Uuid::from_u128(n))));
        rings.ring(&queue("mail"));
        assert_eq!((rings.cancels.len(), rings.queues.len()), (LIMIT, 0));

        let mut rings = Rings::default();
        (0..10 * LIMIT).for_each(|_| rings.ring(&queue("mail")));
        assert_eq!(rings.queues[&queue("mail")], KEPT);
    }
}
