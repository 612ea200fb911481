//! `airgap-bundle inspect`.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::list;
use airgap_bundle::model::manifest::Manifest;

use crate::fixture;
use crate::fixture::Pack;
use crate::site::Site;

fn site() -> Site {
    let shared = fixture::image(1, 2, 3000);
    let pack = Pack::new()
        .graph("quay.io/a/one:1", &shared)
        .add(&shared, |artifact| {
            artifact.reference = "quay.io/b/one:1".to_owned();
            artifact.names = vec!["quay.io/b/one:1".to_owned()];
            artifact.wanted = Some("c d:1".to_owned());
        })
        .graph("quay.io/a/two:2", &fixture::index(2, &["linux/amd64", "linux/arm64"], 1, 2000))
        .file("it's.sh", b"#!/bin/sh\n")
        .file("sub/a b", b"#!/bin/sh\n")
        .missing("quay.io/a/three:3")
        .label("site", "north");
    Site::new().bytes("airgap-bundle.tar", &pack.tar())
}

const TABLE: &str = "\
KIND   REFERENCE          DIGEST                   PLATFORMS                SIZE
image  quay.io/a/one:1    sha256:02afd134a8db003d                           9.8 KiB
image  quay.io/a/two:2    sha256:01468c7d326b4b3c  linux/amd64,linux/arm64  8.6 KiB
image  quay.io/b/one:1    sha256:02afd134a8db003d                           9.8 KiB
file   it's.sh            sha256:a8076d3d28d21e02                           10 B
file   sub/a b            sha256:a8076d3d28d21e02                           10 B
       quay.io/a/three:3  missing

5 artifacts, 15 blobs, 19.5 KiB (9.8 KiB shared, counted once)
bundle id sha256:[1]
site: north
";
const SAID: &str = "INCOMPLETE: 1 of 6 artifacts were not exported: `quay.io/a/three:3`\n";

#[test]
fn shows_a_table() {
    site().run("inspect").stdout(TABLE).stderr(SAID).code(0);
    site()
        .run("inspect --except image --only file")
        .stdout_holds("file  it's.sh            sha256:")
        .stdout_holds("3 of them not shown\n")
        .any_stderr()
        .code(0);
    site()
        .run("inspect --only chart")
        .any_stdout()
        .stderr_holds("warning: `chart` takes no artifact of this bundle\n")
        .code(0);
}

#[test]
fn raw_is_what_the_id_is_the_sha256_of() {
    let raw = site().run("inspect --raw").stderr(SAID).any_stdout().code(0);
    let report = site().run("inspect --json").json(0);
    assert_eq!(report["bundle"]["id"], Digest::sha256(&raw).to_string());
    assert_eq!(report["bundle"]["complete"], false);
    assert_eq!(report["artifacts"][1]["platforms"], serde_json::json!(["linux/amd64", "linux/arm64"]));
    assert_eq!(report["artifacts"][5]["error"], "was not exported");
}

#[test]
fn lists_are_read_back_as_the_same_artifacts() {
    let list = site().run("inspect --list").stderr(SAID).any_stdout().code(0);
    let text = String::from_utf8(list.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "# Files that came from a disk stand where `airgap-bundle extract --to .` puts them."
    );
    assert!(lines[1].starts_with("image quay.io/a/one:1@sha256:02afd134a8db003d"), "{text}");
    assert!(lines[3].ends_with(" \"as=c d:1\""), "{text}");
    let sha256 = Digest::sha256(b"#!/bin/sh\n").hex();
    assert_eq!(lines[4], format!("file ./it's.sh sha256={sha256}"));
    assert_eq!(lines[5], format!("file \"./sub/a b\" \"name=sub/a b\" sha256={sha256}"));
    assert_eq!(lines[6], "# missing: quay.io/a/three:3");
    let list = text.replace(" \"as=c d:1\"", "");
    assert_eq!(list::parse(&list::Source::Stdin, list.as_bytes()).map(|entries| entries.len()), Ok(5));
}

#[test]
fn a_narrowed_image_keeps_its_platforms_in_the_list() {
    let whole = fixture::index(2, &["linux/amd64", "linux/arm64"], 1, 2000);
    let mut graph = whole.clone();
    let dropped = graph.manifests.remove(0);
    let parsed = Manifest::parse(&dropped.media_type, &dropped.bytes).unwrap();
    graph.blobs.retain(|blob| parsed.blobs().all(|child| child.digest != blob.digest));
    let pack = Pack::new().add(&graph, |artifact| {
        artifact.reference = "quay.io/a/two:2".to_owned();
        artifact.names = vec!["quay.io/a/two:2".to_owned()];
        artifact.platforms = vec!["linux/arm64".to_owned()];
        artifact.sparse = true;
    });
    let site = Site::new().bytes("airgap-bundle.tar", &pack.tar());
    site.run("verify").stderr_holds("proved 1 artifact,").code(0);
    site.run("inspect --list").stdout("image quay.io/a/two:2@sha256:[1] platform=linux/arm64\n").code(0);
}

#[test]
fn what_a_file_that_ends_too_early_should_hold_is_shown() {
    let tar = std::fs::read(site().path("airgap-bundle.tar")).unwrap();
    let site = Site::new().bytes("airgap-bundle.tar", &tar[..tar.len() - 3000]);
    let (length, all) = (tar.len() - 3000, tar.len());
    let said = format!(
        "{SAID}warning: the file ends at {length} of {all} bytes: this is what it should hold, not what it does\n\
         error: `airgap-bundle.tar` is incomplete: at byte {length}: the file ends: expected {all} bytes, got {length} \
         bytes, so blob sha256:[1] is not whole\n\n\
         hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all \
         that is wrong\n{SAID}"
    );
    site.run("inspect").stdout(TABLE).stderr(&said).code(3);
    site.run("inspect --raw").any_stdout().stderr(&said).code(3);
    let report = site.run("inspect --json").json(3);
    assert_eq!(report["artifacts"].as_array().unwrap().len(), 6);
    assert_eq!((&report["status"], &report["bundle"]["complete"]), (&"failed".into(), &false.into()));
}
