//! How many bytes a second may pass, all hosts and both directions together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::clock::Clock;

/// What was not used of the past is not made up for, but for this much.
const SLACK: Duration = Duration::from_millis(100);

/// A bucket of bytes that fills at a steady rate, or no bound at all. Clones share the bucket.
#[derive(Clone, Debug)]
pub struct Rate(Option<Arc<Bucket>>);

#[derive(Debug)]
struct Bucket {
    per_second: u64,
    clock: Arc<dyn Clock>,
    /// When all that has passed so far would have passed at this rate.
    paid_until: Mutex<Option<Instant>>,
}

impl Rate {
    /// Allows so many bytes a second; `None` and zero allow any number.
    pub(super) fn new(per_second: Option<u64>, clock: &Arc<dyn Clock>) -> Self {
        let bucket =
            |per_second| Bucket { per_second, clock: Arc::clone(clock), paid_until: Mutex::default() };
        Self(per_second.filter(|rate| *rate > 0).map(bucket).map(Arc::new))
    }

    /// Counts bytes that pass now, and returns the wait that is due before more may.
    pub(super) fn pass(&self, bytes: usize) -> Option<BoxFuture<'static, ()>> {
        let bucket = self.0.as_ref()?;
        let wait = bucket.pay(u64::try_from(bytes).unwrap_or(u64::MAX));
        (!wait.is_zero()).then(|| bucket.clock.wait(wait))
    }

    /// As [`Rate::pass`], and waits.
    pub(super) async fn passed(&self, bytes: usize) {
        if let Some(wait) = self.pass(bytes) {
            wait.await;
        }
    }
}

impl Bucket {
    fn pay(&self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes).saturating_mul(1_000_000_000) / u128::from(self.per_second);
        let price = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let now = self.clock.now();
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.checked_sub(SLACK).unwrap_or(now);
        let from = paid_until.map_or(since, |paid_until| paid_until.max(since));
        let until = from.checked_add(price).unwrap_or(from);
        *paid_until = Some(until);
        until.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::SystemClock;
    use super::*;

    #[test]
    fn bytes_have_to_wait_for_those_before_them() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let bucket = Bucket { per_second: 1000, clock: Arc::clone(&clock), paid_until: Mutex::default() };
        let first = bucket.pay(1000);
        assert!(first > Duration::from_millis(800) && first <= Duration::from_millis(900), "{first:?}");
        let second = bucket.pay(1000);
        assert!(second > Duration::from_millis(1800) && second <= Duration::from_millis(1900), "{second:?}");
        assert!(Rate::new(Some(1000), &clock).pass(1).is_none(), "a byte is within the slack");
        assert!(Rate::new(None, &clock).pass(1 << 30).is_none());
        assert!(Rate::new(Some(0), &clock).pass(1 << 30).is_none());
    }
}
