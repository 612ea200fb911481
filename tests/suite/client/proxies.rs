//! A proxy in between: what is waited for, and how often.

use airgap_bundle::model::error::Error;
use airgap_bundle::stores::http::{HttpSettings, NamedProxy, ProxySettings};
use airgap_bundle::stores::registry::client::{By, RegistrySettings, Repository};
use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::Place;
use crate::fixture::{Proxy, bytes, image};

/// The address of nobody.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn through(proxy: &str) -> Place {
    let url = format!("http://user:secret@{proxy}");
    let named = |source: &str| Some(NamedProxy { url: url.clone(), source: source.to_owned() });
    let proxy =
        ProxySettings { https: named("HTTPS_PROXY"), http: named("http_proxy"), ..ProxySettings::default() };
    let plain_http = vec!["plain.example".to_owned()];
    let settings = HttpSettings { proxy: Some(proxy), plain_http, ..HttpSettings::default() };
    Place::with(&settings, &RegistrySettings::default()).unwrap()
}

async fn error(place: &Place, host: &str) -> Error {
    let repository = Repository::new(host, "a").unwrap();
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err()
}

#[tokio::test]
async fn a_dead_proxy_is_named_in_seconds() {
    let proxy = nobody();
    for (host, variable) in [("registry.example", "HTTPS_PROXY"), ("plain.example", "http_proxy")] {
        let place = through(&proxy);
        let error = error(&place, host).await.to_string();
        let named = format!("could not connect to the proxy `{proxy}` (`{variable}`) for `{host}`");
        assert!(error.contains(&named) && !error.contains("secret"), "{error}");
        assert_eq!(place.waits(), [500, 1250]);
    }
}

#[tokio::test]
async fn a_proxy_that_dies_later_is_waited_for_a_little_longer() {
    let server = Server::start(Options::memory()).unwrap();
    image(1, 1, 10).put(server.registry(), "a", Some("v1"));
    let proxy = Proxy::start(&server.host());
    let place = through(&proxy.host());
    let repository = Repository::new("plain.example", "a").unwrap();
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap();
    proxy.die();
    let error = error(&place, "plain.example").await.to_string();
    assert!(error.contains("the proxy `"), "{error}");
    assert!(place.waits().iter().sum::<u128>() < 20_000, "{:?}", place.waits());
}

#[tokio::test]
async fn a_proxy_that_makes_no_tunnel_is_named() {
    // A registry is no proxy.
    let server = Server::start(Options::memory()).unwrap();
    let error = error(&through(&server.host()), "registry.example").await.to_string();
    assert!(
        error.contains(&format!("the proxy `{}` (`HTTPS_PROXY`) refused to connect", server.host())),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_of_the_proxy_is_not_tried_again() {
    for (head, waits) in [("403 No", 0), ("407 Who\r\nProxy-Authenticate: Basic", 0), ("503 Later", 2)] {
        let proxy = Proxy::start("").refusing(head, "");
        let place = through(&proxy.host());
        let error = error(&place, "registry.example").await.to_string();
        assert!(error.contains("HTTP status 4") || error.contains("HTTP status 503"), "{error}");
        assert_eq!(place.waits().len(), waits, "{head}");
    }
}

#[tokio::test]
async fn this_machine_is_reached_without_a_proxy() {
    let server = Server::start(Options::memory()).unwrap();
    let content = bytes(1, 1000);
    let digest = server.registry().put_blob("a", &content).unwrap();
    let place = through(&nobody());
    let repository = Repository::new(&server.host(), "a").unwrap();
    let blob = airgap_bundle::model::descriptor::Descriptor::new("", digest, 1000);
    assert_eq!(place.get(&repository, &blob).await.unwrap(), content);
}
