//! Destinations that refuse, and that have something already.

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Referrers, Server};
use serde_json::json;

use super::places::{count, listed, server, site, tag};
use crate::fixture::{Graph, artifact, cosign, image};
use crate::site::Site;

/// Exports an image that is signed by these.
fn signed(root: &Graph, signers: &[&str], to: &Server) -> Site {
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    cosign(root, signers).put(from.registry(), "a/b", Some(&format!("{}.sig", tag(root))));
    let site = site(&from, to);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    site
}

#[test]
fn a_referrer_that_is_refused_does_not_sink_its_image() {
    let root = image(1, 1, 10);
    let refused = artifact(3, "application/vnd.odd", Some(&root));
    let taken = artifact(4, "application/vnd.plain", Some(&root));
    let deeper = artifact(5, "application/vnd.deeper", Some(&refused));
    let path = refused.digest().to_string();
    let faults = Faults::new(move |request| {
        let pushes = request.method == "PUT" && request.path.ends_with(&path);
        if pushes { Fault::status(400) } else { Fault::None }
    });
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    for referrer in [&refused, &taken, &deeper] {
        referrer.put(from.registry(), "a/b", None);
    }
    let site = site(&from, &to);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    let report = site.run("import site.tar --to TO --json").json(4);
    root.assert_in(to.registry(), "a/b", "1");
    taken.assert_in(to.registry(), "a/b", &taken.digest().to_string());
    assert_eq!((&report["status"], &report["artifacts"][0]["status"]), (&json!("partial"), &json!("done")));
    let rows = report["artifacts"][0]["referrers"].as_array().unwrap();
    let row = |graph: &Graph| rows.iter().find(|row| row["digest"] == json!(graph.digest())).unwrap();
    assert_eq!(row(&refused)["status"], "failed");
    assert!(row(&refused)["error"].as_str().unwrap().contains("HTTP status 400"), "{}", row(&refused));
    assert_eq!(row(&taken)["status"], "done");
    assert_eq!(row(&deeper)["status"], "skipped");
    assert!(row(&deeper)["error"].as_str().unwrap().contains("is not in place"));
    assert_eq!(
        report["warnings"],
        json!(["1 referrer was not pushed, because what is referred to is not in place"])
    );
    // No receipt speaks of what is not there.
    assert!(to.registry().tags("airgap-bundle").is_empty());
}

#[test]
fn the_tag_of_cosign_grows_and_is_not_cut() {
    let root = image(1, 1, 10);
    let name = format!("{}.sig", tag(&root));
    for (there, ours, result) in [
        (&["one"][..], &["one", "two"][..], "done"),
        (&["one", "two"], &["one"], "present"),
        (&["one"], &["one"], "present"),
        (&["one"], &["two"], "failed"),
    ] {
        let to = server(Referrers::On);
        root.put(to.registry(), "a/b", Some("1"));
        let before = cosign(&root, there);
        before.put(to.registry(), "a/b", Some(&name));
        let site = signed(&root, ours, &to);
        let report = site.run("import site.tar --to TO --json").json(if result == "failed" { 4 } else { 0 });
        let row = &report["artifacts"][0]["referrers"][0];
        assert_eq!(row["status"], result, "{row}");
        let expected = if result == "done" { cosign(&root, ours) } else { before.clone() };
        assert_eq!(to.registry().manifest("a/b", &name).unwrap().digest, expected.digest());
        if result == "failed" {
            site.run("import site.tar --to TO").stderr_holds("hint: `--move-tags` moves it").code(4);
            site.run("import site.tar --to TO --move-tags").any_stderr().code(0);
            cosign(&root, ours).assert_in(to.registry(), "a/b", &name);
            before.assert_in(to.registry(), "a/b", &format!("digest-{}", before.digest().short()));
        }
        to.clear_requests();
        site.run("import site.tar --to TO").any_stderr().code(0);
        let writes = ["PUT", "POST", "PATCH"].map(|method| count(&to, method, "/a/b/"));
        assert_eq!(writes, [0, 0, 0], "{result}");
    }
}

#[test]
fn a_registry_that_does_not_say_that_it_lists_gets_the_list() {
    let root = image(1, 1, 10);
    let referrer = artifact(3, "application/vnd.x", Some(&root));
    let faults = Faults::new(|request| {
        if request.method == "PUT" {
            Fault::Headers(vec![("oci-subject".to_owned(), None)])
        } else {
            Fault::None
        }
    });
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    referrer.put(from.registry(), "a/b", None);
    let site = site(&from, &to);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    site.run("import site.tar --to TO").any_stderr().code(0);
    assert_eq!(listed(to.registry(), "a/b", &root), [referrer.digest()]);
}

#[test]
fn a_mirror_takes_them_along() {
    let root = image(1, 1, 10);
    let (from, to) = (server(Referrers::Off), server(Referrers::Off));
    root.put(from.registry(), "a/b", Some("1"));
    let signature = cosign(&root, &["me"]);
    signature.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
    let referrer = artifact(3, "application/vnd.x", Some(&root));
    super::places::put_listed(&from, "a/b", &root, &[&referrer]);
    let site = site(&from, &to);
    site.run("mirror FROM/a/b:1 --to TO").stderr_holds("2 signatures and other referrers").code(0);
    signature.assert_in(to.registry(), "a/b", &format!("{}.sig", tag(&root)));
    assert_eq!(listed(to.registry(), "a/b", &root), [referrer.digest()]);
}

#[test]
fn side_loading_and_extracting_leave_them_in_the_bundle() {
    let to = server(Referrers::On);
    let site = signed(&image(1, 1, 10), &["me"], &to);
    std::fs::create_dir(site.path("images")).unwrap();
    site.run("sideload --containerd-dir images site.tar --platform linux/amd64 --json").json(0);
    let tars = site.files("images");
    assert_eq!(tars.len(), 1, "{tars:?}");
}
