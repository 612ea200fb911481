//! What is looked for at the source, and what becomes of it where it cannot be had.

use airgap_bundle::model::media_type::OCI_MANIFEST;
use airgap_bundle::stores::registry::server::{
    Completeness, Fault, Faults, Options, Referrers, RequestView, Server,
};
use serde_json::json;

use super::places::{count, list, put_listed, server, site, tag};
use crate::export::contents;
use crate::fixture::{Graph, artifact, cosign, image, index_of};
use crate::site::Site;

/// A registry with faults.
fn faulty(
    referrers: Referrers,
    choose: impl Fn(&RequestView<'_>) -> Fault + Send + Sync + 'static,
) -> Server {
    Server::start(Options { referrers, faults: Faults::new(choose), ..Options::memory() }).unwrap()
}

/// Returns the digests that `bundle.json` names as referrers of the artifact with this number.
fn carried(site: &Site, number: usize) -> Vec<String> {
    let contents = contents(site, "site.tar");
    let referrers = contents["artifacts"][number]["referrers"].as_array().cloned().unwrap_or_default();
    referrers.iter().map(|referrer| referrer["digest"].as_str().unwrap().to_owned()).collect()
}

fn text(graph: &Graph) -> String {
    graph.digest().to_string()
}

#[test]
fn a_bundle_without_referrers_says_nothing_of_them() {
    let from = server(Referrers::On);
    image(1, 1, 10).put(from.registry(), "a/b", Some("1"));
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    site.run("export -o none.tar FROM/a/b:1 --referrers none").any_stdout().any_stderr().code(0);
    site.run("export -o all.tar FROM/a/b:1 --referrers require").any_stdout().any_stderr().code(0);
    assert_eq!(site.read("site.tar"), site.read("none.tar"));
    assert_eq!(site.read("site.tar"), site.read("all.tar"));
    assert!(contents(&site, "site.tar")["artifacts"][0].get("referrers").is_none());
}

#[test]
fn none_asks_for_nothing() {
    let from = server(Referrers::On);
    let root = image(1, 1, 10);
    root.put(from.registry(), "a/b", Some("1"));
    cosign(&root, &["me"]).put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1 --referrers none").any_stdout().any_stderr().code(0);
    assert_eq!((count(&from, "GET", "/tags/"), count(&from, "GET", "/referrers/")), (0, 0));
    assert!(carried(&site, 0).is_empty());
}

#[test]
fn many_images_cost_one_list_for_each_repository_and_one_probe() {
    let from = server(Referrers::Off);
    let mut references = Vec::new();
    for number in 0..12 {
        let root = image(number, 1, 10);
        let repository = format!("a/n{}", number % 3);
        root.put(from.registry(), &repository, Some(&number.to_string()));
        put_listed(&from, &repository, &root, &[&artifact(100 + number, "application/vnd.x", Some(&root))]);
        references.push(format!("FROM/{repository}:{number}"));
    }
    let site = site(&from, &from);
    let line = format!("export -o site.tar {}", references.join(" "));
    site.run(&line).any_stdout().stderr_holds("12 signatures and other referrers").code(0);
    assert_eq!((count(&from, "GET", "/tags/"), count(&from, "GET", "/referrers/")), (3, 1));
    // An image, its list, and the referrer.
    assert_eq!(count(&from, "GET", "/manifests/"), 36);
}

#[test]
fn what_is_left_out_by_platform_takes_its_referrers_with_it() {
    let (amd64, arm64) = (image(1, 1, 10), image(2, 1, 10));
    let root = index_of(&[("linux/amd64", &amd64), ("linux/arm64", &arm64)]);
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    let [of_amd64, of_arm64] =
        [(3, &amd64), (4, &arm64)].map(|(seed, subject)| artifact(seed, "application/vnd.x", Some(subject)));
    for referrer in [&of_amd64, &of_arm64] {
        referrer.put(from.registry(), "a/b", None);
    }
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1 --platform linux/arm64").any_stdout().any_stderr().code(0);
    assert_eq!(carried(&site, 0), [text(&of_arm64)]);
    site.run("verify site.tar").any_stderr().code(0);
}

#[test]
fn one_referrer_of_two_artifacts_is_there_once() {
    let root = image(1, 1, 10);
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    root.put(from.registry(), "a/b", Some("2"));
    let referrer = artifact(3, "application/vnd.x", Some(&root));
    referrer.put(from.registry(), "a/b", None);
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1 FROM/a/b:2")
        .any_stdout()
        .stderr_holds("2 artifacts, 1 signature or other referrer, ")
        .code(0);
    assert_eq!((carried(&site, 0), carried(&site, 1)), (vec![text(&referrer)], vec![text(&referrer)]));
    assert_eq!(contents(&site, "site.tar")["manifests"].as_array().unwrap().len(), 2);
    let to = server(Referrers::Off);
    let to_site = Site::new().named("TO", to.host()).bytes("site.tar", &site.read("site.tar"));
    let report = to_site.run("import site.tar --to TO --json").json(0);
    for number in 0..2 {
        assert_eq!(report["artifacts"][number]["referrers"][0]["status"], "done");
    }
}

#[test]
fn circles_of_tags_and_lists_that_name_themselves_end() {
    let from = server(Referrers::Off);
    let root = image(1, 1, 10);
    root.put(from.registry(), "a/b", Some("1"));
    let (one, two) = (cosign(&root, &["one"]), cosign(&root, &["two"]));
    one.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
    two.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&one))));
    // What signs the second is the first, and the second attests to itself.
    one.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&two))));
    two.put(from.registry(), "a/b", Some(&format!("{}.att", tag(&two))));
    // The list of what refers to the image names the image, and something that does not refer to it.
    list(&from, "a/b", &root, &[&root, &two]);
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1 --referrers require")
        .any_stdout()
        .stderr_holds("does not say so itself")
        .stderr_holds("2 signatures and other referrers")
        .code(0);
    site.run("verify site.tar").any_stderr().code(0);
    let shown = site.run("inspect site.tar").any_stdout().code(0);
    assert_eq!(String::from_utf8(shown).unwrap().matches("cosign signature").count(), 3);
}

