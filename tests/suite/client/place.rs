//! A client whose clock does not make anybody wait, and what it reports.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use airgap_bundle::content::body::{ProvenBody, RawBody, raw_of};
use airgap_bundle::content::progress::Progress;
use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::error::Result;
use airgap_bundle::stores::http::clock::Clock;
use airgap_bundle::stores::http::{HttpClient, HttpSettings};
use airgap_bundle::stores::registry::client::{RegistryClient, RegistrySettings, Repository};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::sync::watch;

/// A clock that stands still: a wait ends at once and is remembered, and a time-out comes only when a test moves the
/// clock.
#[derive(Debug)]
pub(crate) struct Still {
    began: Instant,
    moved: watch::Sender<Duration>,
    waits: Mutex<Vec<Duration>>,
}

impl Still {
    fn new() -> Self {
        Self { began: Instant::now(), moved: watch::Sender::new(Duration::ZERO), waits: Mutex::default() }
    }

    /// Moves the clock on.
    pub(crate) fn advance(&self, time: Duration) {
        self.moved.send_modify(|moved| *moved += time);
    }
}

impl Clock for Still {
    fn now(&self) -> Instant {
        self.began + *self.moved.borrow()
    }

    fn date(&self) -> SystemTime {
        // Friday, 6 November 2026, 10:00:00 GMT.
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_959_200)
    }

    fn wait(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().unwrap().push(time);
        self.moved.send_if_modified(|moved| {
            *moved += time;
            false
        });
        tokio::task::yield_now().boxed()
    }

    fn timer(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (mut moved, until) = (self.moved.subscribe(), *self.moved.borrow() + time);
        async move {
            moved.mark_unchanged();
            loop {
                if moved.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                if *moved.borrow() >= until {
                    return;
                }
            }
        }
        .boxed()
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

/// Remembers notes and requests.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) requests: Mutex<Vec<String>>,
}

impl Progress for Heard {
    fn phase(&self, _: &'static str, _: Option<u64>, _: Option<u64>) {}
    fn moved(&self, _: u64) {}
    fn begun(&self, _: &str) {}
    fn ended(&self, _: &str) {}
    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
    fn request(&self, text: &str) {
        self.requests.lock().unwrap().push(text.to_owned());
    }
}

/// A client, its clock and what it reported.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) client: RegistryClient,
    pub(crate) clock: Arc<Still>,
    pub(crate) heard: Arc<Heard>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(&HttpSettings::default(), &RegistrySettings::default()).unwrap()
    }

    pub(crate) fn with(http: &HttpSettings, registry: &RegistrySettings) -> Result<Self> {
        let (clock, heard) = (Arc::new(Still::new()), Arc::new(Heard::default()));
        let http = HttpClient::with_clock(http, Arc::clone(&heard) as _, Arc::clone(&clock) as _)?;
        Ok(Self { client: RegistryClient::new(http, registry)?, clock, heard })
    }

    /// Returns the waits so far, in milliseconds.
    pub(crate) fn waits(&self) -> Vec<u128> {
        self.clock.waits.lock().unwrap().iter().map(Duration::as_millis).collect()
    }

    /// Fetches a blob and proves it.
    pub(crate) async fn get(&self, repository: &Repository, blob: &Descriptor) -> Result<Bytes> {
        let raw = self.client.blob(repository, blob, 0).await?;
        ProvenBody::new(blob, raw, "registry").bytes().await
    }

    /// Uploads a blob from memory, in pieces.
    pub(crate) async fn put(&self, repository: &Repository, bytes: &[u8]) -> Result<Descriptor> {
        let blob = Descriptor::of("application/octet-stream", bytes);
        self.client.for_push().upload(repository, &blob, None, opener(&blob, bytes)).await?;
        Ok(blob)
    }
}

/// Opens `bytes` from an offset, proven as `blob`.
pub(crate) fn opener(
    blob: &Descriptor,
    bytes: &[u8],
) -> impl Fn(u64) -> BoxFuture<'static, Result<ProvenBody>> + Send + Sync + use<> {
    let (blob, bytes) = (blob.clone(), Bytes::copy_from_slice(bytes));
    move |offset| {
        let offset = usize::try_from(offset).unwrap();
        let mut hasher = airgap_bundle::model::digest::Hasher::new(blob.digest.algorithm());
        hasher.update(&bytes[..offset]);
        let raw = raw_of(bytes.slice(offset..).chunks(50_000).map(Bytes::copy_from_slice).collect());
        let body = ProvenBody::resume(&blob, raw, "memory", hasher, u64::try_from(offset).unwrap());
        std::future::ready(Ok(body)).boxed()
    }
}

/// Reads a body to its end.
pub(crate) async fn read(body: RawBody) -> Result<Vec<u8>> {
    body.try_fold(Vec::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    })
    .await
}
