//! Bodies on their way in, which go on where they were cut off.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, Stream, StreamExt};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use tokio::sync::OwnedSemaphorePermit;

use super::HttpClient;
use super::page;
use super::request::Request;
use super::response::{Head, Response};
use super::retry::Tries;
use super::stall::Stall;
use super::url::authority;
use crate::content::body::{MAX_CHUNK, RawBody};
use crate::model::error::{Error, Result};

/// Asks for the body from an offset: sends `Range` where the offset is not zero, and credentials where they are needed.
/// An answer is a success (200 or 206); everything else is an error.
pub type Open = Arc<dyn Fn(u64) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

/// What is opened, for checks and messages.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What it is, for messages: ``blob `sha256:…` of registry `ghcr.io` ``.
    pub what: String,
    /// The length of the whole in bytes.
    pub size: u64,
    /// Whether the content may be a page of HTML.
    pub may_be_page: bool,
}

/// Adds `Range` to a request.
#[must_use]
pub fn from_offset(request: Request, offset: u64) -> Request {
    if offset == 0 {
        return request;
    }
    match HeaderValue::try_from(format!("bytes={offset}-")) {
        Ok(range) => request.header(RANGE, range),
        Err(_) => request,
    }
}

/// Opens a body at `offset` and returns it from there to its end. Faults on the way are met by opening it again where
/// it was cut off, as long as there is progress within the tries.
pub async fn body(client: &HttpClient, expected: Expected, offset: u64, open: Open) -> Result<RawBody> {
    if offset == expected.size && offset > 0 {
        return Ok(futures_util::stream::empty().boxed());
    }
    let first = open(offset).await?;
    let mut resuming = Resuming {
        client: client.clone(),
        tries: client.tries(),
        expected,
        open,
        at: offset,
        skip: 0,
        reading: None,
        rest: Bytes::new(),
        opening: None,
        passing: None,
    };
    resuming.begin(first).await?;
    Ok(resuming.boxed())
}

struct Reading {
    chunks: BoxStream<'static, reqwest::Result<Bytes>>,
    stall: Stall,
    head: Head,
    _place: Option<OwnedSemaphorePermit>,
}

struct Resuming {
    client: HttpClient,
    tries: Tries,
    expected: Expected,
    open: Open,
    /// The offset of the next byte that is handed out.
    at: u64,
    /// Bytes that a server sends again because it does not know `Range`.
    skip: u64,
    reading: Option<Reading>,
    /// What is left of a chunk that was too long.
    rest: Bytes,
    opening: Option<BoxFuture<'static, (Tries, Result<Response>)>>,
    /// The wait that is due for what was handed out last.
    passing: Option<BoxFuture<'static, ()>>,
}

impl Resuming {
    /// Checks an answer and reads from it.
    async fn begin(&mut self, response: Response) -> Result<()> {
        let (head, size) = (&response.head, self.expected.size);
        let is_page = head.media_type().is_some_and(|media_type| page::is_page(&media_type));
        if is_page && !self.expected.may_be_page && head.length() != Some(size.saturating_sub(self.at)) {
            let reply = self.client.read(response, page::MAX_PAGE).await.map_err(|failure| failure.error)?;
            return Err(page::unexpected(&reply, &self.expected.what));
        }
        self.take(response)
    }

    fn take(&mut self, response: Response) -> Result<()> {
        let Response { head, inner, place } = response;
        self.skip = self.check(&head)?;
        let stall = Stall::new(Arc::clone(self.client.clock()), self.client.settings().time_outs);
        self.reading = Some(Reading { chunks: inner.bytes_stream().boxed(), stall, head, _place: place });
        Ok(())
    }

