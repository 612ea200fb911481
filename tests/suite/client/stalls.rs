//! Silence, and the clock that ends it.

use std::time::Duration;

use airgap_bundle::content::body::ProvenBody;
use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::stores::registry::client::{By, Repository};
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, RequestView, Server};
use futures_util::TryStreamExt as _;

use super::place::{Place, read};
use crate::fixture::bytes;

/// Moves the clock once `ready` is true and `work` waits, and returns what `work` makes of it.
async fn overtake<T>(
    place: &Place,
    time: Duration,
    ready: impl Fn() -> bool,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        let is_ready = ready();
        assert!(futures_util::poll!(&mut work).is_pending());
        if is_ready {
            break;
        }
        tokio::task::yield_now().await;
    }
    place.clock.advance(time);
    work.await
}

#[tokio::test]
async fn a_transfer_that_stalls_is_ended_and_goes_on() {
    let faults = Faults::times(1, Fault::StallBodyAfter(100_000), |view| view.gets_blob());
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let content = bytes(1, 300_000);
    let digest = server.registry().put_blob("a", &content).unwrap();
    let blob = Descriptor::new("", digest, 300_000);
    let (place, repository) = (Place::new(), Repository::new(&server.host(), "a").unwrap());
    let mut body = place.client.blob(&repository, &blob, 0).await.unwrap();
    let mut got = Vec::new();
    while got.len() < 100_000 {
        got.extend(body.try_next().await.unwrap().unwrap());
    }
    let next = overtake(&place, Duration::from_secs(60), || true, body.try_next()).await;
    got.extend(next.unwrap().unwrap());
    got.extend(read(body).await.unwrap());
    assert_eq!(got, content);
    let notes = place.heard.notes.lock().unwrap().clone();
    assert!(
        matches!(&notes[..], [note] if note.contains("next to nothing came for 60 seconds")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_first_byte_is_waited_for_longer() {
    let faults = Faults::times(1, Fault::Stall, |view| view.gets_manifest());
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    crate::fixture::image(1, 1, 10).put(server.registry(), "a", Some("v1"));
    let (place, repository) = (Place::new(), Repository::new(&server.host(), "a").unwrap());
    let asked = || !server.requests().is_empty();
    let fetched = place.client.manifest(&repository, By::Tag("v1"));
    overtake(&place, Duration::from_secs(300), asked, fetched).await.unwrap();
    let notes = place.heard.notes.lock().unwrap().clone();
    assert!(matches!(&notes[..], [note] if note.contains("no answer within 300 seconds")), "{notes:?}");
}

#[tokio::test]
async fn a_slow_reader_is_no_stall() {
    let server = Server::start(Options::memory()).unwrap();
    let content = bytes(2, 8 << 20);
    let digest = server.registry().put_blob("a", &content).unwrap();
    let blob = Descriptor::new("", digest, 8 << 20);
    let (place, repository) = (Place::new(), Repository::new(&server.host(), "a").unwrap());
    let raw = place.client.blob(&repository, &blob, 0).await.unwrap();
    let mut body = ProvenBody::new(&blob, raw, "registry");
    let mut size = 0;
    while let Some(chunk) = body.next().await.unwrap() {
        size += chunk.len();
        place.clock.advance(Duration::from_secs(600));
    }
    assert_eq!((size, place.waits().len()), (8 << 20, 0));
}

#[tokio::test]
async fn an_upload_that_nobody_takes_is_ended_and_begun_again() {
    let puts = |view: &RequestView<'_>| view.method == "PUT" && view.is_upload();
    let faults = Faults::times(1, Fault::Stall, puts);
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let (place, repository) = (Place::new(), Repository::new(&server.host(), "a").unwrap());
    let content = bytes(1, 16 << 20);
    let mut put = Box::pin(place.put(&repository, &content));
    let asked = || server.requests().iter().any(|request| request.method == "PUT");
    let told = || !place.heard.notes.lock().unwrap().is_empty();
    let mut turns = 0;
    while !told() {
        assert!(futures_util::poll!(&mut put).is_pending());
        tokio::task::yield_now().await;
        turns += 1;
        // As long as the client waits for its own source, time does not count.
        if turns % 1000 == 0 && asked() {
            place.clock.advance(Duration::from_secs(60));
        }
    }
    put.await.unwrap();
    let notes = place.heard.notes.lock().unwrap().clone();
    assert!(matches!(&notes[..], [note] if note.contains("within 60 seconds")), "{notes:?}");
}
