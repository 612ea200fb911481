//! A first import, and the same again.

use crate::docker_registry::DockerRegistry;
use crate::fixture::{image, index};

use super::place::{bundle, server, source};

#[test]
fn everything_lands_and_a_rerun_sends_nothing() {
    let (one, two) = (image(1, 3, 1000), index(2, &["linux/amd64", "linux/arm64"], 2, 500));
    let (from, to) = (source(&[("a/one:1", &one), ("two:v2", &two)]), server());
    let site = bundle(&from, &to.host(), &["a/one:1", "two:v2"], "");
    site.run("import site.tar --to TO/mirror")
        .stderr(
            "2 artifacts for `TO/mirror`: 2 imported; 18.6 KiB sent, 0 B there already\n\
             next: pull from there, for example `TO/mirror/a/one:1`\n\
             integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n",
        )
        .code(0);
    one.assert_in(to.registry(), "mirror/a/one", "1");
    two.assert_in(to.registry(), "mirror/two", "v2");
    to.clear_requests();
    site.run("import site.tar --to TO/mirror").stderr_holds("2 there already; 0 B sent").code(0);
    let asked = to.requests();
    assert!(asked.iter().all(|request| matches!(request.method.as_str(), "HEAD" | "GET")), "{asked:?}");
    assert!(asked.len() <= 16, "{}: {asked:?}", asked.len());
}

#[test]
fn docker_registry_takes_it_too() {
    let (one, two) = (image(1, 3, 1000), index(2, &["linux/amd64", "linux/arm64"], 2, 500));
    let from = source(&[("a/one:1", &one), ("two", &two)]);
    let to = DockerRegistry::start();
    let by_digest = format!("two@{}", two.digest());
    let site = bundle(&from, to.host(), &["a/one:1", &by_digest], "");
    site.run("import site.tar --to TO").stderr_holds("2 imported").code(0);
    site.run("import site.tar --to TO").stderr_holds("2 there already; 0 B sent").code(0);
    let report = site.run("import site.tar --to TO --json").json(0);
    assert_eq!(
        report["artifacts"][1]["target"],
        format!("{}/two:digest-{}", to.host(), two.digest().short())
    );
    assert_eq!(report["artifacts"][1]["status"], "present");
}
