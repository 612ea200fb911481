//! Many at once, on a host that allows one.

use std::sync::Arc;

use airgap_bundle::content::body::ProvenBody;
use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::stores::http::HttpSettings;
use airgap_bundle::stores::registry::client::{RegistrySettings, Repository};
use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::Place;
use crate::fixture::bytes;

/// A client that sends one request at a time.
fn narrow() -> Arc<Place> {
    let settings = HttpSettings { per_host: 1, ..HttpSettings::default() };
    Arc::new(Place::with(&settings, &RegistrySettings::default()).unwrap())
}

#[tokio::test]
async fn many_blobs_pass_one_by_one() {
    let server = Server::start(Options::memory()).unwrap();
    let (place, repository) = (narrow(), Repository::new(&server.host(), "a").unwrap());
    let all = (0..12).map(|seed| {
        let (place, repository) = (Arc::clone(&place), repository.clone());
        async move {
            let content = bytes(seed, 100_000);
            let blob = place.put(&repository, &content).await.unwrap();
            assert!(place.get(&repository, &blob).await.unwrap() == content);
        }
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn copies_within_one_host_do_not_wait_for_themselves() {
    let server = Server::start(Options::memory()).unwrap();
    let place = narrow();
    let (from, to) =
        (Repository::new(&server.host(), "a").unwrap(), Repository::new(&server.host(), "b").unwrap());
    let copies = (0..6).map(|seed| {
        let (place, from, to) = (Arc::clone(&place), from.clone(), to.clone());
        let content = bytes(seed, 300_000);
        let digest = server.registry().put_blob("a", &content).unwrap();
        async move {
            let blob = Descriptor::new("", digest, 300_000);
            let open = |offset| {
                assert_eq!(offset, 0);
                let (place, from, blob) = (Arc::clone(&place), from.clone(), blob.clone());
                async move {
                    let raw = place.client.blob(&from, &blob, 0).await?;
                    Ok(ProvenBody::new(&blob, raw, "registry"))
                }
            };
            place.client.upload(&to, &blob, None, open).await.unwrap();
            assert!(place.client.has_blob(&to, &blob).await.unwrap());
        }
    });
    futures_util::future::join_all(copies).await;
}
