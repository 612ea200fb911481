//! Bundles that say what they must not: the bytes are right, the meaning is not.

use airgap_bundle::model::artifact::Kind;
use airgap_bundle::model::contents::{Blob, Contents};
use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::error::FormatState::{Foreign, Incomplete};
use airgap_bundle::model::media_type;

use super::judge::wrong;
use crate::fixture::Pack;
use crate::fixture::{self, Graph};
use crate::python::refused_by_python;

type Change = fn(&mut Contents);

/// An image and an index in the order of their references.
fn pack() -> Pack {
    Pack::new()
        .graph("quay.io/a/one:1", &fixture::image(1, 1, 100))
        .graph("quay.io/a/two:2", &fixture::index(2, &["linux/amd64", "linux/arm64"], 1, 100))
}

#[test]
fn the_rules_for_bundle_json() {
    let pack = pack();
    let cases: [(&str, Change); 24] = [
        ("at most 1000 elements", |c| {
            c.artifacts[0].names = (0..1001).map(|n| format!("a.b/c:{n:04}")).collect();
        }),
        ("more than 1000 labels", |c| {
            c.labels = (0..1001).map(|n| (format!("{n:04}"), "x".to_owned())).collect();
        }),
        ("not in order, or one is there twice", |c| c.artifacts.reverse()),
        ("not in order, or one is there twice", |c| c.artifacts[1] = c.artifacts[0].clone()),
        ("has names that are not in order", |c| c.artifacts[0].names = vec!["b:1".into(), "a:1".into()]),
        ("has platforms that are not in order", |c| c.artifacts[1].platforms.reverse()),
        ("has omitted layers that are not in order", |c| {
            c.artifacts[0].omitted = vec![Digest::Sha256([1; 32]), Digest::Sha256([0; 32])];
        }),
        ("is not a reference", |c| c.artifacts[0].reference = "Not A Reference".into()),
        ("is not a reference", |c| c.artifacts[0].names = vec!["../up".into()]),
        ("is not a reference", |c| c.artifacts[0].names = vec!["short:1".into()]),
        ("is not a reference", |c| c.artifacts[0].names = vec!["a.b/c:1@sha256:12".into()]),
        ("has control characters", |c| c.artifacts[0].wanted = Some("a\u{9b}2J".into())),
        ("expected 1 to 1024", |c| c.artifacts[0].artifact_type = Some(String::new())),
        ("expected 1 to 1024", |c| c.artifacts[0].names = vec!["a".repeat(1025)]),
        ("is not the address of a source", |c| c.artifacts[0].source = Some("/home/me/x".into())),
        ("is not the address of a source", |c| c.artifacts[0].source = Some("https://h/x?token=y".into())),
        ("has media type `text/plain`", |c| c.artifacts[0].media_type = "text/plain".into()),
        ("which is not listed", |c| c.artifacts[0].digest = Digest::Sha256([0; 32])),
        ("expected the relative name of a file", |c| {
            c.artifacts.truncate(1);
            c.artifacts[0].kind = Kind::File;
            c.artifacts[0].reference = "../../etc/passwd".into();
        }),
        ("is listed twice", |c| c.blobs.push(c.manifests[0])),
        ("8388609 bytes, more than 8388608", |c| c.manifests[0].size = 8_388_609),
        ("4194305 bytes, more than 4194304", |c| c.configs[0].size = 4_194_305),
        ("more bytes than a file can hold", |c| c.blobs[0].size = u64::MAX),
        ("format 3 is not one", |c| c.format = 3),
    ];
    for (message, change) in cases {
        let mut contents = pack.contents();
        change(&mut contents);
        let tar = pack.tar_of(&contents);
        let found = wrong(&tar);
        assert!(found[0].0 == Foreign && found[0].2.contains(message), "{message}: {found:?}");
        refused_by_python(message, &tar);
    }
}

