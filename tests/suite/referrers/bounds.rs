//! Thousands of referrers, and lists without an end.

use std::sync::atomic::{AtomicUsize, Ordering};

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Referrers, RequestView, Server};

use super::places::{count, listed, server, site};
use crate::fixture::{artifact, image, index_of};

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

/// A registry whose lists of referrers go on for ever.
fn endless() -> Server {
    let pages = AtomicUsize::new(0);
    let link = move |request: &RequestView<'_>| {
        if !request.path.contains("/referrers/") {
            return Fault::None;
        }
        let next = format!("<?last={}>; rel=\"next\"", pages.fetch_add(1, Ordering::SeqCst));
        Fault::Headers(vec![("link".to_owned(), Some(next))])
    };
    Server::start(Options { faults: Faults::new(link), ..Options::memory() }).unwrap()
}

#[test]
fn an_empty_page_is_the_last_one() {
    let from = endless();
    image(1, 1, 10).put(from.registry(), "a/b", Some("1"));
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1 --referrers require").any_stdout().any_stderr().code(0);
    assert_eq!(count(&from, "GET", "/referrers/"), 1);
}

#[test]
fn the_pages_of_an_artifact_have_one_bound() {
    let (amd64, arm64) = (image(1, 1, 10), image(2, 1, 10));
    let root = index_of(&[("linux/amd64", &amd64), ("linux/arm64", &arm64)]);
    let from = endless();
    root.put(from.registry(), "a/b", Some("1"));
    for (seed, subject) in [(3, &amd64), (4, &arm64)] {
        artifact(seed, "application/vnd.x", Some(subject)).put(from.registry(), "a/b", None);
    }
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1")
        .any_stdout()
        .stderr_holds("is too long: 10000 entries and 1000 further pages are read")
        .stderr_holds("1 artifact, 2 signatures and other referrers, ")
        .code(0);
    // The first page of three manifests and two referrers, and what is left.
    assert_eq!(count(&from, "GET", "/referrers/"), 1005);
}
