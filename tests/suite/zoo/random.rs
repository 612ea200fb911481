//! Random graphs: whatever shares what with whom, the far side has the same.

use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Completeness, Options, Server};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::fixture::{Blob, Graph, bytes, index_of};
use crate::site::Site;

/// An image of layers out of a few, so that images share them.
fn image_of(layers: &[u8]) -> Graph {
    let config = Blob::new(media_type::OCI_CONFIG, json!({"layers": layers}).to_string().into_bytes());
    let layers: Vec<Blob> = layers
        .iter()
        .map(|seed| Blob::new(media_type::OCTET_STREAM, bytes(u64::from(*seed), usize::from(*seed) * 37)))
        .collect();
    let root = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": layers.iter().map(Blob::descriptor).collect::<Vec<_>>(),
    });
    let root = Blob::new(media_type::OCI_MANIFEST, serde_json::to_vec(&root).unwrap());
    Graph { blobs: std::iter::once(config).chain(layers).collect(), manifests: vec![root] }
}

fn graphs() -> impl Strategy<Value = Graph> {
    let image = prop::collection::vec(0_u8..6, 0..4).prop_map(|layers| image_of(&layers));
    image.prop_recursive(3, 12, 3, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|children| {
            let children: Vec<(&str, &Graph)> = children.iter().map(|child| ("", child)).collect();
            index_of(&children)
        })
    })
}

/// Exports and imports so many sets of random graphs, and asserts that the far side has what the near side had.
pub(crate) fn what_goes_in_comes_out(cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let sets = prop::collection::vec((0_u8..3, graphs()), 1..6);
    let result = TestRunner::new(config).run(&sets, |artifacts| {
        round(&artifacts);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

fn round(artifacts: &[(u8, Graph)]) {
    let strict = || Server::start(Options { completeness: Completeness::All, ..Options::memory() }).unwrap();
    let (from, to) = (strict(), strict());
    let mut references = Vec::new();
    for (tag, (repository, graph)) in artifacts.iter().enumerate() {
        graph.put(from.registry(), &format!("r{repository}"), Some(&format!("t{tag}")));
        references.push(format!("FROM/r{repository}:t{tag}"));
    }
    let site = Site::new().named("FROM", from.host()).named("TO", to.host());
    site.run(&format!("export {}", references.join(" "))).any_stdout().any_stderr().code(0);
    site.run("import --to TO/p").any_stderr().code(0);
    for (tag, (repository, graph)) in artifacts.iter().enumerate() {
        graph.assert_in(to.registry(), &format!("p/r{repository}"), &format!("t{tag}"));
    }
}
