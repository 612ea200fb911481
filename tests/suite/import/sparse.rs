//! Indexes of which only some platforms are in the bundle.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::registry::server::{Completeness, Options, Server};
use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::fixture::Pack;
use crate::fixture::{Graph, image_for, index, index_of};

use super::place::packed;

/// Returns a graph without the manifests (and what is only below them) at these places.
fn without(graph: &Graph, places: &[usize]) -> Graph {
    let manifests = graph.manifests.iter().enumerate().filter(|(place, _)| !places.contains(place));
    let manifests: Vec<_> = manifests.map(|(_, manifest)| manifest.clone()).collect();
    let named = |digest: &Digest| {
        let text = digest.to_string();
        manifests.iter().any(|manifest| String::from_utf8_lossy(&manifest.bytes).contains(&text))
    };
    Graph { blobs: graph.blobs.iter().filter(|blob| named(&blob.digest)).cloned().collect(), manifests }
}

fn pack(reference: &str, graph: &Graph) -> Pack {
    Pack::new().add(graph, |artifact| {
        artifact.reference = reference.to_owned();
        artifact.names = vec![reference.to_owned()];
        artifact.sparse = true;
    })
}

fn strict() -> Server {
    Server::start(Options { completeness: Completeness::All, ..Options::memory() }).unwrap()
}

#[test]
fn a_registry_that_takes_a_sparse_index_gets_it() {
    let graph = without(&index(1, &["linux/amd64", "linux/arm64"], 1, 10), &[1]);
    let to = Server::start(Options::memory()).unwrap();
    let site = packed(&pack("q.io/a/b:1", &graph), &to.host());
    let report = site.run("import site.tar --to TO --json").json(0);
    assert_eq!(report["artifacts"][0]["target_digest"], Value::Null);
    graph.assert_in(to.registry(), "a/b", "1");
}

#[test]
fn one_platform_alone_is_the_sources_own_manifest() {
    let whole = index(1, &["linux/amd64", "linux/arm64"], 1, 10);
    let graph = without(&whole, &[1]);
    let to = strict();
    let docker = DockerRegistry::start();
    for host in [to.host(), docker.host().to_owned()] {
        let site = packed(&pack("q.io/a/b:1", &graph), &host);
        let report = site.run("import site.tar --to TO --json").json(0);
        assert_eq!(report["artifacts"][0]["digest"], json!(whole.digest()));
        assert_eq!(report["artifacts"][0]["target_digest"], json!(whole.manifests[0].digest));
        assert_eq!(report["artifacts"][0]["status"], "done");
        let rerun = site.run("import site.tar --to TO --json").json(0);
        assert_eq!(rerun["artifacts"][0]["status"], "present");
        assert_eq!(rerun["artifacts"][0]["target_digest"], json!(whole.manifests[0].digest));
        assert_eq!(rerun["totals"]["transferred"], 0);
        site.run("import site.tar --to TO").stderr_holds("1 there already; 0 B sent").code(0);
    }
    to.clear_requests();
    let site = packed(&pack("q.io/a/b:1", &graph), &to.host());
    site.run("import site.tar --to TO").any_stderr().code(0);
    assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")));
}

#[test]
fn several_platforms_are_an_index_of_what_is_there() {
    let nested = index_of(&[
        ("linux/s390x", &image_for("linux/s390x", 3, 1, 10)),
        ("linux/riscv64", &image_for("linux/riscv64", 4, 1, 10)),
    ]);
    let (amd64, arm64) = (image_for("linux/amd64", 1, 1, 10), image_for("linux/arm64", 2, 1, 10));
    let whole = index_of(&[("linux/amd64", &amd64), ("linux/arm64", &arm64), ("", &nested)]);
    // Manifests: amd64, arm64, s390x, riscv64, nested, root.
    let graph = without(&whole, &[1, 2]);
    let to = strict();
    let site = packed(&pack("q.io/a/b:1", &graph), &to.host());
    let mut digests = Vec::new();
    for status in ["done", "present"] {
        let report = site.run("import site.tar --to TO --json").json(0);
        assert_eq!(report["artifacts"][0]["status"], status);
        assert_eq!(report["artifacts"][0]["digest"], json!(whole.digest()));
        digests.push(report["artifacts"][0]["target_digest"].clone());
    }
    assert_eq!(digests[0], digests[1]);
    let read = |reference: &str| -> Value {
        let found = to.registry().manifest("a/b", reference).unwrap();
        let bytes = to.registry().content(&found.digest).unwrap().unwrap().read(1 << 20).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let (root, source): (Value, Value) = (read("1"), serde_json::from_slice(&whole.root().bytes).unwrap());
    assert_eq!(root["mediaType"], source["mediaType"]);
    assert_eq!(root["manifests"][0], source["manifests"][0]);
    assert_eq!(root["manifests"].as_array().unwrap().len(), 2);
    let below = read(root["manifests"][1]["digest"].as_str().unwrap());
    assert_eq!(below["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(below["manifests"][0]["platform"]["architecture"], "riscv64");
}

#[test]
fn an_index_that_is_pinned_has_to_be_exported_whole() {
    let graph = without(&index(1, &["linux/amd64", "linux/arm64"], 1, 10), &[1]);
    let to = strict();
    let site = packed(&pack(&format!("q.io/a/b:1@{}", graph.digest()), &graph), &to.host());
    site.run("import site.tar --to TO")
        .stderr_holds("the registry takes no sparse index, and the reference pins its digest")
        .stderr_holds("hint: export it whole")
        .code(1);
    assert!(to.registry().tags("a/b").is_empty());
}

#[test]
fn names_that_stand_for_something_else_are_one_warning() {
    let graphs = [1, 2].map(|seed| without(&index(seed, &["linux/amd64", "linux/arm64"], 1, 10), &[1]));
    let named = |number: usize| format!("q.io/a/n{number}:1");
    let pack = graphs.iter().enumerate().fold(Pack::new(), |pack, (number, graph)| {
        pack.add(graph, |artifact| {
            artifact.reference = named(number);
            artifact.names = vec![named(number)];
            artifact.sparse = true;
        })
    });
    let to = strict();
    let site = packed(&pack, &to.host());
    site.run("import site.tar --to TO --quiet --no-receipt")
        .stderr(
            "warning: 2 names have another digest than at the source, because this registry refuses indexes with \
             missing platforms; pulls by the old digest fail, and an export without `--platform` keeps digests:\n  \
             `TO/a/n0:1`  sha256:[1] -> sha256:[2]\n  `TO/a/n1:1`  sha256:[3] -> sha256:[4]\n",
        )
        .code(0);
    let rerun = site.run("import site.tar --to TO --json").json(0);
    // A rerun is the proof that all is there: that it is there in another form is said again.
    let warnings = rerun["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().starts_with("2 names have another digest"));
    assert_eq!(rerun["artifacts"][0]["target_digest"], json!(graphs[0].manifests[0].digest));
}
