//! `sideload`: what it writes and says, and what containerd makes of it.

use crate::containerd::Containerd;
use crate::fixture::{Blob, Graph, Pack, artifact, image, image_for, index_of};
use crate::site::Site;

const PAUSE: &str = "ghcr.io/canonical/k8s-snap/pause:3.10";

fn site(pack: &Pack) -> Site {
    Site::new().bytes("site.tar", &pack.bytes())
}

/// Two platforms, and a build attestation as buildkit adds it.
fn multi(seed: u64) -> (Graph, Graph, Graph) {
    let (amd64, arm64) =
        (image_for("linux/amd64", seed, 2, 3000), image_for("linux/arm64", seed + 1, 2, 3000));
    let attestation = artifact(seed + 2, "application/vnd.in-toto+json", None);
    let index =
        index_of(&[("linux/amd64", &amd64), ("linux/arm64/v8", &arm64), ("unknown/unknown", &attestation)]);
    (index, amd64, arm64)
}

#[test]
fn each_image_becomes_a_tar() {
    let (one, two) = (image(1, 2, 2000), image(2, 1, 500));
    let chart = artifact(3, "application/vnd.example.chart", None);
    let pack = Pack::new()
        .add(PAUSE, &one)
        .add("docker.io/library/nginx:1.27", &two)
        .add("quay.io/a/thing:1", &chart);
    let site = site(&pack);
    site.run("sideload site.tar --containerd-dir=images --platform linux/amd64")
        .stderr(
            "warning: nothing on this host reads `images`\n\
             2 images (22.0 KiB) written to `images`, 1 other artifact skipped\n\
             next: on a node that reads this folder, run `snap restart k8s.containerd`: Canonical Kubernetes imports \
             images when its containerd starts\n\
             integrity only: nothing here proves who made this bundle\n",
        )
        .code(0);
    assert_eq!(
        site.files("images"),
        ["images/docker.io-library-nginx-1.27.tar", "images/ghcr.io-canonical-k8s-snap-pause-3.10.tar"]
    );
    let tar = site.read("images/docker.io-library-nginx-1.27.tar");
    let mut entries = tar::Archive::new(&tar[..]);
    let names: Vec<String> = entries
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    let blob = |blob: &Blob| format!("blobs/sha256/{}", blob.digest.hex());
    assert_eq!(
        names,
        [
            "oci-layout".to_owned(),
            "index.json".to_owned(),
            blob(two.root()),
            blob(&two.blobs[0]),
            blob(&two.blobs[1])
        ]
    );
}

/// Where the fixture's images run.
const AMD64: &str = "--platform linux/amd64";

fn digest_name(repository: &str, graph: &Graph) -> String {
    format!("{repository}@{}", graph.digest())
}

fn all_tars(site: &Site, containerd: &Containerd) {
    for tar in site.files("images") {
        containerd.import(&site.path(&tar));
    }
}

