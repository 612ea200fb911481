//! A first mirror, the same again, and what it would do.

use airgap_bundle::stores::registry::server::Server;

use crate::fixture::{Graph, image, index};
use crate::site::Site;

use super::place::{fill, server, site};

/// A source with an image and an index, and a list of them.
fn two() -> (Server, Server, Graph, Graph, Site) {
    let (from, to) = (server(), server());
    let (one, two) = (image(1, 3, 1000), index(2, &["linux/amd64", "linux/arm64"], 2, 500));
    fill(&from, &[("a/one:1", &one), ("two:v2", &two)]);
    let site = site(&from, &to, &["a/one:1", "two:v2"]);
    (from, to, one, two, site)
}

#[test]
fn everything_lands_and_a_rerun_moves_nothing() {
    let (from, to, one, two, site) = two();
    site.run("mirror --list list.txt --to TO/mirror")
        .stderr(
            "2 artifacts for `TO/mirror`: 2 mirrored; 18.6 KiB sent, 0 B there already\n\
             next: pull from there, for example `TO/mirror/a/one:1`\n",
        )
        .code(0);
    one.assert_in(to.registry(), "mirror/a/one", "1");
    two.assert_in(to.registry(), "mirror/two", "v2");
    assert_eq!(site.files("."), ["list.txt"]);
    to.clear_requests();
    from.clear_requests();
    site.run("mirror --list list.txt --to TO/mirror").stderr_holds("2 there already; 0 B sent").code(0);
    let asked = to.requests();
    assert!(asked.iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")), "{asked:?}");
    let layers = from.requests().iter().filter(|request| request.path.contains("/blobs/")).count();
    assert!(layers <= 1, "the config alone tells the platform: {:#?}", from.requests());
}

#[test]
fn a_dry_run_reads_manifests_alone_and_asks_nothing_of_the_destination() {
    let (from, to, .., site) = two();
    site.run("mirror --list list.txt --to TO/mirror --dry-run")
        .stdout(
            "SOURCE/a/one:1 -> TO/mirror/a/one:1\n\
             SOURCE/two:v2 -> TO/mirror/two:v2\n",
        )
        .stderr(
            "2 artifacts, 14 blobs, 18.6 KiB at most to move\n\
             manifests alone were read, nothing was asked of the destination, and nothing was pushed\n",
        )
        .code(0);
    assert_eq!(to.requests(), []);
    let blobs: u64 = from.requests().iter().filter(|r| r.path.contains("/blobs/")).map(|r| r.bytes_out).sum();
    assert!(blobs < 1000, "{blobs}");
}
