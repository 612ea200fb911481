//! Certificates: trusted, named, refused, shown.

use std::sync::atomic::{AtomicBool, Ordering};

use airgap_bundle::model::error::Error;
use airgap_bundle::stores::http::{ClientCertificate, HttpSettings};
use airgap_bundle::stores::registry::client::{By, RegistrySettings, Repository};
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Server, Tls};
use camino::Utf8PathBuf;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use tempfile::TempDir;

use super::place::Place;
use crate::docker_registry::{DockerRegistry, Settings};
use crate::fixture::{bytes, image};

/// A certificate authority, and a folder for its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    /// Issues a certificate for a name or an address: certificate and key, PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn file(&self, name: &str, text: &str) -> Utf8PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.try_into().unwrap()
    }

    /// Settings that trust it.
    fn trusted(&self) -> HttpSettings {
        HttpSettings {
            ca_certificates: vec![self.file("ca.pem", &self.issuer.pem())],
            ..HttpSettings::default()
        }
    }

    fn serve(&self, name: &str, faults: Faults) -> (Server, Repository) {
        let (certificates, key) = self.issue(name);
        let tls = Some(Tls { certificates, key, client_authorities: None });
        let server = Server::start(Options { tls, faults, ..Options::memory() }).unwrap();
        image(1, 1, 1000).put(server.registry(), "a", Some("v1"));
        let repository = Repository::new(&server.host(), "a").unwrap();
        (server, repository)
    }
}

fn place(settings: &HttpSettings) -> Place {
    Place::with(settings, &RegistrySettings::default()).unwrap()
}

async fn error(settings: &HttpSettings, repository: &Repository) -> Error {
    place(settings).client.manifest(repository, By::Tag("v1")).await.unwrap_err()
}

