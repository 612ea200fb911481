//! An answer whose body has not been read, and one whose body has.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::OwnedSemaphorePermit;

use super::clock::Clock;
use super::failure::{Failure, through};
use super::hidden::Hidden;
use super::url::shown;
use crate::model::error::Error;

/// Status and headers of an answer, and where it came from.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method of the request.
    pub method: Method,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered: the last one where there were redirects.
    pub url: Url,
    /// Whether a redirect led to another scheme, host or port.
    pub foreign: bool,
    /// The proxy in between, as it is shown: host and port, and the variable that named it.
    pub proxy: Option<Arc<str>>,
    /// What of the request an error must not repeat.
    pub hidden: Hidden,
}

impl Head {
    /// Returns a header as text.
    pub fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns `Content-Length`, also of an answer to HEAD.
    pub fn length(&self) -> Option<u64> {
        self.text(&CONTENT_LENGTH)?.trim().parse().ok()
    }

    /// Returns `Content-Type` without parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let value = self.text(&CONTENT_TYPE)?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// Returns what was asked, for messages: method and URL without secrets, and the proxy in between.
    pub fn asked(&self) -> String {
        format!("{} {}{}", self.method, shown(&self.url), through(self.proxy.as_deref()))
    }

    /// Returns the proxy that may have answered in the place of the server: one that sees what is in the request.
    pub fn seeing_proxy(&self) -> Option<&str> {
        self.proxy.as_deref().filter(|_| self.url.scheme() == "http")
    }
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    pub(super) inner: reqwest::Response,
    /// The place in the queue, given back when this is dropped.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// An answer whose body is in memory.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status and headers.
    pub head: Head,
    /// The whole body, or its beginning where [`Self::whole`] is false.
    pub body: Bytes,
    /// Whether the body is not longer than what was allowed.
    pub whole: bool,
}

impl Response {
    /// Reads the body, at most `limit` bytes of it. `silence` is the longest time between two pieces.
    pub(super) async fn read(
        mut self,
        limit: u64,
        silence: Duration,
        clock: &dyn Clock,
    ) -> Result<Reply, Failure> {
        let mut body: Vec<u8> = Vec::new();
        let mut whole = true;
        loop {
            let chunk = match select(Box::pin(self.inner.chunk()), clock.timer(silence)).await {
                Either::Left((Ok(chunk), _)) => chunk,
                Either::Left((Err(error), _)) => {
                    let proxy = self.head.proxy.as_deref();
                    return Err(Failure::of(&self.head.method, &self.head.url, proxy, &error));
                }
                Either::Right(_) => {
                    let (method, url, proxy) =
                        (&self.head.method, &self.head.url, self.head.proxy.as_deref());
                    return Err(Failure::time_out(method, url, proxy, silence.as_secs()));
                }
            };
            let Some(chunk) = chunk else { break };
            let room = limit.saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX));
            let taken = usize::try_from(room).unwrap_or(usize::MAX).min(chunk.len());
            whole = taken == chunk.len();
            body.extend_from_slice(chunk.get(..taken).unwrap_or_default());
            if !whole {
                break;
            }
        }
        Ok(Reply { head: self.head, body: body.into(), whole })
    }
}

impl Reply {
    /// Returns the body, or an error where it is longer than what was allowed.
    pub fn whole(self) -> Result<Self, Error> {
        if self.whole {
            return Ok(self);
        }
        Err(Error::Network {
            what: self.head.asked(),
            why: format!("the answer is longer than the {} bytes that are allowed", self.body.len()),
            hint: None,
        })
    }
}
