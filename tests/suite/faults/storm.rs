//! Everything at once: one request in five fails in some way, and all arrives.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use airgap_bundle::content::jobs::OnFailure;
use airgap_bundle::stores::http::HttpSettings;
use airgap_bundle::stores::registry::server::{Auth, Bearer, Fault, Faults, Options, RequestView};

use super::scene::{Scene, told, weight};
use crate::fixture::{Graph, image};

const IMAGES: u64 = 200;
const LAYER: usize = 12_000;

fn content() -> Vec<Graph> {
    (0..IMAGES).map(|seed| image(1000 + seed, 2, LAYER)).collect()
}

/// Returns a number that the seed and the request alone decide (splitmix64).
fn chance(seed: u64, number: u64) -> u64 {
    let mut word = (seed << 32 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^ (word >> 27)
}

/// A registry with tokens, one request in five of which fails.
fn stormy(seed: u64) -> Options {
    // Each repository forgets its token once: what a renewed one does not open is no fault of the weather.
    let renewed: Mutex<HashSet<String>> = Mutex::default();
    let faults = Faults::new(move |view: &RequestView<'_>| {
        let word = chance(seed, view.number);
        if !word.is_multiple_of(5) {
            return Fault::None;
        }
        let after = word / 64 % 9000;
        let writes = matches!(view.method, "PUT" | "POST" | "DELETE" | "PATCH");
        match word / 8 % 8 {
            0 => Fault::retry_after("1"),
            1 => Fault::status(500),
            2 => Fault::status(503),
            3 => Fault::Disconnect,
            4 if view.method == "PUT" => Fault::LoseAnswer,
            5 if view.method == "PUT" && view.is_upload() => Fault::status(404),
            6 if view.headers.contains_key("authorization")
                && view.number > 50
                && view
                    .path
                    .split('/')
                    .nth(2)
                    .is_some_and(|name| renewed.lock().unwrap().insert(name.to_owned())) =>
            {
                let challenge = "Bearer realm=\"/token\",service=\"storm\"".to_owned();
                let headers = vec![("www-authenticate".to_owned(), challenge)];
                Fault::Status { status: 401, headers, body: String::new() }
            }
            _ if writes => Fault::CutRequestAfter(after),
            _ => Fault::CutBodyAfter(after),
        }
    });
    Options { auth: Auth::Bearer(Bearer::new("user", "secret")), faults, ..Options::memory() }
}

fn scene(seed: u64) -> Scene {
    let mut scene = Scene::with(stormy(seed), &HttpSettings::default());
    scene.jobs = 8;
    scene
}

/// Asserts that it was stormy, and that not much more moved than there is.
fn assert_storm(scene: &Scene, moved: u64, all: u64) {
    let waits = scene.place.waits();
    assert!(waits.len() > 100, "{} waits", waits.len());
    let slept: u128 = waits.iter().sum();
    assert!(slept > Duration::from_secs(60).as_millis(), "{slept}");
    assert!(moved * 10 <= all * 13, "{moved} bytes of {all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_weathers_it() {
    let graphs = content();
    let scene = scene(1).holding(&graphs);
    let report = scene.export(graphs.len(), OnFailure::Stop).await;
    assert_eq!(told(&report), "");
    scene.assert_bundle(&graphs, "a storm").await;
    assert_storm(&scene, scene.fetched(), weight(&graphs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_weathers_it() {
    let graphs = content();
    let scene = scene(2);
    let report = scene.import(&graphs).await;
    assert_eq!(told(&report), "");
    for (number, graph) in graphs.iter().enumerate() {
        graph.assert_in(scene.server.registry(), &format!("r{number}"), "1");
    }
    assert_storm(&scene, scene.sent(), weight(&graphs));
}