#[test]
fn the_rules_for_graphs() {
    let pack = pack();
    let cases: [(_, &str, Change); 11] = [
        (Incomplete, "is named, but is not in the bundle, in `quay.io/a/one:1`", |c| {
            c.blobs.remove(0);
        }),
        (Incomplete, "is named, but is not in the bundle, in `quay.io/a/two:2`", |c| {
            c.manifests.remove(2);
        }),
        (Foreign, "is named by no artifact", |c| {
            c.artifacts.remove(0);
        }),
        (Foreign, "stands in `blobs`, expected `configs`", |c| c.blobs.insert(0, c.configs.remove(0))),
        (Foreign, "stands in `configs`, expected `blobs`", |c| c.configs.push(c.blobs.remove(0))),
        (Foreign, "stands in `configs`, expected `manifests`", |c| c.configs.push(c.manifests.remove(2))),
        (Foreign, "`bundle.json` says 7 bytes, expected", |c| c.artifacts[0].size = 7),
        (Foreign, "`bundle.json` says 99999 bytes, expected", |c| {
            (c.artifacts[1].sparse, c.artifacts[1].size) = (true, 99_999);
        }),
        (Foreign, "is of kind image, expected chart", |c| {
            c.artifacts[0].kind = Kind::Chart;
            c.artifacts.sort();
        }),
        (Foreign, "has another artifact type", |c| c.artifacts[0].artifact_type = Some("a/b".into())),
        (Foreign, "but was served as", |c| c.artifacts[0].media_type = media_type::OCI_INDEX.into()),
    ];
    for (state, message, change) in cases {
        let mut contents = pack.contents();
        change(&mut contents);
        let tar = pack.tar_of(&contents);
        let found = wrong(&tar);
        assert!(found.iter().any(|w| w.0 == state && w.2.contains(message)), "{message}: {found:?}");
        refused_by_python(message, &tar);
    }
}

#[test]
fn a_size_that_a_manifest_states_is_the_size_of_the_blob() {
    let mut graph = fixture::image(1, 1, 100);
    let text = String::from_utf8(graph.manifests[0].bytes.clone()).unwrap();
    let size = graph.blobs[1].bytes.len();
    let lie = text.replace(&format!("\"size\":{size}"), &format!("\"size\":{}", size + 1));
    graph.manifests = vec![fixture::Blob::new(media_type::OCI_MANIFEST, lie.into_bytes())];
    let tar = Pack::new().graph("quay.io/a/one:1", &graph).tar();
    let found = wrong(&tar);
    assert!(
        found[0].0 == Foreign && found[0].2.contains(&format!("expected {} bytes", size + 1)),
        "{found:?}"
    );
    refused_by_python("a lie about a size", &tar);
}

fn nested(depth: usize) -> Graph {
    (0..depth).fold(fixture::image(1, 1, 10), |graph, _| fixture::index_of(&[("", &graph)]))
}

#[test]
fn indexes_nest_eight_deep_and_no_deeper() {
    assert_eq!(wrong(&Pack::new().graph("quay.io/a/deep:8", &nested(8)).tar()), []);
    let tar = Pack::new().graph("quay.io/a/deep:9", &nested(9)).tar();
    let found = wrong(&tar);
    assert!(found[0].0 == Foreign && found[0].2.contains("lies more than 8 deep"), "{found:?}");
    refused_by_python("nine deep", &tar);
}

#[test]
fn a_narrowed_index_has_something_left() {
    let whole = fixture::index(2, &["linux/amd64"], 1, 100);
    let root = Graph { blobs: vec![], manifests: vec![whole.root().clone()] };
    let tar = Pack::new()
        .add(&root, |artifact| {
            artifact.reference = "quay.io/a/two:2".to_owned();
            artifact.sparse = true;
        })
        .tar();
    let found = wrong(&tar);
    assert!(found[0].0 == Incomplete && found[0].2.contains("has none of its manifests"), "{found:?}");
    refused_by_python("nothing left", &tar);
}

#[test]
fn a_layer_may_be_omitted_only_if_it_need_not_be_distributed() {
    for (layer_type, good) in [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
        ("application/vnd.oci.image.layer.v1.tar", false),
    ] {
        let mut graph = fixture::image(1, 1, 100);
        let text = String::from_utf8(graph.manifests[0].bytes.clone()).unwrap();
        let text = text.replace("application/vnd.oci.image.layer.v1.tar", layer_type);
        graph.manifests = vec![fixture::Blob::new(media_type::OCI_MANIFEST, text.into_bytes())];
        let layer = graph.blobs.remove(1);
        let tar = Pack::new()
            .add(&graph, |artifact| {
                artifact.reference = "quay.io/a/one:1".to_owned();
                artifact.omitted = vec![layer.digest];
            })
            .tar();
        assert_eq!(wrong(&tar).is_empty(), good, "{layer_type}");
        if !good {
            refused_by_python(layer_type, &tar);
        }
    }
}

#[test]
fn empty_and_shared_blobs_are_counted_once() {
    // The config of an artifact is `{}`, and so is its layer.
    let tar = Pack::new().file("braces", b"{}").tar();
    assert_eq!(wrong(&tar), []);
    let contents = Pack::new().file("braces", b"{}").contents();
    assert_eq!(contents.blobs, Vec::<Blob>::new());
}
