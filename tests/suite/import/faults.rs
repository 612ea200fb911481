//! What goes wrong: with the bundle, with the registry, and with both of two imports at once.

use crate::site::CARRY_AGAIN;
use std::thread;

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Server};

use crate::docker_registry::DockerRegistry;
use crate::fixture::Pack;
use crate::fixture::{Blob, Graph, image, index};

use super::place::{packed, server};

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).unwrap()
}

/// Returns a bundle with one bit flipped in the last byte of a blob, and the blob's offset.
fn damaged(pack: &Pack, blob: &[u8]) -> (Vec<u8>, usize) {
    let mut tar = pack.tar();
    let at = find(&tar, blob);
    tar[at + blob.len() - 1] ^= 1;
    (tar, at)
}

fn three() -> (Graph, Graph, Graph) {
    (image(1, 2, 3_000_000), image(2, 1, 100), index(3, &["linux/amd64", "linux/arm64"], 1, 100))
}

#[test]
fn a_wrong_byte_never_completes_an_upload() {
    let (one, two, three) = three();
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &two).graph("q.io/a/d:1", &three);
    let layer = &one.blobs[2];
    let (tar, at) = damaged(&pack, &layer.bytes);
    let to = server();
    let site = packed(&pack, &to.host()).bytes("site.tar", &tar);
    site.run("import site.tar --to TO")
        .stderr_holds(&format!(
            "error: could not import image `q.io/a/b:1`\n  cause: reading from bundle `site.tar` at byte {at}: \
             blob sha256:[1] has other bytes: got sha256:[2]\n{CARRY_AGAIN}"
        ))
        .stderr_holds("2 imported, 1 failed")
        .code(3);
    assert!(!to.registry().has_blob("a/b", &layer.digest));
    assert_eq!(to.registry().content(&layer.digest).unwrap().map(|_| ()), None);
    assert_eq!(to.uploads(), 0);
    assert!(to.registry().tags("a/b").is_empty());
    two.assert_in(to.registry(), "a/c", "1");
    three.assert_in(to.registry(), "a/d", "1");
    // What is there counts also where something failed.
    let totals = &site.run("import site.tar --to TO --json").json(3)["totals"];
    assert_eq!(totals["transferred"], 0, "{totals}");
    let (present, bytes) = (totals["present"].as_u64().unwrap(), totals["bytes"].as_u64().unwrap());
    let lost = layer.bytes.len() + one.root().bytes.len();
    assert_eq!(present + u64::try_from(lost).unwrap(), bytes, "{totals}");
    // The good bundle, then: only what is missing is moved.
    let site = site.bytes("site.tar", &pack.tar());
    let report = site.run("import site.tar --to TO --json").json(0);
    let statuses: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["done", "present", "present"]);
    one.assert_in(to.registry(), "a/b", "1");
}

#[test]
fn a_wrong_byte_of_a_manifest_concerns_its_artifact_alone() {
    let (one, two, three) = three();
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &two).graph("q.io/a/d:1", &three);
    let (tar, _) = damaged(&pack, &three.manifests[1].bytes);
    let to = server();
    let site = packed(&pack, &to.host()).bytes("site.tar", &tar);
    let report = site.run("import site.tar --to TO --json").json(3);
    assert_eq!(report["status"], "failed");
    let statuses: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["done", "done", "failed"]);
    assert!(to.registry().tags("a/d").is_empty());
}

#[test]
fn a_wrong_byte_of_what_is_shared_is_one_error_that_names_everyone_who_needs_it() {
    let one = image(1, 2, 1000);
    let pack =
        Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &one).graph("q.io/a/d:1", &image(2, 1, 10));
    let (tar, at) = damaged(&pack, &one.blobs[1].bytes);
    let to = server();
    let site = packed(&pack, &to.host()).bytes("site.tar", &tar);
    let told = format!(
        "error: could not import 2 images:\n  `q.io/a/b:1`\n  `q.io/a/c:1`\n  cause: reading from bundle `site.tar` \
         at byte {at}: "
    );
    site.run("import site.tar --to TO").stderr_holds(&told).stderr_holds("1 imported, 2 failed").code(3);
    let report = site.run("import site.tar --to TO --json").json(3);
    assert_eq!(report["errors"].as_array().unwrap().len(), 1);
    for row in 0..2 {
        let error = report["artifacts"][row]["error"].as_str().unwrap();
        assert!(error.contains("cause: reading from bundle"), "{error}");
    }
}

