//! Redirects, and what does not go along.

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::client::{By, Repository};
use airgap_bundle::stores::registry::server::{Auth, Fault, Faults, Options, RequestView, Server};

use super::auth::logged_in;
use super::place::Place;
use crate::fixture::{bytes, image};

#[tokio::test]
async fn a_redirect_to_another_port_gets_no_credentials() {
    let storage = Server::start(Options::memory()).unwrap();
    let content = bytes(1, 200_000);
    let digest = storage.registry().put_blob("a", &content).unwrap();
    let to = format!("{}/v2/a/blobs/{digest}?signature=secret", storage.url());
    let faults = Faults::times(100, Fault::Redirect(to), |view| {
        view.gets_blob() && view.headers.contains_key("authorization")
    });
    for auth in [Auth::basic("user", "secret"), Auth::bearer("user", "secret")] {
        let server = Server::start(Options { auth, faults: faults.clone(), ..Options::memory() }).unwrap();
        let (place, _file) = logged_in(&server.host(), "user", "secret");
        let repository = Repository::new(&server.host(), "a").unwrap();
        storage.clear_requests();
        assert!(place.get(&repository, &Descriptor::new("", digest, 200_000)).await.unwrap() == content);
        assert!(storage.requests().iter().all(|request| request.authorization.is_none()));
        assert_eq!(storage.requests().len(), 1);
        let requests = place.heard.requests.lock().unwrap().join("\n");
        assert!(!requests.contains("secret") && !requests.contains("signature"), "{requests}");
    }
}

#[tokio::test]
async fn a_redirect_at_the_same_place_keeps_credentials() {
    let auth = Auth::basic("user", "secret");
    let signed = |view: &RequestView<'_>| {
        view.gets_manifest() && view.path.ends_with("/old") && view.headers.contains_key("authorization")
    };
    let faults = Faults::times(1, Fault::Redirect("/v2/a/manifests/v1".to_owned()), signed);
    let server = Server::start(Options { auth, faults, ..Options::memory() }).unwrap();
    image(1, 1, 10).put(server.registry(), "a", Some("v1"));
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let repository = Repository::new(&server.host(), "a").unwrap();
    let fetched = place.client.manifest(&repository, By::Tag("old")).await.unwrap();
    assert_eq!(fetched.descriptor.digest, image(1, 1, 10).digest());
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let faults = Faults::times(100, Fault::Redirect("/v2/a/manifests/v1".to_owned()), |_| true);
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let (place, repository) = (Place::new(), Repository::new(&server.host(), "a").unwrap());
    let error = place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err();
    assert!(error.to_string().contains("more than 10 redirects"), "{error}");
    assert_eq!(server.requests().len(), 11);
}

#[tokio::test]
async fn the_host_that_refuses_is_named() {
    let storage = Server::start(Options::memory()).unwrap();
    let to = format!("{}/nowhere?signature=secret", storage.url());
    let faults = Faults::times(100, Fault::Redirect(to), |view| view.gets_blob());
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let (place, repository) = (Place::new(), Repository::new(&server.host(), "a").unwrap());
    let error = place.get(&repository, &Descriptor::of("", b"x")).await.unwrap_err().to_string();
    assert!(error.contains(&storage.host()) && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn foreign_layers_come_from_their_urls_without_credentials() {
    let web = Server::start(Options::memory()).unwrap();
    let content = bytes(3, 100_000);
    let digest = web.registry().put_blob("a", &content).unwrap();
    let server = Server::start(Options { auth: Auth::basic("user", "secret"), ..Options::memory() }).unwrap();
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let repository = Repository::new(&server.host(), "a").unwrap();
    let mut layer =
        Descriptor::new("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", digest, 100_000);
    layer.urls = vec!["ftp://nowhere/".to_owned(), format!("{}/v2/a/blobs/{digest}", web.url())];
    assert!(place.get(&repository, &layer).await.unwrap() == content);
    assert!(web.requests().iter().all(|request| request.authorization.is_none()));
    layer.media_type = media_type::OCTET_STREAM.to_owned();
    assert!(place.get(&repository, &layer).await.is_err(), "an ordinary layer comes from its registry");
}
