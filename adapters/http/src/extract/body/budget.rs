//! The memory that all bodies together may take while they are read, wait and are worked on: a number of bytes.
//!
//! A body of up to [`FREE`] bytes takes nothing of it, so that small requests neither pay for the bookkeeping nor starve
//! behind large ones. A larger one takes what its buffer takes, as it grows, and gives it back when it is dropped.
//!
//! The worst case of one address, by the defaults: 64 connections of 128 streams with up to 16 KiB each, which is a frame
//! that waits for the budget, or 4 KiB that need none, are 128 MiB; the windows of these connections (1 MiB, see
//! `server/connection.rs`) 64 MiB; and the budget another 64 MiB. A file is copied out of its form, so that uploads take
//! their part of the budget once more while they are handed on.

use super::{closing, too_large, upload};
use crate::{
    config::{Limits, Timeouts},
    problem::ApiError,
};
use bytes::{Bytes, BytesMut};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// See the module.
pub(crate) struct Budget {
    bytes: Arc<Semaphore>,
    patience: Duration,
}

/// A body as far as it is there.
pub(super) struct Buffer<'a> {
    budget: &'a Budget,
    limit: usize,
    bytes: BytesMut,
    permit: Option<OwnedSemaphorePermit>,
}

/// Bytes that need no budget.
const FREE: usize = 4 * 1024;

impl Budget {
    pub(crate) fn new(limits: &Limits, timeouts: &Timeouts) -> Self {
        // At least one body of the greatest length must find room.
        let longest = limits.body_bytes.max(upload(limits));
        let bytes = limits.bodies_bytes.max(longest).min(Semaphore::MAX_PERMITS);
        Self { bytes: Arc::new(Semaphore::new(bytes)), patience: timeouts.queue }
    }

    /// For a body of at most `limit` bytes.
    pub(super) fn buffer(&self, limit: usize) -> Buffer<'_> {
        Buffer { budget: self, limit, bytes: BytesMut::new(), permit: None }
    }
}

impl Buffer<'_> {
    /// 413 beyond the limit of one body, 503 if the budget has no room for more after a short wait.
    pub(super) async fn push(&mut self, chunk: &[u8]) -> Result<(), ApiError> {
        let limit = self.limit;
        let length = self.bytes.len() + chunk.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if length > self.bytes.capacity() {
            let capacity = length.next_power_of_two().min(limit);
            self.take(capacity).await?;
            self.bytes.reserve(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Gives its part of the budget back when it is dropped.
    pub(super) fn into_bytes(self) -> Bytes {
        match self.permit {
            None => self.bytes.freeze(),
            Some(permit) => Bytes::from_owner(Held { bytes: self.bytes, _permit: permit }),
        }
    }

    async fn take(&mut self, capacity: usize) -> Result<(), ApiError> {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = if capacity > FREE { capacity.saturating_sub(held) } else { 0 };
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let waited = timeout(self.budget.patience, self.budget.bytes.clone().acquire_many_owned(more)).await;
        let Ok(Ok(taken)) = waited else {
            return Err(closing(ApiError::unavailable(
                "too many large bodies are under way; try again in a second",
            )));
        };
        match &mut self.permit {
            Some(permit) => permit.merge(taken),
            none => *none = Some(taken),
        }
        Ok(())
    }
}

/// A body and its part of the budget.
struct Held {
    bytes: BytesMut,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
