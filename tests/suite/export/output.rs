//! What is at the output already, and what stands in the way.

use std::fs;

use super::{ID, made, registry, site};
use crate::fixture::{bytes, image};
use crate::tools::{command, run};

const OTHER: &str = "error: `airgap-bundle.tar` is there already and is bundle sha256:[1]\n\n\
                     hint: overwrite it with `--force`, or name another file with `--output` (and \
                     `--reuse airgap-bundle.tar` to take from it what is unchanged)\n";
const BROKEN: &str = "error: `airgap-bundle.tar` is there already and is not a whole bundle\n\n\
                      hint: name another file with `--output`, or overwrite a bundle with `--force`\n";
const FOREIGN: &str = "error: `airgap-bundle.tar` is there already and is not a bundle\n\n\
                       hint: name another file with `--output`; `--force` overwrites nothing but bundles\n";

#[test]
fn another_bundle_is_overwritten_only_by_force() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "one", Some("1"));
    image(2, 1, 100).put(server.registry(), "two", Some("1"));
    let site = site(&server);
    site.run("export REGISTRY/one:1").stdout(ID).any_stderr().code(0);
    let one = site.read("airgap-bundle.tar");
    server.clear_requests();
    site.run("export REGISTRY/two:1").stderr(OTHER).code(1);
    assert!(server.requests().is_empty(), "it was known before anything was asked");
    site.run("export REGISTRY/two:1 --dry-run")
        .any_stdout()
        .stderr_holds("warning: `airgap-bundle.tar` is there already and is bundle sha256:[1]: overwrite it with `--force`")
        .code(0);
    site.run("export REGISTRY/one:1 --dry-run").any_stdout().stderr_holds("nothing was written\n").code(0);
    assert_eq!(site.read("airgap-bundle.tar"), one);
    assert_eq!(site.files("."), ["airgap-bundle.tar"]);
    image(3, 1, 100).put(server.registry(), "one", Some("1"));
    site.run("export REGISTRY/one:1").stderr(OTHER).code(1);
    assert_eq!(site.files("."), ["airgap-bundle.tar"]);
    site.run("export REGISTRY/two:1 --force").stdout(ID).any_stderr().code(0);
    let two = site.read("airgap-bundle.tar");
    site.run("export REGISTRY/two:1 -o fresh.tar").stdout(ID).any_stderr().code(0);
    assert!(two != one && two == site.read("fresh.tar"));
}

#[test]
fn what_is_no_bundle_is_never_overwritten() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "one", Some("1"));
    let mut site = site(&server);
    let layout = site.path("layout");
    fs::create_dir(&layout).unwrap();
    image(1, 1, 100).write_layout(&layout, "v1");
    // An archive of another tool's begins as a bundle does.
    let archive = site.path("archive.tar");
    run(command("tar", &layout).arg("-cf").arg(&archive).args(["oci-layout", "index.json", "blobs"]));
    let archive = site.read("archive.tar");
    for foreign in [&b"a file of mine"[..], b"", &bytes(1, 9000), &archive] {
        site = site.bytes("airgap-bundle.tar", foreign);
        for force in ["", " --force"] {
            server.clear_requests();
            site.run(&format!("export REGISTRY/one:1{force}")).stderr(FOREIGN).code(1);
            assert_eq!(site.read("airgap-bundle.tar"), foreign);
            assert!(server.requests().is_empty(), "it was known before anything was asked");
        }
    }
}

#[test]
fn a_damaged_bundle_is_made_anew() {
    let server = registry();
    image(1, 2, 5000).put(server.registry(), "one", Some("1"));
    let site = site(&server);
    site.run("export REGISTRY/one:1").stdout(ID).any_stderr().code(0);
    let good = site.read("airgap-bundle.tar");
    let length = good.len();
    // Within a layer: it is the same bundle, and only some bytes are wrong.
    let mut damaged = good.clone();
    damaged[length - 3000] ^= 1;
    let site = site.bytes("airgap-bundle.tar", &damaged);
    let said =
        made("1 artifact, 4 blobs, 21.0 KiB", "airgap-bundle.tar", "13.8 KiB fetched, 0 B there already");
    site.run("export REGISTRY/one:1").stdout(ID).stderr(&said).code(0);
    assert_eq!(site.read("airgap-bundle.tar"), good);
    // What stands between and behind the blobs is part of it, too.
    let padding = good.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for at in [padding, length - 1] {
        let mut damaged = good.clone();
        damaged[at] = b'U';
        let site = self::site(&server).bytes("airgap-bundle.tar", &damaged);
        site.run("export REGISTRY/one:1").stdout(ID).stderr(&said).code(0);
        assert!(site.read("airgap-bundle.tar") == good, "{at}");
    }
    let site = self::site(&server).bytes("airgap-bundle.tar", &[&good[..], b"xy"].concat());
    site.run("export REGISTRY/one:1").stdout(ID).stderr(&said).code(0);
    assert_eq!(site.read("airgap-bundle.tar"), good);
    // Within the head, or cut off: what it was cannot be told, so that it takes force.
    for damaged in [&good[..length - 4000], &good[..3000], &good[..600]] {
        let site = self::site(&server).bytes("airgap-bundle.tar", damaged);
        site.run("export REGISTRY/one:1").stderr(BROKEN).code(1);
        site.run("export REGISTRY/one:1 --force").stdout(ID).any_stderr().code(0);
        assert_eq!(site.read("airgap-bundle.tar"), good);
        assert_eq!(site.files("."), ["airgap-bundle.tar"]);
    }
}

