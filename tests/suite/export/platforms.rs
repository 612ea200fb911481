//! `--platform`, `platform=`, sparse indexes, and layers that are marked non-distributable.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::media_type::{self, OCI_CONFIG, OCI_MANIFEST};
use serde_json::json;

use super::{ID, contents, digests, entries, registry, site};
use crate::fixture::{Blob, Graph, artifact, image, image_for, index, index_of};

fn all_of(graphs: &[&Graph]) -> Vec<Digest> {
    let blobs = graphs.iter().flat_map(|graph| graph.manifests.iter().chain(&graph.blobs));
    sorted(blobs.map(|blob| blob.digest).collect())
}

fn sorted(mut digests: Vec<Digest>) -> Vec<Digest> {
    digests.sort();
    digests.dedup();
    digests
}

/// An index of two images and an attestation of each, as buildkit writes it.
fn attested() -> (Graph, [Graph; 2], [Graph; 2]) {
    let images = ["linux/amd64", "linux/arm64/v8"].map(|platform| image_for(platform, 5, 2, 400));
    let attestations = [6, 7].map(|seed| artifact(seed, "application/vnd.in-toto+json", None));
    let mut graph = index_of(&[
        ("linux/amd64", &images[0]),
        ("linux/arm64/v8", &images[1]),
        ("unknown/unknown", &attestations[0]),
        ("unknown/unknown", &attestations[1]),
    ]);
    let mut root: serde_json::Value = serde_json::from_slice(&graph.root().bytes).unwrap();
    for (number, image) in images.iter().enumerate() {
        root["manifests"][2 + number]["annotations"] = json!({"vnd.docker.reference.digest": image.digest()});
    }
    graph.manifests.pop();
    graph.manifests.push(Blob::new(media_type::OCI_INDEX, serde_json::to_vec(&root).unwrap()));
    (graph, images, attestations)
}

