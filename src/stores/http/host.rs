//! What is remembered of a host for the life of the process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::request::Lane;

/// One host and port.
#[derive(Debug)]
pub(super) struct Host {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    answered: AtomicBool,
    /// Until then the host wants no request.
    paused: Mutex<Option<Instant>>,
    /// `https` or `http`, for loopback hosts.
    pub(super) scheme: OnceCell<&'static str>,
}

impl Host {
    /// Makes a host of which nothing is known yet.
    pub(super) fn new(places: usize) -> Self {
        let places = places.clamp(1, 1024);
        Self {
            requests: Arc::new(Semaphore::new(places)),
            bodies: Arc::new(Semaphore::new(places)),
            answered: AtomicBool::new(false),
            paused: Mutex::new(None),
            scheme: OnceCell::new(),
        }
    }

    /// Waits for a place in a queue.
    pub(super) async fn place(&self, lane: Lane) -> Option<OwnedSemaphorePermit> {
        let queue = match lane {
            Lane::Requests => &self.requests,
            Lane::Bodies => &self.bodies,
            Lane::Free => return None,
        };
        Arc::clone(queue).acquire_owned().await.ok()
    }

    /// Remembers that the host answers at all.
    pub(super) fn has_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Returns whether the host has ever answered.
    pub(super) fn answers(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Remembers that the host wants no request before `until`.
    pub(super) fn pause(&self, until: Instant) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = (*paused).max(Some(until));
    }

    /// Returns how long the host wants no request.
    pub(super) fn paused(&self, now: Instant) -> Option<Duration> {
        let paused = *self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }
}
