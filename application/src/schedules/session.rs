//! The session of a beat: a row that shows people that it lives. Nothing hangs on it.

use super::beat::{BeatPorts, BeatSettings};
use crate::{Error, NewSession, Renewal, Role};
use chrono::{DateTime, Utc};
use domain::SessionId;
use tokio::time::Instant;

/// See the module.
pub(super) struct Shown<'b> {
    ports: &'b BeatPorts,
    settings: &'b BeatSettings,
    /// And when it was last renewed.
    session: Option<(SessionId, Instant)>,
}

impl<'b> Shown<'b> {
    pub(super) fn new(ports: &'b BeatPorts, settings: &'b BeatSettings) -> Self {
        Self { ports, settings, session: None }
    }

    /// If it is time: a new session if there is none, or if it has expired while the database could not be reached.
    pub(super) async fn renew(&mut self, fired_at: Option<DateTime<Utc>>) -> Result<(), Error> {
        let id = match self.session {
            Some((_, renewed)) if renewed.elapsed() < self.settings.renewal => return Ok(()),
            Some((id, _)) if self.is_alive(id, fired_at).await? => id,
            _ => self.open().await?,
        };
        self.session = Some((id, Instant::now()));
        Ok(())
    }

    pub(super) async fn close(self) -> Result<(), Error> {
        let Some((id, _)) = self.session else { return Ok(()) };
        self.ports.ledger.close(id, self.ports.clock.now()).await
    }

    async fn is_alive(&self, id: SessionId, fired_at: Option<DateTime<Utc>>) -> Result<bool, Error> {
        let renewal = Renewal {
            id,
            now: self.ports.clock.now(),
            lease: self.settings.lease,
            running: Vec::new(),
            claimed_at: None,
            finished_at: fired_at,
            minutes: Vec::new(),
        };
        Ok(self.ports.ledger.renew(&renewal).await?.alive)
    }

    async fn open(&self) -> Result<SessionId, Error> {
        let now = self.ports.clock.now();
        let session = NewSession {
            id: SessionId(self.ports.ids.next(now)),
            role: Role::Beat,
            host: self.settings.host.clone(),
            process: self.settings.process,
            queues: Vec::new(),
            concurrency: 0,
            now,
            lease: self.settings.lease,
        };
        self.ports.ledger.open(&session).await?;
        Ok(session.id)
    }
}