#[test]
fn a_registry_that_lists_no_tags_is_told_once() {
    for status in [401, 404, 405] {
        let lists = |request: &RequestView<'_>| request.path.ends_with("/tags/list");
        let fault = move |request: &RequestView<'_>| {
            if lists(request) { Fault::status(status) } else { Fault::None }
        };
        let from = faulty(Referrers::On, fault);
        let (one, two) = (image(1, 1, 10), image(2, 1, 10));
        one.put(from.registry(), "a/b", Some("1"));
        two.put(from.registry(), "a/b", Some("2"));
        let referrer = artifact(3, "application/vnd.x", Some(&one));
        referrer.put(from.registry(), "a/b", None);
        let site = site(&from, &from);
        let said = site.run("export -o site.tar FROM/a/b:1 FROM/a/b:2").any_stdout().stderr_of(0);
        assert_eq!(said.matches("the tags of `FROM/a/b` cannot be listed").count(), 1, "{said}");
        assert_eq!(carried(&site, 0), [text(&referrer)]);
        assert_eq!(count(&from, "GET", "/tags/list"), 1);
        site.run("export -o other.tar FROM/a/b:1 FROM/a/b:2 --referrers require")
            .any_stdout()
            .stderr_holds("the tags of `FROM/a/b`, which may name signatures, cannot be listed")
            .stderr_holds(if status == 401 {
                "hint: give credentials"
            } else {
                "hint: `--referrers best-effort`"
            })
            .code(1);
        assert!(!site.path("other.tar").exists());
    }
}

#[test]
fn a_registry_that_lists_no_tags_keeps_the_signature_of_an_image() {
    let lists = |request: &RequestView<'_>| request.path.ends_with("/tags/list");
    for referrers in [Referrers::On, Referrers::Off] {
        let fault =
            move |request: &RequestView<'_>| if lists(request) { Fault::status(404) } else { Fault::None };
        let from = faulty(referrers, fault);
        let child = image(1, 1, 10);
        let root = index_of(&[("linux/amd64", &child)]);
        let (signature, of_child) = (cosign(&root, &["me"]), cosign(&child, &["me"]));
        root.put(from.registry(), "a/b", Some("1"));
        signature.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
        of_child.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&child))));
        let listed = artifact(3, "application/vnd.x", Some(&root));
        put_listed(&from, "a/b", &root, &[&listed]);
        let plain = image(5, 1, 10);
        plain.put(from.registry(), "a/c", Some("1"));
        let site = site(&from, &from);
        let said = site.run("export -o site.tar FROM/a/b:1").any_stdout().stderr_of(0);
        assert!(said.contains("only that is looked for which refers to a whole image"), "{said}");
        let (mut expected, mut got) = (vec![text(&signature), text(&listed)], carried(&site, 0));
        expected.sort();
        got.sort();
        assert_eq!(got, expected);
        // The three tags of cosign, and the list where the registry has no list of its own.
        let asked = if referrers == Referrers::On { 3 } else { 4 };
        assert_eq!(count(&from, "HEAD", "/manifests/sha256-"), asked);
        // Nothing of this one is left unasked.
        let line = "export -o plain.tar FROM/a/c:1 --referrers require";
        assert!(!site.run(line).any_stdout().stderr_of(0).contains("cannot be listed"));
    }
}