#[test]
fn a_sparse_index_keeps_its_bytes_and_the_attestations_of_what_is_there() {
    let server = registry();
    let (graph, images, attestations) = attested();
    graph.put(server.registry(), "app", Some("1"));
    let site = site(&server);
    site.run("export REGISTRY/app:1 --platform linux/arm64").stdout(ID).any_stderr().code(0);
    let mut expected = all_of(&[&images[1], &attestations[1]]);
    expected.push(graph.digest());
    assert_eq!(sorted(digests(&site, "airgap-bundle.tar")), sorted(expected));
    let name = format!("blobs/sha256/{}", graph.digest().hex());
    assert!(entries(&site, "airgap-bundle.tar").contains(&(name, graph.root().bytes.clone())));
    let artifact = &contents(&site, "airgap-bundle.tar")["artifacts"][0];
    assert_eq!((&artifact["sparse"], &artifact["platforms"]), (&json!(true), &json!(["linux/arm64"])));
    site.run("export REGISTRY/app:1 -o all.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(sorted(digests(&site, "all.tar")), all_of(&[&graph]));
    assert_eq!(contents(&site, "all.tar")["artifacts"][0].get("sparse"), None);
}

#[test]
fn platforms_that_an_image_lacks_are_an_error_or_a_warning() {
    let server = registry();
    index(1, &["linux/amd64", "linux/arm64"], 1, 100).put(server.registry(), "multi", Some("1"));
    image(2, 1, 100).put(server.registry(), "single", Some("1"));
    artifact(3, "application/vnd.example", None).put(server.registry(), "sbom", Some("1"));
    let site = site(&server)
        .file("a.txt", "REGISTRY/multi:1\nREGISTRY/single:1\nREGISTRY/sbom:1\n")
        .file("line.txt", "REGISTRY/single:1 platform=linux/amd64,linux/arm64\n");
    let lacks = "error: could not export `REGISTRY/single:1` (a.txt:2:1)\n\
                 \x20 cause: `REGISTRY/single:1` has no linux/arm64: it has linux/amd64\n\n";
    let ending = "1 of 3 artifacts failed; no bundle was made\n\
                  mend the list and run the same command again, or add `--keep-going` for a bundle without them\n";
    site.run("export --list a.txt --platform linux/arm64")
        .stderr(&format!(
            "{lacks}hint: name one of those with `--platform`, or with `platform=` on the line\n{ending}"
        ))
        .code(1);
    site.run("export --list a.txt --platform linux/arm64,linux/amd64 --strict-platforms")
        .stderr(&format!(
            "{lacks}hint: leave out `--strict-platforms`, or name the platforms with `platform=` on the line\n{ending}"
        ))
        .code(1);
    site.run("export --list line.txt")
        .stderr_holds("`REGISTRY/single:1` has no linux/arm64: ")
        .stderr_holds("\n\nhint: name with `platform=` only what it has, or leave `platform=` out\n")
        .code(1);
    let site = site.file("sbom.txt", "REGISTRY/sbom:1 platform=linux/amd64\n");
    site.run("export --list sbom.txt -o sbom.tar")
        .stdout(ID)
        .stderr_holds("warning: sbom.txt:1:1: `platform=` means nothing for artifact `REGISTRY/sbom:1`: it is carried whole\n")
        .code(0);
    site.run("export --list a.txt --platform linux/arm64,linux/amd64")
        .stdout(ID)
        .stderr_holds("warning: `REGISTRY/single:1` has no linux/arm64: it has linux/amd64\n3 artifacts, ")
        .code(0);
}

#[test]
fn an_image_that_does_not_say_its_platform_is_told_as_that() {
    let server = registry();
    let config = server.registry().put_blob("bare", b"{}").unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{OCI_CONFIG}","digest":"{config}","size":2}},"layers":[]}}"#
    );
    server.registry().put_manifest("bare", Some("1"), OCI_MANIFEST, manifest.as_bytes()).unwrap();
    let site = site(&server);
    site.run("export REGISTRY/bare:1 --platform linux/amd64")
        .stderr_holds("cause: `REGISTRY/bare:1` does not say its platform, and linux/amd64 is asked for\n")
        .stderr_holds("\nhint: export it without `--platform` and `platform=`")
        .code(1);
    site.run("export REGISTRY/bare:1").stdout(ID).any_stderr().code(0);
}

