//! Who the client says it is.

use std::sync::Arc;
use std::time::Duration;

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::error::Error;
use airgap_bundle::stores::http::HttpSettings;
use airgap_bundle::stores::registry::auth::{CredentialFile, CredentialSources, Presence, TokenHost};
use airgap_bundle::stores::registry::client::{By, RegistrySettings, Repository};
use airgap_bundle::stores::registry::server::{Anonymous, Auth, Bearer, Clock, Options, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::NamedTempFile;

use super::place::Place;
use crate::docker_registry::{DockerRegistry, PASSWORD, Settings, USER};
use crate::fixture::image;

/// A client that reads one credential file.
fn with_file(json: &str) -> (Place, NamedTempFile) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json).unwrap();
    let path = file.path().to_str().unwrap().into();
    let files = vec![CredentialFile { path, presence: Presence::Named("--auth-file"), aside: None }];
    let credentials = CredentialSources { explicit: Vec::new(), files };
    let settings = RegistrySettings { credentials, ..RegistrySettings::default() };
    (Place::with(&HttpSettings::default(), &settings).unwrap(), file)
}

/// A client whose credential file has an entry for `host`.
pub(crate) fn logged_in(host: &str, user: &str, password: &str) -> (Place, NamedTempFile) {
    let auth = STANDARD.encode(format!("{user}:{password}"));
    with_file(&format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#))
}

fn serve(auth: Auth) -> (Server, Repository) {
    let server = Server::start(Options { auth, ..Options::memory() }).unwrap();
    image(1, 2, 1000).put(server.registry(), "a", Some("v1"));
    let repository = Repository::new(&server.host(), "a").unwrap();
    (server, repository)
}

fn token_requests(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.path == "/token").count()
}

#[tokio::test]
async fn a_password_opens_docker_registry() {
    let registry = DockerRegistry::with(Settings { htpasswd: true, ..Settings::default() });
    let repository = Repository::new(registry.host(), "a").unwrap();
    let (place, _file) = logged_in(registry.host(), USER, PASSWORD);
    let blob = place.put(&repository, b"content").await.unwrap();
    assert_eq!(place.get(&repository, &blob).await.unwrap(), "content");
    let (place, file) = logged_in(registry.host(), USER, "wrong");
    let error = place.get(&repository, &blob).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Denied { .. }), "{text}");
    let path = file.path().display();
    let used = format!("credentials of `{path}`, key `{}`", registry.host());
    assert!(text.contains(&used) && text.contains("UNAUTHORIZED") && !text.contains("wrong"), "{text}");
    let error = Place::new().get(&repository, &blob).await.unwrap_err();
    assert!(error.to_string().contains("there is no credential file"), "{error}");
    assert!(error.hint().unwrap().contains("`--auth-file`"), "{error}");
}

