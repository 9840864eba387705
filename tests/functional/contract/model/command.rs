//! What may be asked of the ledger and of the repository, and what they answer, so that answers can be compared.

use super::super::Store;
use application::{
    Cancellation, Claim, Claimed, Claiming, Error, Expiry, Finished, NewSession, Reclaimed, Renewal, Renewed,
    Settled, Settlement, Then,
};
use chrono::{DateTime, Utc};
use domain::{Progress, QueueName, SessionId, TaskId};
use std::time::Duration;
use uuid::Uuid;

/// Of every session.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// One call of a port.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Schedule(Then),
    Cancel(TaskId, DateTime<Utc>),
    Retry(TaskId, DateTime<Utc>),
    /// Again and again, until there is nothing left to do: which go first is not laid down to the last.
    Prune(Expiry, u32),
    Open(NewSession),
    Renew(Renewal),
    Close(SessionId, DateTime<Utc>),
    Claim(Claiming),
    HasSuspect(Vec<QueueName>, DateTime<Utc>),
    ClaimSuspect(Claiming),
    GoQuiet(SessionId, Vec<QueueName>, DateTime<Utc>),
    EndQuiet(SessionId),
    Held(SessionId),
    Finish(Vec<Finished>, DateTime<Utc>),
    Settle(Settlement),
    Progress(Claim, Progress),
    /// As [`Self::Prune`]: so many tasks at a time.
    Reclaim(DateTime<Utc>, u32),
}

/// What is answered. What has no order is sorted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Done,
    Scheduled(Vec<TaskId>),
    Cancelled(Cancellation),
    Pruned(u32),
    Renewed(Renewed),
    Claimed(Vec<Claimed>),
    Suspected(bool),
    Quiet(bool),
    Held(Vec<Claim>),
    Finished(Vec<bool>),
    Settled(Settled),
    Progress(Option<bool>),
    Reclaimed(Reclaimed),
    NotFound,
    Stale,
    /// A conflict on `state`, and the other task that its message names.
    Conflict(String, Option<Uuid>),
    /// What no caller should have asked for.
    Defect,
    /// Whatever is never right.
    Broken(String),
}

impl Command {
    /// The answer of the product.
    pub(super) async fn ask(&self, store: &Store) -> Answer {
        let asked = match self {
            Self::Schedule(_) | Self::Cancel(..) | Self::Retry(..) | Self::Prune(..) => {
                self.ask_the_repository(store).await
            }
            _ => self.ask_the_ledger(store).await,
        };
        asked.unwrap_or_else(Answer::from)
    }

    async fn ask_the_repository(&self, store: &Store) -> Result<Answer, Error> {
        let tasks = store.database.tasks();
        Ok(match self {
            Self::Schedule(then) => Answer::Scheduled(tasks.schedule(then).await?),
            Self::Cancel(id, now) => Answer::Cancelled(tasks.cancel(*id, *now).await?),
            Self::Retry(id, now) => tasks.retry(*id, *now).await.map(|()| Answer::Done)?,
            Self::Prune(expired, limit) => {
                let mut pruned = 0;
                loop {
                    match tasks.prune(expired, *limit).await? {
                        0 => break Answer::Pruned(pruned),
                        some => pruned += some,
                    }
                }
            }
            other => Answer::Broken(format!("no question for the repository: {other:?}")),
        })
    }

    async fn ask_the_ledger(&self, store: &Store) -> Result<Answer, Error> {
        let ledger = store.database.ledger();
        Ok(match self {
            Self::Open(session) => ledger.open(session).await.map(|()| Answer::Done)?,
            Self::Renew(renewal) => {
                let mut renewed = ledger.renew(renewal).await?;
                renewed.cancelled.sort();
                Answer::Renewed(renewed)
            }
            Self::Close(id, now) => ledger.close(*id, *now).await.map(|()| Answer::Done)?,
            Self::Claim(claiming) => Answer::Claimed(ledger.claim(claiming).await?),
            Self::HasSuspect(queues, now) => Answer::Suspected(ledger.has_suspect(queues, *now).await?),
            Self::ClaimSuspect(claiming) => {
                Answer::Claimed(ledger.claim_suspect(claiming).await?.into_iter().collect())
            }
            Self::GoQuiet(session, queues, now) => {
                Answer::Quiet(ledger.go_quiet(*session, queues, *now).await?)
            }
            Self::EndQuiet(session) => ledger.end_quiet(*session).await.map(|()| Answer::Done)?,
            Self::Held(session) => {
                let mut held = ledger.held(*session).await?;
                held.sort_by_key(|claim| claim.id);
                Answer::Held(held)
            }
            Self::Finish(finished, now) => Answer::Finished(ledger.finish(finished, *now).await?),
            Self::Settle(settlement) => Answer::Settled(ledger.settle(settlement).await?),
            Self::Progress(claim, progress) => Answer::Progress(ledger.progress(*claim, progress).await?),
            Self::Reclaim(now, limit) => {
                let mut all = Reclaimed::default();
                loop {
                    let some = ledger.reclaim(*now, LEASE, *limit).await?;
                    if some == Reclaimed::default() {
                        all.failed.sort_by_key(|lost| lost.id);
                        break Answer::Reclaimed(all);
                    }
                    all = sum(all, some);
                }
            }
            other => Answer::Broken(format!("no question for the ledger: {other:?}")),
        })
    }
}

fn sum(a: Reclaimed, b: Reclaimed) -> Reclaimed {
    Reclaimed {
        requeued: a.requeued + b.requeued,
        released: a.released + b.released,
        failed: [a.failed, b.failed].concat(),
        cancelled: a.cancelled + b.cancelled,
        sessions: a.sessions + b.sessions,
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { kind: "task", .. } => Self::NotFound,
            Error::Stale { kind: "task" } => Self::Stale,
            Error::Conflict { field: "state", violation } => {
                let words = violation.message.split([' ', ',', ':']);
                Self::Conflict(violation.code.to_owned(), words.filter_map(|word| word.parse().ok()).next())
            }
            Error::Internal { .. } => Self::Defect,
            other => Self::Broken(format!("{other:?}")),
        }
    }
}
