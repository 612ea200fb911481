//! Small pieces of replies.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;

/// The digest of what is served (OCI distribution spec 1.1, "Pulling manifests").
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A reply in the making.
#[derive(Debug)]
pub(super) struct Reply(Response);

impl Reply {
    /// Begins a reply without a body.
    pub(super) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Self(response)
    }

    /// Sets a header; one that no header can hold is left out.
    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Sets type, length and, unless the request was a HEAD, the body.
    #[must_use]
    pub(super) fn body(mut self, method: &Method, media_type: &str, size: u64, body: Body) -> Self {
        if method != Method::HEAD {
            *self.0.body_mut() = body;
        }
        self.header(CONTENT_TYPE, media_type).header(CONTENT_LENGTH, &size.to_string())
    }

    /// Sets a JSON body.
    #[must_use]
    pub(super) fn json(self, method: &Method, media_type: &str, json: &serde_json::Value) -> Self {
        let bytes = Bytes::from(json.to_string());
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.body(method, media_type, size, Body::from(bytes))
    }

    /// Returns the response.
    pub(super) fn done(self) -> Response {
        self.0
    }
}