#[test]
fn reuse_takes_what_is_unchanged_from_an_older_bundle() {
    let server = registry();
    image(1, 3, 50_000).put(server.registry(), "one", Some("1"));
    image(2, 1, 400_000).put(server.registry(), "two", Some("1"));
    let site = site(&server).file("mine", "no bundle");
    site.run("export REGISTRY/one:1 -o old.tar").stdout(ID).any_stderr().code(0);
    server.clear_requests();
    site.run("export REGISTRY/one:1 REGISTRY/two:1 --reuse old.tar --dry-run")
        .any_stdout()
        .stderr_holds("\n152.5 KiB reused from `old.tar`, 393.1 KiB to fetch\n")
        .code(0);
    server.clear_requests();
    site.run("export REGISTRY/one:1 REGISTRY/two:1 --reuse old.tar -o new.tar")
        .stdout(ID)
        .stderr_holds("fetched, 152.5 KiB reused from `old.tar`, 0 B there already)\n")
        .code(0);
    let asked = super::asked(&server);
    // Only what is new is asked for: a config and a layer.
    assert_eq!(asked.len(), 2, "{asked:#?}");
    site.run("export REGISTRY/one:1 REGISTRY/two:1 -o fresh.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(site.read("new.tar"), site.read("fresh.tar"));

    // A blob that is wrong there is fetched.
    let mut old = site.read("old.tar");
    let at = old.len() - 20_000;
    old[at] ^= 1;
    let site = site.bytes("old.tar", &old);
    site.run("export REGISTRY/one:1 --reuse old.tar -o again.tar").stdout(ID).any_stderr().code(0);
    site.run("export REGISTRY/one:1 -o fresh2.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(site.read("again.tar"), site.read("fresh2.tar"));

    server.clear_requests();
    site.run("export REGISTRY/one:1 --reuse mine -o x.tar").stderr_holds("\n  cause: `mine` is ").code(3);
    site.run("export REGISTRY/one:1 --reuse no.tar -o x.tar")
        .stderr_holds("error: `--reuse no.tar` was not found\n")
        .code(2);
    assert!(server.requests().is_empty());
}

#[test]
fn room_is_looked_at_before_the_first_byte() {
    let server = registry();
    // A manifest may say what it wants; no disk has an exbibyte.
    let small = image(1, 1, 100);
    let layer = &small.blobs[1];
    let mut manifest: serde_json::Value = serde_json::from_slice(&small.root().bytes).unwrap();
    manifest["layers"][0]["size"] = (1_u64 << 60).into();
    let root = serde_json::to_vec(&manifest).unwrap();
    for blob in &small.blobs {
        server.registry().put_blob_as("huge", blob.digest, &blob.bytes).unwrap();
    }
    let digest = airgap_bundle::model::digest::Digest::sha256(&root);
    let media_type = airgap_bundle::model::media_type::OCI_MANIFEST;
    server.registry().put_manifest_as("huge", digest, Some("1"), media_type, &root).unwrap();
    let site = site(&server);
    site.run("export REGISTRY/huge:1")
        .stderr_holds("error: `.` has not enough room: 1.0 EiB (11529215046068")
        .stderr_holds(" bytes) needed, ")
        .stderr_holds(
            " bytes) free\n\nhint: name a file on another file system with `--output`, or carry less with `--platform` or `--only`\n",
        )
        .code(1);
    assert!(!super::asked(&server).iter().any(|path| path.contains(&layer.digest.hex())));
    assert!(site.files(".").is_empty());
    site.run("export REGISTRY/huge:1 --dry-run")
        .any_stdout()
        .stderr_holds("warning: `.` has not enough room: ")
        .code(0);
}
