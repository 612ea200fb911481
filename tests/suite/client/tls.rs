//! Certificates: trusted, named, refused, shown.

use std::sync::atomic::{AtomicBool, Ordering};

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::error::Error;
use airgap_bundle::stores::http::{ClientCertificate, HttpSettings, NamedProxy, ProxySettings, Roots};
use airgap_bundle::stores::registry::client::{By, RegistrySettings, Repository};
use airgap_bundle::stores::registry::server::{Auth, Bearer, Fault, Faults, Options, Server, Tls};
use camino::Utf8PathBuf;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd,
};
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
        Self::named("authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
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
        registry(Options { tls, faults, ..Options::memory() })
    }

    /// Serves those alone who show a certificate of this authority.
    fn strict(&self) -> (Server, Repository) {
        let (certificates, key) = self.issue("127.0.0.1");
        let tls = Some(Tls { certificates, key, client_authorities: Some(self.issuer.pem()) });
        registry(Options { tls, ..Options::memory() })
    }

    /// Settings that trust it and show a certificate of it.
    fn known(&self) -> HttpSettings {
        let (certificate, key) = self.issue("client");
        let client_certificate = Some(ClientCertificate {
            certificate: self.file("client.pem", &certificate),
            key: self.file("client.key", &key),
        });
        HttpSettings { client_certificate, ..self.trusted() }
    }
}

fn registry(options: Options) -> (Server, Repository) {
    let server = Server::start(options).unwrap();
    image(1, 1, 1000).put(server.registry(), "a", Some("v1"));
    let repository = Repository::new(&server.host(), "a").unwrap();
    (server, repository)
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
        let (_server, _, trusting) = self_signed(&authority, |params| {
            params.distinguished_name.push(DnType::CommonName, "mine");
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        let refused = Place::with(&trusting, &RegistrySettings::default()).unwrap_err().to_string();
        let date = if from == 2001 {
            "`CN=mine` has expired: it is valid until Tue, 01 Jan 2002 00:00:00 GMT, and the clock"
        } else {
            "`CN=mine` is not valid yet: it is valid from Sat, 01 Jan 2400 00:00:00 GMT, and the clock"
        };
        assert!(refused.contains("(`--ca-cert`)") && refused.contains(date), "{refused}");
    }
}

/// Serves with a certificate that `issuer` signed, and sends others with it.
fn signed(
    issuer: &CertifiedIssuer<'_, KeyPair>,
    sent: &str,
    change: impl FnOnce(&mut CertificateParams),
) -> (Server, Repository) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    change(&mut params);
    let certificates = format!("{}{sent}", params.signed_by(&key, issuer).unwrap().pem());
    let tls = Some(Tls { certificates, key: key.serialize_pem(), client_authorities: None });
    let server = Server::start(Options { tls, ..Options::memory() }).unwrap();
    image(1, 1, 1000).put(server.registry(), "a", Some("v1"));
    let repository = Repository::new(&server.host(), "a").unwrap();
    (server, repository)
}

/// The parameters of an authority whose time is over.
fn over(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    params
}

#[tokio::test]
async fn an_expired_certificate_between_is_named_with_its_date() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let between = CertifiedIssuer::signed_by(over("between"), key, &authority.issuer).unwrap();
    let (_server, repository) = signed(&between, &between.pem(), |_| {});
    let text = error(&authority.trusted(), &repository).await.to_string();
    let expected = "that of `CN=between`, which the server sends with it, has expired: it is valid until Tue, 01 Jan 2002";
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn named_authorities_whose_time_is_over_are_not_trusted() {
    let authority = Authority::new();
    let old = CertifiedIssuer::self_signed(over("old"), KeyPair::generate().unwrap()).unwrap();
    let (_server, repository) = signed(&old, "", |_| {});
    let folder = format!("{}/old.crt", repository.registry());
    std::fs::create_dir(authority.folder.path().join(repository.registry())).unwrap();
    let (file, _) = (authority.file("old.pem", &old.pem()), authority.file(&folder, &old.pem()));
    let both = authority.file("both.pem", &format!("{}{}", old.pem(), authority.issuer.pem()));
    let named = |file| Roots::Named { file: Some(file), folders: Vec::new() };
    let own = authority.folder.path().to_owned().try_into().unwrap();
    let why = "the certificate of `CN=old` has expired: it is valid until Tue, 01 Jan 2002";
    for (settings, expected) in [
        (HttpSettings { roots: named(file), ..HttpSettings::default() }, why),
        (HttpSettings { host_certificates: vec![own], ..HttpSettings::default() }, why),
        (HttpSettings { roots: named(both.clone()), ..HttpSettings::default() }, "does not trust"),
    ] {
        let text = error(&settings, &repository).await.to_string();
        assert!(text.contains(expected), "{text}");
    }
    let (_server, repository) = authority.serve("127.0.0.1", Faults::none());
    let settings = HttpSettings { roots: named(both), ..HttpSettings::default() };
    place(&settings).client.manifest(&repository, By::Tag("v1")).await.unwrap();
}