#[test]
fn containerd_finds_each_image_by_tag_and_by_digest() {
    let one = image(10, 2, 2000);
    let (whole, whole_amd64, _) = multi(20);
    let (sparse, sparse_amd64, sparse_arm64) = multi(30);
    let with_386 = image_for("linux/386", 40, 1, 100);
    let amd64 = image_for("linux/amd64", 41, 1, 100);
    let both = index_of(&[("linux/amd64", &amd64), ("linux/386", &with_386)]);
    let lacking = index_of(&[("linux/386", &with_386), ("linux/amd64", &amd64)]);
    let inner = index_of(&[("linux/arm64", &image_for("linux/arm64", 50, 1, 10)), ("linux/amd64", &amd64)]);
    let nested = index_of(&[("", &inner), ("windows/amd64", &image_for("windows/amd64", 51, 1, 10))]);
    let pinned = format!("quay.io/a/pinned:v1@{}", one.digest());
    let site = site(
        &Pack::new()
            .add(PAUSE, &one)
            .add(&pinned, &one)
            .add("docker.io/library/whole:1", &whole)
            .add("docker.io/library/sparse:1", &sparse)
            .add("docker.io/library/both:1", &both)
            .add(&digest_name("docker.io/library/nested", &nested), &nested)
            .without(&sparse_arm64),
    );
    site.run(&format!("sideload --containerd-dir=images {AMD64} site.tar")).any_stderr().code(0);
    let containerd = Containerd::start();
    all_tars(&site, &containerd);
    let mut expected: Vec<(String, String, bool)> = [
        (PAUSE.to_owned(), &one),
        (digest_name("ghcr.io/canonical/k8s-snap/pause", &one), &one),
        ("quay.io/a/pinned:v1".to_owned(), &one),
        (digest_name("quay.io/a/pinned", &one), &one),
        ("docker.io/library/whole:1".to_owned(), &whole_amd64),
        (digest_name("docker.io/library/whole", &whole), &whole),
        ("docker.io/library/sparse:1".to_owned(), &sparse_amd64),
        (digest_name("docker.io/library/sparse", &sparse), &sparse),
        ("docker.io/library/both:1".to_owned(), &amd64),
        (digest_name("docker.io/library/both", &both), &both),
        (digest_name("docker.io/library/nested", &nested), &nested),
    ]
    .into_iter()
    .map(|(name, graph)| (name, graph.digest().to_string(), true))
    .collect();
    expected.sort();
    assert_eq!(containerd.images(), expected);

    // The host's matcher also takes 386, which is not here: the index would fail the whole tar.
    let site = Site::new().bytes(
        "site.tar",
        &Pack::new().add("docker.io/library/lacking:1", &lacking).without(&with_386).bytes(),
    );
    site.run(&format!("sideload --containerd-dir=images {AMD64} site.tar"))
        .stderr_holds(
            "warning: 1 image: the bundle does not hold all of the index that a linux/amd64 host looks at, so the name \
             with the index's digest points at the platform's manifest: docker.io/library/lacking:1\n",
        )
        .code(0);
    let containerd = Containerd::start();
    all_tars(&site, &containerd);
    let found = |name: String| (name, amd64.digest().to_string(), true);
    assert_eq!(
        containerd.images(),
        [
            found("docker.io/library/lacking:1".to_owned()),
            found(digest_name("docker.io/library/lacking", &lacking))
        ]
    );
}

#[test]
fn what_cannot_be_side_loaded_is_told_and_the_others_go_on() {
    let good = image(60, 1, 10);
    let arm64 = image_for("linux/arm64", 61, 1, 10);
    let no_layer = image(62, 2, 10);
    let pack = Pack::new()
        .add("quay.io/a/arm:1", &arm64)
        .add("quay.io/a/foreign:1", &no_layer)
        .add("quay.io/a/good:1", &good)
        .without_blob(&no_layer.blobs[2]);
    let site = site(&pack);
    site.run(&format!("sideload --containerd-dir=images {AMD64} site.tar"))
        .stderr(
            "warning: nothing on this host reads `images`\n\
             error: could not side-load `quay.io/a/arm:1`\n  \
             cause: the image is not there for linux/amd64, only for linux/arm64\n\
             \nhint: name another platform with `--platform`, or leave the image out with `--except`\n\
             error: could not side-load `quay.io/a/foreign:1`\n  \
             cause: blob sha256:[1] is not in the bundle\n\
             \nhint: export the image whole: without `--no-foreign-layers`, and for this platform\n\
             1 image (8.0 KiB) written to `images`, 2 failed\n\
             next: on a node that reads this folder, run `snap restart k8s.containerd`: Canonical Kubernetes imports \
             images when its containerd starts\n\
             integrity only: nothing here proves who made this bundle\n",
        )
        .code(4);
    assert_eq!(site.files("images"), ["images/quay.io-a-good-1.tar"]);
    let document =
        site.run(&format!("sideload --json --only *arm --containerd-dir=other {AMD64} site.tar")).json(1);
    assert_eq!(document["status"], "failed");
    assert_eq!(document["artifacts"][0]["status"], "failed");
    assert!(!site.path("other").exists());
}