    /// Returns how many bytes come before the one that is wanted.
    fn check(&self, head: &Head) -> Result<u64> {
        let size = self.expected.size;
        let (start, total) = if head.status == StatusCode::PARTIAL_CONTENT {
            let range = head.text(&CONTENT_RANGE).unwrap_or_default();
            let Some(range) = content_range(range) else {
                return Err(self.wrong(head, format!("it answered with `Content-Range: {range}`")));
            };
            range
        } else {
            (0, head.length())
        };
        if start > self.at {
            return Err(self.wrong(head, format!("it was asked for byte {}, but began at {start}", self.at)));
        }
        match total {
            Some(total) if total != size => Err(Error::Mismatch {
                what: format!("reading from `{}`: {}", authority(&head.url), self.expected.what),
                expected: format!("{size} bytes"),
                got: format!("{total} bytes"),
            }),
            _ => Ok(self.at.saturating_sub(start)),
        }
    }

    fn wrong(&self, head: &Head, why: String) -> Error {
        Error::Network { what: format!("{}: {}", head.asked(), self.expected.what), why, hint: None }
    }

    /// Drops what was being read and opens it again after a while.
    fn reopen(&mut self, why: String) {
        let Some(reading) = self.reading.take() else { return };
        let what = format!("{}: {}", reading.head.asked(), self.expected.what);
        let (client, open, mut tries, at) =
            (self.client.clone(), Arc::clone(&self.open), self.tries, self.at);
        drop(reading);
        self.opening = Some(
            async move {
                let Some(wait) = tries.wait(None, client.clock().chance()) else {
                    return (tries, Err(Error::Network { what, why, hint: None }));
                };
                client
                    .progress()
                    .note(&format!("{what}: {why} at byte {at}; going on in {:.1} s", wait.as_secs_f64()));
                client.clock().wait(wait).await;
                (tries, open(at).await)
            }
            .boxed(),
        );
    }

    /// Hands out a chunk without what was skipped and in pieces of at most [`MAX_CHUNK`].
    fn hand_out(&mut self, mut chunk: Bytes) -> Option<Bytes> {
        if self.skip > 0 {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
            let _ = chunk.split_to(skipped);
            self.skip = self.skip.saturating_sub(u64::try_from(skipped).unwrap_or(0));
        }
        if chunk.len() > MAX_CHUNK {
            self.rest = chunk.split_off(MAX_CHUNK);
        }
        if chunk.is_empty() {
            return None;
        }
        self.at = self.at.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        self.tries.progressed();
        self.passing = self.client.rate().pass(chunk.len());
        Some(chunk)
    }
}

impl Stream for Resuming {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(passing) = &mut this.passing {
                futures_util::ready!(passing.poll_unpin(context));
                this.passing = None;
            }
            if let Some(opening) = &mut this.opening {
                let (tries, opened) = futures_util::ready!(opening.poll_unpin(context));
                this.opening = None;
                this.tries = tries;
                if let Err(error) = opened.and_then(|response| this.take(response)) {
                    return Poll::Ready(Some(Err(error)));
                }
            }
            if !this.rest.is_empty() {
                let rest = std::mem::take(&mut this.rest);
                if let Some(chunk) = this.hand_out(rest) {
                    return Poll::Ready(Some(Ok(chunk)));
                }
            }
            let Some(reading) = &mut this.reading else { return Poll::Ready(None) };
            match reading.chunks.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(chunk))) => {
                    reading.stall.moved(chunk.len());
                    if let Some(chunk) = this.hand_out(chunk) {
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                }
                Poll::Ready(None) if this.at >= this.expected.size => {
                    this.reading = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(None) => this.reopen("the body ended early".to_owned()),
                Poll::Ready(Some(Err(_))) => this.reopen("the connection broke off".to_owned()),
                Poll::Pending => match reading.stall.poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(window) => {
                        this.reopen(format!("next to nothing came for {} seconds", window.as_secs()));
                    }
                },
            }
        }
    }
}

/// Reads `Content-Range: bytes START-END/TOTAL` (RFC 9110, section 14.4); `TOTAL` may be `*`.
pub(in crate::stores) fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (start <= end).then_some((start, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_content_ranges() {
        for (value, expected) in [
            ("bytes 5-9/10", Some((5, Some(10)))),
            ("bytes 0-0/*", Some((0, None))),
            ("bytes 9-5/10", None),
            ("bytes */10", None),
            ("5-9/10", None),
            ("", None),
        ] {
            assert_eq!(content_range(value), expected, "{value}");
        }
    }
}
