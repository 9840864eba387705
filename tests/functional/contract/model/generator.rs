//! Commands by chance, but not blindly: most are about tasks, claims and sessions that there are, some about those that there
//! were.

mod scheduling;

use super::{
    command::{Answer, Command, LEASE},
    random::Random,
    reference::{Kept, Reference},
};
use crate::contract::{
    at,
    tasks::build::{id, queue},
};
use application::{Claim, Claiming, Expiry, Finished, NewSession, Renewal, Role, Settlement, Then};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{EndReason, Fault, FaultCode, Progress, QueueName, SessionId, TaskEvent, TaskId, TaskState};

const QUEUES: [&str; 2] = ["default", "mail"];

/// How many sessions there should be.
const SESSIONS: usize = 3;

pub(super) struct Generator {
    random: Random,
    now: DateTime<Utc>,
    /// Of ids.
    count: u128,
    /// Every claim that ever was.
    claims: Vec<Claim>,
    /// Every session that ever was.
    sessions: Vec<SessionId>,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), now: at(0), count: 0, claims: Vec::new(), sessions: Vec::new() }
    }

    /// Something to do in the state of `reference`.
    pub(super) fn next(&mut self, reference: &Reference) -> Command {
        self.let_time_pass();
        let alive =
            reference.sessions.values().filter(|life| life.closed_at.is_none() && life.expires_at > self.now);
        if alive.count() < SESSIONS && self.random.percent(40) {
            return self.open();
        }
        match self.random.below(100) {
            0..15 => Command::Schedule(self.write(reference)),
            15..38 => Command::Claim(self.claiming()),
            38..54 => Command::Settle(self.settlement(reference)),
            54..61 => self.finish(reference),
            61..65 => Command::Progress(self.claim(reference), self.progress()),
            65..71 => Command::Cancel(self.task_that(reference, Kept::runs), self.now),
            71..77 => Command::Retry(self.task_that(reference, Kept::has_ended_badly), self.now),
            77..83 => self.renew(reference),
            83..84 => Command::Close(self.session(), self.now),
            84..90 => Command::Reclaim(self.now, self.random.one(&[1, 2, 3, 100])),
            90..92 => Command::HasSuspect(self.queues(), self.now),
            92..95 => Command::ClaimSuspect(self.claiming()),
            95..97 => self.be_quiet(),
            97..98 => Command::Held(self.session()),
            _ => self.prune(),
        }
    }

    /// What is claimed can be finished later.
    pub(super) fn hear(&mut self, answer: &Answer) {
        if let Answer::Claimed(claimed) = answer {
            self.claims.extend(claimed.iter().map(|claimed| claimed.claim));
        }
    }

    /// Now and then for longer than a lease.
    fn let_time_pass(&mut self) {
        let milliseconds = match self.random.below(100) {
            0..40 => 0,
            40..93 => self.random.below(400),
            93..97 => self.random.below(4_000),
            _ => 10_000 + self.random.below(12_000),
        };
        self.now += TimeDelta::microseconds(milliseconds as i64 * 1000 + self.random.below(1000) as i64);
    }

    fn open(&mut self) -> Command {
        self.count += 1;
        let session = SessionId(id(self.now, self.count));
        self.sessions.push(session);
        Command::Open(NewSession {
            id: session,
            role: Role::Worker,
            host: "a-host".to_owned(),
            process: 4711,
            queues: self.queues(),
            concurrency: 16,
            now: self.now,
            lease: LEASE,
        })
    }

    fn renew(&mut self, reference: &Reference) -> Command {
        let session = self.session();
        let tasks: Vec<TaskId> = reference.tasks.keys().copied().collect();
        let mut running = reference.held(session).iter().map(|claim| claim.id).collect::<Vec<_>>();
        // What a worker thinks that it holds need not be so.
        running.extend(self.random.pick(&tasks).filter(|id| !running.contains(id)));
        Command::Renew(Renewal {
            id: session,
            now: self.now,
            lease: LEASE,
            running,
            claimed_at: Some(self.now),
            finished_at: None,
            minutes: Vec::new(),
        })
    }

    fn claiming(&mut self) -> Claiming {
        let queues = self.queues();
        Claiming {
            session: self.session(),
            queues: queues.into_iter().map(|queue| (queue, self.some(4))).collect(),
            limit: self.some(6),
            now: self.now,
        }
    }

    fn be_quiet(&mut self) -> Command {
        let session = self.session();
        if self.random.percent(30) {
            return Command::EndQuiet(session);
        }
        Command::GoQuiet(session, self.queues(), self.now)
    }

    /// Up to so many, seldom none.
    fn some(&mut self, most: u32) -> u32 {
        if self.random.percent(5) { 0 } else { 1 + self.random.below(most.into()) as u32 }
    }

    /// One or both, in either order.
    fn queues(&mut self) -> Vec<QueueName> {
        let mut queues: Vec<QueueName> = QUEUES.map(queue).into();
        if self.random.percent(50) {
            queues.reverse();
        }
        queues.truncate(if self.random.percent(30) { 1 } else { 2 });
        queues
    }

    /// One of the last few, or of all.
    fn session(&mut self) -> SessionId {
        let recent = if self.random.percent(85) { self.sessions.len().saturating_sub(SESSIONS) } else { 0 };
        let found = self.random.pick(&self.sessions[recent..]);
        found.unwrap_or_else(|| SessionId(id(self.now, 0)))
    }

    /// One that is `liked`, or any, or none that there is.
    fn task_that(&mut self, reference: &Reference, liked: fn(&Kept) -> bool) -> TaskId {
        let choosy = self.random.percent(60);
        let tasks = reference.tasks.values().filter(|kept| !choosy || liked(kept));
        let tasks: Vec<TaskId> = tasks.map(|kept| kept.task.id).collect();
        let nobody = TaskId(id(self.now, 0));
        if self.random.percent(2) { nobody } else { self.random.pick(&tasks).unwrap_or(nobody) }
    }

    /// One that holds, or one that was.
    fn claim(&mut self, reference: &Reference) -> Claim {
        let holding: Vec<Claim> =
            self.claims.iter().copied().filter(|claim| reference.holds(*claim)).collect();
        let nobody = Claim { id: TaskId(id(self.now, 0)), fence: 1 };
        let found = if self.random.percent(80) { self.random.pick(&holding) } else { None };
        found.or_else(|| self.random.pick(&self.claims)).unwrap_or(nobody)
    }

    fn finish(&mut self, reference: &Reference) -> Command {
        let count = 1 + self.random.below(4);
        let finished: Vec<Finished> = (0..count).map(|_| self.claim(reference)).map(finished).collect();
        // Others would wait for ever: such tasks are settled.
        let alone =
            |claim: Claim| reference.tasks.get(&claim.id).is_none_or(|kept| !kept.task.place.is_awaited());
        Command::Finish(finished.into_iter().filter(|one| alone(one.claim)).collect(), self.now)
    }

    fn settlement(&mut self, reference: &Reference) -> Settlement {
        use TaskEvent::{Error, Fatal, Overdue, Release, Success, Yield};
        let claim = self.claim(reference);
        let mut events = vec![Success, Success, Success, Success, Error, Overdue, Fatal, Yield, Release];
        if reference.tasks.get(&claim.id).is_some_and(|kept| kept.task.standing.cancel_requested) {
            events.extend([Yield; 4]);
        }
        let event = self.random.one(&events);
        let fault = Fault::new(self.random.one(FaultCode::ALL), &format!("at {}", self.now));
        Settlement {
            claim,
            event,
            result: (event == Success && self.random.percent(90)).then(|| finished(claim).result),
            fault: self.random.percent(60).then_some(fault),
            reason: self.random.percent(10).then_some(EndReason::UnknownKind),
            due_at: self.now + TimeDelta::milliseconds(self.random.below(2_000) as i64),
            then: if self.random.percent(30) { self.tasks() } else { Then::nothing() },
            now: self.now,
        }
    }

    fn progress(&mut self) -> Progress {
        Progress::new(self.random.below(1000) as f64 / 999.0, &format!("at {}", self.now))
    }

    fn prune(&mut self) -> Command {
        let mut before = Vec::new();
        for state in [TaskState::Succeeded, TaskState::Failed, TaskState::Cancelled] {
            if self.random.percent(80) {
                before.push((state, self.now - TimeDelta::milliseconds(self.random.below(60_000) as i64)));
            }
        }
        Command::Prune(Expiry { before }, self.random.one(&[1, 2, 5, 100]))
    }
}

/// With a result that tells which run it is of.
fn finished(claim: Claim) -> Finished {
    Finished { claim, result: format!("{{\"fence\": {}}}", claim.fence) }
}
