//! `sideload`: what it writes and says, and what containerd makes of it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::sync::Arc;

use airgap_bundle::commands::open::{Choice, OnIncomplete};
use airgap_bundle::commands::report::Report;
use airgap_bundle::commands::sideload::{self, Destination, Loaded, Mode, Options, Preset};
use airgap_bundle::content::progress::Silent;
use airgap_bundle::model::digest::{Digest, Hasher};
use airgap_bundle::model::media_type;
use camino::Utf8PathBuf;
use serde_json::json;

use crate::containerd::Containerd;
use crate::fixture::{Blob, Graph, Pack, artifact, image, image_for, index_of};
use crate::killed::side_loads;
use crate::rootfs::debian;
use crate::site::{CARRY_AGAIN, Site};
use crate::tools::{find, run};

const PAUSE: &str = "ghcr.io/canonical/k8s-snap/pause:3.10";

fn site(pack: &Pack) -> Site {
    Site::new().bytes("site.tar", &pack.tar())
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
        .graph(PAUSE, &one)
        .graph("docker.io/library/nginx:1.27", &two)
        .graph("quay.io/a/thing:1", &chart);
    let site = site(&pack);
    site.run("sideload site.tar --containerd-dir=images --platform linux/amd64")
        .stderr(
            "warning: nothing on this host reads `images`\n\
             2 images (22.0 KiB) written to `images`, 1 other artifact skipped\n\
             next: import each tar with `ctr -n k8s.io images import FILE`\n\
             integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n",
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
            .graph(PAUSE, &one)
            .graph(&pinned, &one)
            .graph("docker.io/library/whole:1", &whole)
            .graph("docker.io/library/sparse:1", &sparse)
            .graph("docker.io/library/both:1", &both)
            .graph(&digest_name("docker.io/library/nested", &nested), &nested)
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
        &Pack::new().graph("docker.io/library/lacking:1", &lacking).without(&with_386).tar(),
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
        .graph("quay.io/a/arm:1", &arm64)
        .graph("quay.io/a/foreign:1", &no_layer)
        .graph("quay.io/a/good:1", &good)
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
             \nhint: export the image whole: without `--no-foreign-layers`\n\
             1 image (8.0 KiB) written to `images`, 2 failed\n\
             next: mend what failed and run the same command again; what is there stays\n\
             next: import each tar with `ctr -n k8s.io images import FILE`\n",
        )
        .code(4);
    assert_eq!(site.files("images"), ["images/quay.io-a-good-1.tar"]);
    let document =
        site.run(&format!("sideload --json --only *arm --containerd-dir=other {AMD64} site.tar")).json(1);
    assert_eq!(document["status"], "failed");
    assert_eq!(document["artifacts"][0]["status"], "failed");
    assert!(!site.path("other").exists());
}

const NGINX: &str = "docker.io/library/nginx:1.27";
const NGINX_TAR: &str = "images/docker.io-library-nginx-1.27.tar";
const SIDELOAD: &str = "sideload --containerd-dir=images --platform linux/amd64 site.tar";
/// What every run into a folder of a test says besides what the test is about.
const NOBODY: &str = "warning: nothing on this host reads `images`\n";
const NEXT: &str = "next: import each tar with `ctr -n k8s.io images import FILE`\n";
const MEND: &str = "next: mend what failed and run the same command again; what is there stays\n";
const INTEGRITY: &str =
    "integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n";

