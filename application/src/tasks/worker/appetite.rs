//! Which queues may have more: after a claim that came back full, a hint, or a poll.

use super::slots::Slots;
use crate::{Claimed, Claiming};
use chrono::{DateTime, Utc};
use domain::{QueueName, SessionId};

/// See the module.
pub(super) struct Appetite {
    /// In order, each with its cap and whether it may have more.
    queues: Vec<(QueueName, u32)>,
    more: Vec<bool>,
}

impl Appetite {
    /// Nothing is known to be there yet.
    pub(super) fn new(queues: &[(QueueName, u32)]) -> Self {
        Self { queues: queues.to_vec(), more: vec![false; queues.len()] }
    }

    /// Any queue may have more.
    pub(super) fn whet(&mut self) {
        self.more.fill(true);
    }

    /// This one may.
    pub(super) fn whet_for(&mut self, queue: &QueueName) {
        if let Some(more) = self.more_of(queue) {
            *more = true;
        }
    }

    /// The ledger cannot be asked: the next hint or poll asks again.
    pub(super) fn spoil(&mut self) {
        self.more.fill(false);
    }

    /// As many as there is room for, of the queues that may have more; `None` if that is nothing.
    pub(super) fn claiming(&self, slots: &Slots, session: SessionId, now: DateTime<Utc>) -> Option<Claiming> {
        if !self.more.contains(&true) {
            return None;
        }
        let (limit, room) = slots.room(&self.queues);
        let queues = self.queues.iter().zip(room).zip(&self.more);
        let queues: Vec<(QueueName, u32)> = queues
            .filter(|((_, room), more)| **more && *room > 0)
            .map(|(((queue, _), room), _)| (queue.clone(), room))
            .collect();
        (!queues.is_empty()).then_some(Claiming { session, queues, limit, now })
    }

    /// A claim has come back. Where it came back full there may be more, and behind that nobody has looked.
    pub(super) fn learn(&mut self, claiming: &Claiming, claimed: &[Claimed]) {
        let exhausted = claimed.len() >= usize::try_from(claiming.limit).unwrap_or(usize::MAX);
        for (queue, room) in &claiming.queues {
            let of_queue = claimed.iter().filter(|claimed| claimed.queue == *queue).count();
            let full = exhausted || of_queue >= usize::try_from(*room).unwrap_or(usize::MAX);
            if let Some(more) = self.more_of(queue) {
                *more = full;
            }
        }
    }

    fn more_of(&mut self, queue: &QueueName) -> Option<&mut bool> {
        let place = self.queues.iter().position(|(known, _)| known == queue)?;
        self.more.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tasks::testing, testing::at};
    use std::sync::Arc;

    /// Four slots; two tasks of `a` at most.
    fn hungry() -> (Appetite, Arc<Slots>) {
        let mut appetite = Appetite::new(&[(testing::queue("a"), 2), (testing::queue("b"), 4)]);
        appetite.whet();
        (appetite, Arc::new(Slots::new(4)))
    }

    fn asked(appetite: &Appetite, slots: &Slots) -> Option<Claiming> {
        appetite.claiming(slots, SessionId(uuid::Uuid::nil()), at(0))
    }

    /// From which queues, and how many of each.
    fn queues(appetite: &Appetite, slots: &Slots) -> Vec<(String, u32)> {
        let queues = asked(appetite, slots).map(|claiming| claiming.queues).unwrap_or_default();
        queues.into_iter().map(|(queue, room)| (queue.as_str().to_owned(), room)).collect()
    }

    fn claimed(queues: &[&str]) -> Vec<Claimed> {
        let claimed = (1..).zip(queues);
        claimed
            .map(|(number, queue)| Claimed { queue: testing::queue(queue), ..testing::claimed(number) })
            .collect()
    }

    #[test]
    fn nothing_is_asked_for_until_there_may_be_something() {
        let (mut appetite, slots) = hungry();
        assert_eq!(asked(&appetite, &slots).unwrap().limit, 4);
        assert_eq!(queues(&appetite, &slots), [("a".to_owned(), 2), ("b".to_owned(), 4)]);
        appetite.spoil();
        assert_eq!(asked(&appetite, &slots), None);
    }

    #[test]
    fn a_hint_is_about_its_queue_alone() {
        let (mut appetite, slots) = hungry();
        appetite.spoil();
        appetite.whet_for(&testing::queue("b"));
        appetite.whet_for(&testing::queue("others"));
        assert_eq!(queues(&appetite, &slots), [("b".to_owned(), 4)]);
    }

    #[test]
    fn a_queue_that_gave_less_than_it_could_is_empty() {
        let (mut appetite, slots) = hungry();
        let claiming = asked(&appetite, &slots).unwrap();
        appetite.learn(&claiming, &claimed(&["a", "a", "b"]));
        assert_eq!(queues(&appetite, &slots), [("a".to_owned(), 2)], "a is full, b is empty");
        appetite.learn(&asked(&appetite, &slots).unwrap(), &claimed(&["a"]));
        assert_eq!(asked(&appetite, &slots), None);
    }

    #[test]
    fn behind_a_claim_that_came_back_full_nobody_has_looked() {
        let (mut appetite, slots) = hungry();
        let claiming = asked(&appetite, &slots).unwrap();
        appetite.learn(&claiming, &claimed(&["a", "b", "b", "b"]));
        assert_eq!(queues(&appetite, &slots).len(), 2);
    }
}
