//! One graph of every sort.

use airgap_bundle::model::digest::{Algorithm, Digest, Hasher};
use airgap_bundle::model::media_type as media;
use serde_json::{Value, json};

use crate::fixture::{Blob, Graph, artifact, bytes, image, image_for, index, index_of};

/// Which registries can hold a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// All.
    Everywhere,
    /// Not docker-registry 2.8, which computes sha256 of every manifest and knows no OCI artifact manifests.
    ByOurs,
}

/// A sort of graph.
#[derive(Debug)]
pub(super) struct Member {
    /// Its repository is `zoo/NAME`, its tag `v1`.
    pub(super) name: &'static str,
    pub(super) graph: Graph,
    pub(super) held: Held,
}

/// Returns every sort.
pub(super) fn all() -> Vec<Member> {
    let everywhere = |name, graph| Member { name, graph, held: Held::Everywhere };
    let by_ours = |name, graph| Member { name, graph, held: Held::ByOurs };
    let two = index(10, &["linux/amd64", "linux/arm64/v8"], 2, 100);
    let nested = index_of(&[("", &two), ("windows/amd64", &image_for("windows/amd64", 11, 1, 50))]);
    vec![
        everywhere("manifest", image(1, 3, 200)),
        everywhere("index", two.clone()),
        everywhere("docker-manifest", docker(2)),
        everywhere("docker-list", docker_list()),
        everywhere("artifact", artifact(4, "application/vnd.example.thing", None)),
        // What it speaks of need not be there (OCI distribution spec, "Pushing Manifests with Subject").
        everywhere("with-subject", artifact(20, "application/vnd.example.signature", Some(&two))),
        everywhere("nested", nested),
        everywhere("empty-index", index_of(&[])),
        everywhere("no-layers", image(5, 0, 0)),
        everywhere("one-blob-twice", twice(6)),
        everywhere("empty-layer", with_layer(7, Blob::new(LAYER, vec![]))),
        everywhere("foreign-oci", foreign(8, "application/vnd.oci.image.layer.nondistributable.v1.tar")),
        everywhere("foreign-docker", foreign_docker(9)),
        everywhere("large-manifest", large(12)),
        everywhere("sha512-blobs", with_layer(13, sha512(Blob::new(LAYER, bytes(13, 300))))),
        everywhere("odd-bytes", odd(14)),
        everywhere("no-media-type", no_media_type(15)),
        everywhere("attested", attested(16)),
        by_ours("sha512-root", sha512_root(17)),
        by_ours("sha512-child", sha512_child(18)),
        by_ours("oci-artifact", oci_artifact(19)),
    ]
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Returns the root as JSON, to be changed.
fn root(graph: &Graph) -> Value {
    serde_json::from_slice(&graph.root().bytes).unwrap()
}

/// Returns the graph with another root.
fn with_root(mut graph: Graph, media_type: &str, bytes: Vec<u8>) -> Graph {
    graph.manifests.pop();
    graph.manifests.push(Blob::new(media_type, bytes));
    graph
}

fn with_json(graph: Graph, json: &Value) -> Graph {
    let media_type = graph.root().media_type.clone();
    with_root(graph, &media_type, serde_json::to_vec(json).unwrap())
}

fn with_layer(seed: u64, layer: Blob) -> Graph {
    let mut graph = image(seed, 1, 100);
    let mut json = root(&graph);
    json["layers"].as_array_mut().unwrap().push(layer.descriptor());
    graph.blobs.push(layer);
    with_json(graph, &json)
}

fn docker(seed: u64) -> Graph {
    let mut graph = image(seed, 2, 100);
    let mut json = root(&graph);
    json["mediaType"] = json!(media::DOCKER_MANIFEST);
    json["config"]["mediaType"] = json!(media::DOCKER_CONFIG);
    for layer in json["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = json!("application/vnd.docker.image.rootfs.diff.tar.gzip");
    }
    graph.blobs[0].media_type = media::DOCKER_CONFIG.to_owned();
    with_root(graph, media::DOCKER_MANIFEST, serde_json::to_vec(&json).unwrap())
}

fn docker_list() -> Graph {
    let list = index_of(&[("linux/amd64", &docker(20)), ("linux/arm/v7", &docker(21))]);
    let mut json = root(&list);
    json["mediaType"] = json!(media::DOCKER_LIST);
    with_root(list, media::DOCKER_LIST, serde_json::to_vec(&json).unwrap())
}

fn twice(seed: u64) -> Graph {
    let graph = image(seed, 1, 100);
    let mut json = root(&graph);
    let again = json["layers"][0].clone();
    json["layers"].as_array_mut().unwrap().push(again);
    with_json(graph, &json)
}

/// A layer that registries need not hold: it is there, and the URL that it names leads nowhere.
fn foreign(seed: u64, media_type: &str) -> Graph {
    let mut graph = image(seed, 2, 100);
    let mut json = root(&graph);
    json["layers"][1]["mediaType"] = json!(media_type);
    json["layers"][1]["urls"] = json!(["https://layers.invalid/1"]);
    graph.blobs[2].media_type = media_type.to_owned();
    with_json(graph, &json)
}

fn foreign_docker(seed: u64) -> Graph {
    let mut graph = docker(seed);
    let mut json = root(&graph);
    let media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    json["layers"][1]["mediaType"] = json!(media_type);
    json["layers"][1]["urls"] = json!(["https://layers.invalid/2"]);
    graph.blobs[2].media_type = media_type.to_owned();
    with_json(graph, &json)
}

/// 3.9 MB, just under what registries take.
fn large(seed: u64) -> Graph {
    let graph = image(seed, 1, 100);
    let mut json = root(&graph);
    json["annotations"] = json!({"padding": "x".repeat(3_900_000)});
    with_json(graph, &json)
}

fn of_sha512(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(bytes);
    hasher.finish()
}

fn sha512(blob: Blob) -> Blob {
    Blob { digest: of_sha512(&blob.bytes), ..blob }
}

/// White space, escapes, numbers, orders and fields that no encoder writes.
fn odd(seed: u64) -> Graph {
    let graph = image(seed, 1, 100);
    let json = root(&graph);
    let text = format!(
        "\r\n{{\t\"vendor\" : {{ \"x\\u002fy\": [ 1e3, -0.0, null ] }},\n\n \"layers\"   :{} ,\"annotations\": \
         {{\"\\u00e4\":\"ä\"}},\"mediaType\":\"{}\",\n  \"config\":{},\"schemaVersion\":2 }}  \n\n",
        json["layers"],
        media::OCI_MANIFEST,
        json["config"]
    );
    with_root(graph, media::OCI_MANIFEST, text.into_bytes())
}

fn no_media_type(seed: u64) -> Graph {
    let graph = image(seed, 1, 100);
    let mut json = root(&graph);
    json.as_object_mut().unwrap().remove("mediaType");
    with_json(graph, &json)
}

/// An index with an attestation, as buildkit writes it.
fn attested(seed: u64) -> Graph {
    let (image, attestation) = (image(seed, 1, 100), artifact(seed, "application/vnd.in-toto+json", None));
    let graph = index_of(&[("linux/amd64", &image), ("unknown/unknown", &attestation)]);
    let mut json = root(&graph);
    json["manifests"][1]["annotations"] = json!({
        "vnd.docker.reference.digest": image.digest(),
        "vnd.docker.reference.type": "attestation-manifest",
    });
    with_json(graph, &json)
}

fn sha512_root(seed: u64) -> Graph {
    let mut graph = image(seed, 1, 100);
    let root = graph.manifests.pop().unwrap();
    graph.manifests.push(sha512(root));
    graph
}

fn sha512_child(seed: u64) -> Graph {
    index_of(&[
        ("linux/amd64", &sha512_root(seed)),
        ("linux/arm64", &image_for("linux/arm64", seed + 50, 1, 10)),
    ])
}

fn oci_artifact(seed: u64) -> Graph {
    let blob = Blob::new(media::OCTET_STREAM, bytes(seed, 100));
    let json = json!({
        "mediaType": media::OCI_ARTIFACT,
        "artifactType": "application/vnd.example.old",
        "blobs": [blob.descriptor()],
    });
    let root = Blob::new(media::OCI_ARTIFACT, serde_json::to_vec(&json).unwrap());
    Graph { blobs: vec![blob], manifests: vec![root] }
}
