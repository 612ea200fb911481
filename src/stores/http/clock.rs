//! Time and chance, injected, so that tests neither wait nor guess.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::{BoxFuture, FutureExt};

/// Tells the time and waits.
pub trait Clock: Send + Sync + Debug {
    /// Returns a time that only grows.
    fn now(&self) -> Instant;
    /// Returns the date, which `Retry-After` may name.
    fn date(&self) -> SystemTime;
    /// Ends after `time`: a wait before a retry.
    fn wait(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// Ends after `time`: a time-out, which usually is dropped before.
    fn timer(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// Returns a random number from 0 to 1, for jitter.
    fn chance(&self) -> f64;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }

    fn timer(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }
}
