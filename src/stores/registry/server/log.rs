//! What was asked of a server, for tests that count requests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_RANGE, HeaderName, RANGE};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;

/// A request as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// How many came before it.
    pub number: u64,
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path.
    pub path: String,
    /// What stands behind the `?`; empty for none.
    pub query: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `Content-Range` header.
    pub content_range: Option<String>,
    /// Scheme of the `Authorization` header: `Basic`, `Bearer`. The credentials themselves are not kept.
    pub authorization: Option<String>,
    /// The status that was answered; none while there is no answer.
    pub status: Option<u16>,
    /// Bytes of the request's body that were read.
    pub bytes_in: u64,
    /// Bytes of the reply's body that were sent.
    pub bytes_out: u64,
}

/// What changes about a request after it has arrived.
#[derive(Debug, Default)]
struct Counts {
    status: AtomicU16,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// The newest requests, in the order of their arrival.
#[derive(Debug)]
pub(super) struct Log {
    state: Mutex<Entries>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    kept: VecDeque<(Logged, Arc<Counts>)>,
}

/// The number of a request, handed on to the layers below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) u64);

impl Log {
    pub(super) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, request: &Request) -> (u64, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        let header = |name: HeaderName| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let scheme = |text: String| text.split(' ').next().unwrap_or_default().to_owned();
        let mut entries = self.lock();
        let number = entries.next;
        entries.next = number.saturating_add(1);
        let logged = Logged {
            number,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            range: header(RANGE),
            content_range: header(CONTENT_RANGE),
            authorization: header(AUTHORIZATION).map(scheme),
            status: None,
            bytes_in: 0,
            bytes_out: 0,
        };
        if entries.kept.len() >= self.limit {
            entries.kept.pop_front();
        }
        entries.kept.push_back((logged, Arc::clone(&counts)));
        (number, counts)
    }

    /// Returns what was asked since the last [`Log::clear`], as far as it is kept.
    pub(super) fn requests(&self) -> Vec<Logged> {
        let now = |(logged, counts): &(Logged, Arc<Counts>)| Logged {
            status: Some(counts.status.load(Ordering::SeqCst)).filter(|status| *status != 0),
            bytes_in: counts.bytes_in.load(Ordering::SeqCst),
            bytes_out: counts.bytes_out.load(Ordering::SeqCst),
            ..logged.clone()
        };
        self.lock().kept.iter().map(now).collect()
    }

    /// Forgets what was asked; numbers go on.
    pub(super) fn clear(&self) {
        self.lock().kept.clear();
    }
}

/// Logs every request.
pub(super) async fn layer(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let (number, counts) = log.add(&request);
    let counts_in = Arc::clone(&counts);
    let mut request = request.map(|body| count(body, move |bytes| &bytes.bytes_in, counts_in));
    request.extensions_mut().insert(Number(number));
    let response = next.run(request).await;
    counts.status.store(response.status().as_u16(), Ordering::SeqCst);
    response.map(|body| count(body, |bytes| &bytes.bytes_out, counts))
}

fn count(body: Body, which: impl Fn(&Counts) -> &AtomicU64 + Send + 'static, counts: Arc<Counts>) -> Body {
    Body::new(body.map_frame(move |frame| {
        let length = frame.data_ref().map_or(0, bytes::Bytes::len);
        which(&counts).fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Ordering::SeqCst);
        frame
    }))
}