#[tokio::test]
async fn an_authority_can_be_named() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("127.0.0.1");
    let registry = DockerRegistry::with(Settings { tls: Some((&certificate, &key)), ..Settings::default() });
    let repository = Repository::new(registry.host(), "a").unwrap();
    let trusting = place(&authority.trusted());
    let blob = trusting.put(&repository, &bytes(1, 200_000)).await.unwrap();
    assert_eq!(trusting.get(&repository, &blob).await.unwrap(), bytes(1, 200_000));
    let refused = error(&HttpSettings::default(), &repository).await;
    assert!(refused.to_string().contains("an authority that this host does not trust"), "{refused}");
    assert_eq!(refused.hint(), Some("name the registry's CA with `--ca-cert FILE`"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_unless_it_is_asked_for() {
    let authority = Authority::new();
    let (server, repository) = authority.serve("elsewhere.example", Faults::none());
    let refused = error(&authority.trusted(), &repository).await;
    let text = refused.to_string();
    assert!(text.contains("elsewhere.example") && text.contains(&server.host()), "{text}");
    assert!(refused.hint().unwrap().contains("--insecure-skip-tls-verify"), "{:?}", refused.hint());
    let named =
        |host: String| HttpSettings { insecure_skip_tls_verify: vec![host], ..HttpSettings::default() };
    place(&named(server.host())).client.manifest(&repository, By::Tag("v1")).await.unwrap();
    error(&named("other.example".to_owned()), &repository).await;
}

/// Serves with a self-signed certificate of the kind that `openssl req -x509` makes, an authority's, and returns the
/// settings that name it.
fn self_signed(
    authority: &Authority,
    change: impl FnOnce(&mut CertificateParams),
) -> (Server, Repository, HttpSettings) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let certificates = params.self_signed(&key).unwrap().pem();
    let trusting = HttpSettings {
        ca_certificates: vec![authority.file("self.pem", &certificates)],
        ..HttpSettings::default()
    };
    let tls = Some(Tls { certificates, key: key.serialize_pem(), client_authorities: None });
    let server = Server::start(Options { tls, ..Options::memory() }).unwrap();
    image(1, 1, 1000).put(server.registry(), "a", Some("v1"));
    let repository = Repository::new(&server.host(), "a").unwrap();
    (server, repository, trusting)
}

#[tokio::test]
async fn a_self_signed_certificate_that_is_named_is_trusted() {
    let authority = Authority::new();
    let (_server, repository, trusting) = self_signed(&authority, |_| {});
    place(&trusting).client.manifest(&repository, By::Tag("v1")).await.unwrap();
    // Not by those who named another one, nor by those who named none.
    error(&authority.trusted(), &repository).await;
    error(&HttpSettings::default(), &repository).await;
}

#[tokio::test]
async fn a_self_signed_certificate_still_needs_the_right_name_and_dates() {
    let authority = Authority::new();
    let (_server, repository, trusting) = self_signed(&authority, |params| {
        params.subject_alt_names = vec![SanType::DnsName("elsewhere.example".try_into().unwrap())];
    });
    let refused = error(&trusting, &repository).await.to_string();
    assert!(refused.contains("elsewhere.example"), "{refused}");
    for (from, to) in [(2001, 2002), (2400, 2401)] {
        let (_server, repository, trusting) = self_signed(&authority, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        let refused = error(&trusting, &repository).await.to_string();
        assert!(refused.contains("expired") || refused.contains("not valid yet"), "{refused}");
    }
}

#[tokio::test]
async fn https_does_not_become_http_by_redirect() {
    let authority = Authority::new();
    let plain = Server::start(Options::memory()).unwrap();
    let to = Fault::Redirect(format!("{}/v2/a/manifests/v1", plain.url()));
    let (_server, repository) =
        authority.serve("127.0.0.1", Faults::times(9, to, |view| view.gets_manifest()));
    let refused = error(&authority.trusted(), &repository).await;
    assert!(refused.to_string().contains("from https to plain http"), "{refused}");
    assert_eq!(plain.requests().len(), 0);
}

#[tokio::test]
async fn a_location_that_says_http_for_itself_stays_in_https() {
    let authority = Authority::new();
    let first = AtomicBool::new(true);
    let (server, repository) = authority.serve(
        "127.0.0.1",
        Faults::new(move |view| {
            if view.method != "POST" || !first.swap(false, Ordering::SeqCst) {
                return Fault::None;
            }
            let host = view.headers["host"].to_str().unwrap();
            let lie = format!("http://{host}/v2/a/blobs/uploads/nowhere");
            Fault::Headers(vec![("location".to_owned(), Some(lie))])
        }),
    );
    place(&authority.trusted()).put(&repository, b"content").await.unwrap();
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert!(asked.iter().any(|path| path.ends_with("/nowhere")), "{asked:?}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_whom_asks() {
    let authority = Authority::new();
    let (certificates, key) = authority.issue("127.0.0.1");
    let tls = Some(Tls { certificates, key, client_authorities: Some(authority.issuer.pem()) });
    let server = Server::start(Options { tls, ..Options::memory() }).unwrap();
    image(1, 1, 1000).put(server.registry(), "a", Some("v1"));
    let repository = Repository::new(&server.host(), "a").unwrap();
    let (certificate, key) = authority.issue("client");
    let settings = HttpSettings {
        client_certificate: Some(ClientCertificate {
            certificate: authority.file("client.pem", &certificate),
            key: authority.file("client.key", &key),
        }),
        ..authority.trusted()
    };
    place(&settings).client.manifest(&repository, By::Tag("v1")).await.unwrap();
    error(&authority.trusted(), &repository).await;
}

#[test]
fn files_that_hold_no_certificate_are_named() {
    let authority = Authority::new();
    let bad = authority.file("bad.pem", "nothing");
    let settings = HttpSettings { ca_certificates: vec![bad.clone()], ..HttpSettings::default() };
    let refused = Place::with(&settings, &RegistrySettings::default()).unwrap_err().to_string();
    assert!(refused.contains(bad.as_str()) && refused.contains("--ca-cert"), "{refused}");
}
