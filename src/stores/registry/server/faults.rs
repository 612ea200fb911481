//! What goes wrong on purpose. A test says, per request, what a real registry, proxy or network might do.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderValue, LOCATION, RANGE};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::damage;
use super::hold::Hold;
use super::log::Number;
use super::site::drain_request;

/// What goes wrong with one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Another answer than the true one: an error, a `Retry-After`, an HTML page with status 200.
    Status {
        /// HTTP status.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// An answer of this status and media type that repeats the request: its credentials and its form.
    Echo {
        /// HTTP status.
        status: u16,
        /// Content type: of JSON it is an error of the specification, of a page the title.
        media_type: &'static str,
    },
    /// Status 307 with this `Location`.
    Redirect(String),
    /// Headers of the true answer set, or removed where there is no value. Removing `content-length` makes the body
    /// chunked.
    Headers(Vec<(String, Option<String>)>),
    /// The connection ends without an answer; the request was not looked at.
    Disconnect,
    /// The request is carried out, but the connection ends without an answer.
    LoseAnswer,
    /// There is never an answer.
    Stall,
    /// The body stops after so many bytes, and the connection stays open.
    StallBodyAfter(u64),
    /// The connection ends after so many bytes of the body.
    CutBodyAfter(u64),
    /// The body ends after so many bytes, as if that were all of it.
    EndBodyAfter(u64),
    /// So many bytes, all zero, follow the body, which is then without a length.
    ExtraBytes(u64),
    /// The lowest bit of the byte at this offset of the body is flipped.
    FlipBit(u64),
    /// The `Range` header is not looked at.
    IgnoreRange,
    /// The query is not looked at: a mount or a whole blob in one POST becomes an open upload, a list has no pages.
    IgnoreQuery,
    /// The request is carried out once the test lets it.
    Hold(Hold),
    /// The connection ends after so many bytes of the request's body have been taken in.
    CutRequestAfter(u64),
}

impl Fault {
    /// Answers with a status and no body.
    pub fn status(status: u16) -> Self {
        Self::Status { status, headers: Vec::new(), body: String::new() }
    }

    /// Answers with status 429 and this `Retry-After`.
    pub fn retry_after(value: &str) -> Self {
        let headers = vec![("retry-after".to_owned(), value.to_owned())];
        Self::Status { status: 429, headers, body: String::new() }
    }

    /// Answers with status 200 and an HTML page, as a proxy that inspects content does.
    pub fn page(html: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Self::Status { status: 200, headers, body: html.to_owned() }
    }
}

/// A request, as a fault sees it.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    /// How many requests came before it.
    pub number: u64,
    /// `GET`, `PUT`, …
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// What stands behind the `?`; empty for none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl RequestView<'_> {
    /// Returns whether it downloads a blob.
    pub fn gets_blob(self) -> bool {
        self.method == "GET" && self.path.contains("/blobs/") && !self.is_upload()
    }

    /// Returns whether it downloads a manifest.
    pub fn gets_manifest(self) -> bool {
        self.method == "GET" && self.path.contains("/manifests/")
    }

    /// Returns whether it belongs to an upload.
    pub fn is_upload(self) -> bool {
        self.path.contains("/blobs/uploads")
    }

    /// Returns whether it asks for a token.
    pub fn is_token(self) -> bool {
        self.path == "/token"
    }
}

/// Says what goes wrong with each request.
#[derive(Clone)]
pub struct Faults(Arc<dyn Fn(&RequestView<'_>) -> Fault + Send + Sync>);

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::new(|_| Fault::None)
    }

    /// Asks `choose` about every request, in the order of their arrival.
    pub fn new(choose: impl Fn(&RequestView<'_>) -> Fault + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    /// The first `count` requests that match have this fault.
    pub fn times(
        count: usize,
        fault: Fault,
        matches: impl Fn(&RequestView<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        let left = AtomicUsize::new(count);
        Self::new(move |view| {
            let taken = matches(view)
                && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            if taken { fault.clone() } else { Fault::None }
        })
    }

    /// Where this has no fault for a request, `other` is asked.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(move |view| match self.choose(view) {
            Fault::None => other.choose(view),
            fault => fault,
        })
    }

    fn choose(&self, view: &RequestView<'_>) -> Fault {
        (self.0)(view)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}

/// Marks a response that is never sent: the connection ends instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unanswered;

/// Lets the faults happen.
pub(super) async fn layer(State(faults): State<Faults>, mut request: Request, next: Next) -> Response {
    let view = RequestView {
        number: request.extensions().get::<Number>().map_or(0, |number| number.0),
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
    };
    match faults.choose(&view) {
        Fault::None => next.run(request).await,
        Fault::Status { status, headers, body } => {
            drain_request(request.into_body()).await;
            instead(status, &headers, body)
        }
        Fault::Echo { status, media_type } => {
            let said = repeated(request).await;
            let body = match media_type {
                "application/json" => json!({"errors": [{"code": "DENIED", "message": said}]}).to_string(),
                _ => format!("<title>{said}</title>"),
            };
            let headers = [
                ("content-type".to_owned(), media_type.to_owned()),
                ("warning".to_owned(), format!("299 - \"{}\"", said.replace('"', ""))),
            ];
            instead(status, &headers, body)
        }
        Fault::Redirect(location) => {
            drain_request(request.into_body()).await;
            instead(307, &[(LOCATION.to_string(), location)], String::new())
        }
        Fault::Headers(headers) => change(next.run(request).await, &headers),
        Fault::Disconnect => unanswered(),
        Fault::LoseAnswer => {
            drop(next.run(request).await);
            unanswered()
        }
        Fault::Stall => std::future::pending().await,
        Fault::StallBodyAfter(count) => next.run(request).await.map(|body| damage::stall(body, count)),
        Fault::CutBodyAfter(count) => next.run(request).await.map(|body| damage::cut(body, count)),
        Fault::EndBodyAfter(count) => damage::end(next.run(request).await, count),
        Fault::ExtraBytes(count) => damage::extend(next.run(request).await, count),
        Fault::FlipBit(offset) => next.run(request).await.map(|body| damage::flip(body, offset)),
        Fault::IgnoreRange => {
            request.headers_mut().remove(RANGE);
            next.run(request).await
        }
        Fault::IgnoreQuery => {
            let path = request.uri().path().parse();
            *request.uri_mut() = path.unwrap_or_default();
            next.run(request).await
        }
        Fault::Hold(hold) => {
            hold.released().await;
            next.run(request).await
        }
        Fault::CutRequestAfter(count) => {
            drop(next.run(request.map(|body| damage::cut(body, count))).await);
            unanswered()
        }
    }
}

/// Returns what a request says of whom it is from, and its form where it has one.
async fn repeated(request: Request) -> String {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 4096).await.unwrap_or_default();
    let form = String::from_utf8(body.to_vec()).unwrap_or_default();
    let secret =
        header.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok()).unwrap_or_default();
    format!("{} {header} {form}", String::from_utf8_lossy(&secret))
}

fn unanswered() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Unanswered);
    response
}

fn instead(status: u16, headers: &[(String, String)], body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    change(response, &headers)
}

fn change(mut response: Response, headers: &[(String, Option<String>)]) -> Response {
    for (name, value) in headers {
        let Ok(name) = name.parse::<HeaderName>() else { continue };
        match value.as_ref().map(|value| HeaderValue::from_str(value)) {
            None => drop(response.headers_mut().remove(name)),
            Some(Ok(value)) => drop(response.headers_mut().insert(name, value)),
            Some(Err(_)) => {}
        }
    }
    response
}
