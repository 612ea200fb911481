//! Several hosts: what one of them does concerns it alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use airgap_bundle::content::jobs::OnFailure;
use airgap_bundle::stores::registry::server::{Fault, Faults, Hold, Options, Server};

use super::scene::{Scene, content, told};
use crate::fixture::image;

/// Ends what would hang.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_slow_host_does_not_hold_up_another() {
    let slow = content();
    let layers: Vec<String> = slow
        .iter()
        .flat_map(|graph| &graph.blobs[1..])
        .map(|blob| format!("/blobs/{}", blob.digest))
        .collect();
    let (manifests, blobs) = (Hold::new(), Hold::new());
    let (held, held_blobs) = (manifests.clone(), blobs.clone());
    let faults = Faults::new(move |view| {
        if view.gets_manifest() {
            Fault::Hold(held.clone())
        } else if layers.iter().any(|layer| view.path.ends_with(layer)) {
            Fault::Hold(held_blobs.clone())
        } else {
            Fault::None
        }
    });
    let mut scene = Scene::new(faults).holding(&slow);
    scene.jobs = 2;
    let quick = Server::start(Options::memory()).unwrap();
    let graphs: Vec<_> = (0..6).map(|seed| image(40 + seed, 2, 20_000)).collect();
    for (number, graph) in graphs.iter().enumerate() {
        graph.put(quick.registry(), &format!("q{number}"), Some("1"));
    }
    // The slow ones come first in the list.
    let references: Vec<String> = (0..3)
        .map(|number| format!("{}/r{number}:1", scene.server.host()))
        .chain((0..6).map(|number| format!("{}/q{number}:1", quick.host())))
        .collect();
    let mut work = std::pin::pin!(scene.export_of(&references, OnFailure::Stop));
    let begun = Instant::now();
    let served = |what: &str| {
        let answered = |request: &&airgap_bundle::stores::registry::server::Logged| {
            request.method == "GET" && request.path.contains(what) && request.bytes_out > 0
        };
        quick.requests().iter().filter(answered).count()
    };
    let report = loop {
        if let std::task::Poll::Ready(report) = futures_util::poll!(&mut work) {
            break report;
        }
        // Whoever is slow goes on only after the other host has given all that it has.
        if served("/manifests/") == 6 {
            manifests.release();
        }
        if served("/blobs/") == 18 {
            blobs.release();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{} manifests, {} blobs",
            served("/manifests/"),
            served("/blobs/")
        );
        tokio::task::yield_now().await;
    };
    assert_eq!(told(&report), "");
    let all: Vec<_> = slow.iter().chain(&graphs).cloned().collect();
    scene.assert_bundle(&all, "two hosts").await;
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_is_the_only_one_that_is() {
    let graphs = content();
    let busy =
        Scene::new(Faults::times(2, Fault::retry_after("60"), |view| view.gets_manifest())).holding(&graphs);
    let other = Arc::new(Server::start(Options::memory()).unwrap());
    graphs[0].put(other.registry(), "o", Some("1"));
    let references = [format!("{}/r0:1", busy.server.host()), format!("{}/o:1", other.host())];
    assert_eq!(told(&busy.export_of(&references, OnFailure::Stop).await), "");
    assert_eq!(busy.place.waits(), [63_000, 63_000], "none for the other host");
}
