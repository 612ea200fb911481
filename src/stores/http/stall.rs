//! The stall rule: a transfer that moves next to nothing is ended, so that it can be resumed.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt};

use super::clock::Clock;
use super::settings::TimeOuts;

/// Watches one body. Time in which the reader does not ask for bytes does not count.
pub(super) struct Stall {
    clock: Arc<dyn Clock>,
    time_outs: TimeOuts,
    timer: Option<BoxFuture<'static, ()>>,
    bytes: u64,
    first: bool,
    waiting_since: Option<Instant>,
    waited: Duration,
}

impl Stall {
    /// Begins before the first byte.
    pub(super) fn new(clock: Arc<dyn Clock>, time_outs: TimeOuts) -> Self {
        Self {
            clock,
            time_outs,
            timer: None,
            bytes: 0,
            first: true,
            waiting_since: None,
            waited: Duration::ZERO,
        }
    }

    /// Counts bytes that have come.
    pub(super) fn moved(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if let Some(since) = self.waiting_since.take() {
            self.waited = self.waited.saturating_add(self.clock.now().saturating_duration_since(since));
        }
        if self.first {
            self.first = false;
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.timer = None;
        self.bytes = 0;
        self.waited = Duration::ZERO;
        self.waiting_since = None;
    }

    fn window(&self) -> Duration {
        if self.first { self.time_outs.first_byte } else { self.time_outs.stall_window }
    }

    /// Is asked while no byte is there. Returns the window once too little has come in it.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Duration> {
        let window = self.window();
        loop {
            let now = self.clock.now();
            let since = *self.waiting_since.get_or_insert(now);
            let timer = self.timer.get_or_insert_with(|| self.clock.timer(window));
            if timer.poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
            let waited = self.waited.saturating_add(self.clock.now().saturating_duration_since(since));
            let least = self.time_outs.stall_rate.saturating_mul(window.as_secs());
            // A reader that was away for half of the window says nothing about the sender.
            let judged = waited.saturating_mul(2) >= window;
            if judged && (self.first || self.bytes < least) {
                return Poll::Ready(window);
            }
            self.restart();
        }
    }
}
