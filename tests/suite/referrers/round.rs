//! The whole way, on every pair of registries.

use airgap_bundle::stores::registry::server::Referrers;
use serde_json::json;

use super::places::{count, listed, put_listed, server, site, tag};
use crate::fixture::{artifact, cosign, image, index_of};

#[test]
fn what_refers_goes_along_to_any_depth() {
    let (amd64, arm64) = (image(1, 1, 10), image(2, 1, 10));
    let root = index_of(&[("linux/amd64", &amd64), ("linux/arm64", &arm64)]);
    let of_root = artifact(3, "application/vnd.one", Some(&root));
    let of_child = artifact(4, "application/vnd.two", Some(&arm64));
    let deeper = artifact(5, "application/vnd.three", Some(&of_child));
    let deepest = artifact(6, "application/vnd.four", Some(&deeper));
    let signature = cosign(&root, &["me"]);
    for (source, destination) in [
        (Referrers::On, Referrers::On),
        (Referrers::On, Referrers::Off),
        (Referrers::Off, Referrers::On),
        (Referrers::Off, Referrers::Off),
    ] {
        let (from, to) = (server(source), server(destination));
        root.put(from.registry(), "a/b", Some("1"));
        let signed = format!("{}.sig", tag(&root));
        signature.put(from.registry(), "a/b", Some(&signed));
        for (subject, referrer) in
            [(&root, &of_root), (&arm64, &of_child), (&of_child, &deeper), (&deeper, &deepest)]
        {
            match source {
                Referrers::On => referrer.put(from.registry(), "a/b", None),
                Referrers::Off => put_listed(&from, "a/b", subject, &[referrer]),
            }
        }
        let site = site(&from, &to);
        site.run("export -o site.tar FROM/a/b:1")
            .any_stdout()
            .stderr_holds("1 artifact, 5 signatures and other referrers, ")
            .code(0);
        // One probe, and one list of tags.
        let lists = count(&from, "GET", "/tags/list");
        let asked = count(&from, "GET", "/referrers/");
        let expected = if source == Referrers::On { 8 } else { 1 };
        assert_eq!((lists, asked), (1, expected), "{source:?}");
        site.run("verify site.tar").stderr_holds("5 signatures and other referrers").code(0);
        site.run("import site.tar --to TO").any_stderr().code(0);
        root.assert_in(to.registry(), "a/b", "1");
        signature.assert_in(to.registry(), "a/b", &signed);
        for (subject, referrer) in
            [(&root, &of_root), (&arm64, &of_child), (&of_child, &deeper), (&deeper, &deepest)]
        {
            referrer.assert_in(to.registry(), "a/b", &referrer.digest().to_string());
            let expected = if destination == Referrers::On { vec![] } else { vec![referrer.digest()] };
            assert_eq!(listed(to.registry(), "a/b", subject), expected);
        }
        to.clear_requests();
        let report = site.run("import site.tar --to TO --json").json(0);
        assert_eq!(report["artifacts"][0]["referrers"][0]["status"], "present");
        assert_eq!(report["totals"]["transferred"], json!(0));
        assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")));
    }
}
