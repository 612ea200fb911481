//! A request, as often as it is sent.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::tls::Shows;

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

/// How far a request may be redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nowhere but to other paths of the same scheme, host and port: what it says is secret.
    Origin,
    /// Anywhere, unless it has a body.
    Bare,
    /// Anywhere, with its body: that is public.
    Public,
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
    /// Which client certificates are shown to the origin of [`Self::url`].
    pub shows: Shows,
    /// How far it may be redirected.
    pub reach: Reach,
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
            shows: Shows::Own,
            reach: Reach::Bare,
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

    /// Sets which client certificates are shown.
    #[must_use]
    pub fn shows(mut self, shows: Shows) -> Self {
        self.shows = shows;
        self
    }

    /// Sets how far it may be redirected.
    #[must_use]
    pub fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }
}
