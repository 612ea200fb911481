//! Bodies on their way out: how far they are, who is waited for, and what their source says when it fails.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{Stream, StreamExt};

use super::clock::Clock;
use super::rate::Rate;
use super::settings::TimeOuts;
use crate::model::error::{Error, Result};

const ANSWER: u8 = 0;
const SENDING: u8 = 1;
const SOURCE: u8 = 2;

/// What is known of a body on its way out. Clones speak of the same body.
#[derive(Clone, Debug, Default)]
pub struct Flow(Arc<State>);

#[derive(Debug, Default)]
struct State {
    sent: AtomicU64,
    awaited: AtomicU8,
    failed: Mutex<Option<Error>>,
}

impl Flow {
    /// Makes a request's body of `size` bytes from `source`.
    pub fn outgoing<S>(&self, source: S, size: u64, rate: &Rate) -> reqwest::Body
    where
        S: Stream<Item = Result<Bytes>> + Send + Unpin + 'static,
    {
        self.0.awaited.store(if size == 0 { ANSWER } else { SOURCE }, Ordering::Relaxed);
        reqwest::Body::wrap_stream(Outgoing {
            source,
            flow: self.clone(),
            left: size,
            rate: rate.clone(),
            passing: None,
        })
    }

    /// Returns how many bytes were handed to the connection.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Returns the error of the source, if that is what ended the body.
    pub fn source_error(&self) -> Option<Error> {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends, with the time waited, when the other side takes too little or does not answer. Time in which the source
    /// is waited for does not count.
    pub(super) async fn silence(&self, time_outs: &TimeOuts, clock: &dyn Clock) -> Duration {
        loop {
            let (awaited, before) = (self.0.awaited.load(Ordering::Relaxed), self.sent());
            let time = if awaited == ANSWER { time_outs.first_byte } else { time_outs.stall_window };
            clock.timer(time).await;
            if awaited == SOURCE || self.0.awaited.load(Ordering::Relaxed) != awaited {
                continue;
            }
            let least = time_outs.stall_rate.saturating_mul(time_outs.stall_window.as_secs());
            if awaited == ANSWER || self.sent().saturating_sub(before) < least {
                return time;
            }
        }
    }
}

struct Outgoing<S> {
    source: S,
    flow: Flow,
    left: u64,
    rate: Rate,
    /// The wait that is due for what was handed over last.
    passing: Option<BoxFuture<'static, ()>>,
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Stream for Outgoing<S> {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(passing) = &mut self.passing {
            if passing.poll_unpin(context).is_pending() {
                if self.left > 0 {
                    self.flow.0.awaited.store(SOURCE, Ordering::Relaxed);
                }
                return Poll::Pending;
            }
            self.passing = None;
        }
        let polled = self.source.poll_next_unpin(context);
        let state = Arc::clone(&self.flow.0);
        let (awaited, result) = match polled {
            Poll::Pending => (SOURCE, Poll::Pending),
            Poll::Ready(Some(Ok(chunk))) => {
                let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                self.left = self.left.saturating_sub(length);
                self.passing = self.rate.pass(chunk.len());
                state.sent.fetch_add(length, Ordering::Relaxed);
                (if self.left == 0 { ANSWER } else { SENDING }, Poll::Ready(Some(Ok(chunk))))
            }
            Poll::Ready(Some(Err(error))) => {
                *state.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                let ended = std::io::Error::other("the source of the body failed");
                (ANSWER, Poll::Ready(Some(Err(ended))))
            }
            Poll::Ready(None) => (ANSWER, Poll::Ready(None)),
        };
        state.awaited.store(awaited, Ordering::Relaxed);
        result
    }
}