#[test]
fn what_cannot_be_fetched_is_a_warning_or_fails_its_artifact() {
    let (root, other) = (image(1, 1, 10), image(2, 1, 10));
    let whole = artifact(3, "application/vnd.whole", Some(&root));
    let lost = artifact(4, "application/vnd.lost", Some(&root));
    let below = artifact(5, "application/vnd.below", Some(&lost));
    for (what, gone) in [("manifest", text(&lost)), ("blob", lost.blobs[1].digest.to_string())] {
        let path = gone.clone();
        let from = faulty(Referrers::On, move |request| {
            if request.path.ends_with(&path) { Fault::status(404) } else { Fault::None }
        });
        root.put(from.registry(), "a/b", Some("1"));
        other.put(from.registry(), "a/c", Some("1"));
        for referrer in [&whole, &lost, &below] {
            referrer.put(from.registry(), "a/b", None);
        }
        let site = site(&from, &from);
        site.run("export -o site.tar FROM/a/b:1 FROM/a/c:1")
            .any_stdout()
            .stderr_holds("`FROM/a/b:1` goes without its referrer sha256:")
            .stderr_holds("2 artifacts, 1 signature or other referrer, ")
            .code(0);
        assert_eq!(carried(&site, 0), [text(&whole)], "{what}");
        site.run("verify site.tar").any_stderr().code(0);
        site.run("export -o other.tar FROM/a/b:1 FROM/a/c:1 --referrers require --keep-going")
            .any_stdout()
            .stderr_holds("could not export `FROM/a/b:1`")
            .stderr_holds("INCOMPLETE: 1 of 2 artifacts were not exported")
            .code(4);
    }
}

#[test]
fn a_page_on_another_host_is_not_asked_for() {
    let elsewhere = server(Referrers::On);
    let link = format!("<http://{}/v2/a/b/referrers/x?n=1>; rel=\"next\"", elsewhere.host());
    let from = faulty(Referrers::On, move |request| {
        if request.path.contains("/referrers/") {
            Fault::Headers(vec![("link".to_owned(), Some(link.clone()))])
        } else {
            Fault::None
        }
    });
    let root = image(1, 1, 10);
    root.put(from.registry(), "a/b", Some("1"));
    artifact(3, "application/vnd.x", Some(&root)).put(from.registry(), "a/b", None);
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1 --referrers require")
        .any_stdout()
        .stderr_holds("the next page would be on another host")
        .code(1);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn an_older_bundle_and_a_rerun_spare_what_is_there() {
    let root = image(1, 1, 10);
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    artifact(3, "application/vnd.x", Some(&root)).put(from.registry(), "a/b", None);
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    from.clear_requests();
    site.run("export -o site.tar FROM/a/b:1").any_stdout().stderr_holds("this very bundle already").code(0);
    site.run("export -o new.tar FROM/a/b:1 --reuse site.tar").any_stdout().any_stderr().code(0);
    assert_eq!(count(&from, "GET", "/blobs/"), 0);
    assert_eq!(site.read("site.tar"), site.read("new.tar"));
    // A signature that comes later makes another bundle.
    let later = cosign(&root, &["me"]);
    later.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
    let report = site.run("export -o later.tar FROM/a/b:1 --reuse site.tar --json").json(0);
    assert_eq!(report["totals"]["referrers"], json!(2));
    assert_ne!(site.read("site.tar"), site.read("later.tar"));
}

/// Puts a referrer of `subject` beside it that states another size for a layer of `about`.
fn put_liar(server: &Server, repository: &str, subject: &Graph, about: &Graph) {
    let layer = &about.blobs[1];
    let size = layer.bytes.len() + 1;
    let config = &about.blobs[0];
    let raw = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.liar",
        "config": {"mediaType": "application/json", "digest": config.digest, "size": config.bytes.len()},
        "layers": [{"mediaType": "application/json", "digest": layer.digest, "size": size}],
        "subject": subject.root().descriptor(),
    });
    let bytes = serde_json::to_vec(&raw).unwrap();
    server.registry().put_manifest(repository, None, OCI_MANIFEST, &bytes).unwrap();
}

#[test]
fn a_referrer_that_states_another_size_costs_no_more_than_itself() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    for about in [&one, &two] {
        let from =
            Server::start(Options { completeness: Completeness::Nothing, ..Options::memory() }).unwrap();
        one.put(from.registry(), "a/one", Some("1"));
        two.put(from.registry(), "a/two", Some("1"));
        let honest = artifact(3, "application/vnd.x", Some(&one));
        honest.put(from.registry(), "a/one", None);
        put_liar(&from, "a/one", &one, about);
        let site = site(&from, &from);
        site.run("export -o site.tar FROM/a/one:1 FROM/a/two:1")
            .any_stdout()
            .stderr_holds("`FROM/a/one:1` goes without its referrer sha256:[1]: ")
            .stderr_holds("2 artifacts, 1 signature or other referrer, ")
            .code(0);
        assert_eq!(carried(&site, 0), [text(&honest)]);
        site.run("export -o other.tar FROM/a/one:1 FROM/a/two:1 --referrers require --keep-going")
            .any_stdout()
            .stderr_holds("could not export `FROM/a/one:1` (argument 1)")
            .stderr_holds("as another manifest says")
            .stderr_holds("INCOMPLETE: 1 of 2 artifacts were not exported")
            .code(4);
    }
}
