//! What the session holds and nobody here runs: claimed by a statement whose answer was lost, or left by an end that could
//! not be written. As long as the session lives nobody would reclaim it, so it is given back.

use super::{
    core::{Core, locked},
    session::Session,
};
use crate::{Error, Settlement};
use domain::TaskEvent;
use tokio::time::Instant;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// By then, whatever was under way when it arose has been committed or never will be.
    until: Instant,
    /// When to look next: no index leads to what a session holds.
    look: Instant,
}

impl Core {
    /// The session may hold what nobody here runs.
    pub(super) fn doubt(&self) {
        let now = Instant::now();
        *locked(&self.doubt) = Some(Doubt { until: now + self.settings.lease, look: now });
    }
}

/// Looks, if there is doubt and it is time to. No claim may be under way.
pub(super) async fn dispel(core: &Core, session: &Session) -> Result<(), Error> {
    let now = Instant::now();
    let doubt = *locked(&core.doubt);
    if doubt.is_none_or(|doubt| now < doubt.look) {
        return Ok(());
    }
    let held = core.ledger.held(session.id).await?;
    for claim in held.into_iter().filter(|claim| !core.slots.holds(*claim)) {
        core.ledger.settle(&Settlement::new(claim, TaskEvent::Release, core.clock.now())).await?;
        slog::warn!(core.log, "a task that was claimed unheard, or could not be ended, is given back";
            "task_id" => %claim.id.0, "outcome" => "released");
    }
    let next = |doubt: Doubt| Doubt { look: now + core.settings.renewal, ..doubt };
    let mut doubt = locked(&core.doubt);
    *doubt = doubt.filter(|doubt| now < doubt.until).map(next);
    Ok(())
}
