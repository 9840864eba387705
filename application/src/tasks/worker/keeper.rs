//! Who keeps the session: opens one, renews it, and takes a new one when it is lost.
//!
//! Time that others compare is the clock's; how long the session may be trusted is measured by the local clock that never
//! jumps, from before the ledger was asked.

use super::{
    core::{Core, locked},
    session::Session,
    slots::Entry,
};
use crate::{Error, NewSession, Renewal, Renewed, Role};
use domain::SessionId;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long handlers have to end, once they are told to and their futures are dropped at the next await.
pub(super) const YIELD: Duration = Duration::from_secs(1);

/// Keeps sessions, one after the other, until `closing`; then closes the last one.
pub(super) async fn run(core: Arc<Core>, closing: CancellationToken) {
    let mut before = None;
    while let Some(session) = open(&core, before.take(), &closing).await {
        core.session.send_replace(Some(session.clone()));
        keep(&core, &session, &closing).await;
        if closing.is_cancelled() {
            // What was counted since the last renewal goes with one more.
            renew(&core, &session).await;
            core.session.send_replace(None);
            close(&core, &session).await;
            return;
        }
        session.lose();
        core.session.send_replace(None);
        slog::warn!(core.log, "the session is lost, and everything that was started under it stops";
            "session" => %session.id.0, "running" => core.slots.len());
        before = Some(session);
    }
}

/// A new session, as soon as the ledger can be reached. What the one `before` still holds is given back first, by closing
/// it: without a crash, if nobody has taken it yet. Not while a handler goes on that does not yield; then it is left to
/// expire, and its tasks are suspects.
async fn open(
    core: &Core,
    before: Option<Arc<Session>>,
    closing: &CancellationToken,
) -> Option<Arc<Session>> {
    let mut before = match before {
        Some(lost) if yielded(core, &lost).await => Some(lost),
        _ => None,
    };
    while !closing.is_cancelled() {
        if let Some(lost) = before.take()
            && !close(core, &lost).await
        {
            before = Some(lost);
        } else if let Some(session) = begin(core).await {
            return Some(session);
        }
        tokio::select! {
            () = closing.cancelled() => {}
            () = sleep(core.about(core.settings.poll)) => {}
        }
    }
    None
}

/// Whether all handlers that were started under a session have ended, within the time that takes.
async fn yielded(core: &Core, lost: &Session) -> bool {
    let at_work = |entry: &Arc<Entry>| entry.session.id == lost.id && entry.is_at_work();
    let given_up = Instant::now() + YIELD;
    while core.slots.entries().iter().any(at_work) {
        if Instant::now() > given_up {
            return false;
        }
        sleep(YIELD / 50).await;
    }
    true
}

async fn begin(core: &Core) -> Option<Arc<Session>> {
    let settings = &core.settings;
    let (sent, now) = (Instant::now(), core.clock.now());
    let id = SessionId(core.ids.next(now));
    let new = NewSession {
        id,
        role: Role::Worker,
        host: settings.host.clone(),
        process: settings.process,
        queues: core.queues.iter().map(|(queue, _)| queue.clone()).collect(),
        concurrency: settings.concurrency,
        now,
        lease: settings.lease,
    };
    match core.ledger.open(&new).await {
        Ok(()) => {
            core.reach.succeeded();
            locked(&core.vitals).renewed_at = Some(now);
            slog::debug!(core.log, "session opened"; "session" => %id.0);
            Some(Arc::new(Session::new(id, trusted(core, sent))))
        }
        Err(error) => {
            core.reach.lost("open a session", &error);
            None
        }
    }
}

/// Renews until the session is lost, or it is time to close it.
async fn keep(core: &Core, session: &Session, closing: &CancellationToken) {
    let mut next = Instant::now() + core.settings.renewal;
    while session.is_trusted() {
        tokio::select! {
            biased;
            () = closing.cancelled() => return,
            () = sleep_until(session.trusted_until()) => continue,
            () = core.renew.notified() => {}
            () = sleep_until(next) => {}
        }
        // Whoever does not look for work does not work either, and had better be taken for dead.
        let lives = core.pulse.age() < core.settings.renewal.max(2 * core.settings.poll);
        let pause = match lives {
            true => match renew(core, session).await {
                Some(true) => core.settings.renewal,
                Some(false) => return,
                None => core.settings.poll,
            },
            false => core.settings.poll,
        };
        next = Instant::now() + pause;
    }
}

/// Whether the session lives; `None` if the ledger does not say, at least not in time.
async fn renew(core: &Core, session: &Session) -> Option<bool> {
    let (sent, now) = (Instant::now(), core.clock.now());
    let entries = core.slots.entries();
    let minutes = core.tally.take();
    let vitals = *locked(&core.vitals);
    let renewal = Renewal {
        id: session.id,
        now,
        lease: core.settings.lease,
        running: entries.iter().filter(|entry| !entry.has_ended()).map(|entry| entry.id()).collect(),
        claimed_at: vitals.claimed_at,
        finished_at: vitals.finished_at,
        minutes: minutes.clone(),
    };
    // A task of its own, for a write that has begun is not to be dropped half-way when trust ends first.
    let ledger = core.ledger.clone();
    let renewed = tokio::spawn(async move { ledger.renew(&renewal).await });
    let answer = match timeout_at(session.trusted_until(), renewed).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(error),
        Ok(Err(panic)) => Err(Error::internal("the renewal has panicked", panic)),
        Err(late) => Err(Error::unavailable("the ledger", late)),
    };
    match answer {
        Ok(Renewed { alive, cancelled }) => {
            core.reach.succeeded();
            if alive {
                session.extend(trusted(core, sent));
                locked(&core.vitals).renewed_at = Some(now);
            }
            entries.iter().filter(|entry| cancelled.contains(&entry.id())).for_each(|entry| entry.cancel());
            Some(alive)
        }
        Err(error) => {
            core.tally.give_back(minutes);
            core.reach.lost("renew the session", &error);
            None
        }
    }
}

/// Whether that is done with: a session that cannot be closed because of a defect is left to expire.
async fn close(core: &Core, session: &Session) -> bool {
    match core.ledger.close(session.id, core.clock.now()).await {
        Err(error @ Error::Unavailable { .. }) => {
            core.reach.failed("close the session", &error);
            false
        }
        Err(error) => {
            core.reach.failed("close the session", &error);
            true
        }
        Ok(()) => true,
    }
}

fn trusted(core: &Core, sent: Instant) -> Instant {
    sent + core.settings.lease.saturating_sub(core.settings.margin)
}
