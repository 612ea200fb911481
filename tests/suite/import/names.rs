//! Names at the destination: layouts, prefixes, `as=`, collisions.

use crate::fixture::Pack;
use crate::fixture::{artifact, image};
use crate::site::Site;

use super::place::{packed, server};

fn several() -> (Pack, String) {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let pinned = format!("quay.io/org/pinned@{}", two.digest());
    let pack = Pack::new()
        .graph("docker.io/library/nginx:1.27", &one)
        .graph(&pinned, &two)
        .file("Set Up.sh", b"#!/bin/sh\n")
        .add(&artifact(3, "application/vnd.example", None), |artifact| {
            artifact.reference = "localhost:5000/a/b:1".to_owned();
            artifact.wanted = Some("else/where".to_owned());
            artifact.names = vec!["localhost:5000/a/b:1".to_owned()];
        });
    (pack, two.digest().short())
}

#[test]
fn a_dry_run_prints_where_everything_would_land_and_asks_nobody() {
    let (pack, short) = several();
    let site = packed(&pack, "registry.invalid:5000").named("OF-ROOT", format!("digest-{short}"));
    let file = pack.contents().artifacts[2].digest.short();
    let site = site.named("OF-FILE", format!("digest-{file}"));
    for (flags, expected) in [
        (
            "",
            "docker.io/library/nginx:1.27 -> TO/library/nginx:1.27\n\
             quay.io/org/pinned@sha256:[1] -> TO/org/pinned:OF-ROOT\n\
             Set Up.sh -> TO/files/set-up.sh:OF-FILE\n\
             localhost:[port]/a/b:1 -> TO/else/where:1\n",
        ),
        (
            "--layout host-path --no-digest-tags",
            "docker.io/library/nginx:1.27 -> TO/docker.io/library/nginx:1.27\n\
             quay.io/org/pinned@sha256:[1] -> TO/quay.io/org/pinned@sha256:[1]\n\
             Set Up.sh -> TO/files/set-up.sh@sha256:[2]\n\
             localhost:[port]/a/b:1 -> TO/else/where:1\n",
        ),
        (
            "--layout flat --only image --except *nginx*",
            "quay.io/org/pinned@sha256:[1] -> TO/pinned:OF-ROOT\n",
        ),
    ] {
        site.run(&format!("import site.tar --to TO --dry-run {flags}"))
            .stdout(expected)
            .stderr("nothing was asked of the registry, and nothing was pushed\n")
            .code(0);
    }
}

#[test]
fn every_spelling_of_a_destination_is_taken() {
    let site = packed(&Pack::new().graph("docker.io/a/b:1", &image(1, 1, 10)), "registry.invalid");
    for to in ["docker://TO/p", "oci://TO/p/", "http://TO/p", "TO/p"] {
        site.run(&format!("import site.tar --to {to} --dry-run"))
            .stdout("docker.io/a/b:1 -> TO/p/a/b:1\n")
            .any_stderr()
            .code(0);
    }
    site.run("import site.tar").stderr_holds("--to").code(2);
    site.run("import site.tar --to ./folder").stderr_holds("got a path").code(2);
}

#[test]
fn two_artifacts_of_one_name_are_refused_before_anything_is_pushed() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let pack =
        Pack::new().graph("cr.agentgateway.dev/controller:v1", &one).graph("ghcr.io/controller:v1", &two);
    let to = server();
    let site = packed(&pack, &to.host());
    let stderr = "error: 1 name of the destination would each name two things\n  \
                  `mirror/controller:v1` is wanted by `cr.agentgateway.dev/controller:v1` (sha256:[1]) and by \
                  `ghcr.io/controller:v1` (sha256:[2])\n\n\
                  hint: keep them apart with `--layout host-path`, or leave all but one out with `--except`\n";
    site.run("import site.tar --to TO/mirror").stderr(&format!("{stderr}nothing was pushed\n")).code(1);
    site.run("import site.tar --to TO/mirror --dry-run")
        .stdout(
            "cr.agentgateway.dev/controller:v1 -> TO/mirror/controller:v1\n\
             ghcr.io/controller:v1 -> TO/mirror/controller:v1\n",
        )
        .stderr_holds(stderr)
        .code(1);
    assert_eq!(to.requests(), []);
    let report = site.run("import site.tar --to TO/mirror --json").json(1);
    assert_eq!(report["status"], "failed");
    assert_eq!(report["artifacts"][0]["status"], "skipped");
    site.run("import site.tar --to TO/mirror --layout host-path").any_stderr().code(0);
    two.assert_in(to.registry(), "mirror/ghcr.io/controller", "v1");
    site.run("import site.tar --to TO/mirror --except ghcr.io/*").any_stderr().code(0);
    one.assert_in(to.registry(), "mirror/controller", "v1");
}

#[test]
fn the_same_twice_under_one_name_is_no_collision() {
    let one = image(1, 1, 10);
    let pack = Pack::new().graph("docker.io/a/b:1", &one).graph("quay.io/a/b:1", &one);
    let to = server();
    let report = packed(&pack, &to.host()).run("import site.tar --to TO --json").json(0);
    assert_eq!(report["artifacts"][0]["status"], "done");
    assert_eq!(report["artifacts"][1]["status"], "done");
    one.assert_in(to.registry(), "a/b", "1");
}

#[test]
fn names_that_cannot_be_are_told_together() {
    let one = image(1, 1, 10);
    let pack = Pack::new()
        .add(&one, |artifact| {
            artifact.reference = "quay.io/a/b:1".to_owned();
            artifact.wanted = Some("Not/Valid".to_owned());
        })
        .add(&image(2, 1, 10), |artifact| {
            artifact.reference = "quay.io/a/c:1".to_owned();
            artifact.wanted = Some("c:.tag".to_owned());
        });
    packed(&pack, "registry.invalid")
        .run("import site.tar --to TO")
        .stderr_holds("`Not/Valid` is not a repository")
        .stderr_holds("`.tag` is not a tag")
        .code(1);
}

#[test]
fn selections_that_take_nothing_are_told() {
    let site: Site = packed(&Pack::new().graph("docker.io/a/b:1", &image(1, 1, 10)), "registry.invalid");
    site.run("import site.tar --to TO --dry-run --except charts")
        .any_stdout()
        .stderr_holds("warning: `chart` takes nothing in the bundle")
        .code(0);
    site.run("import site.tar --to TO --only charts")
        .stderr_holds("leave none of the bundle's artifacts")
        .code(2);
}

#[test]
fn names_that_the_list_gave_are_not_kept_apart_by_a_layout() {
    let named = |pack: Pack, reference: &str, seed: u64| {
        pack.add(&image(seed, 1, 10), |artifact| {
            artifact.reference = reference.to_owned();
            artifact.wanted = Some("same:1".to_owned());
        })
    };
    let pack = named(named(Pack::new(), "quay.io/a/b:1", 1), "ghcr.io/a/c:1", 2);
    packed(&pack, "registry.invalid")
        .run("import site.tar --to TO")
        .stderr_holds(
            "hint: leave all but one out with `--except`, or give them different `as=` in the list\n",
        )
        .code(1);
}
