//! What is refused where a signature is asked for.

use airgap_bundle::model::artifact::Kind;
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Referrers, Server};
use rcgen::KeyPair;

use crate::fixture::{Blob, Graph, Pack, image, index, signed, signed_bundle};
use crate::site::Site;

/// A registry whose `a/older:1` and `a/newer:1` are signed with a key, in both forms, and `a/none:1` is not; and a site with
/// the key, and with another one.
fn place() -> (Server, Site, Graph) {
    let (key, stranger) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let from = Server::start(Options::memory()).unwrap();
    let registry = from.registry();
    let image = index(1, &["linux/amd64", "linux/arm64"], 1, 100);
    for path in ["a/older", "a/newer", "a/none"] {
        image.put(registry, path, Some("1"));
    }
    let tag = format!("sha256-{}.sig", image.digest().hex());
    signed(&image, &key).put(registry, "a/older", Some(&tag));
    signed_bundle(&image, &key).put(registry, "a/newer", None);
    let site = Site::new()
        .named("FROM", from.host())
        .file("keys/key.pub", &key.public_key_pem())
        .file("keys/key.pem", &key.serialize_pem())
        .file("other.pub", &stranger.public_key_pem());
    (from, site, image)
}

#[test]
fn what_is_signed_passes_in_both_forms_and_is_proven_offline() {
    let (from, site, _) = place();
    let to = Server::start(Options::memory()).unwrap();
    let site = site.named("TO", to.host());
    for more in ["", " --platform linux/arm64"] {
        site.run(&format!("export FROM/a/older:1 FROM/a/newer:1 --force --verify-key keys/key.pub{more}"))
            .any_stdout()
            .any_stderr()
            .code(0);
        site.run("verify --key keys/key.pub").stderr_holds("2 artifacts signed with `keys/key.pub`").code(0);
        site.run("verify --key other.pub --key keys/key.pub")
            .stderr_holds("2 artifacts signed with `other.pub` or `keys/key.pub`")
            .code(0);
    }
    drop(from);
    site.run("import --to TO --allow-incomplete").any_stderr().code(0);
}

#[test]
fn what_is_not_signed_is_refused_with_what_there_is() {
    let (_from, site, image) = place();
    for (name, key, why) in [
        ("none", "keys/key.pub", "it has no signature"),
        ("older", "other.pub", "its one signature is of another key, or of something else"),
        ("newer", "other.pub", "its one signature is of another key, or of something else"),
    ] {
        let digest = image.digest();
        site.run(&format!("export FROM/a/{name}:1 --verify-key {key}"))
            .stderr_holds("error: could not export `FROM/a/")
            .stderr_holds(&format!("`FROM/a/{name}:1` (sha256:[1]) is not signed with key `{key}`: {why}"))
            .stderr_holds(
                "hint: name the key of who signed it with `verify-key=` on its line, or sign it first",
            )
            .code(3);
        assert!(!site.path("airgap-bundle.tar").exists(), "{digest}");
    }
}

#[test]
fn a_signature_of_another_image_says_nothing() {
    let (from, site, image) = place();
    let key = KeyPair::generate().unwrap();
    let site = site.file("mine.pub", &key.public_key_pem());
    let tag = format!("sha256-{}.sig", image.digest().hex());
    signed(&crate::fixture::image(9, 1, 10), &key).put(from.registry(), "a/none", Some(&tag));
    site.run("export FROM/a/none:1 --verify-key mine.pub")
        .stderr_holds("its one signature is of another key, or of something else")
        .code(3);
}

#[test]
fn a_line_names_its_own_key() {
    let (_from, site, _) = place();
    let site = site.file("keys/list.txt", "FROM/a/older:1 verify-key=key.pub\nFROM/a/none:1\n");
    site.run("export --list keys/list.txt").any_stdout().any_stderr().code(0);
    site.run("export --list keys/list.txt --force --verify-key other.pub")
        .stderr_holds("`FROM/a/none:1` (sha256:[1]) is not signed with key `other.pub`: it has no signature")
        .code(3);
    // Each key that a line names must have signed it.
    let both = "FROM/a/older:1 verify-key=key.pub\nFROM/a/older:1 verify-key=../other.pub\n";
    let site = site.file("keys/list.txt", both);
    site.run("export --list keys/list.txt --force")
        .stderr_holds("is not signed with key `../other.pub`: its one signature is of another key")
        .code(3);
}

#[test]
fn keys_that_cannot_be_used_are_told_with_everything_else_and_nothing_is_asked() {
    let (from, site, _) = place();
    let site =
        site.file("list.txt", "FROM/a/older:1 verify-key=keys/key.pem\nFROM/a/newer:1 verify-key=gone.pub\n");
    from.clear_requests();
    site.run("export --list list.txt --verify-key list.txt --referrers none")
        .stderr_holds("error: key `list.txt`: it holds no `PUBLIC KEY` in PEM")
        .stderr_holds(
            "`--verify-key` and `verify-key=` need the signatures, which `--referrers none` leaves out",
        )
        .stderr_holds("list.txt:1:1: key `keys/key.pem`: it is a private key, which stays with who signs")
        .stderr_holds("list.txt:2:1: key `gone.pub`: it was not found")
        .code(2);
    assert!(from.requests().is_empty());
    site.run("verify --key gone.pub").stderr_holds("error: key `gone.pub`: it was not found").code(2);
}

