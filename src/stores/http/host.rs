//! What is remembered of a host for the life of the process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::quota::Quota;
use super::request::Lane;

/// How long the pieces of a body may be that is too long for a host, longest first. Servers that stand in front of
/// registries limit bodies to 1 MiB where nobody has changed that, and often to 100 MB.
const PIECES: [u64; 4] = [64 << 20, 16 << 20, 4 << 20, 1 << 20];

/// One host and port.
#[derive(Debug)]
pub(in crate::stores) struct Host {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    answered: AtomicBool,
    /// Until then the host wants no request.
    paused: Mutex<Option<Instant>>,
    /// A longer body was refused.
    longest_body: AtomicU64,
    /// When patience ends with a host that lets nobody pull; none while it does.
    denied: Mutex<Option<Instant>>,
    /// Pulls that are still to come, as far as they are known.
    expected: AtomicU64,
    /// Whether it was told that few pulls are left.
    told: AtomicBool,
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
            denied: Mutex::new(None),
            expected: AtomicU64::new(0),
            told: AtomicBool::new(false),
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

    /// Remembers that the host answers at all, and whether it lets somebody in.
    pub(super) fn has_answered(&self, status: StatusCode) {
        self.answered.store(true, Ordering::Relaxed);
        if status.is_success() {
            *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Returns whether the host has let nobody in for longer than `patience`.
    pub(super) fn is_denied(&self, now: Instant, patience: Duration) -> bool {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = *denied {
            return now >= until;
        }
        *denied = now.checked_add(patience);
        false
    }

    /// Counts pulls that will come.
    pub(in crate::stores) fn expect_pulls(&self, count: u64) {
        self.expected.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts one that came.
    pub(in crate::stores) fn has_pulled(&self) {
        let less = |expected: u64| expected.checked_sub(1);
        // More than were expected are none.
        let _ = self.expected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Returns whether few pulls are left for the first time. The one that says so is still counted among those to come.
    pub(super) fn is_news(&self, quota: &Quota) -> bool {
        let needed = self.expected.load(Ordering::Relaxed).saturating_sub(1);
        quota.is_low(needed) && !self.told.swap(true, Ordering::Relaxed)
    }

    /// Returns whether the host has ever answered.
    pub(super) fn answers(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Remembers that the host wants no request for a while.
    pub(super) fn pause(&self, now: Instant, wait: Duration) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = (*paused).max(now.checked_add(wait));
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
