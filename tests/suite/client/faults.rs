//! What goes wrong while reading, and what the client makes of it.

use std::time::Duration;

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::error::Error;
use airgap_bundle::stores::http::{HttpSettings, RetrySettings};
use airgap_bundle::stores::registry::client::{By, Repository};
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, RequestView, Server};

use super::place::Place;
use crate::fixture::{bytes, image};

const SIZE: usize = 300_000;

/// A server with one image, whose second blob is a layer, and with faults.
struct Broken {
    server: Server,
    place: Place,
    repository: Repository,
    layer: Descriptor,
    content: Vec<u8>,
}

impl Broken {
    fn new(faults: Faults) -> Self {
        let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
        image(1, 1, SIZE).put(server.registry(), "a", Some("v1"));
        let content = bytes(5, SIZE);
        let digest = server.registry().put_blob("a", &content).unwrap();
        let layer = Descriptor::new("", digest, SIZE.try_into().unwrap());
        let repository = Repository::new(&server.host(), "a").unwrap();
        Self { server, place: Place::new(), repository, layer, content }
    }

    fn blobs(count: usize, fault: Fault) -> Self {
        Self::new(Faults::times(count, fault, |view| view.gets_blob()))
    }

    /// Fetches the blob, and asserts that it is right.
    async fn get(&self) {
        assert_eq!(self.place.get(&self.repository, &self.layer).await.unwrap(), self.content);
    }

    async fn fail(&self) -> Error {
        self.place.get(&self.repository, &self.layer).await.unwrap_err()
    }

