//! Thousands of referrers.

use airgap_bundle::stores::registry::server::Referrers;

use super::places::{count, listed, server, site};
use crate::fixture::{artifact, image};

#[test]
fn two_thousand_referrers_go_along() {
    let root = image(1, 1, 10);
    let (from, to) = (server(Referrers::On), server(Referrers::Off));
    root.put(from.registry(), "a/b", Some("1"));
    for seed in 0..2000 {
        artifact(10 + seed, "application/vnd.x", Some(&root)).put(from.registry(), "a/b", None);
    }
    let site = site(&from, &to);
    site.run("export -o site.tar FROM/a/b:1")
        .any_stdout()
        .stderr_holds("1 artifact, 2000 signatures and other referrers, ")
        .code(0);
    // The image has two pages; each referrer, and the one list of tags.
    assert_eq!((count(&from, "GET", "/referrers/"), count(&from, "GET", "/tags/")), (2002, 1));
    site.run("import site.tar --to TO").any_stderr().code(0);
    assert_eq!(listed(to.registry(), "a/b", &root).len(), 2000);
    to.clear_requests();
    site.run("import site.tar --to TO").stderr_holds("0 B sent").code(0);
    assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")));
}
