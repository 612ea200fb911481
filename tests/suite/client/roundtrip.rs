//! Everything there and back, on both registries.

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::digest::{Algorithm, Digest, Hasher};
use airgap_bundle::model::error::Error;
use airgap_bundle::model::media_type;
use airgap_bundle::model::reference::Reference;
use airgap_bundle::stores::registry::client::{By, Mounted, Repository};
use airgap_bundle::stores::registry::server::{Options, Server};
use bytes::Bytes;

use super::place::{Place, opener, read};
use crate::docker_registry::DockerRegistry;
use crate::fixture::{Graph, artifact, bytes, image, index};

/// Pushes a graph in the order that registries want.
async fn push(place: &Place, repository: &Repository, graph: &Graph, tag: &str) {
    let client = place.client.for_push();
    for blob in &graph.blobs {
        place.put(repository, &blob.bytes).await.unwrap();
        let descriptor = Descriptor::new(&blob.media_type, blob.digest, blob.bytes.len().try_into().unwrap());
        assert!(client.has_blob(repository, &descriptor).await.unwrap());
        let other = Descriptor { size: descriptor.size + 1, ..descriptor };
        assert!(!client.has_blob(repository, &other).await.unwrap());
    }
    for manifest in &graph.manifests {
        let content = Bytes::from(manifest.bytes.clone());
        let by = By::Digest(&manifest.digest);
        let put = client.put_manifest(repository, by, &manifest.media_type, content).await.unwrap();
        assert_eq!(put, Descriptor::new(&manifest.media_type, manifest.digest, put.size));
    }
    let root = graph.root();
    let content = Bytes::from(root.bytes.clone());
    let put = client.put_manifest(repository, By::Tag(tag), &root.media_type, content).await.unwrap();
    assert_eq!(put.digest, root.digest);
}

async fn pull(place: &Place, repository: &Repository, graph: &Graph, tag: &str) {
    let root = graph.root();
    for by in [By::Tag(tag), By::Digest(&root.digest)] {
        let fetched = place.client.manifest(repository, by).await.unwrap();
        assert_eq!(fetched.bytes, root.bytes);
        let size = root.bytes.len().try_into().unwrap();
        assert_eq!(fetched.descriptor, Descriptor::new(&root.media_type, root.digest, size));
        assert_eq!(place.client.head_manifest(repository, by).await.unwrap(), Some(fetched.descriptor));
    }
    for blob in &graph.blobs {
        let descriptor = Descriptor::new(&blob.media_type, blob.digest, blob.bytes.len().try_into().unwrap());
        assert_eq!(place.get(repository, &descriptor).await.unwrap(), blob.bytes);
        let from = descriptor.size / 2;
        let rest = place.client.blob(repository, &descriptor, from).await.unwrap();
        assert_eq!(read(rest).await.unwrap(), blob.bytes[usize::try_from(from).unwrap()..]);
    }
}

/// Does everything that a client does on one registry.
async fn everything(host: &str) {
    let place = Place::new();
    let graphs = [
        image(1, 3, 100_000),
        index(2, &["linux/amd64", "linux/arm64"], 2, 5000),
        artifact(3, "application/x.test", None),
    ];
    for (number, graph) in graphs.iter().enumerate() {
        let repository = Repository::new(host, &format!("team/app-{number}")).unwrap();
        assert!(!place.client.repository_exists(&repository).await.unwrap());
        push(&place, &repository, graph, "v1").await;
        pull(&place, &repository, graph, "v1").await;
        assert!(place.client.repository_exists(&repository).await.unwrap());
        assert_eq!(place.client.first_tags(&repository).await.unwrap(), ["v1"]);
        let reference: Reference = format!("{repository}:v1").parse().unwrap();
        assert_eq!(place.client.resolve(&reference).await.unwrap().digest, graph.digest());
    }
    empty_and_sha512(&place, host).await;
    mounts(&place, host, &graphs[0]).await;
    absences(&place, host).await;
    assert_eq!(place.waits(), [] as [u128; 0]);
}

async fn empty_and_sha512(place: &Place, host: &str) {
    let repository = Repository::new(host, "odd").unwrap();
    let empty = place.put(&repository, b"").await.unwrap();
    assert_eq!(place.get(&repository, &empty).await.unwrap(), "");
    let content = bytes(7, 70_000);
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(&content);
    let blob = Descriptor::new(media_type::OCTET_STREAM, hasher.finish(), 70_000);
    place.client.upload(&repository, &blob, None, opener(&blob, &content)).await.unwrap();
    assert!(place.client.has_blob(&repository, &blob).await.unwrap());
    assert!(place.get(&repository, &blob).await.unwrap() == content);
}

async fn mounts(place: &Place, host: &str, graph: &Graph) {
    let (from, to) =
        (Repository::new(host, "team/app-0").unwrap(), Repository::new(host, "other/app").unwrap());
    let mounted = place.client.mount(&to, &graph.blobs[1].digest, &from).await.unwrap();
    assert!(matches!(mounted, Mounted::Done), "{mounted:?}");
    let content = bytes(8, 100_000);
    let blob = Descriptor::of(media_type::OCTET_STREAM, &content);
    let mounted = place.client.mount(&to, &blob.digest, &from).await.unwrap();
    let Mounted::Open(session) = mounted else { panic!("{mounted:?}") };
    place.client.upload(&to, &blob, Some(session), opener(&blob, &content)).await.unwrap();
    assert!(place.get(&to, &blob).await.unwrap() == content);
}

async fn absences(place: &Place, host: &str) {
    let repository = Repository::new(host, "team/app-0").unwrap();
    let digest = Digest::sha256(b"nowhere");
    let blob = Descriptor::new("", digest, 7);
    assert!(!place.client.has_blob(&repository, &blob).await.unwrap());
    for by in [By::Tag("nowhere"), By::Digest(&digest)] {
        assert_eq!(place.client.head_manifest(&repository, by).await.unwrap(), None);
        let error = place.client.manifest(&repository, by).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert!(
            error.to_string().contains(host) && error.to_string().contains("MANIFEST_UNKNOWN"),
            "{error}"
        );
    }
    let error = place.get(&repository, &blob).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn everything_on_docker_registry() {
    let registry = DockerRegistry::start();
    everything(registry.host()).await;
    assert!(registry.folder().join("root").is_dir());
}

#[tokio::test]
async fn everything_on_our_own_server() {
    let server = Server::start(Options::memory()).unwrap();
    everything(&server.host()).await;
    assert_eq!(server.uploads(), 0);
}

#[tokio::test]
async fn nobody_is_asked_twice_for_the_scheme() {
    let server = Server::start(Options::memory()).unwrap();
    let place = Place::new();
    let repository = Repository::new(&server.host(), "a").unwrap();
    server.clear_requests();
    let blob = place.put(&repository, b"content").await.unwrap();
    place.get(&repository, &blob).await.unwrap();
    let asked: Vec<String> = server.requests().into_iter().map(|logged| logged.method).collect();
    assert_eq!(asked, ["POST", "PUT", "GET"], "no pings");
}

#[tokio::test]
async fn localhost_needs_no_name_server() {
    let registry = DockerRegistry::start();
    let port = registry.host().rsplit_once(':').unwrap().1;
    let repository = Repository::new(&format!("registry.localhost:{port}"), "a").unwrap();
    let place = Place::new();
    let blob = place.put(&repository, b"content").await.unwrap();
    assert_eq!(place.get(&repository, &blob).await.unwrap(), "content");
}
