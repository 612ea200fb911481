//! Uploads that are cut off, lost, moved, and those that must not end well.

use airgap_bundle::content::body::{ProvenBody, raw_of};
use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::error::Error;
use airgap_bundle::stores::registry::client::Repository;
use airgap_bundle::stores::registry::server::{Fault, Faults, Logged, Options, RequestView, Server};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::place::Place;
use crate::docker_registry::DockerRegistry;
use crate::fixture::bytes;

const SIZE: usize = 1_000_000;

fn puts(view: &RequestView<'_>) -> bool {
    view.method == "PUT" && view.is_upload()
}

fn serve(faults: Faults) -> (Server, Place, Repository) {
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let repository = Repository::new(&server.host(), "a").unwrap();
    (server, Place::new(), repository)
}

/// Uploads a blob and asserts that it is there.
async fn upload(server: &Server, place: &Place, repository: &Repository) -> Vec<Logged> {
    server.clear_requests();
    let content = bytes(1, SIZE);
    let blob = place.put(repository, &content).await.unwrap();
    assert_eq!(server.registry().content(&blob.digest).unwrap().unwrap().read(1 << 30).unwrap(), content);
    assert_eq!(server.uploads(), 0, "no session is left");
    server.requests()
}

fn methods(requests: &[Logged]) -> Vec<&str> {
    requests.iter().map(|request| request.method.as_str()).collect()
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_the_registry_is() {
    let (server, place, repository) = serve(Faults::times(1, Fault::CutRequestAfter(400_000), puts));
    let requests = upload(&server, &place, &repository).await;
    let sent: u64 = requests.iter().map(|request| request.bytes_in).sum();
    assert!(sent < 1_200_000, "{sent} bytes for {SIZE}: {requests:?}");
    assert_eq!(methods(&requests), ["POST", "PUT", "GET", "PUT"]);
    assert!(requests[3].content_range.is_some(), "{requests:?}");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for() {
    let (server, place, repository) = serve(Faults::times(1, Fault::LoseAnswer, puts));
    upload(&server, &place, &repository).await;
}

#[tokio::test]
async fn a_registry_in_trouble_is_left_alone_for_a_while() {
    for fault in [Fault::retry_after("5"), Fault::status(503), Fault::Disconnect] {
        let (server, place, repository) = serve(Faults::times(2, fault.clone(), puts));
        upload(&server, &place, &repository).await;
        let expected: &[u128] = if fault == Fault::retry_after("5") { &[5250, 5250] } else { &[500, 1250] };
        assert_eq!(place.waits(), expected, "{fault:?}");
    }
}

/// Refuses bodies over `longest`, as what stands in front of a registry does.
fn too_long(longest: u64) -> Faults {
    Faults::new(move |view| {
        let length =
            view.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > longest) { Fault::status(413) } else { Fault::None }
    })
}

#[tokio::test]
async fn what_is_too_long_at_once_goes_in_pieces() {
    let (server, place, repository) = serve(too_long(1 << 20));
    let content = bytes(3, 5 << 19);
    for expected in [&["POST", "PUT", "PATCH", "PATCH", "PUT"] as &[&str], &["POST", "PATCH", "PATCH", "PUT"]]
    {
        server.clear_requests();
        let blob = place.put(&repository, &content).await.unwrap();
        assert!(server.registry().content(&blob.digest).unwrap().unwrap().read(1 << 30).unwrap() == content);
        let requests = server.requests();
        assert_eq!(methods(&requests), expected);
        let ranges: Vec<&str> =
            requests.iter().filter_map(|request| request.content_range.as_deref()).collect();
        assert_eq!(ranges, ["0-1048575", "1048576-2097151", "2097152-2621439"]);
    }
    assert_eq!((server.uploads(), place.waits()), (0, vec![]));
}

#[tokio::test]
async fn a_piece_that_is_cut_off_goes_on_where_the_registry_is() {
    let cut = Faults::times(1, Fault::CutRequestAfter(400_000), |view| {
        view.headers.get("content-range").is_some_and(|range| range == "1048576-2097151")
    });
    let (server, place, repository) = serve(cut.or(too_long(1 << 20)));
    let content = bytes(3, 5 << 19);
    let blob = place.put(&repository, &content).await.unwrap();
    assert!(server.registry().content(&blob.digest).unwrap().unwrap().read(1 << 30).unwrap() == content);
    let sent: u64 =
        server.requests().iter().filter(|request| request.status != Some(413)).map(|r| r.bytes_in).sum();
    // What was cut off, and the frames that were on their way then; the whole piece again would be more.
    assert!(sent < 3_300_000, "{sent} bytes");
}

#[tokio::test]
async fn what_takes_no_piece_either_is_told() {
    let (server, place, repository) = serve(too_long(1000));
    let error = place.put(&repository, &bytes(3, 5 << 19)).await.unwrap_err();
    assert!(matches!(error.root(), Error::Remote { status: 413, .. }), "{error}");
    assert_eq!(methods(&server.requests()), ["POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!(server.uploads(), 0);
}

#[tokio::test]
async fn a_lost_session_is_begun_again() {
    for status in [404, 416] {
        let (server, place, repository) = serve(Faults::times(1, Fault::status(status), puts));
        let requests = upload(&server, &place, &repository).await;
        assert_eq!(methods(&requests), ["POST", "PUT", "DELETE", "POST", "PUT"], "{status}");
    }
}

#[tokio::test]
async fn a_location_may_be_relative_and_hold_a_query() {
    let (server, place, repository) = serve(Faults::none());
    let requests = upload(&server, &place, &repository).await;
    assert!(requests[1].query.contains("digest=sha256%3A"), "{requests:?}");
    let registry = DockerRegistry::start();
    let repository = Repository::new(registry.host(), "a").unwrap();
    place.put(&repository, &bytes(2, SIZE)).await.unwrap();
}

#[tokio::test]
async fn a_redirected_upload_follows() {
    let moved = Faults::new(|view| {
        if view.method == "PUT" && view.is_upload() && !view.query.contains("moved") {
            Fault::Redirect(format!("{}?{}&moved=1", view.path, view.query))
        } else {
            Fault::None
        }
    });
    let (server, place, repository) = serve(moved);
    let requests = upload(&server, &place, &repository).await;
    assert_eq!(requests.last().unwrap().query.matches("digest=").count(), 1);
}

#[tokio::test]
async fn patience_ends_and_the_session_with_it() {
    let (server, place, repository) = serve(Faults::times(100, Fault::status(500), puts));
    let error = place.put(&repository, &bytes(1, SIZE)).await.unwrap_err();
    assert!(matches!(error, Error::Remote { status: 500, .. }), "{error}");
    assert_eq!(server.uploads(), 0);
    let (server, place, repository) = serve(Faults::times(100, Fault::status(403), puts));
    let error = place.put(&repository, &bytes(1, SIZE)).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert_eq!((server.uploads(), place.waits().len()), (0, 0));
}

/// A wrong byte, a missing one and one too many, each at the end.
fn wrong() -> [(Descriptor, Vec<u8>); 3] {
    let content = bytes(1, SIZE);
    let blob = Descriptor::of("", &content);
    let (mut flipped, mut short, mut long) = (content.clone(), content.clone(), content);
    flipped[SIZE - 1] ^= 1;
    short.pop();
    long.push(0);
    [flipped, short, long].map(|content| (blob.clone(), content))
}

async fn upload_wrong(place: &Place, repository: &Repository) {
    for (blob, content) in wrong() {
        let open = |offset| {
            assert_eq!(offset, 0);
            let chunks = content.chunks(60_000).map(Bytes::copy_from_slice).collect();
            std::future::ready(Ok(ProvenBody::new(&blob, raw_of(chunks), "`site.tar`")))
        };
        let error = place.client.upload(repository, &blob, None, open).await.unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        assert!(error.to_string().contains("reading from `site.tar`"), "{error}");
        assert!(!place.client.has_blob(repository, &blob).await.unwrap());
    }
    assert_eq!(place.waits().len(), 0, "a wrong byte is not tried again");
}

#[tokio::test]
async fn a_wrong_byte_never_completes_an_upload() {
    let (server, place, repository) = serve(Faults::none());
    upload_wrong(&place, &repository).await;
    assert_eq!(server.uploads(), 0);
    let registry = DockerRegistry::start();
    upload_wrong(&place, &Repository::new(registry.host(), "a").unwrap()).await;
}

#[tokio::test]
async fn a_source_that_fails_gives_the_upload_up() {
    let (server, place, repository) = serve(Faults::none());
    let content = bytes(1, SIZE);
    let blob = Descriptor::of("", &content);
    let open = |_| {
        let failing = futures_util::stream::iter([
            Ok(Bytes::copy_from_slice(&content[..500_000])),
            Err(Error::Interrupted(2)),
        ]);
        std::future::ready(Ok(ProvenBody::new(&blob, failing.boxed(), "memory")))
    };
    let error = place.client.upload(&repository, &blob, None, open).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(2)), "{error}");
    assert_eq!(server.uploads(), 0);
}

#[tokio::test]
async fn a_registry_that_spoils_what_it_gets_is_not_fed_for_ever() {
    let spoiled = r#"{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}"#;
    let fault = Fault::Status { status: 400, headers: Vec::new(), body: spoiled.to_owned() };
    let (server, place, repository) = serve(Faults::times(100, fault, puts));
    let error = place.put(&repository, &bytes(1, SIZE)).await.unwrap_err();
    assert!(error.to_string().contains("DIGEST_INVALID"), "{error}");
    assert_eq!((server.uploads(), place.waits().len()), (0, 3));
}