/// A registry that refuses uploads to one repository.
fn refusing(path: &'static str) -> Server {
    let faults = Faults::new(move |request| {
        let refused = request.is_upload() && request.path.contains(path);
        if refused { Fault::status(403) } else { Fault::None }
    });
    Server::start(Options { faults, ..Options::memory() }).unwrap()
}

#[test]
fn one_refused_repository_leaves_the_others_alone() {
    let (one, two, _) = three();
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &one).graph("q.io/a/d:1", &two);
    let to = refusing("/a/b/");
    let site = packed(&pack, &to.host());
    site.run("import site.tar --to TO")
        .stderr_holds(
            "error: writing to registry `TO`: 1 repository takes no upload\n  `TO/a/b` was denied: HTTP status 403 \
             (without credentials: there is no credential file), needed for `q.io/a/b:1`\n",
        )
        .stderr_holds("2 imported, 1 failed")
        .stderr_holds("next: mend what failed and run the same command again")
        .code(4);
    one.assert_in(to.registry(), "a/c", "1");
    assert!(to.registry().tags("a/b").is_empty());
}

#[test]
fn fail_fast_names_nothing_after_a_failure() {
    let (one, two, _) = three();
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/d:1", &two);
    let to = refusing("/a/b/");
    let report = packed(&pack, &to.host()).run("import site.tar --to TO --fail-fast --json").json(1);
    let statuses: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["failed", "skipped"]);
    assert!(to.registry().tags("a/d").is_empty());
}

#[test]
fn a_registry_that_is_not_there_is_told_at_once() {
    let host = server().host();
    packed(&Pack::new().graph("q.io/a/b:1", &image(1, 1, 10)), &host)
        .run("import site.tar --to http://TO --retries 1")
        .stderr_holds("error: ")
        .code(1);
}

#[test]
fn two_imports_at_once_both_end_right() {
    let graphs: Vec<Graph> = (0..6).map(|seed| image(seed, 3, 20_000)).collect();
    let pack = graphs.iter().enumerate().fold(Pack::new(), |pack, (number, graph)| {
        pack.graph(&format!("q.io/a/n{}:{number}", number % 3), graph)
    });
    let ours = server();
    let docker = DockerRegistry::start();
    for host in [ours.host(), docker.host().to_owned()] {
        let sites = [packed(&pack, &host), packed(&pack, &host)];
        thread::scope(|scope| {
            for site in &sites {
                scope.spawn(|| site.run("import site.tar --to TO").any_stderr().code(0));
            }
        });
        sites[0].run("import site.tar --to TO").stderr_holds("6 there already; 0 B sent").code(0);
    }
    for (number, graph) in graphs.iter().enumerate() {
        graph.assert_in(ours.registry(), &format!("a/n{}", number % 3), &number.to_string());
    }
}

#[test]
fn an_incomplete_bundle_announces_itself() {
    let pack = Pack::new().graph("q.io/a/b:1", &image(1, 1, 10)).missing("q.io/a/lost:1");
    let to = server();
    let site = packed(&pack, &to.host());
    let line = "INCOMPLETE: 1 of 2 artifacts were not exported: `q.io/a/lost:1`";
    let stderr = |how: &str| {
        format!(
            "{line}\n1 artifact for `TO`: {how} there already\nnext: pull from there, for example `TO/a/b:1`\n\
             integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n{line}\n"
        )
    };
    let first = stderr("1 imported; 2.6 KiB sent, 0 B");
    site.run("import site.tar --to TO").stderr(&first).code(4);
    let second = stderr("1 there already; 0 B sent, 2.6 KiB");
    site.run("import site.tar --to TO --allow-incomplete").stderr(&second).code(0);
    let wrong = format!("sha256:{}", "0".repeat(64));
    to.clear_requests();
    site.run(&format!("import site.tar --to TO --expect {wrong}")).stderr_holds("the bundle id of").code(3);
    assert_eq!(to.requests(), []);
}