#[test]
fn the_same_image_is_the_same_tar_whatever_bundle_it_comes_from() {
    let (nginx, other) = (image(100, 2, 2000), image(101, 1, 100));
    let alone = site(&Pack::new().graph(NGINX, &nginx));
    let among = site(&Pack::new().graph(PAUSE, &other).graph(NGINX, &nginx).missing("quay.io/a/b:1"));
    alone.run(SIDELOAD).any_stderr().code(0);
    among.run(SIDELOAD).any_stderr().code(4);
    assert!(alone.read(NGINX_TAR) == among.read(NGINX_TAR));
    assert_eq!(fs::metadata(alone.path(NGINX_TAR)).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn what_is_there_is_proven_and_left_alone() {
    let site = site(&Pack::new().graph(NGINX, &image(110, 2, 2000)).graph(PAUSE, &image(111, 1, 10)));
    site.run(SIDELOAD).any_stderr().code(0);
    let written = |site: &Site| fs::metadata(site.path(NGINX_TAR)).unwrap().ino();
    let (first, bytes) = (written(&site), site.read(NGINX_TAR));
    let said = format!("{NOBODY}0 images (0 B) written to `images`, 2 present\n{NEXT}{INTEGRITY}");
    site.run(SIDELOAD).stderr(&said).code(0);
    assert_eq!(written(&site), first);

    // A bad disk: one bit in a layer.
    let mut damaged = bytes.clone();
    let at = damaged.len() - 2000;
    damaged[at] ^= 1;
    let site = site.bytes(NGINX_TAR, &damaged);
    site.run(SIDELOAD).stderr_holds("written to `images`, 1 present\n").code(0);
    assert!(site.read(NGINX_TAR) == bytes);
    // A power cut in another program's copy.
    let site = site.bytes(NGINX_TAR, &bytes[..bytes.len() - 100]);
    site.run(SIDELOAD).stderr_holds("written to `images`, 1 present\n").code(0);
    assert!(site.read(NGINX_TAR) == bytes);
}

#[test]
fn a_tag_that_moved_replaces_its_tar() {
    let (old, new) = (image(120, 1, 10), image(121, 1, 10));
    let site = site(&Pack::new().graph(NGINX, &old));
    site.run(SIDELOAD).any_stderr().code(0);
    let site = site.bytes("site.tar", &Pack::new().graph(NGINX, &new).tar());
    let said = format!(
        "{NOBODY}1 image (8.0 KiB) written to `images`\n`{NGINX}` replaces sha256:[1]\n{NEXT}{INTEGRITY}"
    );
    site.run(&format!("{SIDELOAD} --dry-run"))
        .stdout(&format!("{NGINX} -> {NGINX_TAR}\n"))
        .stderr_holds("1 image (8.0 KiB) to write to `images`\n")
        .code(0);
    site.run(SIDELOAD).stderr(&said).code(0);
    assert_eq!(site.files("images"), [NGINX_TAR]);
    let json = site.run(&format!("{SIDELOAD} --json")).json(0);
    assert_eq!(
        (&json["artifacts"][0]["status"], &json["artifacts"][0]["target"]),
        (&json!("present"), &json!(NGINX_TAR))
    );
    let old_again = site.bytes("site.tar", &Pack::new().graph(NGINX, &old).tar());
    let json = old_again.run(&format!("{SIDELOAD} --json")).json(0);
    assert_eq!(json["artifacts"][0]["previous_digest"], json!(new.digest()));
}

#[test]
fn a_file_of_somebody_else_is_not_overwritten() {
    let site = site(&Pack::new().graph(NGINX, &image(130, 1, 10)).graph(PAUSE, &image(131, 1, 10)));
    let site = site.bytes(NGINX_TAR, b"made by hand");
    site.run(SIDELOAD)
        .stderr(&format!(
            "{NOBODY}error: could not side-load `{NGINX}`\n  \
             cause: `{NGINX_TAR}` is there already and was not written by airgap-bundle\n\
             \nhint: move that file away, or leave the image out with `--except`\n\
             1 image (8.0 KiB) written to `images`, 1 failed\n{MEND}{NEXT}"
        ))
        .code(4);
    assert_eq!(site.read(NGINX_TAR), b"made by hand");
}

#[test]
fn names_that_would_collide_are_set_apart() {
    let (one, two) = (image(140, 1, 10), image(141, 1, 10));
    let site = site(&Pack::new().graph("quay.io/a/b:1", &one).graph("quay.io/a-b:1", &two));
    site.run(SIDELOAD).any_stderr().code(0);
    let name = |graph: &Graph| format!("images/quay.io-a-b-1-{}.tar", &graph.digest().hex()[..8]);
    let mut both = vec![name(&one), name(&two)];
    both.sort();
    assert_eq!(site.files("images"), both);

    // Two bundles, one after the other.
    let site = Site::new().bytes("site.tar", &Pack::new().graph("quay.io/a/b:1", &one).tar());
    site.run(SIDELOAD).any_stderr().code(0);
    let site = site.bytes("site.tar", &Pack::new().graph("quay.io/a-b:1", &two).tar());
    site.run(SIDELOAD).any_stderr().code(0);
    site.run(SIDELOAD).stderr_holds("0 images (0 B) written to `images`, 1 present\n").code(0);
    assert_eq!(site.files("images"), [name(&two), "images/quay.io-a-b-1.tar".to_owned()]);
}

#[test]
fn a_tag_that_two_images_have_goes_to_the_one_that_was_asked_for_by_tag() {
    let (tagged, pinned) = (image(150, 1, 10), image(151, 1, 10));
    let site =
        site(&Pack::new().graph(NGINX, &tagged).graph(&format!("{NGINX}@{}", pinned.digest()), &pinned));
    site.run(SIDELOAD)
        .stderr_holds(&format!(
            "warning: several images have the name `{NGINX}`: it goes to sha256:[1], the others are found by digest\n"
        ))
        .code(0);
    let containerd = Containerd::start();
    all_tars(&site, &containerd);
    let repository = "docker.io/library/nginx";
    let mut expected = [
        (NGINX.to_owned(), tagged.digest().to_string(), true),
        (digest_name(repository, &tagged), tagged.digest().to_string(), true),
        (digest_name(repository, &pinned), pinned.digest().to_string(), true),
    ];
    expected.sort();
    assert_eq!(containerd.images(), expected);
}

#[test]
fn what_was_loaded_before_is_told_given_back_and_purged() {
    let site = site(&Pack::new().graph(NGINX, &image(160, 1, 10)).graph(PAUSE, &image(161, 1, 10)));
    site.run(SIDELOAD).any_stderr().code(0);
    let tar = site.read(NGINX_TAR);
    let load = || {
        for tar in site.files("images").iter().filter(|tar| !tar.ends_with("ed")) {
            fs::rename(site.path(tar), site.path(&format!("{tar}.loaded"))).unwrap();
        }
    };
    load();
    let loaded = "2 images loaded before: the kubelet may have deleted such images since; ";
    site.run(SIDELOAD)
        .stderr(&format!(
            "{NOBODY}0 images (0 B) written to `images`, 2 loaded before\n{loaded}`--again` has them loaded once \
             more\n{INTEGRITY}"
        ))
        .code(0);
    let json = site.run(&format!("{SIDELOAD} --json")).json(0);
    assert_eq!(json["artifacts"][0]["status"], "loaded-before");
    site.run(&format!("{SIDELOAD} --again --dry-run"))
        .stdout_holds(&format!("{NGINX} -> {NGINX_TAR} (from docker.io-library-nginx-1.27.tar.loaded)\n"))
        .any_stderr()
        .code(0);

    // One of the two is damaged: it is written anew, not given back.
    let pause = "images/ghcr.io-canonical-k8s-snap-pause-3.10.tar";
    let mut damaged = site.read(&format!("{pause}.loaded"));
    let at = damaged.len() - 1600;
    damaged[at] ^= 1;
    fs::write(site.path(&format!("{pause}.loaded")), damaged).unwrap();
    site.run(&format!("{SIDELOAD} --again"))
        .stderr(&format!("{NOBODY}1 image (8.0 KiB) written to `images`, 1 given back\n{NEXT}{INTEGRITY}"))
        .code(0);
    assert!(site.read(NGINX_TAR) == tar);
    fs::remove_file(site.path(&format!("{pause}.loaded"))).unwrap();

    load();
    fs::write(site.path("images/by-hand.tar.loaded"), "not ours").unwrap();
    site.run(&format!("{SIDELOAD} --purge-loaded"))
        .stderr(&format!(
            "{NOBODY}0 images (0 B) written to `images`, 2 loaded before\n16.0 KiB freed: 2 tars that were loaded\n\
             {loaded}run this command once more to write their tars anew\n{INTEGRITY}"
        ))
        .code(0);
    assert_eq!(site.files("images"), ["images/by-hand.tar.loaded"]);
}

#[test]
fn what_killed_runs_left_is_swept_and_nothing_else() {
    let site = site(&Pack::new().graph(NGINX, &image(170, 1, 10)));
    let leftover = format!("images/.{}.airgap-bundle", NGINX_TAR.trim_start_matches("images/"));
    let site = site.bytes(&leftover, b"half").bytes("images/.other.airgap-bundle", b"x");
    let site = site.bytes("images/.hidden", b"x").bytes("images/.gone.tar.airgap-bundle", b"half of another");
    site.run(SIDELOAD).any_stderr().code(0);
    assert_eq!(site.files("images"), ["images/.hidden", "images/.other.airgap-bundle", NGINX_TAR]);
}

#[test]
fn a_damaged_bundle_never_becomes_a_tar() {
    let (good, bad) = (image(180, 1, 400_000), image(181, 2, 400_000));
    let mut bytes = Pack::new().graph(PAUSE, &good).graph(NGINX, &bad).tar();
    let layer = &bad.blobs[2].bytes;
    let at = bytes.windows(layer.len()).position(|window| window == layer).unwrap();
    bytes[at + 300_000] ^= 1;
    let site = Site::new().bytes("site.tar", &bytes);
    site.run(SIDELOAD)
        .stderr(&format!(
            "{NOBODY}error: could not side-load `{NGINX}`\n  cause: reading from bundle `site.tar`: blob sha256:[1] has \
             other bytes: got sha256:[2]\n{CARRY_AGAIN}\
             1 image (398.5 KiB) written to `images`, 1 failed\n\
             next: prove the bundle with `airgap-bundle verify`, and carry it over again\n{NEXT}"
        ))
        .code(3);
    assert_eq!(site.files("images"), ["images/ghcr.io-canonical-k8s-snap-pause-3.10.tar"]);
}

#[test]
fn an_incomplete_bundle_announces_itself_and_another_bundle_is_refused() {
    let site = site(&Pack::new().graph(NGINX, &image(190, 1, 10)).missing("quay.io/a/b:1"));
    let incomplete = "INCOMPLETE: 1 of 2 artifacts were not exported: `quay.io/a/b:1`\n";
    let said =
        format!("{incomplete}{NOBODY}1 image (8.0 KiB) written to `images`\n{NEXT}{INTEGRITY}{incomplete}");
    site.run(SIDELOAD).stderr(&said).code(4);
    site.run(&format!("{SIDELOAD} --allow-incomplete")).any_stderr().code(0);
    let other = Digest::sha256(b"another bundle");
    site.run(&format!("sideload --containerd-dir=other site.tar --expect {other}"))
        .stderr_holds("error: the bundle id of `site.tar`: expected sha256:[1], got sha256:[2]\n\nhint: ")
        .code(3);
    assert!(!site.path("other").exists());
}

#[test]
fn sha512_is_refused() {
    let mut hasher = Hasher::new(airgap_bundle::model::digest::Algorithm::Sha512);
    let mut graph = image(200, 1, 10);
    let layer = graph.blobs.pop().unwrap();
    hasher.update(&layer.bytes);
    let digest = hasher.finish();
    graph.blobs.push(Blob { digest, ..layer.clone() });
    let text = String::from_utf8(graph.root().bytes.clone()).unwrap();
    let text = text.replace(&layer.digest.to_string(), &digest.to_string());
    graph.manifests = vec![Blob::new(media_type::OCI_MANIFEST, text.into_bytes())];
    let site = site(&Pack::new().graph(NGINX, &graph));
    site.run(SIDELOAD).stderr_holds("cause: blob sha512:[1]: containerd cannot check sha512\n").code(1);
}

#[test]
fn exactly_one_destination_is_needed() {
    let site = site(&Pack::new().graph(NGINX, &image(210, 1, 10)));
    site.run("sideload site.tar").stderr_holds("--containerd-dir [<DIR>]|--preset <NAME>").code(2);
    site.run("sideload --containerd-dir=images --preset k3s site.tar")
        .stderr_holds("cannot be used with")
        .code(2);
    site.run("sideload --preset k8s site.tar")
        .stderr_holds("expected one of k8s-snap, microk8s, k3s, rke2, k0s")
        .code(2);
    site.run("sideload --containerd-dir site.tar")
        .stderr(
            "error: `site.tar` is taken as the folder of `--containerd-dir`, and looks like a bundle\n\
             \nhint: run `airgap-bundle sideload site.tar --containerd-dir`, or `airgap-bundle sideload \
             --containerd-dir=/var/snap/k8s/common/images site.tar`\n",
        )
        .code(2);
    site.run(&format!("{SIDELOAD} --again --purge-loaded")).stderr_holds("cannot be used with").code(2);
    site.run("sideload --containerd-dir=images --platform linux/amd64,linux/arm64 site.tar")
        .stderr_holds("is not a platform")
        .code(2);
}

/// Side-loads on a made-up host, whose files are under `root`.
async fn on_host(site: &Site, destination: Destination) -> Report {
    let options = Options {
        choice: Choice {
            seen: airgap_bundle::commands::seen::Seen::default(),
            path: Utf8PathBuf::try_from(site.path("site.tar")).unwrap(),
            expect: None,
            on_incomplete: OnIncomplete::Tell,
        },
        destination,
        host_root: Utf8PathBuf::try_from(site.path("host")).unwrap(),
        platform: "linux/amd64".parse().unwrap(),
        selection: airgap_bundle::model::selector::Selection::default(),
        loaded: Loaded::Leave,
        mode: Mode::Write,
        progress: Arc::new(Silent),
    };
    sideload::run(&options).await.unwrap()
}

#[tokio::test]
async fn each_distribution_gets_its_folder_and_its_advice() {
    let (sparse, amd64, arm64) = multi(220);
    let site = site(&Pack::new().graph(NGINX, &sparse).without(&arm64));
    for (destination, home, trace, folder, advice, stands_in) in [
        (
            Destination::Default,
            "var/snap/k8s",
            "snap/k8s/current",
            "common/images",
            "snap restart k8s.containerd",
            false,
        ),
        (
            Destination::Preset(Preset::Microk8s),
            "var/snap/microk8s",
            "snap/microk8s/current",
            "common/etc/sideload",
            "nothing to restart",
            false,
        ),
        (
            Destination::Preset(Preset::K3s),
            "var/lib/rancher/k3s",
            "usr/local/bin/k3s",
            "agent/images",
            "systemctl restart k3s",
            true,
        ),
        (
            Destination::Preset(Preset::Rke2),
            "var/lib/rancher/rke2",
            "usr/local/bin/rke2",
            "agent/images",
            "systemctl restart rke2-server",
            true,
        ),
        (
            Destination::Preset(Preset::K0s),
            "var/lib/k0s",
            "usr/local/bin/k0s",
            "images",
            "systemctl restart k0sworker",
            false,
        ),
    ] {
        fs::create_dir_all(site.path("host").join(trace)).unwrap();
        let report = on_host(&site, destination).await;
        assert_eq!(report.failures.len(), 0);
        assert_eq!(
            site.files(&format!("host/{home}")),
            [format!("host/{home}/{folder}/docker.io-library-nginx-1.27.tar")]
        );
        assert!(report.summary.iter().any(|line| line.contains(advice)), "{:?}", report.summary);
        assert_eq!(report.artifacts[0].target_digest, Some(amd64.digest()));
        // Importers that take every platform get no index from which one is missing.
        assert_eq!(!report.warnings.is_empty(), stands_in, "{home} {:?}", report.warnings);
    }
}

#[test]
fn a_killed_run_leaves_no_half_of_a_tar_and_the_next_one_goes_on() {
    let images: Vec<Graph> = (0..6).map(|seed| image(230 + seed, 2, 3_000_000)).collect();
    let references = (0..6).map(|number| format!("quay.io/a/image:{number}"));
    let pack = references.zip(&images).fold(Pack::new(), |pack, (name, graph)| pack.graph(&name, graph));
    let whole = site(&pack);
    whole.run(SIDELOAD).any_stderr().code(0);
    let killed = site(&pack);
    for (number, signal) in ["INT", "KILL", "TERM", "KILL"].iter().enumerate() {
        let mut process = Command::new(env!("CARGO_BIN_EXE_airgap-bundle"))
            .args(SIDELOAD.split(' '))
            .arg("--json")
            .current_dir(killed.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // As soon as it has begun to write one, or has ended.
        let begun = || fs::read_dir(killed.path("images")).is_ok_and(|mut entries| entries.next().is_some());
        while !begun() && process.try_wait().unwrap().is_none() {}
        run(Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]));
        let output = process.wait_with_output().unwrap();
        // One that has not begun to listen is killed by any signal.
        if output.status.code().is_some() {
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let rows = report["artifacts"].as_array().unwrap();
            let done = rows.iter().filter(|row| row["status"] == "done" || row["status"] == "present");
            let tars = killed.files("images").len();
            assert!(rows.len() == 6 && done.count() <= tars, "{tars} after {signal}: {report:#}");
        }
        for tar in killed.files("images") {
            // What was killed leaves its unfinished file; the first, which could still act, does not.
            if number > 0 && tar.ends_with(".airgap-bundle") {
                continue;
            }
            assert!(killed.read(&tar) == whole.read(&tar), "{tar} after {signal}");
        }
    }
    killed.run(SIDELOAD).any_stderr().code(0);
    assert_eq!(killed.files("images"), whole.files("images"));
    for tar in whole.files("images") {
        assert!(killed.read(&tar) == whole.read(&tar), "{tar}");
    }
}

#[test]
fn what_a_bundle_lacks_for_a_platform_is_said_once() {
    let (one, _, one_arm64) = multi(300);
    let (two, _, two_arm64) = multi(310);
    let pack = Pack::new()
        .graph("quay.io/a/one:1", &one)
        .graph("quay.io/a/two:1", &two)
        .without(&one_arm64)
        .without(&two_arm64);
    let site = site(&pack);
    site.run("sideload --containerd-dir=images --platform linux/arm64 site.tar")
        .stderr(&format!(
            "{NOBODY}error: could not side-load 2 images:\n  `quay.io/a/one:1`\n  `quay.io/a/two:1`\n  cause: it is \
             in this bundle for linux/amd64 and not for linux/arm64\n\n\
             hint: export with `--platform linux/amd64,linux/arm64`\n\
             0 images (0 B) written to `images`, 2 failed\n{MEND}"
        ))
        .code(1);
}

#[test]
fn a_selection_that_leaves_no_image_is_refused() {
    let site = site(&Pack::new().graph(NGINX, &image(320, 1, 10)));
    for flags in ["--only nothing", "--only image --except image", "--only chart"] {
        site.run(&format!("{SIDELOAD} {flags}"))
            .stderr(
                "error: `--only` and `--except` leave none of the bundle's images\n\n\
                 hint: a pattern is compared with the whole reference, as in `--only '*team/*'`; see the references \
                 with `airgap-bundle inspect`\n",
            )
            .code(2);
    }
    assert!(!site.path("images").exists());
}

#[test]
fn side_loads_that_are_killed_anywhere_go_on() {
    for seed in 0..8 {
        side_loads(seed);
    }
}

#[test]
fn containerd_unpacks_a_root_file_system() {
    let site = site(&Pack::new().graph(PAUSE, &debian()));
    site.run("sideload --containerd-dir=images site.tar").any_stderr().code(0);
    let containerd = Containerd::start();
    all_tars(&site, &containerd);
    let mounted = containerd.mount(PAUSE);
    let at = |path: &str| mounted.path().join(path);
    let mode = |path: &str| fs::metadata(at(path)).unwrap().permissions().mode() & 0o7777;
    assert!(fs::read_to_string(at("etc/os-release")).unwrap().contains("ID=debian\n"));
    assert_eq!((mode("tmp"), mode("usr/bin/passwd"), mode("etc/shadow")), (0o1777, 0o4755, 0o640));
    assert!(at("etc/localtime").is_symlink());
    // Every file that a package brought is as the package says: dpkg reads and hashes them with its own programs.
    let mut dpkg = Command::new(find("chroot"));
    let said =
        run(dpkg.arg(mounted.path()).args(["/usr/bin/dpkg", "--verify"]).env("PATH", "/usr/bin:/usr/sbin"));
    let wrong: Vec<&str> = said.lines().filter(|line| !line.starts_with("??5?????? c ")).collect();
    assert_eq!(wrong, [""; 0]);
}
