//! Tags that are there already, and tags that only keep what has no name.

use airgap_bundle::stores::registry::server::Server;
use serde_json::json;

use crate::docker_registry::DockerRegistry;
use crate::fixture::Pack;
use crate::fixture::{image, index};

use super::place::{packed, server};

#[test]
fn a_tag_that_names_something_else_is_not_moved() {
    let (old, new, other) = (image(1, 1, 10), image(2, 1, 10), image(3, 1, 10));
    let to = server();
    old.put(to.registry(), "a/b", Some("v1"));
    old.put(to.registry(), "a/c", Some("v1"));
    let pack = Pack::new().graph("q.io/a/b:v1", &new).graph("q.io/a/c:v1", &new).graph("q.io/a/d:v1", &other);
    let site = packed(&pack, &to.host());
    to.clear_requests();
    site.run("import site.tar --to TO")
        .stderr(
            "error: 2 tags name something else at the destination\n  \
             `TO/a/b:v1` is sha256:[1], and would become sha256:[2] (`q.io/a/b:v1`)\n  \
             `TO/a/c:v1` is sha256:[1], and would become sha256:[2] (`q.io/a/c:v1`)\n\n\
             hint: `--move-tags` moves them, and keeps what they name under `digest-` tags; `--except` leaves them out\n\
             nothing was pushed\n",
        )
        .code(1);
    assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")));
    old.assert_in(to.registry(), "a/b", "v1");
}

#[test]
fn moved_tags_leave_a_way_back() {
    let (old, new) = (index(1, &["linux/amd64", "linux/arm64"], 1, 10), image(2, 1, 10));
    let site = |host: &str| packed(&Pack::new().graph("q.io/a/b:v1", &new), host);
    let check = |report: &serde_json::Value| {
        assert_eq!(report["artifacts"][0]["status"], "done");
        assert_eq!(report["artifacts"][0]["previous_digest"], json!(old.digest()));
        assert_eq!(report["artifacts"][0]["target_digest"], json!(null));
    };
    let to = server();
    old.put(to.registry(), "a/b", Some("v1"));
    check(&site(&to.host()).run("import site.tar --to TO --move-tags --json").json(0));
    new.assert_in(to.registry(), "a/b", "v1");
    old.assert_in(to.registry(), "a/b", &format!("digest-{}", old.digest().short()));

    let docker = DockerRegistry::start();
    let first = packed(&Pack::new().graph("q.io/a/b:v1", &old), docker.host());
    first.run("import site.tar --to TO").any_stderr().code(0);
    let second = site(docker.host());
    second.run("import site.tar --to TO").stderr_holds("1 tag names something else").code(1);
    check(&second.run("import site.tar --to TO --move-tags --json").json(0));
    second.run("import site.tar --to TO --move-tags").stderr_holds("1 there already; 0 B sent").code(0);
    first
        .run("import site.tar --to TO --move-tags")
        .stderr_holds("was sha256:[1], which is `digest-")
        .code(0);
}

fn tags_of(to: &Server, repository: &str) -> Vec<String> {
    to.registry().tags(repository)
}

#[test]
fn what_has_only_a_digest_never_becomes_latest() {
    let one = image(1, 1, 10);
    let pack = Pack::new().graph(&format!("q.io/a/b@{}", one.digest()), &one);
    for flags in ["", "--no-digest-tags"] {
        let to = server();
        let site = packed(&pack, &to.host());
        site.run(&format!("import site.tar --to TO {flags}")).any_stderr().code(0);
        one.assert_in(to.registry(), "a/b", &one.digest().to_string());
        let tag = format!("digest-{}", one.digest().short());
        assert_eq!(tags_of(&to, "a/b"), if flags.is_empty() { vec![tag] } else { vec![] });
        let rerun = format!("import site.tar --to TO {flags}");
        site.run(&rerun).stderr_holds("1 there already; 0 B sent").code(0);
    }
}