#[tokio::test]
async fn who_named_another_authority_is_told_which_one_signed() {
    let (authority, other) = (Authority::new(), Authority::named("other"));
    let (_server, repository) = authority.serve("127.0.0.1", Faults::none());
    let refused = error(&other.trusted(), &repository).await;
    let hint = refused.hint().unwrap();
    assert!(hint.contains("has signed it: name that of `CN=authority` with `--ca-cert FILE`"), "{hint}");
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
async fn a_client_certificate_is_shown_to_the_registry_that_asks() {
    let authority = Authority::new();
    let (_server, repository) = authority.strict();
    place(&authority.known()).client.manifest(&repository, By::Tag("v1")).await.unwrap();
    error(&authority.trusted(), &repository).await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_nobody_else() {
    let authority = Authority::new();
    let (strict, _) = authority.strict();
    let settings = authority.known();
    // Where an upload goes on.
    let there = Some(format!("{}/v2/a/blobs/uploads/1", strict.url()));
    let lead = Fault::Headers(vec![("location".to_owned(), there)]);
    let (_server, repository) =
        authority.serve("127.0.0.1", Faults::times(99, lead, |view| view.method == "POST"));
    place(&settings).put(&repository, b"content").await.unwrap_err();
    // Where a layer is said to be.
    let layer = Descriptor {
        urls: vec![format!("{}/v2/", strict.url())],
        ..Descriptor::new("application/vnd.oci.image.layer.nondistributable.v1.tar", Digest::sha256(b"x"), 1)
    };
    let (_server, repository) = authority.serve("127.0.0.1", Faults::none());
    place(&settings).get(&repository, &layer).await.unwrap_err();
    // A token server.
    let realm = Some(format!("{}/token", strict.url()));
    let auth = Auth::Bearer(Bearer { realm, ..Bearer::new("u", "p") });
    let (server, repository) = registry(Options { auth, ..Options::memory() });
    error(&settings, &repository).await;
    assert!(!server.requests().is_empty());
    // A proxy.
    let url = format!("https://{}", strict.host());
    let named = NamedProxy { url, source: "HTTPS_PROXY".to_owned() };
    let proxy = Some(ProxySettings { https: Some(named), ..ProxySettings::default() });
    let elsewhere = Repository::new("registry.example", "a").unwrap();
    error(&HttpSettings { proxy, ..settings }, &elsewhere).await;
    assert_eq!(strict.requests().len(), 0);
}

/// A folder of folders `HOST[:PORT]` for one server.
fn folder_of(authority: &Authority, server: &Server, files: &[(&str, &str)]) -> HttpSettings {
    let parent: Utf8PathBuf = authority.folder.path().join("certs.d").try_into().unwrap();
    let own = parent.join(server.host());
    std::fs::create_dir_all(&own).unwrap();
    for (name, text) in files {
        std::fs::write(own.join(name), text).unwrap();
    }
    HttpSettings { host_certificates: vec![parent], ..HttpSettings::default() }
}

#[tokio::test]
async fn an_authority_in_certs_d_is_trusted_for_its_host_alone() {
    let authority = Authority::new();
    let (server, repository) = authority.serve("127.0.0.1", Faults::none());
    let (_other, elsewhere) = authority.serve("127.0.0.1", Faults::none());
    let settings = folder_of(&authority, &server, &[("ca.crt", &authority.issuer.pem())]);
    let place = place(&settings);
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap();
    let refused = place.client.manifest(&elsewhere, By::Tag("v1")).await.unwrap_err().to_string();
    assert!(refused.contains("an authority that this host does not trust"), "{refused}");
}

#[tokio::test]
async fn client_certificates_in_certs_d_are_shown_to_their_host_alone() {
    let authority = Authority::new();
    let ((server, repository), (_other, elsewhere)) = (authority.strict(), authority.strict());
    let (wanted, wanted_key) = authority.issue("client");
    let stranger = Authority::named("stranger");
    let (unwanted, unwanted_key) = stranger.issue("client");
    let files =
        [("b.cert", &*wanted), ("b.key", &wanted_key), ("a.cert", &unwanted), ("a.key", &unwanted_key)];
    let settings = HttpSettings {
        ca_certificates: authority.trusted().ca_certificates,
        ..folder_of(&authority, &server, &files)
    };
    let place = place(&settings);
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap();
    place.client.manifest(&elsewhere, By::Tag("v1")).await.unwrap_err();
}

#[tokio::test]
async fn what_is_broken_in_certs_d_is_named() {
    for (files, named, hint) in [
        (&[("ca.crt", "nothing")][..], "ca.crt` (an authority for this host) holds no PEM certificate", None),
        (&[("a.cert", "x")], "a.cert` is there without its key `", None),
        (&[("a.key", "x")], "a.key` is there without its certificate `", Some("ends in `.cert`")),
    ] {
        let authority = Authority::new();
        let (server, repository) = authority.serve("127.0.0.1", Faults::none());
        let refused = error(&folder_of(&authority, &server, files), &repository).await;
        let text = refused.to_string();
        assert!(text.contains(named) && matches!(refused.root(), Error::Usage { .. }), "{text}");
        assert_eq!(refused.hint().is_some_and(|text| text.contains(hint.unwrap_or("?"))), hint.is_some());
    }
}

#[tokio::test]
async fn what_is_not_checked_for_one_host_is_checked_for_the_next() {
    let authority = Authority::new();
    let (target, _) = authority.serve("127.0.0.1", Faults::none());
    let to = Fault::Redirect(format!("https://{}/v2/a/manifests/v1", target.host()));
    let (server, repository) =
        authority.serve("127.0.0.1", Faults::times(9, to, |view| view.gets_manifest()));
    let settings = HttpSettings { insecure_skip_tls_verify: vec![server.host()], ..HttpSettings::default() };
    let refused = error(&settings, &repository).await.to_string();
    let named = format!("the certificate of `{}`", target.host());
    assert!(refused.contains(&named) && refused.contains("does not trust"), "{refused}");
    assert!(server.requests().iter().any(|request| request.path.ends_with("/manifests/v1")));
    assert_eq!(target.requests().len(), 0);
}

#[tokio::test]
async fn plain_http_is_spoken_with_the_named_host_alone() {
    let authority = Authority::new();
    let (_server, repository) = authority.serve("127.0.0.1", Faults::none());
    let plain = Server::start(Options::memory()).unwrap();
    image(1, 1, 1000).put(plain.registry(), "a", Some("v1"));
    let https = vec![plain.host()];
    let named = Repository::new(&plain.host(), "a").unwrap();
    let settings =
        HttpSettings { https, plain_http: vec!["other.example".to_owned()], ..authority.trusted() };
    place(&settings).client.manifest(&repository, By::Tag("v1")).await.unwrap();
    let refused = error(&settings, &named).await;
    assert!(refused.to_string().contains("does not speak TLS here"), "{refused}");
    assert_eq!(
        refused.hint().unwrap(),
        format!("if it speaks plain HTTP, say `--plain-http {}`", plain.host())
    );
}

#[tokio::test]
async fn a_refused_certificate_is_described() {
    let authority = Authority::new();
    let change = |from: i32, to: i32| {
        move |params: &mut CertificateParams| {
            params.distinguished_name.push(DnType::CommonName, "the registry");
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        }
    };
    let (server, repository) = signed(&authority.issuer, "", change(2001, 2002));
    let refused = error(&authority.trusted(), &repository).await;
    let text = refused.to_string();
    let named = format!("the certificate of `{}` (of `CN=the registry", server.host());
    assert!(text.contains(&named) && text.contains("signed by `CN=authority`"), "{text}");
    assert!(
        text.contains("valid until Tue, 01 Jan 2002 00:00:00 GMT, and the clock of this host says "),
        "{text}"
    );
    assert!(refused.hint().unwrap().contains("if the clock of this host is wrong, set it"));
    let (_server, repository) = signed(&authority.issuer, "", change(2400, 2401));
    let text = error(&authority.trusted(), &repository).await.to_string();
    assert!(text.contains("valid from Sat, 01 Jan 2400 00:00:00 GMT"), "{text}");
}

#[test]
fn files_that_hold_no_certificate_are_named() {
    let authority = Authority::new();
    let bad = authority.file("bad.pem", "nothing");
    let settings = HttpSettings { ca_certificates: vec![bad.clone()], ..HttpSettings::default() };
    let refused = Place::with(&settings, &RegistrySettings::default()).unwrap_err().to_string();
    assert!(refused.contains(bad.as_str()) && refused.contains("--ca-cert"), "{refused}");
}