/// A registry that lets nobody into paths of a kind.
fn closed(path: &'static str) -> Server {
    let faults = Faults::new(
        move |request| {
            if request.path.contains(path) { Fault::status(403) } else { Fault::None }
        },
    );
    Server::start(Options { faults, ..Options::memory() }).unwrap()
}

#[test]
fn a_repository_that_lets_nobody_in_is_left_alone() {
    let (one, two, _) = three();
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &one).graph("q.io/a/d:1", &two);
    let to = closed("/a/b/");
    packed(&pack, &to.host())
        .run("import site.tar --to TO")
        .stderr_holds("could not import image `q.io/a/b:1`")
        .stderr_holds("was denied")
        .stderr_holds("2 imported, 1 failed")
        .code(4);
    one.assert_in(to.registry(), "a/c", "1");
    let asked = to.requests().iter().filter(|request| request.path.contains("/a/b/")).count();
    assert!(asked <= 3, "{asked} requests to a repository that lets nobody in");
}

#[test]
fn a_registry_that_lets_nobody_in_is_one_error() {
    let (one, two, _) = three();
    let pack = Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/c:1", &one).graph("q.io/a/d:1", &two);
    let to = closed("/v2/");
    let report = packed(&pack, &to.host()).run("import site.tar --to TO --json").json(1);
    assert_eq!(report["errors"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["artifacts"].as_array().unwrap().len(), 3);
}

#[test]
fn layers_that_were_left_out_are_not_asked_for() {
    let mut graph = image(1, 2, 100);
    let left_out = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    let mut root: serde_json::Value = serde_json::from_slice(&graph.root().bytes).unwrap();
    root["layers"][1]["mediaType"] = left_out.into();
    root["layers"][1]["urls"] = serde_json::json!(["https://layers.invalid/1"]);
    let root = Blob::new(&graph.root().media_type, serde_json::to_vec(&root).unwrap());
    let layer = graph.blobs.pop().unwrap();
    graph.manifests = vec![root];
    let pack = Pack::new().add(&graph, |artifact| {
        artifact.reference = "q.io/a/b:1".to_owned();
        artifact.omitted = vec![layer.digest];
    });
    let (ours, docker) = (server(), DockerRegistry::start());
    for host in [ours.host(), docker.host().to_owned()] {
        packed(&pack, &host).run("import site.tar --to TO").any_stderr().code(0);
    }
    graph.assert_in(ours.registry(), "a/b", "1");
    assert!(!ours.registry().has_blob("a/b", &layer.digest));
}

#[test]
fn a_registry_that_is_broken_for_everybody_is_told_at_once() {
    let faults = Faults::new(|_| Fault::status(500));
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let site = packed(&Pack::new().graph("q.io/a/b:1", &image(1, 1, 10)), &to.host());
    for flags in ["", "--no-receipt"] {
        to.clear_requests();
        site.run(&format!("import site.tar --to http://TO --retries 2 {flags}"))
            .stderr_holds("HTTP status 500")
            .code(1);
        assert_eq!(to.requests().len(), 2, "{:#?}", to.requests());
    }
}

/// A registry that is broken once blobs come.
#[test]
fn a_registry_that_breaks_is_left_alone_after_a_while() {
    let faults = Faults::new(|request| if request.is_upload() { Fault::status(503) } else { Fault::None });
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let pack = (0..20)
        .fold(Pack::new(), |pack, number| pack.graph(&format!("q.io/a/n{number}:1"), &image(number, 2, 10)));
    packed(&pack, &to.host())
        .run("import site.tar --to http://TO --retries 1 --jobs 1")
        .stderr_holds("cause: not tried: the registry has stopped answering\n")
        .code(1);
    let tried = to.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(tried, 4, "what an import begins with, and three blobs");
}

#[test]
fn https_that_was_said_never_becomes_plain_http() {
    let to = server();
    let site = packed(&Pack::new().graph("q.io/a/b:1", &image(1, 1, 10)), &to.host());
    site.run("import site.tar --to https://TO --retries 1").stderr_holds("error: ").code(1);
    assert_eq!(to.requests(), []);
    site.run("import site.tar --to https://TO --plain-http TO")
        .stderr("error: `https://TO` and `--plain-http TO` contradict each other\n\nhint: leave one of them out\n")
        .code(2);
    site.run("import site.tar --to TO").any_stderr().code(0);
}