#[test]
fn a_bundle_without_signatures_is_told_artifact_by_artifact() {
    let pack = Pack::new().graph("quay.io/a/b:1", &image(1, 1, 10)).file("setup.sh", b"#!/bin/sh\n");
    let key = KeyPair::generate().unwrap();
    let site = Site::new().bytes("airgap-bundle.tar", &pack.tar()).file("key.pub", &key.public_key_pem());
    site.run("verify --key key.pub")
        .stderr(
            "error: `quay.io/a/b:1` (sha256:[1]) is not signed with key `key.pub`: it has no signature\n\
             proved 2 artifacts, 6 blobs, 13.5 KiB\n\
             bundle id sha256:[2]\n\
             0 of 1 artifact signed with `key.pub`\n\
             1 file without signatures: nothing but `--expect sha256:…` proves who made them\n",
        )
        .code(3);
    let told = site.run("verify --key key.pub --json").any_stderr().json(3);
    assert_eq!(told["artifacts"][0]["status"], "failed", "{told}");
    assert_eq!(told["artifacts"][1]["status"], "done", "{told}");
}

#[test]
fn what_was_asked_for_is_said() {
    let (_from, site, _) = place();
    let site = site.file("keys/list.txt", "FROM/a/older:1 verify-key=key.pub\nFROM/a/none:1\n");
    let said = "1 artifact signed as asked for; of 1 artifact no signature was asked";
    site.run("export --list keys/list.txt --dry-run").any_stdout().stderr_holds(said).code(0);
    site.run("export --list keys/list.txt").any_stdout().stderr_holds(said).code(0);
    site.run("verify --key keys/key.pub").stderr_holds("1 of 2 artifacts signed with `keys/key.pub`").code(3);
    site.run("verify --key keys/key.pub --except *none*")
        .stderr_holds("1 artifact signed with `keys/key.pub`")
        .stderr_holds("1 artifact not selected: of those no signature was asked")
        .code(0);
    site.run("verify --except *none*").any_stderr().code(2);
}

#[test]
fn an_image_that_calls_itself_a_file_is_found_out() {
    let mut image = image(1, 1, 10);
    let mut root: serde_json::Value = serde_json::from_slice(&image.manifests.pop().unwrap().bytes).unwrap();
    root["artifactType"] = "application/vnd.airgap-bundle.file.v1".into();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    image.manifests.push(Blob::new(media_type, serde_json::to_vec(&root).unwrap()));
    let pack = Pack::new().add(&image, |artifact| {
        artifact.kind = Kind::File;
        artifact.reference = "nginx".to_owned();
        artifact.names = vec![format!("files/nginx:digest-{}", artifact.digest.short())];
        artifact.wanted = Some("library/nginx:1.27".to_owned());
    });
    let key = KeyPair::generate().unwrap();
    let site = Site::new().bytes("airgap-bundle.tar", &pack.tar()).file("key.pub", &key.public_key_pem());
    site.run("verify --key key.pub")
        .stderr_holds("root sha256:[1] is of kind artifact, expected file")
        .code(3);
}

#[test]
fn what_cannot_be_looked_up_is_told_apart_from_what_is_not_there() {
    let hides = |path: &str| path.ends_with("/tags/list") || path.contains("/manifests/sha256-");
    let faults = Faults::new(move |view| if hides(view.path) { Fault::status(403) } else { Fault::None });
    let from = Server::start(Options { faults, referrers: Referrers::Off, ..Options::memory() }).unwrap();
    image(1, 1, 10).put(from.registry(), "a", Some("1"));
    let key = KeyPair::generate().unwrap();
    let site = Site::new().named("FROM", from.host()).file("key.pub", &key.public_key_pem());
    site.run("export FROM/a:1 --verify-key key.pub")
        .stderr_holds("cannot be shown to be signed with key `key.pub`: what refers to it is not all known")
        .stderr_holds("goes without what tag `sha256-")
        .code(1);
}

#[test]
fn a_signature_that_is_lost_takes_its_image_with_it() {
    let key = KeyPair::generate().unwrap();
    let image = image(1, 1, 10);
    let signature = signed_bundle(&image, &key);
    let lost = signature.blobs[0].digest.to_string();
    let faults = Faults::new(move |view| {
        if view.gets_blob() && view.path.ends_with(&lost) { Fault::status(404) } else { Fault::None }
    });
    let from = Server::start(Options { faults, ..Options::memory() }).unwrap();
    image.put(from.registry(), "a", Some("1"));
    signature.put(from.registry(), "a", None);
    let site = Site::new().named("FROM", from.host()).file("key.pub", &key.public_key_pem());
    site.run("export FROM/a:1 --verify-key key.pub").any_stderr().code(1);
    assert!(!site.path("airgap-bundle.tar").exists());
    site.run("export FROM/a:1").any_stdout().stderr_holds("goes without its referrer").code(0);
}
