//! A proxy in between.

use airgap_bundle::stores::http::{HttpSettings, ProxySettings};
use airgap_bundle::stores::registry::client::{By, RegistrySettings, Repository};
use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::Place;
use crate::fixture::image;

/// The address of nobody.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn through(proxy: &str, except: &str, plain: &str) -> Place {
    let url = Some(format!("http://user:secret@{proxy}"));
    let proxy = Some(ProxySettings { https: url.clone(), http: url, except: except.to_owned() });
    let settings = HttpSettings { proxy, plain_http: vec![plain.to_owned()], ..HttpSettings::default() };
    Place::with(&settings, &RegistrySettings::default()).unwrap()
}

#[tokio::test]
async fn a_dead_proxy_is_named_at_once() {
    let proxy = nobody();
    for host in ["registry.example", "plain.example"] {
        let place = through(&proxy, "", "plain.example");
        let repository = Repository::new(host, "a").unwrap();
        let error = place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err().to_string();
        let named = format!("could not connect to the proxy `{proxy}` for `{host}`");
        assert!(error.contains(&named) && !error.contains("secret"), "{error}");
        assert_eq!(place.waits(), [500, 1250]);
    }
}

#[tokio::test]
async fn a_proxy_that_makes_no_tunnel_is_named() {
    // A registry is no proxy.
    let server = Server::start(Options::memory()).unwrap();
    let place = through(&server.host(), "", "");
    let repository = Repository::new("registry.example", "a").unwrap();
    let error = place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err().to_string();
    assert!(error.contains(&format!("the proxy `{}` did not connect", server.host())), "{error}");
}

#[tokio::test]
async fn what_is_excepted_is_reached_directly() {
    let server = Server::start(Options::memory()).unwrap();
    image(1, 1, 10).put(server.registry(), "a", Some("v1"));
    let place = through(&nobody(), "127.0.0.0/8", &server.host());
    let repository = Repository::new(&server.host(), "a").unwrap();
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap();
}
