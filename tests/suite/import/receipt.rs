//! The receipt.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::manifest::Manifest;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Auth, Fault, Faults, Options, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::fixture::Pack;
use crate::fixture::image;

use super::place::{packed, server};

/// Returns the files of a receipt: `bundle.json` and `names.json`.
fn receipt(to: &Server, repository: &str, id: &Digest) -> (Vec<u8>, Value) {
    let registry = to.registry();
    let found = registry.manifest(repository, &id.short()).expect("a receipt");
    let read = |digest: &Digest| registry.content(digest).unwrap().unwrap().read(1 << 20).unwrap();
    let manifest = Manifest::parse(&found.media_type, &read(&found.digest)).unwrap();
    assert_eq!(manifest.type_of_artifact(), media_type::RECEIPT);
    let titles: Vec<_> = manifest
        .layers
        .iter()
        .map(|layer| layer.annotations["org.opencontainers.image.title"].as_str())
        .collect();
    assert_eq!(titles, ["bundle.json", "names.json"]);
    let names = serde_json::from_slice(&read(&manifest.layers[1].digest)).unwrap();
    (read(&manifest.layers[0].digest).to_vec(), names)
}

#[test]
fn a_receipt_says_what_was_imported_and_under_which_names() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &two);
    let to = server();
    let site = packed(&pack, &to.host());
    let contents = pack.contents().to_bytes();
    let id = Digest::sha256(&contents);
    let entry = |name: &str, digest: Digest| json!({"name": format!("mirror/{name}:1"), "reference": format!("q.io/{name}:1"), "digest": digest});
    site.run("import site.tar --to TO/mirror --only */a/c").any_stderr().code(0);
    let (carried, names) = receipt(&to, "mirror/airgap-bundle", &id);
    assert_eq!(carried, contents);
    assert_eq!(names, json!({"schema": 1, "bundle": id, "names": [entry("a/c", two.digest())]}));
    site.run("import site.tar --to TO/mirror --only */a/b").any_stderr().code(0);
    let both = [entry("a/b", one.digest()), entry("a/c", two.digest())];
    assert_eq!(receipt(&to, "mirror/airgap-bundle", &id).1["names"], json!(both));
    site.run("import site.tar --to TO/mirror").stderr_holds("0 B sent").code(0);
    assert_eq!(receipt(&to, "mirror/airgap-bundle", &id).1["names"], json!(both));
}

#[test]
fn no_receipt_is_left_where_none_is_wanted_and_one_that_cannot_be_is_a_warning() {
    let pack = Pack::new().graph("q.io/a/b:1", &image(1, 1, 10));
    let to = server();
    packed(&pack, &to.host()).run("import site.tar --to TO --no-receipt").any_stderr().code(0);
    assert!(to.requests().iter().all(|request| !request.path.contains("airgap-bundle")));

    let faults =
        Faults::new(
            |request| {
                if request.path.contains("/airgap-bundle/") { Fault::status(403) } else { Fault::None }
            },
        );
    let to = Server::start(Options { faults, auth: Auth::None, ..Options::memory() }).unwrap();
    packed(&pack, &to.host())
        .run("import site.tar --to TO")
        .stderr_holds("warning: no receipt was left: ")
        .stderr_holds("1 imported")
        .code(0);
}

#[test]
fn another_thing_under_the_name_of_the_receipt_stays() {
    let one = image(1, 1, 10);
    let pack = Pack::new().graph("q.io/a/b:1", &one);
    let to = server();
    let id = Digest::sha256(&pack.contents().to_bytes());
    one.put(to.registry(), "airgap-bundle", Some(&id.short()));
    packed(&pack, &to.host()).run("import site.tar --to TO").stderr_holds("which is no receipt").code(0);
    one.assert_in(to.registry(), "airgap-bundle", &id.short());
}

#[test]
fn an_import_that_failed_in_part_leaves_no_receipt_and_the_next_one_does() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &two);
    let broken = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&broken);
    let faults = Faults::new(move |request| {
        let refused = request.is_upload() && request.path.contains("/a/b/") && state.load(Ordering::SeqCst);
        if refused { Fault::status(403) } else { Fault::None }
    });
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let site = packed(&pack, &to.host());
    site.run("import site.tar --to TO")
        .stderr_holds("only what is missing is moved, and the receipt is left then\n")
        .code(4);
    assert_eq!(to.registry().tags("airgap-bundle"), [""; 0]);
    broken.store(false, Ordering::SeqCst);
    site.run("import site.tar --to TO").stderr_holds("1 imported, 1 there already").code(0);
    let id = Digest::sha256(&pack.contents().to_bytes());
    assert_eq!(receipt(&to, "airgap-bundle", &id).1["names"].as_array().unwrap().len(), 2);
}

/// What the storage of a registry has lost is not told by its tags: `--no-receipt` looks.
#[test]
fn the_word_of_a_receipt_holds_for_names_that_point_where_it_says() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &two);
    let lost = Arc::new(Mutex::new("nothing".to_owned()));
    let state = Arc::clone(&lost);
    let faults = Faults::new(move |request| {
        let is_lost = request.method == "HEAD" && request.path.ends_with(state.lock().unwrap().as_str());
        if is_lost { Fault::status(404) } else { Fault::None }
    });
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let site = packed(&pack, &to.host());
    let uploads = || to.requests().iter().filter(|request| request.method == "PUT").count();
    site.run("import site.tar --to TO").any_stderr().code(0);

    *lost.lock().unwrap() = one.blobs[1].digest.to_string();
    to.clear_requests();
    site.run("import site.tar --to TO").stderr_holds("2 there already").code(0);
    assert_eq!(uploads(), 0);
    site.run("import site.tar --to TO --no-receipt").stderr_holds("1 imported, 1 there already").code(0);
    assert_eq!(uploads(), 1);

    // Of a name that is gone everything is asked for.
    *lost.lock().unwrap() = "/a/b/manifests/1".to_owned();
    to.clear_requests();
    site.run("import site.tar --to TO").stderr_holds("1 imported, 1 there already").code(0);
    let requests = to.requests();
    let asked = |path: &str| {
        requests.iter().filter(|request| request.method == "HEAD" && request.path.contains(path)).count()
    };
    assert_eq!((asked("/a/b/blobs/"), asked("/a/c/blobs/")), (2, 0));
}
