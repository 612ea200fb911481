//! Names at the destination: collisions, tags that name something else, short paths, what is needed before.

use crate::fixture::{image, index};

use super::place::{fill, server, site};

#[test]
fn two_sources_of_one_name_are_refused_before_anything_is_pushed() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let (from, other, to) = (server(), server(), server());
    fill(&from, &[("controller:v1", &one)]);
    fill(&other, &[("controller:v1", &two)]);
    let site = site(&from, &to, &["controller:v1"]).named("OTHER", other.host());
    site.run("mirror --list list.txt OTHER/controller:v1 --to TO/mirror")
        .stderr_holds("error: 1 name of the destination would each name two things\n  `mirror/controller:v1` is wanted by")
        .stderr_holds("hint: keep them apart with `--layout host-path`, or leave all but one out with `--except`\n")
        .code(1);
    assert_eq!(to.requests(), []);
    site.run("mirror --list list.txt OTHER/controller:v1 --to TO --layout host-path").any_stderr().code(0);
    let path = |host: String| format!("{}/controller", host.replace(':', "_"));
    one.assert_in(to.registry(), &path(from.host()), "v1");
    two.assert_in(to.registry(), &path(other.host()), "v1");
}

#[test]
fn flat_names_collide_where_the_last_part_is_the_same() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let (from, to) = (server(), server());
    fill(&from, &[("a/app:1", &one), ("b/app:1", &two), ("b/app:2", &two)]);
    let site = site(&from, &to, &["a/app:1", "b/app:1"]);
    site.run("mirror --list list.txt --to TO --layout flat")
        .stderr_holds(
            "`app:1` is wanted by `SOURCE/a/app:1` (sha256:[1]) and by `SOURCE/b/app:1` (sha256:[2])",
        )
        .stderr_holds("hint: keep them apart with `--layout host-path`")
        .code(1);
    assert_eq!(to.requests(), []);
    site.run("mirror SOURCE/a/app:1 SOURCE/b/app:2 --to TO/m --layout flat").any_stderr().code(0);
    one.assert_in(to.registry(), "m/app", "1");
    two.assert_in(to.registry(), "m/app", "2");
}

#[test]
fn deeper_paths_are_made_short_and_checked() {
    let (one, two) = (image(1, 1, 10), image(2, 1, 10));
    let (from, to) = (server(), server());
    fill(&from, &[("a/b/c:1", &one), ("a/b-c:1", &two)]);
    let site = site(&from, &to, &["a/b/c:1"]);
    site.run("mirror --list list.txt --to TO/m --max-components 2 --dry-run")
        .stdout("SOURCE/a/b/c:1 -> TO/m/a-b-c:1\n")
        .any_stderr()
        .code(0);
    site.run("mirror --list list.txt SOURCE/a/b-c:1 --to TO --max-components 2")
        .stderr_holds("`a/b-c:1` is wanted by `SOURCE/a/b-c:1` (sha256:")
        .stderr_holds("hint: leave all but one out")
        .code(1);
    site.run("mirror --list list.txt --to TO/m/n --max-components 2")
        .stderr_holds("error: `--max-components 2` leaves no part for names: the prefix `m/n` has 2\n")
        .code(2);
    site.run("mirror --list list.txt --to TO/m --max-components 2").any_stderr().code(0);
    one.assert_in(to.registry(), "m/a-b-c", "1");
    assert_eq!(to.registry().tags("m/airgap-bundle").len(), 1);
}

#[test]
fn what_is_needed_is_printed_and_nobody_is_asked() {
    let (from, to) = (server(), server());
    let site = site(&from, &to, &["a/one:1", "b/two:1", "c/d/e:1 as=other/name"]).file("setup.sh", "x");
    site.run("mirror --list list.txt ./setup.sh --to TO/m --print repositories --except *two*")
        .stdout("m/a/one\nm/airgap-bundle\nm/files/setup.sh\nm/other/name\n")
        .code(0);
    site.run("mirror --list list.txt --to TO --print repositories --layout flat --no-receipt")
        .stdout("one\nother/name\ntwo\n")
        .code(0);
    assert_eq!((from.requests(), to.requests()), (vec![], vec![]));
}

#[test]
fn a_tag_that_names_something_else_is_moved_only_where_that_is_said() {
    let (old, new) = (image(1, 1, 10), index(2, &["linux/amd64", "linux/arm64"], 1, 10));
    let (from, to) = (server(), server());
    fill(&from, &[("a:1", &new)]);
    fill(&to, &[("a:1", &old)]);
    let site = site(&from, &to, &["a:1"]);
    site.run("mirror --list list.txt --to TO")
        .stderr_holds("error: 1 tag names something else at the destination\n  `TO/a:1` is sha256:")
        .code(1);
    old.assert_in(to.registry(), "a", "1");
    site.run("mirror --list list.txt --to TO --move-tags").stderr_holds("1 mirrored").code(0);
    new.assert_in(to.registry(), "a", "1");
    old.assert_in(to.registry(), "a", &format!("digest-{}", old.digest().short()));
}
