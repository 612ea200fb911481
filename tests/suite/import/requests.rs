//! What is asked and sent: no more than it takes.

use std::collections::BTreeMap;

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Server};

use crate::docker_registry::DockerRegistry;
use crate::fixture::Pack;
use crate::fixture::{Blob, Graph, image, index};

use super::place::{packed, server};

/// Counts requests by method and last parts of the path: `HEAD blobs`, `POST uploads`, `POST mount`.
fn counts(to: &Server) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in to.requests() {
        let what = if request.query.contains("mount=") {
            "mount"
        } else {
            ["uploads", "blobs", "manifests", "tags", "referrers"]
                .into_iter()
                .find(|part| request.path.contains(&format!("/{part}/")))
                .unwrap_or("ping")
        };
        *counts.entry(format!("{} {what}", request.method)).or_default() += 1;
    }
    counts
}

fn expect(to: &Server, expected: &[(&str, usize)]) {
    let expected = expected.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect();
    assert_eq!(counts(to), expected, "{:#?}", to.requests());
}

/// Makes images that share their layers.
fn shared(names: usize) -> Pack {
    (0..names).fold(Pack::new(), |pack, number| {
        let own = image(u64::try_from(number).unwrap(), 0, 0);
        let mut base = image(1000, 2, 1000);
        let mut root: serde_json::Value = serde_json::from_slice(&base.root().bytes).unwrap();
        root["config"] = own.blobs[0].descriptor();
        base.blobs[0] = own.blobs[0].clone();
        let root = Blob::new(&base.root().media_type, serde_json::to_vec(&root).unwrap());
        let graph = Graph { blobs: base.blobs, manifests: vec![root] };
        pack.graph(&format!("q.io/a/n{number}:1"), &graph)
    })
}

#[test]
fn what_is_shared_is_sent_once_and_mounted() {
    let to = server();
    let site = packed(&shared(4), &to.host());
    site.run("import site.tar --to TO").any_stderr().code(0);
    // The receipt and what it begins with are asked for, and each repository; none is asked for blobs. Then 4 configs, 2
    // layers, 4 names, and the receipt: 3 blobs, of which 2 are asked for.
    expect(
        &to,
        &[
            ("GET tags", 4),
            ("HEAD blobs", 3),
            ("HEAD manifests", 1),
            ("POST mount", 6),
            ("POST uploads", 9),
            ("PUT uploads", 9),
            ("PUT manifests", 5),
        ],
    );
    to.clear_requests();
    // The receipt is read, and vouches for what is below the names that still point where it says.
    site.run("import site.tar --to TO").stderr_holds("4 there already").code(0);
    expect(&to, &[("GET blobs", 1), ("GET manifests", 1), ("HEAD manifests", 5)]);
    to.clear_requests();
    site.run("import site.tar --to TO --no-receipt").stderr_holds("4 there already").code(0);
    expect(&to, &[("HEAD blobs", 12), ("HEAD manifests", 5)]);
    to.clear_requests();
    // Without a receipt nothing tells that nothing is there: the first name is asked for twice, since that also tells
    // whether the registry answers.
    site.run("import site.tar --to TO/elsewhere --no-receipt").any_stderr().code(0);
    expect(
        &to,
        &[
            ("HEAD blobs", 12),
            ("HEAD manifests", 5),
            ("POST mount", 6),
            ("POST uploads", 6),
            ("PUT uploads", 6),
            ("PUT manifests", 4),
        ],
    );
}

#[test]
fn what_is_missing_alone_is_sent() {
    let to = server();
    let (one, two) = (image(1, 2, 100), index(2, &["linux/amd64", "linux/arm64"], 1, 100));
    let site = packed(&Pack::new().graph("q.io/a/b:1", &one).graph("q.io/a/b:2", &two), &to.host());
    to.registry().put_blob("a/b", &one.blobs[1].bytes).unwrap();
    site.run("import site.tar --to TO --no-receipt").any_stderr().code(0);
    // Of 3 and 4 blobs one is there; of the manifests the two below the index are asked for.
    expect(
        &to,
        &[
            ("HEAD blobs", 7),
            ("HEAD manifests", 5),
            ("POST uploads", 6),
            ("PUT manifests", 4),
            ("PUT uploads", 6),
        ],
    );
    one.assert_in(to.registry(), "a/b", "1");
    two.assert_in(to.registry(), "a/b", "2");
}

#[test]
fn a_mount_that_becomes_an_upload_goes_on_as_one() {
    let faults = Faults::new(
        |request| if request.query.contains("mount=") { Fault::IgnoreQuery } else { Fault::None },
    );
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    packed(&shared(3), &to.host()).run("import site.tar --to TO --no-receipt").any_stderr().code(0);
    expect(
        &to,
        &[
            ("HEAD blobs", 9),
            ("HEAD manifests", 4),
            ("POST mount", 4),
            ("POST uploads", 5),
            ("PUT uploads", 9),
            ("PUT manifests", 3),
        ],
    );
    for number in 0..3 {
        assert_eq!(to.registry().tags(&format!("a/n{number}")), ["1"]);
    }
}

#[test]
fn docker_registry_mounts() {
    let to = DockerRegistry::start();
    let site = packed(&shared(4), to.host());
    let report = site.run("import site.tar --to TO --json").json(0);
    let totals = &report["totals"];
    assert_eq!(totals["transferred"], totals["bytes"], "{totals}");
}
