//! What is remembered of a host for the life of the process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::request::Lane;

/// How long the pieces of a body may be that is too long for a host, longest first. Servers that stand in front of
/// registries limit bodies to 1 MiB where nobody has changed that, and often to 100 MB.
const PIECES: [u64; 4] = [64 << 20, 16 << 20, 4 << 20, 1 << 20];

/// One host and port.
#[derive(Debug)]
pub(super) struct Host {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    answered: AtomicBool,
    /// Until then the host wants no request.
    paused: Mutex<Option<Instant>>,
    /// A longer body was refused.
    longest_body: AtomicU64,
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
            longest_body: AtomicU64::new(u64::MAX),
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

    /// Returns the length that no body should exceed, as far as is known.
    pub(super) fn longest_body(&self) -> u64 {
        self.longest_body.load(Ordering::Relaxed)
    }

    /// Remembers that a body of `length` bytes was too long. Returns false where no shorter one is worth a try.
    pub(super) fn refused_body(&self, length: u64) -> bool {
        let shorter = PIECES.into_iter().find(|piece| *piece < length);
        if let Some(piece) = shorter {
            self.longest_body.fetch_min(piece, Ordering::Relaxed);
        }
        shorter.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_get_shorter_until_there_is_no_point() {
        let host = Host::new(1);
        assert_eq!(host.longest_body(), u64::MAX);
        for (refused, going_on, longest) in [
            (3_000_000_000, true, 64 << 20),
            (50 << 20, true, 16 << 20),
            // Others were under way when the first was refused.
            (60 << 20, true, 16 << 20),
            (2 << 20, true, 1 << 20),
            (1 << 20, false, 1 << 20),
        ] {
            assert_eq!((host.refused_body(refused), host.longest_body()), (going_on, longest), "{refused}");
        }
    }
}