#[tokio::test]
async fn a_helper_that_would_be_needed_is_named() {
    let (server, repository) = serve(Auth::basic("user", "secret"));
    let (place, _file) = with_file(&format!(r#"{{"credHelpers":{{"{}":"vault"}}}}"#, server.host()));
    let error = place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err().to_string();
    assert!(error.contains("`docker-credential-vault`"), "{error}");
}

#[tokio::test]
async fn a_scope_takes_one_token_however_many_wait() {
    let (server, repository) = serve(Auth::bearer("user", "secret"));
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let place = Arc::new(place);
    let graph = image(1, 2, 1000);
    let all = (0..30).map(|number| {
        let blob = &graph.blobs[number % graph.blobs.len()];
        let descriptor = Descriptor::new("", blob.digest, blob.bytes.len().try_into().unwrap());
        let (place, repository) = (Arc::clone(&place), repository.clone());
        async move { place.get(&repository, &descriptor).await.map(|bytes| bytes.len()) }
    });
    for size in futures_util::future::join_all(all).await {
        size.unwrap();
    }
    assert_eq!(token_requests(&server), 1);
    let token = server.requests().into_iter().find(|request| request.path == "/token").unwrap();
    assert!(token.query.contains("scope=repository%3Aa%3Apull"), "{}", token.query);
    assert_eq!(token.authorization.as_deref(), Some("Basic"));
}

#[tokio::test]
async fn a_push_asks_for_its_scope_at_once() {
    let (server, repository) = serve(Auth::bearer("user", "secret"));
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let client = place.client.for_push();
    assert!(client.repository_exists(&repository).await.unwrap());
    place.put(&repository, b"content").await.unwrap();
    assert_eq!(token_requests(&server), 1);
    let other = Repository::new(&server.host(), "b").unwrap();
    let digest = image(1, 2, 1000).blobs[0].digest;
    let mounted = client.mount(&other, &digest, &repository).await.unwrap();
    assert!(matches!(mounted, airgap_bundle::stores::registry::client::Mounted::Done), "{mounted:?}");
    let query = server.requests().into_iter().rfind(|request| request.path == "/token").unwrap().query;
    assert!(query.contains("repository%3Aa%3Apull&scope=repository%3Ab%3Apull%2Cpush"), "{query}");
}

#[tokio::test]
async fn tokens_are_renewed_before_they_end_and_when_they_are_refused() {
    let (server, repository) = serve(Auth::bearer("user", "secret"));
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let get = || async { place.client.manifest(&repository, By::Tag("v1")).await.unwrap() };
    get().await;
    get().await;
    assert_eq!(token_requests(&server), 1);
    place.clock.advance(Duration::from_secs(239));
    get().await;
    assert_eq!(token_requests(&server), 1, "300 seconds, of which 80 % are not over");
    place.clock.advance(Duration::from_secs(2));
    get().await;
    assert_eq!(token_requests(&server), 2);
    server.end_tokens();
    get().await;
    assert_eq!(token_requests(&server), 3);
}

#[tokio::test]
async fn anonymous_reading_needs_no_credentials() {
    let auth = Auth::Bearer(Bearer { anonymous: Anonymous::Pull, ..Bearer::new("user", "secret") });
    let (_server, repository) = serve(auth);
    let place = Place::new();
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap();
    let error = place.put(&repository, b"content").await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert_eq!(place.waits().len(), 0);
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let bearer = Bearer { identity_token: Some("identity".to_owned()), ..Bearer::new("user", "secret") };
    let (server, repository) = serve(Auth::Bearer(bearer));
    let (place, _file) =
        with_file(&format!(r#"{{"auths":{{"{}":{{"identitytoken":"identity"}}}}}}"#, server.host()));
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap();
    let token = server.requests().into_iter().find(|request| request.path == "/token").unwrap();
    assert_eq!((token.method.as_str(), token.query.as_str()), ("POST", ""));
}

#[tokio::test]
async fn a_foreign_token_server_sees_no_password() {
    let elsewhere =
        Server::start(Options { auth: Auth::bearer("user", "secret"), ..Options::memory() }).unwrap();
    let port = elsewhere.address().port();
    let realm = Some(format!("http://evil.localhost:{port}/token"));
    let (server, repository) = serve(Auth::Bearer(Bearer { realm, ..Bearer::new("user", "secret") }));
    let (place, file) = logged_in(&server.host(), "user", "secret");
    let error = place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err().to_string();
    assert!(error.contains("evil.localhost") && error.contains("are not sent there"), "{error}");
    assert_eq!(elsewhere.requests().len(), 0);
    let path = file.path().to_str().unwrap().into();
    let files = vec![CredentialFile { path, presence: Presence::Named("--auth-file"), aside: None }];
    let settings = RegistrySettings {
        credentials: CredentialSources { explicit: Vec::new(), files },
        token_hosts: vec![TokenHost { registry: server.host(), host: "evil.localhost".to_owned() }],
        ..RegistrySettings::default()
    };
    let place = Place::with(&HttpSettings::default(), &settings).unwrap();
    // The token is of another server, so it opens nothing here; but the password has been sent.
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err();
    assert_eq!(elsewhere.requests()[0].authorization.as_deref(), Some("Basic"));
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_blob_is_renewed() {
    use airgap_bundle::stores::registry::server::{Fault, Faults, RequestView};
    let faults = Faults::times(1, Fault::CutBodyAfter(100_000), |view: &RequestView<'_>| {
        view.gets_blob() && view.headers.contains_key("authorization")
    });
    let (clock, hand) = Clock::manual();
    let auth = Auth::bearer("user", "secret");
    let server = Server::start(Options { auth, faults, clock, ..Options::memory() }).unwrap();
    let content = crate::fixture::bytes(1, 300_000);
    let digest = server.registry().put_blob("a", &content).unwrap();
    let repository = Repository::new(&server.host(), "a").unwrap();
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let blob = Descriptor::new("", digest, 300_000);
    let body = place.client.blob(&repository, &blob, 0).await.unwrap();
    hand.advance(Duration::from_secs(301));
    assert_eq!(super::place::read(body).await.unwrap(), content);
    assert_eq!(token_requests(&server), 2);
    let resumed = server.requests().into_iter().rfind(|request| request.path.contains("/blobs/")).unwrap();
    let offset = resumed.range.unwrap();
    assert!(offset.starts_with("bytes=") && offset != "bytes=0-", "goes on at the offset: {offset}");
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_an_upload_is_renewed() {
    let (server, repository) = serve(Auth::bearer("user", "secret"));
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let content = crate::fixture::bytes(2, 300_000);
    let blob = Descriptor::of("application/octet-stream", &content);
    let open = super::place::opener(&blob, &content);
    // The session is open when the body is asked for.
    let (server, opened) = (Arc::new(server), std::sync::atomic::AtomicUsize::new(0));
    let ending = |offset| {
        if opened.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            server.end_tokens();
        }
        open(offset)
    };
    place.client.for_push().upload(&repository, &blob, None, ending).await.unwrap();
    assert_eq!(token_requests(&server), 2);
    assert_eq!(place.get(&repository, &blob).await.unwrap(), content);
}

#[tokio::test]
async fn a_refused_login_is_tried_once_however_many_wait() {
    let (server, repository) = serve(Auth::bearer("user", "secret"));
    let (place, _file) = logged_in(&server.host(), "user", "wrong");
    let all = (0..10).map(|_| place.client.manifest(&repository, By::Tag("v1")));
    for refused in futures_util::future::join_all(all).await {
        assert!(refused.unwrap_err().to_string().contains("HTTP status 401"));
    }
    place.client.manifest(&repository, By::Tag("v1")).await.unwrap_err();
    assert_eq!(token_requests(&server), 1);
}

/// Mounts two blobs of `a` into `b`, which is refused, uploads them, and returns the server.
async fn refused_mounts(faults: airgap_bundle::stores::registry::server::Faults) -> Server {
    let auth = Auth::bearer("user", "secret");
    let server = Server::start(Options { auth, faults, ..Options::memory() }).unwrap();
    let graph = image(1, 2, 1000);
    graph.put(server.registry(), "a", Some("v1"));
    let (place, _file) = logged_in(&server.host(), "user", "secret");
    let (from, to) =
        (Repository::new(&server.host(), "a").unwrap(), Repository::new(&server.host(), "b").unwrap());
    for blob in graph.blobs.iter().take(2) {
        let mounted = place.client.for_push().mount(&to, &blob.digest, &from).await.unwrap();
        assert!(matches!(mounted, airgap_bundle::stores::registry::client::Mounted::Refused), "{mounted:?}");
        place.put(&to, &blob.bytes).await.unwrap();
    }
    server
}

#[tokio::test]
async fn where_the_token_server_refuses_a_mount_the_blob_is_uploaded() {
    use airgap_bundle::stores::registry::server::{Fault, Faults, RequestView};
    for status in [401, 403] {
        let both = |view: &RequestView<'_>| view.is_token() && view.query.matches("scope=").count() == 2;
        let server = refused_mounts(Faults::times(100, Fault::status(status), both)).await;
        let asked: Vec<usize> = server
            .requests()
            .iter()
            .filter(|request| request.path == "/token")
            .map(|request| request.query.matches("scope=").count())
            .collect();
        assert_eq!(asked, [2, 1], "one try for the mounts, one token for the uploads");
    }
}

#[tokio::test]
async fn where_the_registry_refuses_a_mount_the_blob_is_uploaded() {
    use airgap_bundle::stores::registry::server::{Fault, Faults, RequestView};
    let mount =
        |view: &RequestView<'_>| view.query.contains("mount=") && view.headers.contains_key("authorization");
    let lacks = "Bearer realm=\"/token\",service=\"registry\",scope=\"repository:a:pull repository:b:pull,push\",\
                 error=\"insufficient_scope\"";
    let headers = vec![("www-authenticate".to_owned(), lacks.to_owned())];
    let fault = Fault::Status { status: 401, headers, body: String::new() };
    let server = refused_mounts(Faults::times(100, fault, mount)).await;
    assert_eq!(token_requests(&server), 2, "one for the mounts, one for the uploads");
    let mounts = server.requests().iter().filter(|request| request.query.contains("mount=")).count();
    assert_eq!(mounts, 2, "asked without a token and with one, and not again");
}