    /// Returns the ranges that were asked for.
    fn ranges(&self) -> Vec<Option<String>> {
        self.server.requests().into_iter().filter(|r| r.method == "GET").map(|r| r.range).collect()
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    for (value, waited) in [("7", 7350), ("Fri, 06 Nov 2026 10:01:00 GMT", 63_000), ("9999", 315_000)] {
        let broken = Broken::blobs(1, Fault::retry_after(value));
        broken.get().await;
        assert_eq!(broken.place.waits(), [waited], "{value}");
    }
}

#[tokio::test]
async fn servers_in_trouble_are_asked_again_with_growing_waits() {
    for fault in
        [Fault::status(503), Fault::status(500), Fault::status(408), Fault::Disconnect, Fault::LoseAnswer]
    {
        let broken = Broken::blobs(3, fault.clone());
        broken.get().await;
        assert_eq!(broken.place.waits(), [500, 1250, 3125], "{fault:?}");
    }
}

#[tokio::test]
async fn patience_ends() {
    let broken = Broken::blobs(100, Fault::status(502));
    let error = broken.fail().await;
    assert!(matches!(error, Error::Remote { status: 502, .. }), "{error}");
    assert_eq!(broken.place.waits().len(), 7, "eight tries");
    let broken = Broken::blobs(100, Fault::Disconnect);
    assert!(matches!(broken.fail().await, Error::Network { .. }));
    assert_eq!(broken.ranges().len(), 8);
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    for status in [400, 403, 404, 405, 501] {
        let broken = Broken::blobs(100, Fault::status(status));
        broken.fail().await;
        assert_eq!((broken.ranges().len(), broken.place.waits().len()), (1, 0), "{status}");
    }
}

#[tokio::test]
async fn a_cut_blob_goes_on_where_it_was() {
    for fault in [Fault::CutBodyAfter(100_000), Fault::EndBodyAfter(100_000)] {
        let broken = Broken::blobs(1, fault.clone());
        let got = broken.place.get(&broken.repository, &broken.layer).await;
        if matches!(fault, Fault::EndBodyAfter(_)) {
            // The length of the answer contradicts the descriptor: nobody can mend that.
            assert!(matches!(got, Err(Error::Mismatch { .. })), "{got:?}");
            continue;
        }
        assert_eq!(got.unwrap(), broken.content);
        assert_eq!(broken.ranges(), [None, Some("bytes=100000-".to_owned())]);
        let sent: u64 = broken.server.requests().iter().map(|request| request.bytes_out).sum();
        assert!(sent <= 305_000, "{sent}");
    }
}

#[tokio::test]
async fn progress_forgets_failures() {
    // Twenty cuts, each after 15,000 bytes: more than the tries, but none without progress.
    let broken = Broken::blobs(19, Fault::CutBodyAfter(15_000));
    broken.get().await;
    assert!(broken.place.waits().iter().all(|wait| *wait == 500), "{:?}", broken.place.waits());
}

#[tokio::test]
async fn no_progress_ends() {
    let broken = Broken::blobs(100, Fault::CutBodyAfter(0));
    let error = broken.fail().await;
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert!(error.to_string().contains("broke off"), "{error}");
    assert_eq!(broken.ranges().len(), 8);
}

#[tokio::test]
async fn a_server_without_ranges_sends_from_the_beginning() {
    let cut = Faults::times(1, Fault::CutBodyAfter(100_000), |view| view.gets_blob());
    let broken = Broken::new(cut.or(Faults::times(1, Fault::IgnoreRange, |view| view.gets_blob())));
    broken.get().await;
    assert_eq!(broken.ranges().len(), 2);
}

#[tokio::test]
async fn a_wrong_range_is_refused() {
    for range in ["bytes 100001-299999/300000", "bytes 5-299999/9", "nonsense"] {
        let wrong = Fault::Headers(vec![("content-range".to_owned(), Some(range.to_owned()))]);
        let cut = Faults::times(1, Fault::CutBodyAfter(100_000), |view| view.gets_blob());
        let broken = Broken::new(cut.or(Faults::times(1, wrong, |view| view.gets_blob())));
        broken.fail().await;
    }
}

#[tokio::test]
async fn wrong_bytes_and_wrong_sizes_are_found() {
    for fault in [Fault::FlipBit(299_999), Fault::FlipBit(0), Fault::ExtraBytes(1)] {
        let error = Broken::blobs(1, fault.clone()).fail().await;
        assert_eq!(error.exit_code(), 3, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn a_page_is_not_a_blob() {
    let broken = Broken::blobs(1, Fault::page("<html><title>Access denied by policy</title>"));
    let error = broken.fail().await;
    let text = error.to_string();
    assert!(text.contains("`text/html`") && text.contains("`Access denied by policy`"), "{text}");
    let broken =
        Broken::new(Faults::times(1, Fault::page("<title>Log in</title>"), |view| view.gets_manifest()));
    let error = broken.place.client.manifest(&broken.repository, By::Tag("v1")).await.unwrap_err();
    assert!(error.to_string().contains("`Log in`"), "{error}");
}

#[tokio::test]
async fn manifests_are_bounded_and_proven() {
    let gets = |view: &RequestView<'_>| view.gets_manifest();
    let broken = Broken::new(Faults::times(1, Fault::ExtraBytes(9 << 20), gets));
    let error = broken.place.client.manifest(&broken.repository, By::Tag("v1")).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
    let digest = image(1, 1, SIZE).digest();
    for by in [By::Tag("v1"), By::Digest(&digest)] {
        let broken = Broken::new(Faults::times(2, Fault::FlipBit(9), gets));
        let error = broken.place.client.manifest(&broken.repository, by).await.unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        assert_eq!(broken.ranges().len(), 2, "it was asked for once more");
        let fetched = broken.place.client.manifest(&broken.repository, by).await.unwrap();
        assert_eq!(fetched.descriptor.digest, digest);
    }
}

#[tokio::test]
async fn a_manifest_that_breaks_off_is_asked_for_again() {
    let broken = Broken::new(Faults::times(2, Fault::CutBodyAfter(20), |view| view.gets_manifest()));
    let fetched = broken.place.client.manifest(&broken.repository, By::Tag("v1")).await.unwrap();
    assert_eq!(fetched.descriptor.digest, image(1, 1, SIZE).digest());
    assert_eq!(broken.place.waits(), [500, 1250]);
}

#[tokio::test]
async fn a_pinned_digest_wins_over_headers() {
    let lie = format!("sha256:{}", "0".repeat(64));
    let header = |value: Option<String>| Fault::Headers(vec![("docker-content-digest".to_owned(), value)]);
    let always =
        |fault: Fault| Broken::new(Faults::times(100, fault, |view| view.path.contains("/manifests/")));
    let digest = image(1, 1, SIZE).digest();
    let broken = always(header(Some(lie)));
    let fetched = broken.place.client.manifest(&broken.repository, By::Digest(&digest)).await.unwrap();
    assert_eq!(fetched.descriptor.digest, digest);
    assert!(broken.place.client.manifest(&broken.repository, By::Tag("v1")).await.is_err());
    let broken = always(header(None));
    let head = broken.place.client.head_manifest(&broken.repository, By::Tag("v1")).await.unwrap();
    assert_eq!(head.map(|descriptor| descriptor.digest), Some(digest), "HEAD says too little, GET says it");
}

#[tokio::test]
async fn a_host_that_was_never_there_does_not_take_minutes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let place = Place::new();
    let repository = Repository::new(&host, "a").unwrap();
    let error = place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err();
    assert!(error.to_string().contains(&format!("could not connect to `{host}`")), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("nothing accepts connections")), "{error:?}");
    assert_eq!(place.waits(), [500, 1250]);
}

#[tokio::test]
async fn fewer_tries_can_be_asked_for() {
    let server = Server::start(Options {
        faults: Faults::times(100, Fault::status(503), |_| true),
        ..Options::memory()
    })
    .unwrap();
    let retry = RetrySettings { tries: 1, first_wait: Duration::from_secs(1), ..RetrySettings::default() };
    let place = Place::with(
        &HttpSettings { retry, plain_http: vec![server.host()], ..HttpSettings::default() },
        &airgap_bundle::stores::registry::client::RegistrySettings::default(),
    )
    .unwrap();
    let repository = Repository::new(&server.host(), "a").unwrap();
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err();
    assert_eq!((server.requests().len(), place.waits().len()), (1, 0));
}

#[tokio::test]
async fn what_happens_is_told_without_secrets() {
    let broken = Broken::blobs(1, Fault::CutBodyAfter(100_000));
    broken.get().await;
    let notes = broken.place.heard.notes.lock().unwrap().clone();
    assert!(matches!(&notes[..], [note] if note.contains("at byte 100000")), "{notes:?}");
    let requests = broken.place.heard.requests.lock().unwrap().clone();
    let digest = broken.layer.digest;
    assert_eq!(
        requests,
        [200, 206].map(|status| format!("GET {}/v2/a/blobs/{digest} {status}", broken.server.url()))
    );
}
