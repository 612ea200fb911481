//! A request, as often as it is sent.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// What a request waits for where many go to one host. Whoever holds [`Lane::Bodies`] may wait for
/// [`Lane::Requests`], never the other way round, so that nobody waits for himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Answers that are short, and bodies on their way out.
    Requests,
    /// Blobs on their way in: the place is held until the body ends or is dropped.
    Bodies,
    /// Never waits: tokens.
    Free,
}

/// A request that can be sent again.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// Headers that go along to wherever the request is redirected; nothing secret.
    pub headers: HeaderMap,
    /// `Authorization`: for the origin of [`Self::url`] only.
    pub authorization: Option<HeaderValue>,
    /// The body.
    pub body: Bytes,
    /// Which queue it stands in.
    pub lane: Lane,
}

impl Request {
    /// Makes a request without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: Bytes::new(),
            lane: Lane::Requests,
        }
    }

    /// Makes a GET.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// Sets the queue.
    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }
}