#[test]
fn what_an_index_digest_pins_is_kept_whole_and_counted() {
    let server = registry();
    let graph = index(1, &["linux/amd64", "linux/arm64"], 2, 30_000);
    graph.put(server.registry(), "multi", Some("1"));
    let site = site(&server).named("DIGEST", graph.digest().to_string());
    site.run("export REGISTRY/multi@DIGEST --platform linux/amd64")
        .stdout(ID)
        .stderr_holds("\n1 kept whole, pinned by index digest, +62.8 KiB\nnext: ")
        .code(0);
    assert_eq!(sorted(digests(&site, "airgap-bundle.tar")), all_of(&[&graph]));
    site.run("export REGISTRY/multi@DIGEST --platform linux/amd64 --dry-run")
        .any_stdout()
        .stderr_holds("1 kept whole, pinned by index digest, +62.8 KiB\n")
        .code(0);
    let site = site.file("line.txt", "REGISTRY/multi@DIGEST platform=linux/arm64\n");
    site.run("export --list line.txt -o line.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(contents(&site, "line.tar")["artifacts"][0]["platforms"], json!(["linux/arm64"]));
    assert_eq!(digests(&site, "line.tar").len(), 1 + 4);
    // A manifest that is pinned by its own digest is that platform's, with nothing to keep whole.
    let child = graph.manifests[0].digest;
    site.run(&format!("export REGISTRY/multi@{child} --platform linux/amd64 -o child.tar"))
        .stdout(ID)
        .stderr_holds("1 artifact, 4 blobs, ")
        .code(0);
}

#[test]
fn the_line_wins_over_the_command_line() {
    let server = registry();
    index(1, &["linux/amd64", "linux/arm64", "linux/s390x"], 1, 100).put(
        server.registry(),
        "multi",
        Some("1"),
    );
    let site = site(&server).file("a.txt", "REGISTRY/multi:1 platform=linux/s390x\n").file(
        "union.txt",
        "REGISTRY/multi:1 platform=linux/s390x\nREGISTRY/multi:1 platform=linux/arm64/v8\n",
    );
    let platforms = |bundle: &str| contents(&site, bundle)["artifacts"][0]["platforms"].clone();
    site.run("export --list a.txt --platform linux/amd64 -o a.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(platforms("a.tar"), json!(["linux/s390x"]));
    site.run("export --list union.txt --platform linux/amd64 -o union.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(platforms("union.tar"), json!(["linux/arm64", "linux/s390x"]));
}

#[test]
fn foreign_layers_come_from_their_address_or_stay_out() {
    let server = registry();
    let mut graph = image(1, 2, 5000);
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    let layer = graph.blobs.pop().unwrap();
    // Another place than the registry's repository has it.
    server.registry().put_blob_as("elsewhere", layer.digest, &layer.bytes).unwrap();
    let mut root: serde_json::Value = serde_json::from_slice(&graph.root().bytes).unwrap();
    root["layers"][1]["mediaType"] = json!(foreign);
    root["layers"][1]["urls"] = json!([format!("{}/v2/elsewhere/blobs/{}", server.url(), layer.digest)]);
    graph.manifests.pop();
    graph.manifests.push(Blob::new(media_type::OCI_MANIFEST, serde_json::to_vec(&root).unwrap()));
    graph.put(server.registry(), "windows", Some("1"));
    let site = site(&server);
    site.run("export REGISTRY/windows:1").stdout(ID).any_stderr().code(0);
    assert!(digests(&site, "airgap-bundle.tar").contains(&layer.digest));
    server.clear_requests();
    site.run("export REGISTRY/windows:1 --no-foreign-layers -o without.tar").stdout(ID).any_stderr().code(0);
    assert!(!server.requests().iter().any(|request| request.path.contains(&layer.digest.hex())));
    assert_eq!(sorted(digests(&site, "without.tar")), all_of(&[&graph]));
    assert_eq!(contents(&site, "without.tar")["artifacts"][0]["omitted"], json!([layer.digest]));
}

/// What a registry says of platforms reaches no terminal as it is, and a dry run needs no folder to write to.
#[test]
fn control_characters_of_a_registry_are_escaped() {
    let server = registry();
    let (odd, bad) = ("linux/a\u{202e}b", "linux/a\u{1b}[2Jb");
    index(1, &[odd, "linux/arm64"], 1, 100).put(server.registry(), "odd", Some("1"));
    index(2, &[bad, "linux/arm64"], 1, 100).put(server.registry(), "bad", Some("1"));
    let site = site(&server).env("TMPDIR", "SITE/none").file("x", "1");
    site.run("export REGISTRY/odd:1 ./x --dry-run")
        .stdout_holds(" linux/arm64,linux/a\\u{202e}b ")
        .any_stderr()
        .code(0);
    for platform in ["linux/amd64", "linux/amd64,linux/arm64"] {
        let line = format!("export REGISTRY/bad:1 --platform {platform} --strict-platforms");
        site.run(&line)
            .stderr_holds("`REGISTRY/bad:1` has no linux/amd64: it has linux/a\\u{1b}[2jb, linux/arm64\n")
            .code(1);
    }
    let web = crate::fixture::Web::start([("/x.zip", crate::fixture::Page::sized("x"))]);
    site.run(&format!("export http://{}/x.zip --dry-run", web.host()))
        .stderr_holds("cause: making a temporary folder in `SITE/none`: ")
        .stderr_holds("hint: add `sha256=` to the line")
        .code(1);
}
