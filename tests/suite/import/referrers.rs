//! Artifacts that refer to others, on registries with and without the referrers API.

use airgap_bundle::stores::registry::server::{Options, Referrers, Server};
use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::fixture::Pack;
use crate::fixture::{artifact, image};
use crate::tools::{command, run};

use super::place::packed;

#[test]
fn where_the_registry_lists_no_referrers_a_tag_does() {
    let subject = image(1, 1, 10);
    let (one, two) = (
        artifact(2, "application/vnd.one", Some(&subject)),
        artifact(3, "application/vnd.two", Some(&subject)),
    );
    let pack = Pack::new().graph("q.io/a/b:1", &subject).graph("q.io/a/b:one", &one);
    let more =
        Pack::new().graph("q.io/a/b:1", &subject).graph("q.io/a/b:one", &one).graph("q.io/a/b:two", &two);
    let tag = format!("sha256-{}", subject.digest().hex());

    let to = Server::start(Options { referrers: Referrers::On, ..Options::memory() }).unwrap();
    packed(&pack, &to.host()).run("import site.tar --to TO").any_stderr().code(0);
    assert_eq!(to.registry().tags("a/b"), ["1", "one"]);

    let to = Server::start(Options { referrers: Referrers::Off, ..Options::memory() }).unwrap();
    packed(&pack, &to.host()).run("import site.tar --to TO").any_stderr().code(0);
    let site = packed(&more, &to.host());
    site.run("import site.tar --to TO").any_stderr().code(0);
    let found = to.registry().manifest("a/b", &tag).unwrap();
    let bytes = to.registry().content(&found.digest).unwrap().unwrap().read(1 << 20).unwrap();
    let list: Value = serde_json::from_slice(&bytes).unwrap();
    let listed: Vec<&Value> =
        list["manifests"].as_array().unwrap().iter().map(|entry| &entry["digest"]).collect();
    assert_eq!(listed, [&json!(one.digest()), &json!(two.digest())]);
    assert_eq!(list["manifests"][0]["artifactType"], "application/vnd.one");
    assert_eq!(list["manifests"][0]["annotations"], json!({"seed": "2"}));
    to.clear_requests();
    site.run("import site.tar --to TO").stderr_holds("0 B sent").code(0);
    assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")));
}

#[test]
fn regctl_finds_referrers_in_docker_registry() {
    let subject = image(1, 1, 10);
    let one = artifact(2, "application/vnd.one", Some(&subject));
    let to = DockerRegistry::start();
    let site = packed(&Pack::new().graph("q.io/a/b:1", &subject).graph("q.io/a/b:one", &one), to.host());
    site.run("import site.tar --to TO").any_stderr().code(0);
    let listed = run(command("regctl", site.root()).args([
        "--host",
        &format!("reg={},tls=disabled", to.host()),
        "artifact",
        "list",
        &format!("{}/a/b:1", to.host()),
        "--format",
        "{{range .Descriptors}}{{println .Digest}}{{end}}",
    ]));
    assert_eq!(listed.trim(), one.digest().to_string());
}
