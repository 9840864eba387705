//! The words of the domain as sentences for people.

use domain::{EndReason, FaultCode, Misfire, Overlap};

/// Goes on after "failed" or "cancelled".
pub(super) fn reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::RetriesUsedUp => "its last retry failed",
        EndReason::Unrecoverable => "no retry could have helped",
        EndReason::WorkerLost => "it was lost with its worker three times",
        EndReason::UnknownKind => "no worker has known its kind for a day",
        EndReason::Cancelled => "somebody has cancelled it",
        EndReason::PredecessorEnded => "what it waited for did not succeed",
    }
}

/// How a run ended.
pub(super) fn fault(code: FaultCode) -> &'static str {
    match code {
        FaultCode::Error => "Error",
        FaultCode::Panic => "Panic",
        FaultCode::Timeout => "Time-out",
        FaultCode::Unrecoverable => "Unrecoverable error",
        FaultCode::Undecodable => "Payload cannot be read",
        FaultCode::UnknownKind => "Unknown kind",
        FaultCode::ResultTooLarge => "Result too large",
        FaultCode::WorkerLost => "Worker lost",
    }
}

/// What becomes of late slots.
pub(super) fn misfire(misfire: Misfire) -> &'static str {
    match misfire {
        Misfire::RunOnce => "the last late slot fires",
        Misfire::Skip => "late slots are left out",
        Misfire::CatchUp => "late slots are made up for",
    }
}

/// What becomes of a slot while an earlier task is unfinished.
pub(super) fn overlap(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Allow => "tasks may overlap",
        Overlap::Skip => "left out while one is unfinished",
        Overlap::QueueOne => "one may wait behind another",
    }
}
